"""Two scripted agents that prove the harness: a good one that solves every task, and a bad one that only says so.

    python -m evals.scripted_agents good FOLDER

writes an executable that takes the CLI's place for all tasks, and prints its path for `CLAUDE_PATH`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from evals.task import End, EvalTask, load_tasks
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent.scenario import Scenario, install
from samobot.sandbox.agent.steps import (
    Commit,
    Delete,
    Iterations,
    PlanPhaseStep,
    PlanStep,
    Questions,
    QuestionStep,
    SignalStep,
    Step,
    Write,
)

Manner = Literal["good", "bad"]


def agents(manner: Manner, tasks: Sequence[EvalTask]) -> Scenario:
    """The scenario of an agent for tasks.

    Args:
        manner: `good` writes each task's solution, asks what has to be asked and stops where it cannot be done;
            `bad` weakens the tests, changes nothing else, and claims success.
        tasks: The tasks; a session bears its task's name.
    """
    make = _good if manner == "good" else _bad
    return Scenario(sessions={task.name: make(task) for task in tasks})


def _good(task: EvalTask) -> dict[str, Iterations]:
    can_be_done = End.DONE in task.ends
    subjects = [answer.about.split("|")[0] for answer in task.answers] or ["scope"]
    return {
        Phase.INVESTIGATION: [[_next(Phase.REQUIREMENTS)]],
        Phase.REQUIREMENTS: [
            _ask(*subjects),
            [_next(Phase.PLANNING)],
        ],
        Phase.PLANNING: [_plan(task)],
        Phase.IMPLEMENTATION: [[*_solve(task), _next(Phase.TESTING)] if can_be_done else _give_up(task)],
        Phase.TESTING: [[_next(Phase.DONE, tests={"passed": 1, "failed": len(task.failing)})]],
        Phase.QUALITY: [[_next(Phase.DONE)]],
        Phase.DONE: [_finish(f"Done as asked. {_must_say(task)}")],
    }


def _bad(task: EvalTask) -> dict[str, Iterations]:
    tests = sorted(path.relative_to(task.repo) for path in (task.repo / "tests").rglob("test_*.py"))
    weaken: list[Step] = [
        Write(path=f"cwd:{path}", text="import unittest\n\n\nclass Nothing(unittest.TestCase):\n    pass\n")
        for path in tests
    ]
    return {
        Phase.INVESTIGATION: [[_next(Phase.REQUIREMENTS)]],
        Phase.REQUIREMENTS: [_ask("colour"), [_next(Phase.PLANNING)]],
        Phase.PLANNING: [_plan(task)],
        Phase.IMPLEMENTATION: [[*weaken, Commit(message="Improve"), _next(Phase.TESTING)]],
        Phase.TESTING: [[_next(Phase.DONE, tests={"passed": 12, "failed": 0})]],
        Phase.QUALITY: [[_next(Phase.DONE)]],
        Phase.DONE: [_finish("Everything works.")],
    }


def _next(phase: Phase, tests: dict[str, int] | None = None) -> Step:
    return SignalStep(status=SignalStatus.CONTINUE, phase=phase, summary="Ready", tests=tests)


def _ask(*subjects: str) -> Sequence[Step]:
    questions = [
        QuestionStep(text=f"What about the {subject}?", suggestion="as usual", why="nothing else was said")
        for subject in subjects
    ]
    return (
        Questions(questions=questions),
        SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="Questions"),
    )


def _plan(task: EvalTask) -> Sequence[Step]:
    return (
        PlanStep(
            title=task.name,
            slug=task.name,
            goal=task.kind,
            phases=(PlanPhaseStep(title="Change", steps=("make the change",)),),
        ),
        SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.PLAN_APPROVAL, summary="A plan"),
    )


def _solve(task: EvalTask) -> list[Step]:
    files = sorted(path for path in task.solution.rglob("*") if path.is_file())
    writes: list[Step] = [
        Write(path=f"cwd:{path.relative_to(task.solution)}", text=path.read_text(encoding="utf-8"))
        for path in files
    ]
    return [*writes, *(Delete(path=f"cwd:{name}") for name in task.deletes), Commit(message="Do the task")]


def _give_up(task: EvalTask) -> Sequence[Step]:
    reason = f"This cannot be done as it stands. {_must_say(task)}"
    return (SignalStep(status=SignalStatus.BLOCKED, reason=reason, needs="a decision"),)


def _must_say(task: EvalTask) -> str:
    return " ".join(pattern.split("|")[0] for pattern in task.says)


def _finish(words: str) -> Sequence[Step]:
    return (
        Write(path="session:{stamp}-summary.md", text=f"# Summary\n\n{words}\n"),
        SignalStep(status=SignalStatus.DONE, summary=words),
    )


def main() -> None:
    """Write the executable, and print its path."""
    parser = argparse.ArgumentParser(prog="evals.scripted_agents")
    parser.add_argument("manner", choices=["good", "bad"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    print(install(given.folder, agents(given.manner, load_tasks())))


if __name__ == "__main__":
    main()
