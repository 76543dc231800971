"""The user's verdict on a plan: approval and rejection. Part of `gate`."""

from __future__ import annotations

from datetime import datetime

from samobot.errors import ConflictError, NotFoundError, UsageError
from samobot.frozen import frozen
from samobot.phases import Phase, WaitingFor
from samobot.session.decisions import Decision, DecisionKind, record, verdict
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import (
    Person,
    Settled,
    carry_out,
    journal_decisions,
    lift_approved,
    lift_rejected,
    look_closely,
    look_unless_done,
    on_record,
)
from samobot.session.gate_state import GateState
from samobot.session.lock import holder
from samobot.session.plan import Plan
from samobot.session.tamper import revert_and_log
from samobot.session.user_guidance import add
from samobot.session.vault import edit_lock
from samobot.text import without_surrogates


@frozen
class PlanVerdict:
    """A decision on a plan; `repeated` when the same had been decided before."""

    plan: Plan
    repeated: bool
    settled: Settled


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
            add(folder, person.who, feedback, now, once=True)
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
