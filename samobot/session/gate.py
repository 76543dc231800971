"""The user's decisions at the gates: the only module that records answers and approvals.

Every decision is on disk before its function returns. Each call may be repeated after a crash at any point:
nothing is recorded twice. `settle` then opens the gate if the decisions satisfy it.
"""

from __future__ import annotations

from datetime import datetime

from samobot.errors import ConflictError, NotFoundError, UsageError
from samobot.frozen import frozen
from samobot.phases import GateFacts, Phase, WaitingFor
from samobot.session import journal
from samobot.session.answers import Answered, Receipt, answer, answer_suggestions, find_question, option_text
from samobot.session.baseline import counting_guidance, edit_guidance, load
from samobot.session.decisions import (
    Decision,
    DecisionKind,
    record,
    verdict,
)
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import (
    Person,
    Settled,
    carry_out,
    journal_decisions,
    lift_approved,
    lift_rejected,
    lift_released,
    look_closely,
    look_unless_done,
    on_record,
    refuse_if_done,
)
from samobot.session.gate_state import GateState
from samobot.session.guidance import add_guidance, parse_guidance
from samobot.session.last_run import TASKS_OF_USER, holds, standing_end, unlifted_release
from samobot.session.lock import holder
from samobot.session.plan import Plan
from samobot.session.requests import RequestKind, WorkerRequest, request
from samobot.session.signal import Signal
from samobot.session.tamper import revert_and_log
from samobot.session.vault import edit_lock
from samobot.text import without_surrogates

__all__ = [
    "DECIDED_GATES",
    "Answered",
    "Person",
    "PlanVerdict",
    "Receipt",
    "Settled",
    "action_done",
    "answer",
    "answer_suggestions",
    "approve",
    "facts",
    "find_question",
    "open_gate",
    "option_text",
    "reject",
    "retry",
    "settle",
    "tell",
]


DECIDED_GATES = {
    WaitingFor.QA_ANSWERS: "an answer",
    WaitingFor.PLAN_APPROVAL: "a decision on its plan",
    WaitingFor.PERMISSION: "a permission",
}
"""Gates that only a decision of their own opens, and what that is."""


@frozen
class PlanVerdict:
    """A decision on a plan; `repeated` when the same had been decided before."""

    plan: Plan
    repeated: bool
    settled: Settled


def facts(folder: SessionFolder) -> GateFacts:
    """Return the facts that the phase table asks for.

    Raises:
        StorageError: A file cannot be read.
    """
    return look_closely(folder).facts


def open_gate(folder: SessionFolder) -> WaitingFor | None:
    """Return what the user still has to do before the session can continue, or None.

    Raises:
        StorageError: A file cannot be read.
    """
    return look_closely(folder).open_gate


