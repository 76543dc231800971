"""`WORKTREE_SETUP` runs once in a new worktree, before the first iteration, and a stop reaches it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from samobot.config.project import Project, load_project
from samobot.config.trust import setup_command, trust
from samobot.session.folder import SessionFolder
from samobot.session.worktree import prepare_worktree
from samobot.system.processes import is_alive
from samobot.worker import setup_command as module
from samobot.worker.setup_command import run_setup
from tests.support.repository import make_repository
from tests.support.scripted import blocked, investigation, scripted_shop
from tests.support.session_folder import make_session
from tests.support.waiting import until

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


class Yard:
    """A project, a worktree in it, and a session that works there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        repo = make_repository(root / "repo")
        self.project = Project("repo", repo / ".samocode", repo, root / "worktrees", root / "sessions")
        self.folder: SessionFolder = make_session(root / "sessions")
        self.path = prepare_worktree(repo, self.project.worktrees, "greet").path
        self.stop = asyncio.Event()

    def set_up_with(self, command: str, *, trusted: bool = True) -> None:
        self.project = replace(self.project, worktree_setup=command)
        content = setup_command(self.project)
        assert content is not None
        if trusted:
            trust(self.root / "state", self.project, content, "ann", NOW)

    async def run(self) -> str | None:
        environ = dict(os.environ, TELEGRAM_BOT_TOKEN="sesame", ANTHROPIC_API_KEY="sesame")
        return await run_setup(self.project, self.path, self.folder, self.root / "state", environ, self.stop)


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return Yard(tmp_path)


async def test_the_setup_command_runs_once_in_the_worktree_without_secrets(yard: Yard) -> None:
    yard.set_up_with("pwd >> ran; env > environment")
    assert await yard.run() is None
    assert (yard.path / "ran").read_text() == f"{yard.path}\n"
    environment = (yard.path / "environment").read_text()
    assert "sesame" not in environment
    assert "UV_LINK_MODE=copy\n" in environment  # with hard links an agent could change the user's cache
    assert await yard.run() is None
    assert (yard.path / "ran").read_text() == f"{yard.path}\n"


async def test_a_setup_command_that_is_not_trusted_does_not_run_and_is_reported(yard: Yard) -> None:
    yard.set_up_with("touch ran", trusted=False)
    note = await yard.run()
    assert not (yard.path / "ran").exists()
    assert f"samobot trust --config {yard.project.file}" in (note or "")
    command = setup_command(yard.project)
    assert command is not None
    trust(yard.root / "state", yard.project, command, "ann", NOW)
    assert await yard.run() is None
    assert (yard.path / "ran").exists()


async def test_a_setup_command_that_fails_is_reported_with_its_last_line_and_runs_again(yard: Yard) -> None:
    yard.set_up_with("echo one; echo 'no network' >&2; test -e network || exit 3; echo x >> ran")
    assert await yard.run() == "WORKTREE_SETUP ended with code 3: no network"
    (yard.path / "network").touch()
    assert await yard.run() is None
    assert await yard.run() is None
    assert (yard.path / "ran").read_text() == "x\n"


async def test_a_setup_command_that_hangs_is_ended_and_reported(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETUP_SECONDS", 0.5)
    yard.set_up_with("sleep 1000 & sleep 1000")
    assert await yard.run() == "WORKTREE_SETUP did not end within 0 s."


async def test_a_stop_ends_the_command_with_all_it_started_and_it_runs_again(yard: Yard) -> None:
    yard.set_up_with("sleep 1000 & echo $! > child; test -e again || sleep 1000")

    async def stop() -> None:
        while not (yard.path / "child").exists() or not (yard.path / "child").read_text():
            await asyncio.sleep(0.01)
        yard.stop.set()

    note, _ = await asyncio.gather(yard.run(), stop())
    assert note is None
    child = int((yard.path / "child").read_text())
    assert not any(process.pid == child and is_alive(process) for process in psutil.process_iter())
    yard.stop.clear()
    (yard.path / "again").touch()
    (yard.path / "child").unlink()
    assert await yard.run() is None
    assert (yard.path / "child").exists()


async def test_a_checkout_that_is_no_worktree_is_left_alone(yard: Yard) -> None:
    yard.set_up_with("touch ran")
    yard.path = yard.project.main_repo
    assert await yard.run() is None
    assert not (yard.path / "ran").exists()


def test_stop_reaches_a_session_that_is_still_being_set_up(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.config.write_text(shop.config.read_text() + "WORKTREE_SETUP=touch begun; sleep 1000\n")
    project = load_project(shop.config)
    content = setup_command(project)
    assert content is not None
    trust(tmp_path / "state" / "samobot", project, content, "ann", NOW)
    run = shop.start("run", "--session", "greet", "--task", "Greet")
    until((shop.worktrees / "greet" / "begun").exists)
    stopped = shop.samobot("stop", "greet")
    assert stopped.returncode == 0, stopped.stderr
    run.communicate(timeout=60)
    assert run.returncode == 12
    assert shop.runs() == []
    assert not [command for command in shop.processes() if "sleep" in command]
