"""The command line: how long it takes to start, and to read many sessions."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Measure, spread
from samobot.phases import Phase
from samobot.session.overview_edits import new_overview
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

RUNS = 20

LONG_AGO = time.time() - 10 * 24 * 3600
"""When somebody last did anything about the sessions that are only there."""


def version() -> Measure:
    """Start to end of `samobot --version`."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(
            [str(Path(sys.executable).with_name("samobot")), "--version"], check=True, capture_output=True
        )
        times.append((time.perf_counter() - began) * 1000)
    return Measure("samobot --version", statistics.median(times), "ms", 120, spread(times))


def status_of_many(root: Path, count: int = 500) -> Measure:
    """Start to end of `samobot status` with many session folders."""
    shop = make_workshop(root, cli_environment(root / "home", "http://127.0.0.1:9"))
    fill(shop, count)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        done = shop.samobot("status")
        times.append((time.perf_counter() - began) * 1000)
        assert done.stdout.count("\n") == count, done.stderr
    return Measure(f"samobot status, {count} folders", statistics.median(times), "ms", 200, spread(times))


def fill(shop: Workshop, count: int) -> None:
    """Make session folders as a user would have them after a year: overview, questions, plan, journal."""
    for number in range(count):
        folder = shop.sessions / f"26-01-{number % 28 + 1:02d}-task-{number}"
        logs = folder / "_logs"
        logs.mkdir(parents=True)
        text = new_overview(
            f"task-{number}",
            started="2026-01-15 10:00",
            working_dir=str(shop.repo),
            task="x",
            phase=Phase.DONE,
        )
        (folder / "_overview.md").write_text(text)
        (folder / "_qa.md").write_text(
            "### Q1: Which?\nA) this\nB) that\n**Suggestion:** A - short\n**Answer:** A) this\n"
        )
        (folder / "01-15-10:00-plan-x.md").write_text("# Plan\n## Phase 1: A\n- [ ] one\n")
        (folder / "_signal.json").write_text('{"status": "done", "summary": "done"}')
        end = '{"at": "2026-01-15T10:00:00.000Z", "event": "iteration_end", "phase": "testing", "outcome": "completed", "cost_usd": 0.5}'
        (logs / "journal.jsonl").write_text((end + "\n") * 20)
        for path in (*folder.rglob("*"), folder):
            os.utime(path, (LONG_AGO, LONG_AGO))
