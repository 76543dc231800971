"""Testing only observes: what its agent changes of the tracked files is undone, kept, and reported to all."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.phases import Phase
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import Commit, RunStep
from tests.support.scripted import blocked, go_on, scripted_shop

pytestmark = pytest.mark.slow


def test_repair_by_the_testing_agent_is_undone_kept_and_reported(tmp_path: Path) -> None:
    repair = [RunStep(command="echo repaired >> README.md"), Commit(message="Repair"), go_on(Phase.QUALITY)]
    look = [
        RunStep(command="cat README.md > {session}/seen.md; git log --format=%s >> {session}/seen.md"),
        blocked(),
    ]
    scenario = Scenario(
        phases={Phase.INVESTIGATION: [[blocked()]], Phase.TESTING: [repair], Phase.QUALITY: [look]}
    )
    shop = scripted_shop(tmp_path, scenario)
    assert shop.run("greet", "--task", "Greet").returncode == 11
    overview = shop.session("greet") / "_overview.md"
    text = overview.read_text()
    overview.write_text(
        text.replace("Phase: investigation", "Phase: testing").replace("Blocked: yes", "Blocked: no")
    )
    done = shop.run("greet")
    assert done.returncode == 11, done.stdout + done.stderr
    seen = (shop.session("greet") / "seen.md").read_text()
    assert "epair" not in seen
    (notice,) = [each["text"] for each in shop.journal("greet", "notice") if "git tracks" in each["text"]]
    assert notice.startswith("1 file that git tracks (README.md) was changed and 1 commit made")
    assert notice in done.stdout + done.stderr
    assert notice in overview.read_text()
    assert notice in shop.runs()[-1].prompt
    (patch,) = (shop.session("greet") / "_logs").glob("*-testing.patch")
    assert "+repaired" in patch.read_text()
