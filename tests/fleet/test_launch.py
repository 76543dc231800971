"""Starting a worker in the background, and stopping what is or is not there."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.config.environment import BOT_SECRETS
from samobot.config.model_choice import Profile
from samobot.errors import StorageError
from samobot.fleet.launch import RunRequest, worker_environment, worker_log
from samobot.session.provider import Provider
from samobot.worker.halt import HaltResult, halt
from tests.support.session_folder import make_session

GREET = RunRequest(config=Path("/code/demo/.samocode"), session="26-01-15-greet")


def test_no_user_text_goes_through_a_shell_or_becomes_a_flag() -> None:
    nasty = "--budget=1; rm -rf $HOME `id` 'x'\n\"y\""
    argv = RunRequest(
        config=Path("/p/.samocode"),
        session="greet",
        model=nasty,
        profile=Profile.MAX,
        provider=Provider.CODEX,
        budget_usd=5,
        auto=True,
    ).argv()
    assert f"--model={nasty}" in argv
    assert [word for word in argv if word.startswith("--budget=")] == ["--budget=5"]
    assert "--profile=max" in argv
    assert "--provider=codex" in argv
    assert argv[-1] == "--auto"


def test_a_worker_gets_nothing_that_only_the_bot_needs() -> None:
    environ = {
        "PATH": "/bin",
        **dict.fromkeys(BOT_SECRETS, "secret"),
        "TELEGRAM_CHAT_ID": "1",
        "ANTHROPIC_API_KEY": "k",
    }
    assert worker_environment(environ) == {"PATH": "/bin", "ANTHROPIC_API_KEY": "k"}


def test_the_output_of_a_worker_is_kept_small(tmp_path: Path) -> None:
    log = worker_log(tmp_path, GREET)
    log.write_bytes(b"x" * 1_000_001)
    assert worker_log(tmp_path, GREET) == log
    assert not log.exists()
    assert log.with_suffix(".log.1").stat().st_size == 1_000_001


def test_a_first_worker_in_the_background_makes_the_state_folder_private(tmp_path: Path) -> None:
    state = tmp_path / "samobot"
    log = worker_log(state, GREET)
    made = (state, log.parent.parent, log.parent)
    assert [stat.S_IMODE(each.stat().st_mode) for each in made] == [0o700] * 3


def test_equally_named_sessions_of_two_projects_do_not_share_their_output(tmp_path: Path) -> None:
    configs = (GREET.config, Path("/code/shop/.samocode"), Path("/other/demo/.samocode"))
    logs = {worker_log(tmp_path, replace(GREET, config=config)) for config in configs}
    assert len(logs) == 3
    assert worker_log(tmp_path, GREET) in logs


def test_a_state_folder_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageError, match="SAMOBOT_STATE_DIR"):
        worker_log(tmp_path / "state", GREET)


def test_stopping_an_idle_session_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    before = folder.overview.read_bytes()
    halted = halt(folder)
    assert (halted.worker, halted.forced, halted.alive) == (None, False, ())
    assert "No worker was running" in halted.summary
    assert folder.overview.read_bytes() == before
    assert not folder.journal.exists()


def test_what_could_not_be_ended_is_named() -> None:
    words = HaltResult(worker=7, forced=False, ended=1, alive=("8 sleep 1000",)).summary
    assert "8 sleep 1000" in words
