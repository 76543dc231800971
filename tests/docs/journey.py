"""A scenario in which most of what a journal can tell happens."""

from __future__ import annotations

from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import (
    Crash,
    LimitStep,
    PlanPhaseStep,
    PlanStep,
    Questions,
    QuestionStep,
    Replace,
    SignalStep,
    Step,
    Write,
)

LIMITED = "late"
"""The session that meets a usage limit."""


def eventful() -> Scenario:
    """A crash, an answer that the agent gives itself, a plan, a signal that is missing once, and the end."""
    ask = Questions(
        questions=[QuestionStep(text="Which greeting?", options=("Hello", "Ahoy"), suggestion="A")]
    )
    plan = PlanStep(title="Greet", slug="greet", phases=[PlanPhaseStep(title="Script", steps=("greet.py",))])
    work: tuple[Step, ...] = (Write(path="greet.py", text='print("Hello")\n'), _on(Phase.TESTING))
    return Scenario(
        phases={
            Phase.INVESTIGATION: [[Crash()], [_on(Phase.REQUIREMENTS)]],
            Phase.REQUIREMENTS: [
                [ask, Replace(path="session:_qa.md", old="_waiting_", new="A"), _wait(WaitingFor.QA_ANSWERS)],
                [_on(Phase.PLANNING)],
            ],
            Phase.PLANNING: [[plan, _wait(WaitingFor.PLAN_APPROVAL)]],
            Phase.IMPLEMENTATION: [[], work],
            Phase.TESTING: [[_on(Phase.DONE)]],
            Phase.DONE: [[SignalStep(status=SignalStatus.DONE, summary="It greets")]],
        },
        sessions={LIMITED: {Phase.INVESTIGATION: [[LimitStep(resets_in=3600)]]}},
    )


def _on(phase: Phase) -> SignalStep:
    return SignalStep(status=SignalStatus.CONTINUE, phase=phase, summary=f"{phase} is next")


def _wait(what: WaitingFor) -> SignalStep:
    return SignalStep(status=SignalStatus.WAITING, wait=what, summary="Asked")
