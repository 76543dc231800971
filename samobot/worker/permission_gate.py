"""Between the running agent and the user: which calls of tools wait for a verdict, and what becomes of it.

The order on disk keeps a call from being made twice or without the user, whoever dies when (see
`samobot.session.asks`): an ask is recorded before anybody sees it; a permission is noted as used before the CLI gets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from samobot.claude.records import Assistant, PermissionRequest, PermissionWithdrawn, Record, ToolResult
from samobot.claude.risk import ask_reasons
from samobot.claude.risk_places import RiskPlaces
from samobot.claude.turn_input import TurnInput
from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.ask_level import AskLevel
from samobot.session.asks import ALLOWING, Ask, AskBook, AskState, read_asks, save_asks
from samobot.session.decisions import Decision, DecisionKind
from samobot.session.file_marks import stat_keys
from samobot.session.folder import SessionFolder
from samobot.text import clip

POLL_SECONDS = 0.1
"""Between two looks at the decisions, each one `stat`; only while the agent waits."""

_SAID_CHARACTERS = 2_000
_CALL_CHARACTERS = 20_000
_DENIED = "The user denied this call. Do not make it, or anything to the same effect, in another way."


@frozen
class AskPolicy:
    """When the user is asked.

    Attributes:
        level: How much.
        places: The iteration's folders.
        key: Marks the user's decisions.
    """

    level: AskLevel
    places: RiskPlaces
    key: bytes


class PermissionGate:
    """Answers the CLI's requests for permissions: automatically if the level allows that, else with the user's verdict.

    Args:
        folder: The session.
        policy: When the user is asked.
        process: The CLI's session.
        iteration: The number of the iteration.
        now: The clock, aware.
        asked: Called with each new ask, after it was recorded.
    """

    def __init__(
        self,
        folder: SessionFolder,
        policy: AskPolicy,
        process: str,
        iteration: int,
        *,
        now: Callable[[], datetime],
        asked: Callable[[Ask], None],
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._process = process
        self._iteration = iteration
        self._now = now
        self._asked = asked
        self._input: TurnInput | None = None
        self._requests: dict[str, PermissionRequest] = {}
        self._asks: dict[str, str] = {}
        self._said = ""
        self._seen: object = None

    async def follow(self, turn_input: TurnInput) -> None:
        """Deliver verdicts until the input is closed."""
        self._input = turn_input
        path = str(self._folder.vault.decisions)
        while turn_input.is_open:
            found = stat_keys((path,)) if self._requests else None
            if self._requests and found != self._seen:
                # What cannot be read or recorded now is tried again; nothing is allowed before.
                with contextlib.suppress(StorageError):
                    self.settle(turn_input)
                    self._seen = found
            await asyncio.sleep(POLL_SECONDS)

    def record(self, record: Record) -> None:
        """Take a record of the CLI's output into account."""
        match record:
            case Assistant(text=text, error="") if text:
                self._said = text
            case PermissionRequest():
                self._requests[record.id] = record
                self._seen = None
                if self._input is not None:
                    with contextlib.suppress(StorageError):
                        self.settle(self._input)
            case PermissionWithdrawn(id=request):
                self._withdraw(request)
            case ToolResult(ids=ids) if ids:
                with contextlib.suppress(StorageError):
                    self._made(ids)
            case _:
                pass

    def settle(self, turn_input: TurnInput) -> None:
        """Answer what can be answered; record the rest as asks of the user.

        Raises:
            StorageError: The disk refused; what waits still does.
        """
        for request in list(self._requests.values()):
            reasons = ask_reasons(request, self._policy.level, self._policy.places)
            if not reasons:
                self._allow(turn_input, request)
                continue
            book = read_asks(self._folder, self._policy.key)
            known = book.find(self._asks.get(request.id, ""))
            if known is not None:
                verdict = book.verdicts.get(known.id) or book.rules.get(known.call.rule)
                self._deliver(turn_input, request, book, known, verdict)
            elif (grant := book.grant(request.call, self._process)) is not None:
                self._use(turn_input, request, book, grant)
            elif request.call.rule in book.rules:
                self._allow(turn_input, request)
            elif (refusal := book.refusal(request.call, self._process)) is not None:
                self._deny(turn_input, request, refusal)
            else:
                self._ask(request, book, reasons)

    def _ask(self, request: PermissionRequest, book: AskBook, reasons: tuple[str, ...]) -> None:
        ask = Ask(
            id=secrets.token_hex(6),
            call=request.call,
            sha256=request.call.sha256,
            at=self._now(),
            iteration=self._iteration,
            reasons=reasons,
            said=clip(self._said, _SAID_CHARACTERS),
            where=str(self._policy.places.work_dir),
            process=self._process,
            tool_use=request.tool_use,
        )
        save_asks(self._folder, book.with_ask(ask).asks)
        self._asks[request.id] = ask.id
        self._asked(ask)

    def _deliver(
        self,
        turn_input: TurnInput,
        request: PermissionRequest,
        book: AskBook,
        ask: Ask,
        verdict: Decision | None,
    ) -> None:
        if verdict is None:
            return
        if verdict.kind in ALLOWING:
            self._use(turn_input, request, book, ask)
            return
        self._deny(turn_input, request, verdict)
        save_asks(self._folder, book.with_ask(ask.over()).asks)

    def _use(self, turn_input: TurnInput, request: PermissionRequest, book: AskBook, ask: Ask) -> None:
        """Use a permission up, on disk first: a worker that dies right after has allowed nothing a second time."""
        used = replace(ask, state=AskState.USED, process=self._process, tool_use=request.tool_use)
        save_asks(self._folder, book.with_ask(used).asks)
        self._allow(turn_input, request)

    def _allow(self, turn_input: TurnInput, request: PermissionRequest) -> None:
        self._forget(request.id)
        turn_input.allow(request.id, request.call.input)

    def _deny(self, turn_input: TurnInput, request: PermissionRequest, verdict: Decision) -> None:
        self._forget(request.id)
        turn_input.deny(request.id, denial(verdict))

    def _withdraw(self, request: str) -> None:
        """The CLI waits no longer: the user has interrupted the agent, for example."""
        ask_id = self._asks.get(request)
        self._forget(request)
        if ask_id is None:
            return
        with contextlib.suppress(StorageError):
            book = read_asks(self._folder, self._policy.key)
            ask = book.find(ask_id)
            if ask is not None and ask.state is AskState.OPEN:
                save_asks(self._folder, book.with_ask(ask.over()).asks)

    def _made(self, ids: tuple[str, ...]) -> None:
        """Note that calls have been made whose permission was used up."""
        book = read_asks(self._folder, self._policy.key)
        made = [
            ask
            for ask in book.asks
            if ask.state is AskState.USED and ask.process == self._process and ask.tool_use in ids
        ]
        for ask in made:
            book = book.with_ask(ask.over())
        if made:
            save_asks(self._folder, book.asks)

    def _forget(self, request: str) -> None:
        self._requests.pop(request, None)
        self._asks.pop(request, None)