def approve(
    folder: SessionFolder, person: Person, now: datetime, key: bytes, *, expected: str | None = None
) -> PlanVerdict:
    """Approve the plan as it is now; the session moves to implementation at once, unless it is running.

    Args:
        folder: The session.
        person: Who approves.
        now: When.
        key: The key of the marks.
        expected: The `sha256` of the plan that the user was shown; None takes the plan as it is.

    Raises:
        NotFoundError: There is no plan.
        ConflictError: The plan is not the one that was shown, or the session is done.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        standing, known = look_unless_done(folder)
        plan = _shown_plan(folder, standing, expected)
        last = verdict(on_record(folder, key, standing), plan)
        if last is None or last.kind is not DecisionKind.APPROVAL:
            _decide_plan(folder, DecisionKind.APPROVAL, plan, None, person=person, now=now, key=key)
        decided = look_closely(folder)
        journal_decisions(folder, now, key, standing=decided, known=known)
        settled = carry_out(folder, now, held_by_us=False, standing=decided)
        standing_now = decided if settled is Settled.NOTHING else look_closely(folder)
        idle = standing_now.overview.phase is Phase.PLANNING and standing_now.block is None
        word = standing_now.verdict
        if idle and word is not None and standing_now.plan_approved and holder(folder) is None:
            # It was approved before the agent asked: that is an approval all the same.
            lift_approved(folder, standing_now, word, plan, now)
            settled = Settled.APPROVED
        return PlanVerdict(plan, standing.plan_approved, settled)


def reject(
    folder: SessionFolder,
    feedback: str,
    person: Person,
    now: datetime,
    key: bytes,
    *,
    expected: str | None = None,
) -> PlanVerdict:
    """Return the plan; the feedback becomes guidance, verbatim, and planning can continue.

    Args:
        folder: The session.
        feedback: What should be different.
        person: Who rejects.
        now: When.
        key: The key of the marks.
        expected: The `sha256` of the plan that the user was shown; None takes the plan as it is.

    Raises:
        UsageError: The feedback is empty.
        NotFoundError: There is no plan.
        ConflictError: The plan is not the one that was shown, is being carried out already, or the session is done.
        StorageError: The disk refused.
    """
    feedback = without_surrogates(feedback)
    if not feedback.strip():
        raise UsageError("Say what should be different; without that the next plan would be the same.")
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        standing, known = look_unless_done(folder)
        plan = _shown_plan(folder, standing, expected)
        if standing.plan_approved and standing.overview.phase is not Phase.PLANNING:
            raise ConflictError(
                "The plan was approved and is being carried out; send guidance for what should be different, "
                "or stop it."
            )
        last = verdict(on_record(folder, key, standing), plan)
        repeated = last is not None and last.kind is DecisionKind.REJECTION and last.text == feedback
        if not repeated:
            # The agent must get the feedback even if we die in between; a repeated call adds nothing.
            _add_guidance(folder, person.who, feedback, now, once=True)
            _decide_plan(folder, DecisionKind.REJECTION, plan, feedback, person=person, now=now, key=key)
        decided = look_closely(folder)
        journal_decisions(folder, now, key, standing=decided, known=known)
        settled = carry_out(folder, now, held_by_us=False, standing=decided)
        if (
            standing.awaited is WaitingFor.PLAN_APPROVAL
            and settled is Settled.NOTHING
            and holder(folder) is None
        ):
            # Nothing was left to carry out: the same plan is shown again after an earlier rejection.
            lift_rejected(folder, person.who, plan, now)
            settled = Settled.REJECTED
        return PlanVerdict(plan, repeated, settled)


def tell(
    folder: SessionFolder,
    words: str,
    who: str,
    now: datetime,
    *,
    once: bool = False,
    interrupt: bool = False,
    repeated: bool = False,
) -> None:
    """Leave guidance for the iteration that runs, if that can take it up, or else for the next one.

    Args:
        folder: The session.
        words: The guidance.
        who: Who gives it.
        now: The time, aware.
        once: Whether the same guidance that waits already is enough.
        interrupt: Whether it interrupts what the agent is doing.
        repeated: Whether an earlier attempt, with the same time, may have left it already.

    Raises:
        SessionDoneError: There is no next iteration.
        UsageError: The text is empty.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        refuse_if_done(folder)
        revert_and_log(folder, now)
        if repeated and _has_guidance(folder, who, words, now):
            return
        if interrupt and holder(folder) is not None:
            _check_guidance(folder, who, words, now)  # what is refused interrupts nothing
            # Before the guidance: that is what the worker looks for.
            request(folder, WorkerRequest(RequestKind.INTERRUPT, who))
        _add_guidance(folder, who, words, now, once=once)


