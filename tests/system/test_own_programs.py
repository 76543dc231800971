"""The programs that samobot runs itself are never those that lie where agents write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from samobot.claude.codex_program import CodexProgram, find_codex
from samobot.claude.fence_probe import find_bwrap
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import preflight
from samobot.config.project import load_project
from samobot.errors import SamobotError, UsageError
from samobot.fleet.forge import ForgeError
from samobot.fleet.forge_tool import run_tool
from samobot.session import search_path
from samobot.session.search_path import close_folders, find_program, own_environment
from samobot.system import launchd, systemd
from samobot.system.scope import scoped
from samobot.system.transcription import Transcriber
from tests.support.fake_programs import put_claude, put_program

USES: dict[str, Callable[[Mapping[str, str]], object]] = {
    "gh": lambda environ: run_tool("gh", ["version"]),
    "glab": lambda environ: run_tool("glab", ["version"]),
    "bubblewrap": find_bwrap,
    "scope": lambda environ: scoped(["true"], "greet", environ),
    "systemd": systemd.require_manager,
    "systemd's state": systemd.service_state,
    "systemd's login": systemd.lingers,
    "launchd": launchd.service_state,
    "claude": lambda environ: preflight(ClaudeOptions(permission_mode="default"), environ),
    "codex": lambda environ: find_codex("codex", environ),
    "codex itself": lambda environ: CodexProgram("codex", Path("/")).check(environ, login=True),
    "transcription": lambda environ: Transcriber(command="whisper {file}", environ=environ)._run(
        "a.ogg", b""
    ),
}


@pytest.mark.parametrize(
    "place", ["repo/.venv/bin", "worktrees/greet/node_modules/.bin", "sessions/x", "link"]
)
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_no_program_of_a_project_stands_in_for_one_of_samobots_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, use: Callable[[Mapping[str, str]], object]
) -> None:
    for name in ("repo/.git", "repo/app", "worktrees", "sessions", "outside", "repo/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".samocode").write_text("MAIN_REPO=repo/app\nWORKTREES=worktrees\nSESSIONS=sessions\n")
    load_project(tmp_path)
    (tmp_path / "link").symlink_to("repo/bin")
    for name in (
        *("gh", "glab", "git", "bwrap", "systemd-run", "true", "systemctl", "loginctl", "launchctl"),
        *("claude", "codex", "whisper"),
    ):
        put_program(tmp_path / place, name, f"echo {name} >> {tmp_path}/ran; echo 9.9.9")
    # A script outside, such as npm's, is run by whatever is first on the PATH that it gets.
    put_program(tmp_path / "outside", "codex", "true; git --version > /dev/null; echo 0.171.0")
    environ = {
        "PATH": f"{tmp_path / place}:{tmp_path / 'outside'}:/usr/bin:/bin",
        "HOME": str(tmp_path / "outside"),
        "INVOCATION_ID": "0123",
    }
    monkeypatch.setenv("PATH", environ["PATH"])
    with contextlib.suppress(SamobotError, ForgeError):
        result = use(environ)
        assert str(tmp_path / place) not in str(result)
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_a_cli_that_only_a_project_has_is_named_with_what_to_do(tmp_path: Path) -> None:
    program = put_claude(tmp_path / "repo" / "bin")
    close_folders([tmp_path / "repo"])
    environ = {"PATH": str(program.parent), "HOME": str(tmp_path)}
    with pytest.raises(UsageError, match="CLAUDE_PATH"):
        preflight(ClaudeOptions(permission_mode="default"), environ)
    named = ClaudeOptions(permission_mode="default", path=str(program))
    assert preflight(named, environ).path == str(program)


def test_programs_of_the_user_are_found_if_the_home_is_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program = put_program(tmp_path / ".local" / "bin", "gh", "true")
    close_folders([tmp_path, tmp_path.parent])
    assert find_program("gh", {"PATH": str(program.parent)}) == str(program)


def test_a_path_that_leads_into_projects_only_does_not_become_the_working_directory(tmp_path: Path) -> None:
    close_folders([tmp_path])
    assert own_environment({"PATH": f"{tmp_path}/bin::."})["PATH"] == os.defpath


def test_a_project_that_names_the_system_takes_no_program_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_path, "_closed", set())
    (tmp_path / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=/usr\nSESSIONS=/\n")
    load_project(tmp_path)
    assert find_program("env", {"PATH": f"{tmp_path}:/usr/bin:/bin"}) == "/usr/bin/env"
