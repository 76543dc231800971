"""Commits that cannot be made, or were not: said before an iteration is paid for, and at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.phases import Phase, SignalStatus
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import SignalStep, Write
from samobot.session.overview import parse_overview
from tests.support.scripted import ScriptedShop, go_on, investigation, scripted_shop

pytestmark = pytest.mark.slow


def test_a_session_that_cannot_commit_is_blocked_before_its_first_iteration(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()]))
    shop.git("config", "--global", "commit.gpgsign", "true")
    shop.git("config", "--global", "gpg.program", "/nowhere/gpg")
    ended = shop.run("greet", "--task", "Greet")
    assert ended.returncode == 11
    assert "commit.gpgsign is on" in ended.stdout
    assert shop.runs() == []
    doctor = shop.samobot("doctor", "--json")
    assert "git cannot commit in" in doctor.stdout
    shop.git("config", "--global", "commit.gpgsign", "false")
    shop.run("greet", "--max-iterations", "1")
    assert len(shop.runs()) == 1


def test_a_hook_that_refuses_is_named_by_doctor_and_at_the_end_and_never_run(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()]))
    hook = shop.repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'ran'}'; exit 3\n")
    hook.chmod(0o755)
    assert "its hook pre-commit may refuse" in shop.samobot("doctor", "--json").stdout
    text = finishing(shop, Write(path="{workdir}/greet.py", text="print('hi')"))
    assert "nothing was committed, perhaps as its hook pre-commit refused" in text
    assert not (tmp_path / "ran").exists()  # a repository's program is never samobot's to run


def finishing(shop: ScriptedShop, *steps: Write) -> str:
    done = SignalStep(status=SignalStatus.DONE, summary="All of it")
    shop.play(Scenario(phases={Phase.INVESTIGATION: [[go_on()]], Phase.DONE: [[*steps, done]]}))
    shop.run("greet", "--task", "Greet", "--max-iterations", "1")
    overview = shop.session("greet") / "_overview.md"
    assert parse_overview(overview.read_text()).phase is Phase.INVESTIGATION
    overview.write_text(overview.read_text().replace("Phase: investigation", "Phase: done"))
    ended = shop.run("greet")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_session_that_is_done_without_a_commit_reports_it(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()]))
    text = finishing(shop, Write(path="{workdir}/greet.py", text="print('hi')"))
    assert "⚠️ greet is done, but 1 file is not committed, nothing was committed" in text
    assert "🏁" not in text