def action_done(folder: SessionFolder, person: Person, now: datetime, key: bytes) -> None:
    """Record that what the agent asked for is done; the session can continue.

    Raises:
        ConflictError: It does not wait for that.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        standing = look_closely(folder)
        if standing.open_gate not in TASKS_OF_USER:
            raise ConflictError(f"{folder.name} does not wait for something to be done.")
        _refuse_if_running(folder)
        journal_decisions(folder, now, key, standing=standing)
        if unlifted_release(folder, journal.read(folder), standing) is None:
            about = (
                standing.signal.needs or standing.signal.reason if isinstance(standing.signal, Signal) else ""
            )
            done = Decision(now, person.who, person.via, DecisionKind.ACTION_DONE, text=about or None)
            record(folder, done, key)
            journal_decisions(folder, now, key)
        lift_released(folder, DecisionKind.ACTION_DONE, person.who, now)


def retry(folder: SessionFolder, person: Person, now: datetime, key: bytes) -> None:
    """Resume a blocked, stopped or failed session: lift the block, and restart a visit that is used up.

    One that was stopped or paused at the gate of its questions or plan waits there again.

    Raises:
        ConflictError: It is running, or done, or waits for answers or a decision on its plan.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        _refuse_if_running(folder)
        standing = look_closely(folder)
        refuse_if_done(folder)
        gate_stands = standing.open_gate in DECIDED_GATES
        if standing.open_gate in DECIDED_GATES and not holds(standing_end(folder, journal.read(folder))):
            what = DECIDED_GATES[standing.open_gate]
            raise ConflictError(f"{folder.name} waits for {what}; it cannot continue without.")
        journal_decisions(folder, now, key, standing=standing)
        if unlifted_release(folder, journal.read(folder), standing) is None:
            record(
                folder, Decision(now, person.who, person.via, DecisionKind.RETRY, text=standing.block), key
            )
            journal_decisions(folder, now, key)
        if gate_stands:
            return  # it waits again, and continues after the decision
        lift_released(folder, DecisionKind.RETRY, person.who, now)


def settle(folder: SessionFolder, now: datetime, *, held_by_us: bool = False) -> Settled:
    """Open the gate that the session waits at if the decisions satisfy it. Safe to repeat.

    All answered: no longer blocked, in the same phase. Plan approved: on to implementation. Plan rejected:
    no longer blocked, planning continues.

    Args:
        folder: The session.
        now: The time.
        held_by_us: Set by the worker that holds the run lock; everybody else leaves a running session alone.

    Raises:
        StorageError: A file cannot be read or written.
    """
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        return carry_out(folder, now, held_by_us=held_by_us)


def _shown_plan(folder: SessionFolder, standing: GateState, expected: str | None) -> Plan:
    if standing.plan is None:
        raise NotFoundError(f"{folder.name} has no plan yet: {standing.plan_problem}.")
    if expected is not None and expected != standing.plan.sha256:
        raise ConflictError("The plan has changed since it was shown; look at it again.")
    return standing.plan


def _decide_plan(
    folder: SessionFolder,
    kind: DecisionKind,
    plan: Plan,
    text: str | None,
    *,
    person: Person,
    now: datetime,
    key: bytes,
) -> None:
    decision = Decision(
        at=now,
        who=person.who,
        via=person.via,
        kind=kind,
        text=text,
        file=plan.name,
        sha256=plan.sha256,
    )
    record(folder, decision, key)


def _add_guidance(folder: SessionFolder, who: str, words: str, now: datetime, *, once: bool) -> None:
    known = parse_guidance(counting_guidance(folder, load(folder)) or "")
    if once and any(not item.done and item.text == words for item in known):
        return
    edit_guidance(folder, lambda text: add_guidance(text, who, words, now.astimezone()))


def _check_guidance(folder: SessionFolder, who: str, words: str, now: datetime) -> None:
    add_guidance(counting_guidance(folder, load(folder)) or "", who, words, now.astimezone())


def _has_guidance(folder: SessionFolder, who: str, words: str, now: datetime) -> bool:
    """Whether this item is there, taken up or not."""
    (new,) = parse_guidance(add_guidance("", who, words, now.astimezone()))
    known = parse_guidance(counting_guidance(folder, load(folder)) or "")
    return any((item.when, item.who, item.text) == (new.when, new.who, new.text) for item in known)


def _refuse_if_running(folder: SessionFolder) -> None:
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running ({held.describe()}).")
