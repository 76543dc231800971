"""`samobot clean`: the same gates from a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samobot.errors import ConflictError, NotFoundError, UsageError
from samobot.session.folder import archive
from samobot.terminal.clean_command import clean_command
from tests.support.landing_room import LandingRoom
from tests.support.repository import git

pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    git(tmp_path, "config", "--global", "user.name", "Anna")
    git(tmp_path, "config", "--global", "user.email", "anna@example.org")
    made = LandingRoom(tmp_path)
    monkeypatch.chdir(made.repo)
    return made


def clean(*arguments: str) -> Result:
    return CliRunner().invoke(clean_command, arguments)


def test_clean_asks_before_it_removes_what_is_merged(room: LandingRoom) -> None:
    git(room.repo, "merge", "--quiet", "greet")
    asked = clean()
    assert "greet: greet, done, merged, " in asked.output
    assert isinstance(asked.exception, UsageError)
    assert room.worktree.exists()
    done = clean("--yes")
    assert done.exception is None, done.exception
    assert not room.worktree.exists()
    assert "Nothing to remove." in clean().output


def test_clean_keeps_what_is_not_merged_unless_it_is_named(room: LandingRoom) -> None:
    archive(room.folder)
    listed = clean("--yes")
    assert "2 commits not merged" in listed.output
    assert "stays" in listed.output
    assert room.worktree.exists()
    assert isinstance(clean("nope", "--yes").exception, NotFoundError)
    done = clean("greet", "--yes")
    assert done.exception is None, done.exception
    assert not room.worktree.exists()
    assert git(room.repo, "rev-parse", "refs/samobot/discarded/greet")


def test_clean_names_what_it_could_not_remove(room: LandingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    git(room.repo, "merge", "--quiet", "greet")

    def refuse(*_: object, **__: object) -> None:
        raise ConflictError("greet has changed since this was shown; look at it again.")

    monkeypatch.setattr("samobot.terminal.clean_command.clean", refuse)
    done = clean("--yes")
    assert "changed since" in done.output
    assert isinstance(done.exception, ConflictError)
