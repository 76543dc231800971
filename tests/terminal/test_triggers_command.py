"""`samobot triggers`: what the bot offers from a forge, seen and changed at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.errors import SamobotError
from samobot.terminal import triggers_command


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")
    monkeypatch.chdir(repo)
    monkeypatch.setenv("SAMOBOT_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "empty.env").touch(mode=0o600)
    monkeypatch.setenv("SAMOBOT_ENV_FILE", str(tmp_path / "empty.env"))
    return repo


def run(*words: str) -> Result:
    return CliRunner().invoke(triggers_command.triggers_command, words)


def test_trigger_is_added_listed_and_deleted() -> None:
    assert run("add", "issue", "help wanted", "--start").exit_code == 0
    assert run("add", "review").exit_code == 0
    assert run().output.splitlines() == [
        "1  issues labeled “help wanted”  repo  starts without asking",
        "2  reviews that you are asked for  repo  asks first",
    ]
    assert run("delete", "1").output.startswith("Deleted: 1  issues")
    assert len(run().output.splitlines()) == 1
    run("delete", "2")
    assert (run().stdout, run().stderr) == ("", "There are no triggers. See samobot triggers add --help.\n")


@pytest.mark.parametrize("words", [("add", "review", "x"), ("add", "issue"), ("delete", "9")])
def test_what_cannot_be_is_refused(words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, SamobotError)


@pytest.mark.parametrize("words", [("add", "issue", "samobot", "--start"), ("delete", "1")])
def test_agent_cannot_make_or_change_triggers(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    run("add", "review")
    before = run().output
    monkeypatch.setenv(ITERATION_VARIABLE, "1")
    assert "An agent may not" in str(run(*words).exception)
    assert run().output == before
