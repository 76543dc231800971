"""The user's decisions at the gates: nothing else records answers, plan verdicts and guidance.

Every decision is on disk before its function returns. Each call may be repeated after a crash at any point:
nothing is recorded twice. `settle` then opens the gate if the decisions satisfy it.
"""

from __future__ import annotations

from datetime import datetime

from samobot.errors import ConflictError
from samobot.phases import GateFacts, WaitingFor
from samobot.session import journal
from samobot.session.answers import Answered, Receipt, answer, answer_suggestions, find_question, option_text
from samobot.session.decisions import Decision, DecisionKind, record
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import (
    Person,
    Settled,
    carry_out,
    journal_decisions,
    lift_released,
    look_closely,
    refuse_if_done,
)
from samobot.session.last_run import TASKS_OF_USER, holds, standing_end, unlifted_release
from samobot.session.lock import holder
from samobot.session.plan_verdicts import PlanVerdict, approve, reject
from samobot.session.signal import Signal
from samobot.session.tamper import revert_and_log
from samobot.session.user_guidance import tell
from samobot.session.vault import edit_lock

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


def _refuse_if_running(folder: SessionFolder) -> None:
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running ({held.describe()}).")
