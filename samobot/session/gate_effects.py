"""The effects of decisions on a session's files. The caller holds the folder's edit lock throughout."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from samobot.errors import SessionDoneError, StorageError
from samobot.frozen import frozen
from samobot.phases import RULES, Phase, WaitingFor
from samobot.session import journal
from samobot.session.baseline import decided_since, edit_overview
from samobot.session.decisions import Decision, DecisionKind, is_marked
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import GateState, is_waiting, look
from samobot.session.journal import EventName, Journal
from samobot.session.last_run import TASKS_OF_USER, is_done, unlifted_release
from samobot.session.lock import holder
from samobot.session.overview import parse_overview
from samobot.session.overview_edits import add_flow, flow_line, set_status
from samobot.session.plan import Plan
from samobot.session.turn import remove_signal
from samobot.text import plural


@frozen
class Person:
    """The user who decides.

    Attributes:
        who: The user's name, for display.
        via: The source of the decision: `telegram`, `terminal`, ….
    """

    who: str
    via: str


class Settled(StrEnum):
    """What `settle` has carried out."""

    NOTHING = "nothing"
    ANSWERED = "answered"
    APPROVED = "approved"
    REJECTED = "rejected"


def look_closely(folder: SessionFolder) -> GateState:
    """Read the state of the gates, and fail if a file cannot be read.

    Raises:
        StorageError: One of them cannot be read.
    """
    standing = look(folder)
    if standing.unreadable:
        raise StorageError(standing.unreadable[0])
    return standing


def refuse_if_done(folder: SessionFolder) -> None:
    """Refuse guidance and decisions that no iteration would read.

    Raises:
        SessionDoneError: The session is done.
        StorageError: A file cannot be read.
    """
    # A plan or questions that cannot be read do not keep guidance from being taken.
    if holder(folder) is None and is_done(look(folder), journal.read(folder)):
        raise SessionDoneError(folder.name)


def look_unless_done(folder: SessionFolder) -> tuple[GateState, Journal]:
    """Read what a decision is based on, once for all of its steps.

    Raises:
        SessionDoneError: The session is done.
        StorageError: A file cannot be read.
    """
    standing, known = look_closely(folder), journal.read(folder)
    if is_done(standing, known) and holder(folder) is None:
        raise SessionDoneError(folder.name)
    return standing, known


def carry_out(
    folder: SessionFolder, now: datetime, *, held_by_us: bool, standing: GateState | None = None
) -> Settled:
    """Open the gate that the session waits at if it is satisfied; see `gate.settle`.

    Args:
        folder: The session.
        now: The time.
        held_by_us: Whether the caller holds the run lock.
        standing: The state of the gates, if the caller has just read it.
    """
    if not held_by_us and holder(folder) is not None:
        return Settled.NOTHING
    standing = standing or look_closely(folder)
    if standing.block is not None or standing.open_gate in TASKS_OF_USER:
        release = unlifted_release(folder, journal.read(folder), standing)
        if release is not None:
            lift_released(folder, release.kind, release.who, now)
        return Settled.NOTHING
    if standing.awaited is None or standing.open_gate is not None:
        return Settled.NOTHING
    match standing.awaited:
        case WaitingFor.QA_ANSWERS if standing.qa.questions:
            words = f"{plural(len(standing.qa.questions), 'question')} answered → {folder.qa.name}"
            lift(folder, words, now, then="Continue with the answers")
            return Settled.ANSWERED
        case WaitingFor.PLAN_APPROVAL if standing.verdict is not None and standing.plan is not None:
            if not standing.plan_approved:
                lift_rejected(folder, standing.verdict.who, standing.plan, now)
                return Settled.REJECTED
            lift_approved(folder, standing, standing.verdict, standing.plan, now)
            return Settled.APPROVED
        case _:
            return Settled.NOTHING


def lift_approved(
    folder: SessionFolder, standing: GateState, verdict: Decision, plan: Plan, now: datetime
) -> None:
    """Move to implementation after an approval; in another phase, just continue."""
    planning = standing.overview.phase is Phase.PLANNING
    if planning:
        _journal_move(folder, verdict, now)
    words = f"{verdict.who} approved the plan → {plan.name}"
    to = Phase.IMPLEMENTATION if planning else None
    lift(folder, words, now, to=to, then="Carry out the plan")


def lift_rejected(folder: SessionFolder, who: str, plan: Plan, now: datetime) -> None:
    """Continue planning after a rejection."""
    words = f"{who} asked for changes of the plan → {plan.name}"
    lift(folder, words, now, then="Change the plan as asked")


def lift_released(folder: SessionFolder, kind: str, who: str, now: datetime) -> None:
    """Continue after a retry, or after the user has done what was asked."""
    lift(
        folder,
        f"{who} asked to try again" if kind == DecisionKind.RETRY else f"{who} has done what was asked",
        now,
    )


def _journal_move(folder: SessionFolder, verdict: Decision, now: datetime) -> None:
    """Journal the move to implementation once, before it is made: a crash in between must not lose it."""
    last = journal.read(folder).phases[-1:]
    moved = any(
        change.target == Phase.IMPLEMENTATION
        and change.by == "person"
        and (verdict.at is None or change.at >= verdict.at)
        for change in last
    )
    if not moved:
        move = {"from": Phase.PLANNING, "to": Phase.IMPLEMENTATION, "by": "person"}
        journal.append(folder, EventName.PHASE, now, **move)


def lift(
    folder: SessionFolder, flow: str, now: datetime, *, to: Phase | None = None, then: str | None = None
) -> None:
    """Unblock the session: clear `Blocked:` and the signal, and add a line to the Flow Log.

    `then` is the new value of `Next:`, which would otherwise still name the wait.
    """
    text = read_text(folder.overview)
    if to is not None and is_waiting(parse_overview(text or "").blocked):
        # In the next phase a signal without `for` would mean something else.
        remove_signal(folder)
    if text is not None:
        edit_overview(folder, lambda text: _lifted(text, flow_line(flow, now.astimezone()), to, then))
    remove_signal(folder)


def _lifted(text: str, flow: str, to: Phase | None, then: str | None) -> str:
    overview = parse_overview(text)
    changes = {"Blocked": "no"}
    if then is not None and overview.next is not None:
        changes["Next"] = then
    if to is not None:
        changes |= {"Phase": to.value, "Iteration": "0"}
    elif overview.phase is not None and (overview.iteration or 0) >= RULES[overview.phase].limit:
        changes["Iteration"] = "0"
    new = set_status(text, changes)
    return text if new == text else add_flow(new, flow)


def journal_decisions(
    folder: SessionFolder,
    now: datetime,
    key: bytes,
    *,
    standing: GateState | None = None,
    known: Journal | None = None,
) -> None:
    """Append every recorded decision that the journal lacks, including those of a crashed call.

    Args:
        folder: The session.
        now: The time.
        key: Key of the marks.
        standing: The state of the gates, if the caller has read it since the last decision.
        known: The journal, if the caller has read it under the same edit lock.
    """
    ids = (known or journal.read(folder)).decision_ids
    for decision in (standing or look_closely(folder)).decisions.decisions:
        if decision.id and decision.id not in ids and is_marked(folder, decision, key):
            journal.append(
                folder,
                EventName.DECISION,
                decision.at or now,
                id=decision.id,
                kind=decision.kind,
                who=decision.who,
                via=decision.via,
                question=decision.question,
                file=decision.file,
                sha256=decision.sha256,
            )


def on_record(folder: SessionFolder, key: bytes, standing: GateState) -> list[Decision]:
    """Return the decisions that will still be there after a running iteration has been checked.

    While one runs, the file's content may be its forgery, and an old decision is no proof of a new one: a decision
    that seems to be there already must be recorded all the same.
    """
    if standing.baseline is not None:
        return decided_since(folder, standing.baseline)
    return [each for each in standing.decisions.decisions if is_marked(folder, each, key)]
