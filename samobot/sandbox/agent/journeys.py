"""Ready scenarios: whole journeys for the demo and the tests."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import (
    Append,
    Commit,
    Cost,
    Iterations,
    OverviewStep,
    PlanPhaseStep,
    PlanStep,
    Questions,
    QuestionStep,
    Replace,
    RunStep,
    Say,
    SignalStep,
    Sleep,
    Step,
    Tool,
    Write,
)

_SCRIPT = '''"""Greet somebody by name."""

import argparse

GREETING = {answer1:json}


def greet(name):
    return f"{GREETING}, {name}!"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default={answer2:json})
    print(greet(parser.parse_args().name))


if __name__ == "__main__":
    main()
'''

_TESTS = """import unittest

import greet


class Greeting(unittest.TestCase):
    def test_the_name_is_in_the_greeting(self):
        self.assertIn("Ada", greet.greet("Ada"))

    def test_the_greeting_is_the_agreed_one(self):
        self.assertTrue(greet.greet("Ada").startswith(greet.GREETING))

    def test_the_greeting_ends_like_one(self):
        self.assertTrue(greet.greet("Ada").endswith("!"))


if __name__ == "__main__":
    unittest.main()
"""

_QUESTIONS = (
    QuestionStep(
        text="Which greeting should it print?",
        detail="It is the first thing people see.",
        options=("Hello", "Good day", "Ahoy"),
        suggestion="A",
        why="short, and right at any time of the day",
    ),
    QuestionStep(
        text="Whom does it greet when no name is given?",
        options=("world", "stranger"),
        suggestion="A",
        why="what people expect of a first program",
    ),
    QuestionStep(
        text="How much should be tested?",
        options=("The function", "The function and the command line", "Nothing"),
        suggestion="A",
        why="the command line is two lines of argparse",
    ),
)

_SCRIPT_STEPS = (
    "`greet.py`: `greet(name)`",
    "`greet.py`: a command line with one optional name",
    "check: `python greet.py Ada` prints `{answer1}, Ada!`",
)
_TEST_STEPS = ("`test_greet.py`: {answer3}", "check: `python -m unittest` passes")
_DOC_STEPS = ("`README.md`: how to run it",)

_PLAN = PlanStep(
    title="Greeting script",
    slug="greeting",
    goal="A script that greets somebody: **{answer1}**, and *{answer2}* where no name is given.",
    phases=(
        PlanPhaseStep(title="Script", steps=_SCRIPT_STEPS),
        PlanPhaseStep(title="Tests", steps=_TEST_STEPS),
        PlanPhaseStep(title="Docs", steps=_DOC_STEPS),
    ),
    notes="## Not in this plan\n\n- other languages; nobody asked for them",
)

_PLAN_FILE = "session:*-plan-greeting*.md"
_TEST_RUN = RunStep(command="{python} -B -m unittest -v test_greet 2>&1", description="Run the tests")


def greeting(pace: float = 0) -> Scenario:
    """The whole way of a small task: three questions, a plan, a script that is really written, tested and committed.

    Works in any git repository. The answers are used: they end up in the script. A rejected plan comes back changed.

    Args:
        pace: Seconds after each step; 0 for tests, about 1 for people who watch.
    """
    return Scenario(
        pace=pace,
        phases={
            Phase.INVESTIGATION: [_investigate()],
            Phase.REQUIREMENTS: [_ask(), _understood()],
            Phase.PLANNING: [_plan(_PLAN), _plan(_changed(_PLAN))],
            Phase.IMPLEMENTATION: _implement(),
            Phase.TESTING: [
                _test(Phase.QUALITY, "3 tests pass"),
                _test(Phase.DONE, "3 tests pass after the review, too"),
            ],
            Phase.QUALITY: [_review()],
            Phase.DONE: [_finish()],
        },
    )


def endless(steps: Sequence[Step] = (), *, seconds: float = 0.05) -> Scenario:
    """A chatty agent that implements forever: for load, stops and budgets.

    Args:
        steps: What to do in each iteration before its signal.
        seconds: How long each iteration takes at least.
    """
    iteration = (
        *steps,
        Tool(name="Edit", input={"file_path": "{cwd}/part_{run}.py"}, result="ok"),
        Say(text="Part {run} is written."),
        Sleep(seconds=seconds),
        _continue_with(None, "Part {run}"),
    )
    return Scenario(
        phases={
            Phase.INVESTIGATION: [[_continue_with(Phase.REQUIREMENTS, "Looked around")]],
            "*": [iteration],
        }
    )


def _continue_with(phase: Phase | None, summary: str) -> SignalStep:
    return SignalStep(status=SignalStatus.CONTINUE, phase=phase, summary=summary)


def _investigate() -> Sequence[Step]:
    return (
        Say(text="I look at what is there before I ask anything."),
        RunStep(command="git log --oneline -5; ls", description="Look at the repository"),
        Tool(name="Grep", input={"pattern": "argparse|click"}, result="No matches found"),
        Write(
            path="session:{stamp}-dive-greeting.md",
            text="# What is there\n\nTask: {task}\n\n- A small repository, no command line yet.\n"
            "- Python's `argparse` is enough; no dependency is needed.\n",
        ),
        OverviewStep(
            status={"Next": "Ask what is unclear"}, files={"{stamp}-dive-greeting.md": "what is there"}
        ),
        Cost(usd=0.21, input_tokens=5200, output_tokens=900),
        _continue_with(Phase.REQUIREMENTS, "A small repository; argparse is enough"),
    )


def _ask() -> Sequence[Step]:
    return (
        Say(text="Three things are mine to ask, not to guess."),
        Questions(questions=_QUESTIONS),
        OverviewStep(status={"Next": "Wait for the answers"}),
        Cost(usd=0.12, input_tokens=2100, output_tokens=600),
        SignalStep(
            status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="3 questions about the greeting"
        ),
    )


def _understood() -> Sequence[Step]:
    return (
        Say(text="So it is:\n\n{answers}"),
        Write(
            path="session:{stamp}-task-greeting.md",
            text="# Task: a script that greets\n\n{task}\n\n## Must\n\n- print “{answer1}”\n"
            "- greet “{answer2}” where no name is given\n- tests: {answer3}\n\n## Not\n\n- other languages\n",
        ),
        OverviewStep(
            status={"Next": "Write the plan"}, files={"{stamp}-task-greeting.md": "what was agreed"}
        ),
        Cost(usd=0.08, input_tokens=1900, output_tokens=300),
        _continue_with(Phase.PLANNING, "The requirements are clear"),
    )


def _plan(plan: PlanStep) -> Sequence[Step]:
    return (
        Tool(name="Read", input={"file_path": "{session}/_qa.md"}, result="{answers}"),
        plan,
        OverviewStep(
            status={"Next": "Wait for the plan's approval"},
            plans={f"{{stamp}}-plan-{plan.slug}.md": f"{len(plan.phases)} phases"},
        ),
        Cost(usd=0.27, input_tokens=4100, output_tokens=1500),
        SignalStep(
            status=SignalStatus.WAITING,
            wait=WaitingFor.PLAN_APPROVAL,
            summary=f"“{{answer1}}” in {len(plan.phases)} phases, {sum(len(phase.steps) for phase in plan.phases)} steps",
        ),
    )


def _changed(plan: PlanStep) -> PlanStep:
    """The plan as it comes back after a rejection."""
    first, *others = plan.phases
    first = PlanPhaseStep(title=first.title, steps=(*first.steps, "the changes that were asked for"))
    goal = f"Changed since version 1: one more step in “{first.title}”. {plan.goal}"
    return plan.model_copy(update={"phases": (first, *others), "slug": f"{plan.slug}-2", "goal": goal})


def _implement() -> Iterations:
    return (
        (
            Say(text="Phase 1: the script."),
            Write(path="greet.py", text=_SCRIPT),
            RunStep(command="{python} -B greet.py Ada", description="Try it"),
            *_tick(_SCRIPT_STEPS),
            Commit(message="Add a script that greets"),
            OverviewStep(status={"Next": "Phase 2 of 3, tests"}),
            Cost(usd=0.43, input_tokens=6800, output_tokens=2100),
            _continue_with(None, "The script works; phase 2 of 3 is next"),
        ),
        (
            Say(text="Phase 2: the tests."),
            Write(path="test_greet.py", text=_TESTS),
            _TEST_RUN,
            *_tick(_TEST_STEPS),
            Commit(message="Test the greeting"),
            OverviewStep(status={"Next": "Phase 3 of 3, docs"}),
            Cost(usd=0.38, input_tokens=6100, output_tokens=1700),
            _continue_with(None, "3 tests; phase 3 of 3 is next"),
        ),
        (
            Say(text="Phase 3: the docs."),
            Append(path="README.md", text="\n## Greeting\n\n    python greet.py Ada\n"),
            Replace(path=_PLAN_FILE, old="- [ ]", new="- [x]", count=-1),
            Commit(message="Say how to run the greeting"),
            OverviewStep(status={"Next": "Run all tests"}),
            Cost(usd=0.19, input_tokens=3900, output_tokens=500),
            _continue_with(Phase.TESTING, "All 3 phases of the plan are done"),
        ),
    )


def _tick(steps: Sequence[str]) -> list[Step]:
    return [Replace(path=_PLAN_FILE, old=f"- [ ] {step}", new=f"- [x] {step}") for step in steps]


def _test(next_phase: Phase, summary: str) -> Sequence[Step]:
    return (
        _TEST_RUN,
        RunStep(command="{python} -B greet.py && {python} -B greet.py Ada", description="Try the script"),
        Write(
            path="session:{stamp}-test.md",
            text="# Test: Greeting script\n\nAll passing: 3 tests\n\n## Runs\n- `python -m unittest`: OK\n\n"
            "## Points\n| point | how | seen | ok |\n|---|---|---|---|\n"
            "| greets | `python greet.py Ada` | the greeting with “Ada” | yes |\n",
        ),
        OverviewStep(status={"Next": "Review" if next_phase is Phase.QUALITY else "Finish"}),
        Cost(usd=0.11, input_tokens=2400, output_tokens=400),
        SignalStep(
            status=SignalStatus.CONTINUE, phase=next_phase, summary=summary, tests={"passed": 3, "failed": 0}
        ),
    )


def _review() -> Sequence[Step]:
    return (
        Tool(
            name="Task",
            input={"description": "Review greet.py", "prompt": "Find faults"},
            result="One remark.",
        ),
        Say(text="One remark: `greet` has no docstring."),
        Replace(
            path="greet.py",
            old="def greet(name):\n    return",
            new='def greet(name):\n    """Say the greeting to `name`."""\n    return',
        ),
        Commit(message="Say what greet does"),
        Write(
            path="session:{stamp}-quality.md",
            text="# Quality: Greeting script, round 1\n\n## Findings\n"
            "- poor · `greet.py:4` · `greet` has no docstring · read the line · fixed\n\nVerdict: changed\n",
        ),
        OverviewStep(status={"Next": "Test again"}),
        Cost(usd=0.34, input_tokens=7400, output_tokens=1200),
        _continue_with(Phase.TESTING, "One remark, fixed"),
    )


def _finish() -> Sequence[Step]:
    return (
        RunStep(command="git log --oneline -4; git status --short", description="See that all is committed"),
        Write(
            path="session:{stamp}-summary.md",
            text="# Summary\n\n`greet.py` prints “{answer1}, name!”, with “{answer2}” for a name that is missing.\n\n"
            "- 4 commits: script, tests, docs, a docstring\n- 3 tests, all passing\n- README shows how to run it\n\n"
            "## Review guide\n\n### Look first\n- `greet.py` · the text that users see\n\n### Not checked\n"
            "- Names that are not ASCII on a Windows console\n\n### Claims\n"
            "- It greets by name · `python greet.py Ada` · the greeting with “Ada”\n"
            "- The tests pass · `python -m unittest` · OK\n",
        ),
        OverviewStep(status={"Next": "Nothing"}, files={"{stamp}-summary.md": "what was done"}),
        Cost(usd=0.09, input_tokens=2000, output_tokens=350),
        SignalStep(
            status=SignalStatus.DONE,
            summary="Added greet.py with argparse and 3 tests; all passing. It prints “{answer1}”.",
        ),
    )
