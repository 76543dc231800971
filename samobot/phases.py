"""The phases of a session (`RULES`), and `decide`: from phase, signal and gate facts to the next transition. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from samobot.frozen import frozen


class Phase(StrEnum):
    """The stages of a session, in order."""

    INVESTIGATION = "investigation"
    REQUIREMENTS = "requirements"
    PLANNING = "planning"
    IMPLEMENTATION = "implementation"
    TESTING = "testing"
    QUALITY = "quality"
    DONE = "done"


class SignalStatus(StrEnum):
    """Status of the signal that ends an iteration."""

    CONTINUE = "continue"
    DONE = "done"
    BLOCKED = "blocked"
    WAITING = "waiting"


class WaitingFor(StrEnum):
    """What a waiting session needs from the user."""

    QA_ANSWERS = "qa_answers"
    PLAN_APPROVAL = "plan_approval"
    HUMAN_ACTION = "human_action"
    FILE_UPDATE = "file_update"
    PERMISSION = "permission"
    """A verdict on a call of a tool; no signal asks for it."""


@frozen
class PhaseRule:
    """One row of the phase table.

    Attributes:
        agent: Name of the agent in the plugin.
        targets: Phases that may follow.
        signals: Allowed signal statuses.
        limit: Iterations allowed in one visit of the phase.
    """

    agent: str
    targets: tuple[Phase, ...]
    signals: tuple[SignalStatus, ...]
    limit: int


_CONTINUE_OR_BLOCK = (SignalStatus.CONTINUE, SignalStatus.BLOCKED)
_MAY_WAIT = (SignalStatus.CONTINUE, SignalStatus.WAITING, SignalStatus.BLOCKED)

RULES: dict[Phase, PhaseRule] = {
    Phase.INVESTIGATION: PhaseRule("investigation-agent", (Phase.REQUIREMENTS,), _CONTINUE_OR_BLOCK, 20),
    Phase.REQUIREMENTS: PhaseRule("requirements-agent", (Phase.PLANNING,), _MAY_WAIT, 10),
    Phase.PLANNING: PhaseRule("planning-agent", (Phase.IMPLEMENTATION,), _MAY_WAIT, 10),
    Phase.IMPLEMENTATION: PhaseRule("implementation-agent", (Phase.TESTING, Phase.QUALITY), _MAY_WAIT, 100),
    Phase.TESTING: PhaseRule("testing-agent", (Phase.QUALITY, Phase.DONE), _CONTINUE_OR_BLOCK, 20),
    Phase.QUALITY: PhaseRule("quality-agent", (Phase.TESTING, Phase.DONE), _CONTINUE_OR_BLOCK, 10),
    Phase.DONE: PhaseRule("done-agent", (), (SignalStatus.DONE, SignalStatus.BLOCKED), 3),
}

_DEFAULT_WAIT: dict[Phase, WaitingFor] = {
    Phase.REQUIREMENTS: WaitingFor.QA_ANSWERS,
    Phase.PLANNING: WaitingFor.PLAN_APPROVAL,
}


class Step(StrEnum):
    """What the loop does next."""

    STAY = "stay"
    MOVE = "move"
    WAIT = "wait"
    REMIND = "remind"
    BLOCK = "block"
    FINISH = "finish"


class BlockCause(StrEnum):
    """What blocked a session: the agent, or a rule of the loop."""

    AGENT = "agent"
    ILLEGAL_MOVE = "illegal_move"
    ILLEGAL_SIGNAL = "illegal_signal"
    GATE = "gate"
    NO_SIGNAL = "no_signal"
    ITERATION_LIMIT = "iteration_limit"
    STAGNATION = "stagnation"
    FAILURES = "failures"
    ACCOUNT = "account"


@frozen
class Transition:
    """What follows from a signal.

    Attributes:
        step: What the loop does next.
        phase: The phase after the transition.
        waiting_for: What the user has to do, if `step` is `WAIT`.
        cause: Why it is blocked, if `step` is `BLOCK`.
        reason: Explanation for the user; may be empty.
    """

    step: Step
    phase: Phase
    waiting_for: WaitingFor | None = None
    cause: BlockCause | None = None
    reason: str = ""


NO_PLAN = "there is no plan file"


@frozen
class GateFacts:
    """The facts on disk that the gates depend on.

    Attributes:
        questions: Number of questions in `_qa.md`.
        open_questions: How many of them have no answer.
        plan: File name of the plan; None if there is none, or if it is not clear which it is.
        plan_approved: Whether that file, as it is now, has a recorded approval.
        plan_problem: Why there is no plan, as a clause that names the files.
        unread_questions: Sentence naming lines that look like questions and could not be parsed; empty if none.
    """

    questions: int = 0
    open_questions: int = 0
    plan: str | None = None
    plan_approved: bool = False
    plan_problem: str = ""
    unread_questions: str = ""


def decide(
    phase: Phase,
    status: SignalStatus,
    target: Phase | None,
    facts: GateFacts,
    *,
    waiting_for: WaitingFor | None = None,
    reason: str = "",
    may_remind: bool = False,
) -> Transition:
    """Return what follows from a valid signal in a phase.

    Args:
        phase: Phase of the iteration that has ended.
        status: The signal's status.
        target: The signal's `phase`, the next one; None for the same phase again.
        facts: State of the gates.
        waiting_for: The signal's `for`.
        reason: The signal's `reason` or `needs`.
        may_remind: Whether one more iteration may be spent on a fault of the agent's files; else they block.
    """
    rule = RULES[phase]
    if status not in rule.signals:
        what = "asked for input" if status is SignalStatus.WAITING else "signaled"
        reason = f"The agent {what} (“{status}”) during {phase}, which isn't allowed in that phase."
        return _block(phase, BlockCause.ILLEGAL_SIGNAL, reason)
    gate = waiting_for or _DEFAULT_WAIT.get(phase, WaitingFor.HUMAN_ACTION)
    match status:
        case SignalStatus.BLOCKED:
            return _block(phase, BlockCause.AGENT, reason or "The agent gave no reason.")
        case SignalStatus.DONE:
            return Transition(Step.FINISH, Phase.DONE)
        case SignalStatus.WAITING:
            asks = gate is WaitingFor.QA_ANSWERS
            found = _wait(phase, facts, gate, reason)
        case SignalStatus.CONTINUE:
            asks = phase is Phase.REQUIREMENTS and target not in (None, phase)
            found = _continue(phase, target, facts, rule)
        case _:
            assert_never(status)
    return _reminded(found, facts, asks=asks) if may_remind else found


_ALL_ANSWERED = (
    "Every question in _qa.md has an answer. Continue with those; if you have another question, write it there as "
    "“### Qn: …” with a line “**Answer:** _waiting_”."
)
_NAME_THE_PLAN = " Write it to MM-DD-HH:MM-plan-SLUG.md and name that file in the signal’s “plan”."


def _reminded(found: Transition, facts: GateFacts, *, asks: bool) -> Transition:
    """Return a reminder in place of a transition that depends on files the agent can correct."""
    if asks and facts.unread_questions:
        return Transition(Step.REMIND, found.phase, reason=facts.unread_questions)
    if asks and found.step is Step.STAY:  # every question it could wait for has an answer
        return Transition(Step.REMIND, found.phase, reason=found.reason)
    if found.cause is BlockCause.GATE:
        hint = _NAME_THE_PLAN if facts.plan is None and not asks else ""
        return Transition(Step.REMIND, found.phase, reason=f"{found.reason}{hint}")
    return found


def _continue(phase: Phase, target: Phase | None, facts: GateFacts, rule: PhaseRule) -> Transition:
    if target is None or target is phase:
        return Transition(Step.STAY, phase)
    if target not in rule.targets:
        allowed = " or ".join(rule.targets) or "nothing"
        return _block(
            phase,
            BlockCause.ILLEGAL_MOVE,
            f"The agent wanted to go from {phase} to {target}; from {phase} it may go to {allowed}.",
        )
    return _gate(phase, target, facts)


def _gate(phase: Phase, target: Phase, facts: GateFacts) -> Transition:
    """Return whether a phase may be left for `target` with these facts."""
    if phase is Phase.REQUIREMENTS:
        if facts.questions == 0:
            return _block(
                phase,
                BlockCause.GATE,
                "The agent wanted to start planning without having asked a single question in _qa.md.",
            )
        if facts.open_questions:
            return Transition(Step.WAIT, phase, WaitingFor.QA_ANSWERS)
    if phase is Phase.PLANNING:
        if facts.plan is None:
            return _block(
                phase,
                BlockCause.GATE,
                f"The agent wanted to start implementing, but {facts.plan_problem or NO_PLAN}.",
            )
        if not facts.plan_approved:
            return Transition(Step.WAIT, phase, WaitingFor.PLAN_APPROVAL)
    return Transition(Step.MOVE, target)


def _wait(phase: Phase, facts: GateFacts, waiting_for: WaitingFor, reason: str) -> Transition:
    match waiting_for:
        case WaitingFor.QA_ANSWERS if facts.unread_questions and facts.open_questions == 0:
            return _block(phase, BlockCause.GATE, facts.unread_questions)
        case WaitingFor.QA_ANSWERS if facts.questions == 0:
            return _block(
                phase, BlockCause.GATE, "The agent waits for answers, but there is no question in _qa.md."
            )
        case WaitingFor.QA_ANSWERS if facts.open_questions == 0:
            # The answers may have come while it asked; a question that cannot be seen is asked for once.
            return Transition(Step.STAY, phase, reason=_ALL_ANSWERED)
        case WaitingFor.PLAN_APPROVAL if facts.plan is None:
            return _block(
                phase,
                BlockCause.GATE,
                f"The agent waits for an approval, but {facts.plan_problem or NO_PLAN}.",
            )
        case WaitingFor.PLAN_APPROVAL if facts.plan_approved and phase is Phase.PLANNING:
            return Transition(Step.MOVE, Phase.IMPLEMENTATION)
        case WaitingFor.PLAN_APPROVAL if facts.plan_approved:
            return Transition(Step.STAY, phase)
        case _:
            return Transition(Step.WAIT, phase, waiting_for, reason=reason)


def _block(phase: Phase, cause: BlockCause, reason: str) -> Transition:
    return Transition(Step.BLOCK, phase, cause=cause, reason=reason)
