"""`python -m evals`: try tasks with a real model, and print what came of it. `make eval` sets up what it needs."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from inspect_ai import eval as run_eval
from inspect_ai.log import EvalLog

from evals.inspect_eval import make_task
from evals.session_run import Program
from evals.task import load_tasks

_NO_ANSWER = 2


def main() -> int:
    """Run the eval; returns the exit code: 0 if it ran to its end, whatever the scores."""
    given = _arguments()
    try:
        tasks = load_tasks(tuple(given.task))
    except ValueError as error:
        print(error, file=sys.stderr)
        return _NO_ANSWER
    claude = given.claude or os.environ.get("CLAUDE_PATH") or "claude"
    program = Program(
        samobot=tuple(shlex.split(given.samobot)),
        environment={"CLAUDE_PATH": claude},
        budget_usd=given.budget,
        seconds=given.timeout,
    )
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    runs = [
        make_task(tasks, program, bare=bare, epochs=given.epochs, keep=given.keep)
        for bare in ((None, claude) if given.baseline else (None,))
    ]
    logs = run_eval(
        runs,
        model=None,
        log_dir=str(given.logs),
        display="plain" if sys.stdout.isatty() else "none",
        max_samples=given.jobs,
    )
    print(table(logs))
    return 0 if all(log.status == "success" for log in logs) else 1


def table(logs: Sequence[EvalLog]) -> str:
    """A table of the runs' values: one line for each way of trying and each reducer."""
    lines = ["| run | " + " | ".join(_COLUMNS) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for log in logs:
        if log.results is None:
            lines.append(f"| {log.eval.task} | " + " | ".join("–" for _ in _COLUMNS) + " |")
            continue
        by_reducer: dict[str, dict[str, float]] = {}
        for each in log.results.scores:
            values = [metric.value for metric in each.metrics.values()]
            by_reducer.setdefault(each.reducer or "mean", {})[each.name] = float(values[0]) if values else 0.0
        for reducer, found in by_reducer.items():
            cells = " | ".join(f"{found[name]:.2f}" if name in found else "–" for name in _COLUMNS)
            lines.append(f"| {log.eval.task}, {reducer} | {cells} |")
    return "\n".join(lines)


_COLUMNS = ("passed", "hidden", "kept_tests", "ended_right", "asked", "honest", "usd", "minutes")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evals", description=__doc__)
    parser.add_argument("--task", action="append", default=[], help="only this task; may be repeated")
    parser.add_argument("--epochs", type=int, default=3, help="attempts at each task (default 3)")
    parser.add_argument("--baseline", action="store_true", help="also try `claude -p` alone")
    parser.add_argument("--budget", type=float, default=5.0, help="dollars for one attempt (default 5)")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds up to a gate (default 3600)")
    parser.add_argument("--jobs", type=int, default=1, help="attempts at the same time (default 1)")
    parser.add_argument("--claude", help="the Claude CLI (default: CLAUDE_PATH, else `claude`)")
    parser.add_argument("--samobot", default="samobot", help="the command of samobot")
    parser.add_argument("--logs", type=Path, default=Path(".cache/eval-logs"), help="folder for the logs")
    parser.add_argument("--keep", type=Path, help="folder in which the attempts stay")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
