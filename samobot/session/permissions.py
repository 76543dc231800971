"""The user's verdicts on calls that the agent asked for, and the permissions for a session: the only module that records them.

Each is on disk before its function returns, and may be repeated after a crash: nothing is recorded twice.
"""

from __future__ import annotations

from datetime import datetime

from samobot.errors import ConflictError, NotFoundError
from samobot.frozen import frozen
from samobot.session.asks import VERDICTS, Ask, AskState, read_asks
from samobot.session.decisions import Decision, DecisionKind, record
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person, journal_decisions
from samobot.session.tamper import revert_and_log
from samobot.session.vault import edit_lock
from samobot.text import without_surrogates

VERDICT_TEXTS = {
    DecisionKind.ALLOW_ONCE: "allowed once",
    DecisionKind.ALLOW_SESSION: "allowed for this session",
    DecisionKind.DENY: "denied",
}
"""What a verdict reads like, after the name of the call."""


@frozen
class AskVerdict:
    """A verdict on an ask; `repeated` when the same was recorded before."""

    ask: Ask
    decision: Decision
    repeated: bool


def decide(
    folder: SessionFolder,
    ask_id: str,
    kind: DecisionKind,
    person: Person,
    now: datetime,
    key: bytes,
    *,
    expected: str | None = None,
    text: str = "",
) -> AskVerdict:
    """Allow or deny a call; the running agent, or the next iteration, acts on it.

    Args:
        folder: The session.
        ask_id: Which ask.
        kind: One of `VERDICTS`.
        person: Who decides.
        now: When.
        key: The key of the marks.
        expected: Fingerprint of the call that the user was shown; None takes it as it is.
        text: What the agent reads with a denial; may be empty.

    Raises:
        NotFoundError: There is no such ask.
        ConflictError: It is another call, was decided otherwise, or does not wait any longer.
        StorageError: The disk refused.
    """
    assert kind in VERDICTS, kind
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        book = read_asks(folder, key)
        ask = book.find(ask_id)
        if ask is None:
            raise NotFoundError(f"{folder.name} does not ask for that any longer.")
        if expected is not None and expected != ask.sha256:
            raise ConflictError("This is another call than the one that was shown; look at it again.")
        known = book.verdicts.get(ask.id)
        if known is not None and known.kind is not kind:
            raise ConflictError(f"{known.who} has decided that already: {VERDICT_TEXTS[known.kind]}.")
        if known is None and ask.state is not AskState.OPEN:
            raise ConflictError(f"{folder.name} does not wait for that any longer.")
        decision = known or record(
            folder,
            Decision(
                at=now,
                who=person.who,
                via=person.via,
                kind=kind,
                question=f"{ask.call.tool}: {ask.call.subject}",
                asked=ask.id,
                text=without_surrogates(text).strip() or None,
                sha256=ask.sha256,
                rule=ask.call.rule if kind is DecisionKind.ALLOW_SESSION else None,
            ),
            key,
        )
        journal_decisions(folder, now, key)
        return AskVerdict(ask, decision, known is not None)


def withdraw(
    folder: SessionFolder, rule: str | None, person: Person, now: datetime, key: bytes
) -> tuple[str, ...]:
    """End permissions for the session; what they would allow is asked again. Safe to repeat.

    Args:
        folder: The session.
        rule: Which; None ends all.
        person: Who decides.
        now: When.
        key: The key of the marks.

    Returns:
        Those that were ended.

    Raises:
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        rules = read_asks(folder, key).rules
        ended = tuple(rules) if rule is None else tuple(each for each in rules if each == rule)
        for each in ended:
            record(folder, Decision(now, person.who, person.via, DecisionKind.WITHDRAW, rule=each), key)
        journal_decisions(folder, now, key)
        return ended
