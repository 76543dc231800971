"""`samobot schedule`: what the bot starts at a time, seen and changed at a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.errors import SamobotError
from samobot.terminal import schedule_command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")
    monkeypatch.chdir(repo)
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "empty.env").touch(mode=0o600)
    monkeypatch.setenv("SAMOBOT_ENV_FILE", str(tmp_path / "empty.env"))
    monkeypatch.setattr(schedule_command, "machine_zone", lambda: "Europe/Berlin")
    return repo


def run(*words: str) -> Result:
    return CliRunner().invoke(schedule_command.schedule_command, words)


def test_schedule_is_added_listed_paused_resumed_and_deleted(project: Path) -> None:
    assert run("add", "every weekday 8:30", "Update the dependencies").exit_code == 0
    listed = run().output
    assert listed.startswith("1  every weekday 8:30  next ")
    assert listed.endswith(" 08:30  repo  Update the dependencies\n")
    assert "paused" in run("pause", "1").output
    assert "next " in run("resume", "1").output
    assert run("delete", "1").output.startswith("Deleted: 1  every weekday 8:30")
    assert (run().stdout, run().stderr) == ("", "Nothing is scheduled. See samobot schedule add --help.\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("add", "whenever", "x"), "No time was understood"),
        (("add", "in 2 hours foo", "x"), "“foo” is no part of a time"),
        (("add", "in 2 hours", " "), "TASK is empty"),
        (("add", "in 2 hours", "x", "--project", "shop"), "--project takes one of: repo"),
        (("pause", "9"), "There is no schedule 9"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(project: Path, words: tuple[str, ...], error: str) -> None:
    result = run(*words)
    assert isinstance(result.exception, SamobotError)
    assert error in result.exception.message
    assert (run().stdout, run().stderr) == ("", "Nothing is scheduled. See samobot schedule add --help.\n")


def test_agent_cannot_schedule_work(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "in 2 hours", "x")
    monkeypatch.setenv(ITERATION_VARIABLE, "1")
    for words in (("add", "in 2 hours", "y"), ("delete", "1"), ("pause", "1"), ("resume", "1")):
        assert "from inside an iteration" in str(run(*words).exception)
    assert "x" in run().output


def test_damaged_file_is_named_and_left_alone(project: Path, tmp_path: Path) -> None:
    run("add", "in 2 hours", "x")
    file = tmp_path / "state" / "schedules.json"
    file.write_text(file.read_text()[:-9])
    before = file.read_text()
    result = run("add", "in 3 hours", "y")
    assert isinstance(result.exception, SamobotError)
    assert f"{file} is damaged" in result.exception.message
    assert file.read_text() == before


def test_file_is_for_its_user_only(project: Path, tmp_path: Path) -> None:
    run("add", "in 2 hours", "x")
    file = tmp_path / "state" / "schedules.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["schedules"][0]["zone"] == "Europe/Berlin"
