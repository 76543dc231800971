"""What a session needs from the user now, and its name: another round of questions is another need."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from samobot.fleet.models import SessionView
from samobot.frozen import frozen
from samobot.phases import WaitingFor
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState


class NeedKind(StrEnum):
    """The kinds of needs."""

    QUESTIONS = "questions"
    PLAN = "plan"
    PERMISSION = "permission"
    ACTION = "action"
    BLOCK = "block"
    BUDGET = "budget"
    ITERATIONS = "iterations"
    FAILED = "failed"
    LOST = "lost"


@frozen
class Need:
    """Something that a session waits for until the user acts.

    Attributes:
        kind: What it is.
        name: Its name, unique within the session; the same for as long as it is open.
    """

    kind: NeedKind
    name: str


_WAITING = {
    WaitingFor.QA_ANSWERS: NeedKind.QUESTIONS,
    WaitingFor.PLAN_APPROVAL: NeedKind.PLAN,
    WaitingFor.HUMAN_ACTION: NeedKind.ACTION,
    WaitingFor.FILE_UPDATE: NeedKind.ACTION,
    WaitingFor.PERMISSION: NeedKind.PERMISSION,
}

_ENDS = {
    RunEndReason.BUDGET: NeedKind.BUDGET,
    RunEndReason.ITERATIONS: NeedKind.ITERATIONS,
    RunEndReason.FAILED: NeedKind.FAILED,
}

_NEEDY = frozenset({SessionState.WAITING, SessionState.BLOCKED, SessionState.IDLE})


def need_of(view: SessionView) -> Need | None:
    """Say what holds a session up; None while it works, waits for its turn or a limit, or is over."""
    if view.state not in _NEEDY or view.archived:
        return None
    if view.state is SessionState.WAITING and view.waiting_for is not None and view.gate is not None:
        return Need(_WAITING[view.waiting_for], view.gate)
    if view.state is SessionState.BLOCKED:
        kind = _ENDS.get(view.end.reason, NeedKind.BLOCK) if view.end is not None else NeedKind.BLOCK
        return Need(kind, f"{kind}:{occurrence(view)}")
    if view.state is SessionState.IDLE and view.lost and not view.wanted and view.place is None:
        return Need(NeedKind.LOST, f"{NeedKind.LOST}:{view.run}")
    return None


def occurrence(view: SessionView) -> str:
    """Name the moment at which a session became idle."""
    if view.end is not None:
        return f"{view.end.at:%Y%m%dT%H%M%S.%f}"
    words = f"{view.phase} {view.iteration} {view.asked}"
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]
