"""The phase table: what every signal means in every phase, with every target and every state of the gates."""

from __future__ import annotations

from itertools import product

import pytest

from samobot.phases import (
    RULES,
    BlockCause,
    GateFacts,
    Phase,
    SignalStatus,
    Step,
    WaitingFor,
    decide,
)
from tests.support.cases import for_each

TABLE = {
    # phase: (targets, signals, limit), as in the design
    "investigation": ({"requirements"}, {"continue", "blocked"}, 20),
    "requirements": ({"planning"}, {"continue", "waiting", "blocked"}, 10),
    "planning": ({"implementation"}, {"continue", "waiting", "blocked"}, 10),
    "implementation": ({"testing", "quality"}, {"continue", "waiting", "blocked"}, 100),
    "testing": ({"quality", "done"}, {"continue", "blocked"}, 20),
    "quality": ({"testing", "done"}, {"continue", "blocked"}, 10),
    "done": (set(), {"done", "blocked"}, 3),
}

FACTS = {
    "nothing": GateFacts(),
    "open question": GateFacts(questions=2, open_questions=1),
    "all answered": GateFacts(questions=2),
    "plan": GateFacts(questions=2, plan="p.md"),
    "approved plan": GateFacts(questions=2, plan="p.md", plan_approved=True),
}
ALL = list(product(Phase, SignalStatus, [None, *Phase], FACTS, [None, *WaitingFor]))


def test_the_registry_is_the_table_of_the_design() -> None:
    assert {
        phase.value: ({*map(str, rule.targets)}, {*map(str, rule.signals)}, rule.limit)
        for phase, rule in RULES.items()
    } == TABLE
    assert all(rule.agent == f"{phase}-agent" for phase, rule in RULES.items())


@for_each(("phase", "status"), list(product(Phase, SignalStatus)))
def test_signal_that_the_phase_may_not_send_blocks_with_that_reason(
    phase: Phase, status: SignalStatus
) -> None:
    decision = decide(phase, status, None, GateFacts(questions=1, plan="p", plan_approved=True))
    if status.value in TABLE[phase][1]:
        assert decision.cause is not BlockCause.ILLEGAL_SIGNAL
    else:
        assert (decision.step, decision.cause) == (Step.BLOCK, BlockCause.ILLEGAL_SIGNAL)
        assert str(status) in decision.reason
        assert str(phase) in decision.reason


@for_each(("phase", "target"), list(product(Phase, Phase)))
def test_a_phase_is_only_left_for_where_it_may_go(phase: Phase, target: Phase) -> None:
    open_gates = GateFacts(questions=1, plan="p", plan_approved=True)
    decision = decide(phase, SignalStatus.CONTINUE, target, open_gates)
    if phase is Phase.DONE:
        assert decision.cause is BlockCause.ILLEGAL_SIGNAL
    elif target is phase:
        assert decision.step is Step.STAY
    elif target.value in TABLE[phase][0]:
        assert (decision.step, decision.phase) == (Step.MOVE, target)
    else:
        assert (decision.step, decision.cause, decision.phase) == (Step.BLOCK, BlockCause.ILLEGAL_MOVE, phase)


def test_every_combination_has_one_meaning_and_no_gate_is_passed_by_any() -> None:
    for phase, status, target, name, waiting_for in ALL:
        facts = FACTS[name]
        decision = decide(phase, status, target, facts, waiting_for=waiting_for, reason="r")
        assert (decision.step is Step.BLOCK) == (decision.cause is not None)
        assert (decision.step is Step.WAIT) == (decision.waiting_for is not None)
        if decision.step is Step.BLOCK:
            assert decision.reason
            assert decision.phase is phase
        if decision.step is Step.FINISH:
            assert (phase, status) == (Phase.DONE, SignalStatus.DONE)
        if decision.step is Step.MOVE:
            assert decision.phase.value in TABLE[phase][0]
            if phase is Phase.REQUIREMENTS:
                assert facts.questions
                assert not facts.open_questions
            if phase is Phase.PLANNING:
                assert facts.plan_approved


@pytest.mark.parametrize(
    ("facts", "step", "waiting_for", "cause"),
    [
        ("nothing", Step.BLOCK, None, BlockCause.GATE),
        ("open question", Step.WAIT, WaitingFor.QA_ANSWERS, None),
        ("all answered", Step.MOVE, None, None),
    ],
)
def test_requirements_are_left_only_with_every_question_answered(
    facts: str, step: Step, waiting_for: WaitingFor | None, cause: BlockCause | None
) -> None:
    decision = decide(Phase.REQUIREMENTS, SignalStatus.CONTINUE, Phase.PLANNING, FACTS[facts])
    assert (decision.step, decision.waiting_for, decision.cause) == (step, waiting_for, cause)


@pytest.mark.parametrize(
    ("facts", "step", "waiting_for", "cause"),
    [
        ("all answered", Step.BLOCK, None, BlockCause.GATE),
        ("plan", Step.WAIT, WaitingFor.PLAN_APPROVAL, None),
        ("approved plan", Step.MOVE, None, None),
    ],
)
def test_planning_is_left_only_with_an_approved_plan(
    facts: str, step: Step, waiting_for: WaitingFor | None, cause: BlockCause | None
) -> None:
    decision = decide(Phase.PLANNING, SignalStatus.CONTINUE, Phase.IMPLEMENTATION, FACTS[facts])
    assert (decision.step, decision.waiting_for, decision.cause) == (step, waiting_for, cause)


def test_waiting_without_saying_for_what_means_the_gate_of_the_phase() -> None:
    waits = SignalStatus.WAITING
    assert (
        decide(Phase.REQUIREMENTS, waits, None, FACTS["open question"]).waiting_for is WaitingFor.QA_ANSWERS
    )
    assert decide(Phase.PLANNING, waits, None, FACTS["plan"]).waiting_for is WaitingFor.PLAN_APPROVAL
    assert decide(Phase.IMPLEMENTATION, waits, None, FACTS["plan"]).waiting_for is WaitingFor.HUMAN_ACTION


def test_waiting_for_an_approval_that_is_there_already_moves_on_at_once() -> None:
    decision = decide(Phase.PLANNING, SignalStatus.WAITING, None, FACTS["approved plan"])
    assert (decision.step, decision.phase) == (Step.MOVE, Phase.IMPLEMENTATION)


def test_block_keeps_the_agents_own_text() -> None:
    decision = decide(Phase.TESTING, SignalStatus.BLOCKED, None, GateFacts(), reason="no network here")
    assert (decision.cause, decision.reason) == (BlockCause.AGENT, "no network here")
