"""Calls of tools that the agent may make only after the user has allowed them: what was asked, and what came of it.

The worker alone writes the record (`asks.json` in the vault, where no agent is); the user's verdict is a marked
decision of that vault, so two processes never write one file. What holds follows from both:

- A call is made only after its verdict, and after the record has noted that the verdict is used up. A worker that dies
  in between has made no call, or one: never two.
- A question without a verdict stays, whoever dies, and the session waits for it. The verdict on a question whose
  process is gone is part of the next iteration's prompt, and lets exactly that call be made there, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.session.decisions import Decision, DecisionKind, is_marked, parse_decisions
from samobot.session.files import JOURNAL_LIMIT, read_bytes, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.journal import moment, stamp
from samobot.session.tool_call import ToolCall
from samobot.text import clip

VERDICTS = frozenset({DecisionKind.ALLOW_ONCE, DecisionKind.ALLOW_SESSION, DecisionKind.DENY})
"""Decisions about an ask."""

ALLOWING = frozenset({DecisionKind.ALLOW_ONCE, DecisionKind.ALLOW_SESSION})

_KEPT = 20
"""Asks that are over and kept for display."""

_KEPT_CHARACTERS = 10_000


class AskState(StrEnum):
    """How far an ask has come, as the worker records it."""

    OPEN = "open"
    """It has no verdict, or the verdict has not reached an agent."""
    USED = "used"
    """Its permission was used up; whether the call has been made is not known yet."""
    OVER = "over"
    """The call was made or refused, or the agent has read the verdict, or it was withdrawn."""


@frozen
class Ask:
    """One call that waits, or waited, for the user.

    Attributes:
        id: Random; decisions name it.
        call: The call; a long input is forgotten once it is over.
        sha256: Fingerprint of the call.
        at: When it was asked.
        iteration: The iteration in which it was asked.
        reasons: Why the user is asked, as clauses.
        said: The agent's last words before it.
        where: The working directory.
        process: The CLI's session that waits for the verdict, or last used it.
        tool_use: The CLI's name of the call.
        state: How far it has come.
    """

    id: str
    call: ToolCall
    sha256: str
    at: datetime
    iteration: int
    reasons: tuple[str, ...] = ()
    said: str = ""
    where: str = ""
    process: str = ""
    tool_use: str = ""
    state: AskState = AskState.OPEN

    def over(self) -> Ask:
        """The same once nothing more comes of it."""
        call = (
            self.call if self.call.size <= _KEPT_CHARACTERS else ToolCall(self.call.tool, _outline(self.call))
        )
        return replace(self, state=AskState.OVER, call=call)


@frozen
class AskBook:
    """The asks of a session with the user's verdicts.

    Attributes:
        asks: Oldest first.
        verdicts: The first verdict on each ask, by its id.
        rules: The permissions for this session that hold, by what they allow, each with the decision that gave it.
    """

    asks: tuple[Ask, ...] = ()
    verdicts: dict[str, Decision] = field(default_factory=dict)
    rules: dict[str, Decision] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[Ask, ...]:
        """Those that the user has to decide about."""
        return tuple(ask for ask in self.asks if ask.state is AskState.OPEN and ask.id not in self.verdicts)

    @property
    def unreported(self) -> tuple[Ask, ...]:
        """Those whose verdict, or uncertain end, no iteration that ended well has been given."""
        return tuple(
            ask
            for ask in self.asks
            if ask.state is AskState.USED or (ask.state is AskState.OPEN and ask.id in self.verdicts)
        )

    def find(self, identity: str) -> Ask | None:
        """The ask of that id."""
        return next((ask for ask in self.asks if ask.id == identity), None)

    def grant(self, call: ToolCall, process: str) -> Ask | None:
        """The permission for exactly this call that an earlier process did not live to use; None if there is none."""
        for ask in self.asks:
            verdict = self.verdicts.get(ask.id)
            is_left = ask.state is AskState.OPEN and ask.process != process
            if is_left and verdict and verdict.kind in ALLOWING and ask.sha256 == call.sha256:
                return ask
        return None

    def refusal(self, call: ToolCall, process: str) -> Decision | None:
        """The denial of exactly this call in this process: it is not asked again there."""
        found = [
            self.verdicts[ask.id]
            for ask in self.asks
            if ask.process == process and ask.id in self.verdicts and ask.sha256 == call.sha256
        ]
        return found[-1] if found and found[-1].kind is DecisionKind.DENY else None

    def with_ask(self, ask: Ask) -> AskBook:
        """The book with another ask, or another state of one."""
        known = any(each.id == ask.id for each in self.asks)
        asks = tuple(ask if each.id == ask.id else each for each in self.asks) if known else (*self.asks, ask)
        over = [each.id for each in asks if each.state is AskState.OVER][:-_KEPT]
        return replace(self, asks=tuple(each for each in asks if each.id not in over))


def read_asks(folder: SessionFolder, key: bytes | None) -> AskBook:
    """Read the asks and the verdicts on them.

    Args:
        folder: The session.
        key: The key of the marks; None takes every line of the vault's record, for display only.

    Raises:
        StorageError: A file is there and cannot be read.
    """
    asks = _load(folder)
    if not asks:
        return AskBook()
    recorded = read_bytes(folder.vault.decisions, limit=JOURNAL_LIMIT, lines=None) or b""
    found = parse_decisions(recorded.decode("utf-8", "surrogateescape")).decisions
    return book_of(asks, [each for each in found if key is None or is_marked(folder, each, key)])


def save_asks(folder: SessionFolder, asks: Iterable[Ask]) -> None:
    """Replace the record; it is on disk when this returns. For the worker that holds the session alone.

    Raises:
        StorageError: The disk refused.
    """
    values = [
        {**asdict(ask), "call": {"tool": ask.call.tool, "input": dict(ask.call.input)}, "at": stamp(ask.at)}
        for ask in asks
    ]
    folder.vault.prepare()
    write_atomic(folder.vault.asks, json.dumps(values) + "\n", mode=0o600)


def end_reported(folder: SessionFolder, reported: Iterable[str], process: str) -> None:
    """End the asks that an iteration which ended well knows the end of.

    Args:
        folder: The session.
        reported: Ids of the asks whose verdicts its prompt held.
        process: The CLI's session; it knows of every call that it made.

    Raises:
        StorageError: The disk refused.
    """
    book, ids = read_asks(folder, None), frozenset(reported)
    _end(
        folder,
        book,
        [
            ask
            for ask in book.unreported
            if ask.id in ids or (ask.state is AskState.USED and ask.process == process)
        ],
    )


def end_waiting(folder: SessionFolder) -> None:
    """End the asks that wait for the user, who has stopped the run.

    Raises:
        StorageError: The disk refused.
    """
    book = read_asks(folder, None)
    _end(folder, book, book.waiting)


def _end(folder: SessionFolder, book: AskBook, asks: Sequence[Ask]) -> None:
    for ask in asks:
        book = book.with_ask(ask.over())
    if asks:
        save_asks(folder, book.asks)


def _load(folder: SessionFolder) -> tuple[Ask, ...]:
    """The record; what in it cannot be understood allows nothing, and is asked again."""
    content = read_bytes(folder.vault.asks, limit=JOURNAL_LIMIT, lines=None)
    try:
        values = json.loads(content or b"[]")
    except (ValueError, RecursionError):
        return ()
    found = [_parse(each) for each in values] if isinstance(values, list) else []
    return tuple(ask for ask in found if ask is not None)


def _parse(values: Any) -> Ask | None:
    try:
        at = moment(values["at"])
        return (
            None
            if at is None
            else Ask(
                id=str(values["id"]),
                call=ToolCall(str(values["call"]["tool"]), dict(values["call"]["input"])),
                sha256=str(values["sha256"]),
                at=at,
                iteration=int(values["iteration"]),
                reasons=tuple(map(str, values["reasons"])),
                said=str(values["said"]),
                where=str(values["where"]),
                process=str(values["process"]),
                tool_use=str(values["tool_use"]),
                state=AskState(values["state"]),
            )
        )
    except (KeyError, TypeError, ValueError):
        return None


def _outline(call: ToolCall) -> dict[str, Any]:
    """The inputs of a call that are short; what it was can be recognized, and no longer be repeated."""
    return {key: clip(value, 200) for key, value in call.input.items() if isinstance(value, str)}


def book_of(asks: Sequence[Ask], decisions: Iterable[Decision]) -> AskBook:
    """Put asks and decisions together: the first verdict on an ask counts, and the last decision on a rule."""
    verdicts: dict[str, Decision] = {}
    rules: dict[str, Decision] = {}
    for decision in decisions:
        if decision.kind in VERDICTS and decision.asked and decision.asked not in verdicts:
            verdicts[decision.asked] = decision
            if decision.kind is DecisionKind.ALLOW_SESSION and decision.rule:
                rules[decision.rule] = decision
        elif decision.kind is DecisionKind.WITHDRAW and decision.rule:
            rules.pop(decision.rule, None)
    return AskBook(tuple(asks), verdicts, rules)
