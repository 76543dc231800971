"""The baseline: the same task given to `claude -p` alone, without phases, gates and fresh iterations."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.attempt import Attempt, make_repository
from evals.task import End, EvalTask


def attempt(
    task: EvalTask,
    folder: Path,
    *,
    claude: str = "claude",
    environment: Mapping[str, str] | None = None,
    seconds: float = 3600.0,
    budget_usd: float = 5.0,
) -> Attempt:
    """Let the CLI work on a task in one run.

    Args:
        task: The task.
        folder: An empty folder; the code is left in `repo`.
        claude: The CLI.
        environment: What is set for it beside the caller's environment.
        seconds: The longest it may take.
        budget_usd: The most it may cost.
    """
    repo = make_repository(task, folder / "repo")
    began = time.monotonic()
    try:
        done = subprocess.run(
            [
                claude,
                "-p",
                "--output-format",
                "json",
                "--max-budget-usd",
                str(budget_usd),
                "--permission-mode",
                "bypassPermissions",
            ],
            cwd=repo,
            env={**os.environ, **(environment or {})},
            input=task.words,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        result = _result(done.stdout)
        failed = done.returncode != 0 or bool(result.get("is_error"))
        said = str(result.get("result") or done.stderr.strip()[-500:])
    except subprocess.TimeoutExpired:
        result, failed, said = {}, True, "It took too long and was stopped."
    cost = result.get("total_cost_usd")
    return Attempt(
        tree=repo,
        end=End.FAILED if failed else End.DONE,
        said=said,
        seconds=time.monotonic() - began,
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
    )


def _result(text: str) -> dict[str, Any]:
    """The result record, wherever it stands: alone, or the last line of several."""
    for line in (text, *reversed(text.splitlines())):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, list) and found:
            found = found[-1]
        if isinstance(found, dict) and found.get("type", "result") == "result":
            return found
    return {}
