"""`samobot land`: the same gates from a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samobot.errors import ConflictError, SamobotError, UsageError
from samobot.terminal.land_command import land_command
from tests.support.landing_room import LandingRoom
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    git(tmp_path, "config", "--global", "user.name", "Anna")
    git(tmp_path, "config", "--global", "user.email", "anna@example.org")
    made = LandingRoom(tmp_path, tmp_path / "bare.git")
    monkeypatch.chdir(made.repo)
    return made


def land(*arguments: str) -> Result:
    return CliRunner().invoke(land_command, ["greet", *arguments])


def test_land_shows_the_branch_and_the_id_of_each_step(room: LandingRoom) -> None:
    (room.folder.path / "_review_debt.md").write_text("- [ ] poor · `greet.py:1` · slow\n")
    shown = land()
    assert shown.exception is None
    assert "🔀 greet: greet → main" in shown.output
    assert "2 commits, 2 files, +2 −0" in shown.output
    assert "   before you land it: open: poor · greet.py:1 · slow\n" in shown.output
    assert f"{room.tip('greet')[:9]} onto {room.tip()[:9]}" in shown.output
    assert re.findall(r"^   (\S+) .*\(id [0-9a-f]{64}\)$", shown.output, re.MULTILINE) == [
        "merge",
        "squash",
        "push",
        "discard",
    ]


def test_land_does_what_was_shown_under_an_id_and_once(room: LandingRoom) -> None:
    identity = re.findall(r"push .*\(id (\S+)\)", land().output)[0]
    pushed = land("push", "--expect", identity)
    assert pushed.exception is None, pushed.exception
    assert "greet is pushed to origin" in pushed.output
    assert room.tip("greet", room.bare) == room.tip("greet")
    assert "Done before: greet is pushed" in land("push", "--expect", identity).output


def test_land_refuses_an_id_of_something_that_has_changed(room: LandingRoom) -> None:
    identity = re.findall(r"merge .*\(id (\S+)\)", land().output)[0]
    commit(room.worktree, "late")
    before = room.everything()
    refused = land("merge", "--expect", identity)
    assert isinstance(refused.exception, ConflictError)
    assert room.everything() == before


def test_land_does_nothing_without_being_able_to_ask(room: LandingRoom) -> None:
    before = room.everything()
    refused = land("merge")
    assert isinstance(refused.exception, UsageError)
    assert "--expect" in refused.exception.message
    assert room.everything() == before


def test_an_agent_cannot_land(room: LandingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = re.findall(r"push .*\(id (\S+)\)", land().output)[0]
    monkeypatch.setenv("SAMOBOT_ITERATION", "1")
    before = room.everything()
    refused = land("push", "--expect", identity)
    assert isinstance(refused.exception, SamobotError)
    assert "inside an iteration" in refused.exception.message
    assert room.everything() == before


def test_discarded_session_is_archived(room: LandingRoom) -> None:
    identity = re.findall(r"discard .*\(id (\S+)\)", land().output)[0]
    assert land("discard", "--expect", identity).exception is None
    assert not room.folder.path.exists()
    assert not room.worktree.exists()
