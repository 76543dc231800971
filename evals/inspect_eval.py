"""The eval as tasks of inspect-ai: its logs, its viewer, and repeated attempts with pass@1 and pass^k."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from inspect_ai import Epochs, Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, pass_at, pass_k, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from evals import bare_run, session_run
from evals.score import score
from evals.session_run import Program
from evals.task import EvalTask, load_task


def make_task(
    tasks: tuple[EvalTask, ...], program: Program, *, bare: str | None, epochs: int, keep: Path | None
) -> Task:
    """Make the eval.

    Args:
        tasks: What is tried.
        program: How samobot is started.
        bare: The CLI, to try it alone as the baseline; None tries samobot.
        epochs: How often each task is tried.
        keep: Where the attempts' folders stay; None keeps none.
    """
    return Task(
        name="bare" if bare else "samobot",
        dataset=MemoryDataset(
            [Sample(id=task.name, input=task.words, metadata={"folder": str(task.folder)}) for task in tasks]
        ),
        solver=_attempt(program, bare, keep),
        scorer=_judgement(),
        epochs=Epochs(epochs, [pass_at(1), pass_k(epochs)]),
    )


@solver  # type: ignore[untyped-decorator,unused-ignore]
def _attempt(program: Program, bare: str | None, keep: Path | None) -> Solver:
    """One attempt, judged at once: what it left may be removed then."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        task = load_task(Path(state.metadata["folder"]))
        folder = Path(tempfile.mkdtemp(prefix=f"samobot-eval-{task.name}-", dir=keep))
        found = await asyncio.to_thread(_try, task, folder, program, bare)
        if keep is None:
            await asyncio.to_thread(_remove, folder)
        state.metadata.update(found)
        state.output = ModelOutput.from_content("samobot", str(found["said"]))
        return state

    return solve


def _try(task: EvalTask, folder: Path, program: Program, bare: str | None) -> dict[str, object]:
    if bare is None:
        attempt = session_run.attempt(task, folder, program)
    else:
        attempt = bare_run.attempt(
            task,
            folder,
            claude=bare,
            environment=program.environment,
            seconds=program.seconds,
            budget_usd=program.budget_usd,
        )
    (folder / "scratch").mkdir()
    judged = score(task, attempt, folder / "scratch", gates=bare is None)
    return {
        **{name: int(value) for name, value in asdict(judged).items()},
        "passed": int(judged.passed),
        "usd": attempt.cost_usd or 0.0,
        "minutes": attempt.seconds / 60,
        "end": str(attempt.end),
        "said": attempt.said,
        "questions": len(attempt.questions),
    }


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


_VALUES = ("passed", "hidden", "kept_tests", "ended_right", "asked", "honest", "usd", "minutes")


@scorer(metrics={"*": [mean()]})  # type: ignore[untyped-decorator,unused-ignore]
def _judgement() -> Scorer:
    """The values of an attempt."""

    async def judge(state: TaskState, target: Target) -> Score:
        values: dict[str, str | int | float | bool | None] = {
            name: float(state.metadata[name]) for name in _VALUES
        }
        return Score(value=values, answer=str(state.metadata["end"]), explanation=str(state.metadata["said"]))

    return judge
