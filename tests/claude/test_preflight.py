"""Whether the CLI can be run: one sentence that says what to do when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from samobot.claude import preflight as module
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import check_root, find, preflight
from samobot.errors import UsageError
from tests.support.claude_cli import cli_environment, require_claude


def fake(path: Path, body: str) -> ClaudeOptions:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return ClaudeOptions(path=str(path))


ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "IS_SANDBOX": "1"}


def test_a_working_cli_is_found_on_path_with_its_version(tmp_path: Path) -> None:
    fake(tmp_path / "bin" / "claude", "echo '2.1.197 (Claude Code)'")
    cli = preflight(ClaudeOptions(), ENV | {"PATH": f"{tmp_path / 'bin'}:{ENV['PATH']}"})
    assert (cli.path, cli.version) == (str(tmp_path / "bin" / "claude"), "2.1.197")


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "tools" / "claude", "echo '2.1.197 (Claude Code)'")
    monkeypatch.chdir(tmp_path)
    assert find("tools/claude", ENV) == str(tmp_path / "tools" / "claude")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/tools/claude", ENV) == str(tmp_path / "tools" / "claude")


def test_missing_cli_reports_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no Claude CLI named “claude” on PATH\. Install"):
        find("claude", {"PATH": str(tmp_path)})
    with pytest.raises(UsageError, match="There is no Claude CLI at /nonexistent/claude"):
        find("/nonexistent/claude", ENV)


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "claude"
    path.write_text("x")
    with pytest.raises(UsageError, match="not an executable file"):
        find(str(path), ENV)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo '1.0.98 (Claude Code)'", "version 1.0.98, older than 2.1.0: update it"),
        ("echo hello", "asked for its version, it said: hello"),
        ("echo broken >&2; exit 3", "it said: broken"),
        ("exit 3", "it said: nothing"),
    ],
)
def test_a_cli_that_cannot_work_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preflight(fake(tmp_path / "claude", body), ENV)


def test_a_cli_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    with pytest.raises(UsageError, match="did not answer"):
        preflight(fake(tmp_path / "claude", "exec sleep 60"), ENV)


def test_a_file_of_another_kind_of_machine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claude"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(UsageError, match="cannot be started"):
        preflight(ClaudeOptions(path=str(path)), ENV)


@pytest.mark.parametrize(
    ("answer", "code", "refused"),
    [
        ('{"loggedIn": false}', 1, True),
        ('{"loggedIn": true}', 0, False),
        ("what?", 1, False),
        ("[]", 1, False),
    ],
)
def test_only_a_plain_no_counts_as_not_logged_in(
    tmp_path: Path, answer: str, code: int, refused: bool
) -> None:
    body = f"""[ "$1" = auth ] && {{ echo '{answer}'; exit {code}; }}; echo '2.1.197 (Claude Code)'"""
    options = fake(tmp_path / "claude", body)
    if refused:
        with pytest.raises(UsageError, match="not logged in"):
            preflight(options, ENV, login=True)
    else:
        assert preflight(options, ENV, login=True).version == "2.1.197"


def test_root_outside_a_sandbox_gets_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(
        UsageError, match=r"as another user.*CLAUDE_PERMISSION_MODE=acceptEdits.*IS_SANDBOX=1"
    ):
        check_root(ClaudeOptions(), {})
    check_root(ClaudeOptions(), {"IS_SANDBOX": "1"})
    check_root(ClaudeOptions(permission_mode="acceptEdits"), {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    check_root(ClaudeOptions(), {})


def test_with_a_key_in_the_environment_the_cli_is_not_asked_for_its_login(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    options = fake(tmp_path / "claude", f"[ $1 = auth ] && touch '{asked}'; echo '2.1.197 (Claude Code)'")
    for key in module._KEYS:
        assert preflight(options, ENV | {key: "anything"}, login=True).version == "2.1.197"
    assert not asked.exists()
    preflight(options, ENV | {module._KEYS[0]: ""}, login=True)
    assert asked.exists()


@pytest.mark.real_cli
def test_real_cli_counts_a_key_as_a_login_and_reports_a_missing_one(tmp_path: Path) -> None:
    options = ClaudeOptions(path=str(require_claude()))
    env = cli_environment(tmp_path / "home", "http://127.0.0.1:9")
    assert preflight(options, env, login=True).version.startswith("2.")
    del env["ANTHROPIC_API_KEY"]
    for key in module._KEYS:
        done = subprocess.run(
            [options.path, "auth", "status"], env=env | {key: "anything"}, capture_output=True
        )
        assert json.loads(done.stdout)["loggedIn"] is True, key
    with pytest.raises(UsageError, match="not logged in"):
        preflight(options, env, login=True)
