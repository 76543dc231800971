"""`samobot plan`, `diff`, `files` and `projects`."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from samobot.errors import NotFoundError
from samobot.terminal.document_commands import diff_command, files_command, plan_command, projects_command
from tests.support.landing_room import LandingRoom

PLAN = "# Greeting\n\n## Phase 1: Script\n- [ ] write \x1b[31mit\n"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = LandingRoom(tmp_path)
    monkeypatch.chdir(made.repo)
    return made


def _call(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_plan_shows_the_newest_plan_without_terminal_commands(room: LandingRoom) -> None:
    assert isinstance(_call(plan_command, "greet").exception, NotFoundError)
    (room.folder.path / "01-15-11:30-plan-greeting.md").write_text(PLAN)
    shown = _call(plan_command, "greet").output
    assert "write" in shown
    assert "\x1b" not in shown


def test_diff_shows_what_the_branch_changes(room: LandingRoom) -> None:
    shown = _call(diff_command, "greet")
    assert "+greet.py" in shown.output
    (room.worktree / "notes").write_text("mine")
    stat = _call(diff_command, "greet", "--stat").output
    assert "greet.py" in stat
    assert stat.splitlines()[-1] == "2 commits, 2 files, +2 −0, 1 not committed"


def test_files_lists_them_and_writes_one(room: LandingRoom) -> None:
    (room.folder.path / "notes.md").write_bytes(b"caf\xc3\xa9\n")
    assert "6 B  notes.md" in _call(files_command, "greet").output
    assert _call(files_command, "greet", "notes.md").stdout_bytes == b"caf\xc3\xa9\n"
    assert isinstance(_call(files_command, "greet", "../x").exception, NotFoundError)


def test_projects_lists_them_and_names_a_shared_folder_of_sessions(
    room: LandingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "repo  1 session  " in _call(projects_command).output
    (room.root / "other").mkdir()
    (room.root / "other" / ".samocode").write_text(
        "MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n"
    )
    monkeypatch.setenv("SAMOBOT_PROJECTS", f"{room.repo}:{room.root / 'other'}")
    shown = _call(projects_command)
    assert "has the same SESSIONS as" in shown.output
    assert "other  1 session" not in shown.output
