"""An agent that blows up a file of its session: the run says so and never ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent.steps import RunStep
from tests.support.scripted import blocked, go_on, investigation, scripted_shop

pytestmark = pytest.mark.slow

FILES = [
    *("_overview.md", "_signal.json", "_qa.md", "_guidance.md", "_decisions.jsonl", "_logs/journal.jsonl"),
    *("_logs/run.lock", "_logs/control.json", "_logs/junk.jsonl", "01-15-10:30-plan-x.md"),
]


@pytest.mark.parametrize("name", FILES)
def test_run_survives_a_huge_file(tmp_path: Path, name: str) -> None:
    shop = scripted_shop(
        tmp_path,
        investigation([go_on(), RunStep(command=f"truncate -s 100G '{{session}}/{name}'")], [blocked()]),
    )
    ended = shop.run("greet", "--task", "Greet", "--max-iterations", "2")
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode in (1, 11, 13), ended.stdout + ended.stderr
    for command in (["status", "greet"], ["sessions"], ["logs", "greet"], ["stop", "greet"]):
        shown = shop.quickly(*command)
        assert "Internal error" not in shown.stdout + shown.stderr
