"""The phases of a session, and what a signal means in each of them.

One registry (`RULES`) holds the table of the design; `decide` is a pure function from a phase, a signal and
the facts of the gates to a `Decision`. The loop only carries decisions out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a session is on its way from a task to a result."""

    INVESTIGATION = "investigation"
    REQUIREMENTS = "requirements"
    PLANNING = "planning"
    IMPLEMENTATION = "implementation"
    TESTING = "testing"
    QUALITY = "quality"
    DONE = "done"


class SignalStatus(StrEnum):
    """What an agent may say at the end of an iteration."""

    CONTINUE = "continue"
    DONE = "done"
    BLOCKED = "blocked"
    WAITING = "waiting"


class WaitingFor(StrEnum):
    """What a waiting session needs from a person."""

    QA_ANSWERS = "qa_answers"
    PLAN_APPROVAL = "plan_approval"
    HUMAN_ACTION = "human_action"
    FILE_UPDATE = "file_update"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the phase table.

    Attributes:
        agent: Name of the agent in the plugin.
        targets: Phases it may hand over to.
        signals: Statuses it may send.
        limit: Iterations allowed in one visit of the phase.
    """

    agent: str
    targets: tuple[Phase, ...]
    signals: tuple[SignalStatus, ...]
    limit: int


_GOES_ON = (SignalStatus.CONTINUE, SignalStatus.BLOCKED)
_MAY_WAIT = (SignalStatus.CONTINUE, SignalStatus.WAITING, SignalStatus.BLOCKED)

RULES: dict[Phase, Rule] = {
    Phase.INVESTIGATION: Rule("investigation-agent", (Phase.REQUIREMENTS,), _GOES_ON, 20),
    Phase.REQUIREMENTS: Rule("requirements-agent", (Phase.PLANNING,), _MAY_WAIT, 10),
    Phase.PLANNING: Rule("planning-agent", (Phase.IMPLEMENTATION,), _MAY_WAIT, 10),
    Phase.IMPLEMENTATION: Rule("implementation-agent", (Phase.TESTING, Phase.QUALITY), _MAY_WAIT, 100),
    Phase.TESTING: Rule("testing-agent", (Phase.QUALITY, Phase.DONE), _GOES_ON, 20),
    Phase.QUALITY: Rule("quality-agent", (Phase.TESTING, Phase.DONE), _GOES_ON, 10),
    Phase.DONE: Rule("done-agent", (), (SignalStatus.DONE, SignalStatus.BLOCKED), 3),
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
    BLOCK = "block"
    FINISH = "finish"


class BlockCause(StrEnum):
    """Who or what blocked a session: the agent itself, or one of the loop's own rules."""

    AGENT = "agent"
    ILLEGAL_MOVE = "illegal_move"
    ILLEGAL_SIGNAL = "illegal_signal"
    GATE = "gate"
    NO_SIGNAL = "no_signal"
    ITERATION_LIMIT = "iteration_limit"
    STAGNATION = "stagnation"
    FAILURES = "failures"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a signal means.

    Attributes:
        step: What the loop does next.
        phase: The phase after the decision.
        waiting_for: What a person has to do, where `step` is `WAIT`.
        cause: Why it is blocked, where `step` is `BLOCK`.
        reason: The same in words for a person; empty where nothing needs saying.
    """

    step: Step
    phase: Phase
    waiting_for: WaitingFor | None = None
    cause: BlockCause | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """The facts on disk that the gates look at.

    Attributes:
        questions: Number of questions in `_qa.md`.
        open_questions: How many of them have no answer.
        plan: Name of the newest plan file, or None.
        plan_approved: Whether that file, as it is now, has a recorded approval.
    """

    questions: int = 0
    open_questions: int = 0
    plan: str | None = None
    plan_approved: bool = False


def decide(
    phase: Phase,
    status: SignalStatus,
    target: Phase | None,
    facts: GateFacts,
    *,
    waiting_for: WaitingFor | None = None,
    reason: str = "",
) -> Decision:
    """Say what a valid signal means in a phase.

    Args:
        phase: The phase whose iteration has just ended.
        status: The signal's status.
        target: The signal's `phase`, the next one; None means the same phase again.
        facts: What the session's files say about the gates.
        waiting_for: The signal's `for`, where it waits.
        reason: The signal's reason or needs, in the agent's words.
    """
    rule = RULES[phase]
    if status not in rule.signals:
        allowed = ", ".join(rule.signals)
        return _block(
            phase,
            BlockCause.ILLEGAL_SIGNAL,
            f"The {phase} phase may not signal “{status}”; it may signal {allowed}.",
        )
    match status:
        case SignalStatus.BLOCKED:
            return _block(phase, BlockCause.AGENT, reason or "The agent gave no reason.")
        case SignalStatus.WAITING:
            return _wait(
                phase, facts, waiting_for or _DEFAULT_WAIT.get(phase, WaitingFor.HUMAN_ACTION), reason
            )
        case SignalStatus.DONE:
            return Decision(Step.FINISH, Phase.DONE)
        case SignalStatus.CONTINUE:
            return _continue(phase, target, facts, rule)


def _continue(phase: Phase, target: Phase | None, facts: GateFacts, rule: Rule) -> Decision:
    if target is None or target is phase:
        return Decision(Step.STAY, phase)
    if target not in rule.targets:
        allowed = " or ".join(rule.targets) or "nothing"
        return _block(
            phase,
            BlockCause.ILLEGAL_MOVE,
            f"The agent wanted to go from {phase} to {target}; from {phase} it may go to {allowed}.",
        )
    return _gate(phase, target, facts)


def _gate(phase: Phase, target: Phase, facts: GateFacts) -> Decision:
    """Say whether a phase may be left for `target` with these facts."""
    if phase is Phase.REQUIREMENTS:
        if facts.questions == 0:
            return _block(
                phase,
                BlockCause.GATE,
                "The agent wanted to start planning without having asked a single question in _qa.md.",
            )
        if facts.open_questions:
            return Decision(Step.WAIT, phase, WaitingFor.QA_ANSWERS)
    if phase is Phase.PLANNING:
        if facts.plan is None:
            return _block(
                phase, BlockCause.GATE, "The agent wanted to start implementing, but there is no plan file."
            )
        if not facts.plan_approved:
            return Decision(Step.WAIT, phase, WaitingFor.PLAN_APPROVAL)
    return Decision(Step.MOVE, target)


def _wait(phase: Phase, facts: GateFacts, waiting_for: WaitingFor, reason: str) -> Decision:
    match waiting_for:
        case WaitingFor.QA_ANSWERS if facts.questions == 0:
            return _block(
                phase, BlockCause.GATE, "The agent waits for answers, but there is no question in _qa.md."
            )
        case WaitingFor.QA_ANSWERS if facts.open_questions == 0:
            return Decision(Step.STAY, phase)
        case WaitingFor.PLAN_APPROVAL if facts.plan is None:
            return _block(
                phase, BlockCause.GATE, "The agent waits for an approval, but there is no plan file."
            )
        case WaitingFor.PLAN_APPROVAL if facts.plan_approved and phase is Phase.PLANNING:
            return Decision(Step.MOVE, Phase.IMPLEMENTATION)
        case WaitingFor.PLAN_APPROVAL if facts.plan_approved:
            return Decision(Step.STAY, phase)
        case _:
            return Decision(Step.WAIT, phase, waiting_for, reason=reason)


def _block(phase: Phase, cause: BlockCause, reason: str) -> Decision:
    return Decision(Step.BLOCK, phase, cause=cause, reason=reason)
