"""`samobot panic`: everything of this state folder is stopped, and stays so until a person releases it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.panic import pulled
from samobot.sandbox.steps import Children, Hang
from tests.support.scripted import ScriptedShop, investigation, scripted_shop
from tests.support.waiting import until


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ScriptedShop]:
    shop = scripted_shop(tmp_path / "shop", investigation([Children(), Hang()]))
    yield shop
    shop.environment.pop(ITERATION_VARIABLE, None)
    shop.samobot("panic")


def state_of(shop: ScriptedShop) -> Path:
    return Path(shop.environment["XDG_STATE_HOME"]) / "samobot"


def begin(shop: ScriptedShop, name: str) -> None:
    started = shop.samobot("run", "--session", name, "--task", "Wait", "--detach")
    assert started.returncode == 0, started.stderr


def elsewhere(shop: ScriptedShop, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run samobot where no project is known."""
    return subprocess.run(
        [sys.executable, "-m", "samobot", *arguments],
        cwd=shop.root.parent,
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_it_stops_sessions_of_projects_it_has_never_heard_of(shop: ScriptedShop) -> None:
    begin(shop, "one")
    begin(shop, "two")
    until(lambda: len(shop.runs()) >= 2)
    ended = elsewhere(shop, "panic")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "one: Checked" in ended.stdout
    assert "two: Checked" in ended.stdout
    assert until(lambda: shop.processes() == [])


def test_nothing_starts_until_it_is_released(shop: ScriptedShop) -> None:
    assert shop.samobot("panic").returncode == 0
    for arguments in (("run", "--session", "x", "--task", "t"), ("resume", "x")):
        refused = shop.samobot(*arguments)
        assert refused.returncode == 1
        assert "emergency stop" in refused.stderr
    assert not shop.sessions.exists()
    assert shop.samobot("resume", "--all").returncode == 0
    assert pulled(state_of(shop)) is None
    assert shop.samobot("run", "--session", "x", "--task", "t", "--detach").returncode == 0
    assert shop.samobot("panic").returncode == 0
    assert until(lambda: shop.processes() == [])


def test_what_a_killed_worker_left_behind_is_ended(shop: ScriptedShop) -> None:
    begin(shop, "one")
    until(lambda: len(shop.children()) > 0)
    worker = shop.status("one")["worker"]["pid"]
    os.kill(worker, signal.SIGKILL)
    until(lambda: shop.status("one")["worker"] is None)
    assert shop.processes() != []
    assert elsewhere(shop, "panic").returncode == 0
    assert until(lambda: shop.processes() == [])


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "SAMOBOT_STATE_DIR", "HOME"])
def test_another_state_folders_sessions_go_on(shop: ScriptedShop, tmp_path: Path, variable: str) -> None:
    if variable == "HOME":
        del shop.environment["XDG_STATE_HOME"]
    begin(shop, "one")
    until(lambda: len(shop.runs()) >= 1)
    other = subprocess.run(
        [sys.executable, "-m", "samobot", "panic"],
        cwd=tmp_path,
        env={**shop.environment, variable: str(tmp_path / "other")},
        capture_output=True,
        text=True,
    )
    assert other.returncode == 0
    assert shop.status("one")["worker"] is not None
    assert shop.samobot("panic").returncode == 0


def test_an_agent_cannot_release_it(shop: ScriptedShop) -> None:
    shop.samobot("panic")
    shop.environment[ITERATION_VARIABLE] = "1"
    refused = shop.samobot("resume", "--all")
    assert refused.returncode == 1
    assert "for a person" in refused.stderr
    assert pulled(state_of(shop)) is not None


def test_releasing_what_was_never_pulled_is_said(shop: ScriptedShop) -> None:
    assert "nothing to release" in shop.samobot("resume", "--all").stderr
    assert "Say which session" in shop.samobot("resume").stderr
    assert "not both" in shop.samobot("resume", "x", "--all").stderr


def test_a_damaged_file_keeps_everything_stopped(shop: ScriptedShop) -> None:
    shop.samobot("panic")
    (state_of(shop) / "panic.json").write_text("{")
    assert "emergency stop" in shop.samobot("run", "--session", "x", "--task", "t").stderr