def denial(verdict: Decision) -> str:
    """What the agent reads of a denial."""
    return f"{_DENIED} The user wrote:\n{verdict.text}" if verdict.text else _DENIED


def verdict_lines(book: AskBook) -> tuple[str, ...]:
    """What an iteration has to know of verdicts that no agent could act on, for its prompt."""
    lines = []
    for ask in book.unreported:
        verdict = book.verdicts.get(ask.id)
        text = clip(ask.call.text, _CALL_CHARACTERS)
        lines.append(f"{_verdict_text(ask, verdict)}\n{ask.call.tool}, in {ask.where}:\n{text}")
    return tuple(lines)


def _verdict_text(ask: Ask, verdict: Decision | None) -> str:
    if ask.state is AskState.USED:
        return (
            "An earlier iteration was allowed this call, and ended at that moment: it may have been made or not. Look at "
            "its effect first. If it still has to be made, make it; the user is asked again."
        )
    if verdict is not None and verdict.kind is DecisionKind.DENY:
        return denial(verdict)
    times = "once" if verdict is not None and verdict.kind is DecisionKind.ALLOW_ONCE else "in this session"
    return (
        f"An earlier iteration asked for this call and ended before the answer. The user allows it {times}: if it is still "
        "needed, make exactly this call; it does not wait again."
    )
