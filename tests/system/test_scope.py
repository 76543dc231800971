"""Workers get a scope of their own where, and only where, systemd runs us and can make one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from samobot.fleet.launch import RunRequest, worker_environment
from samobot.system.platform.linux import LinuxPlatform
from samobot.system.scope import SERVICE_VARIABLES, can_scope, own_scope, scope_argv, scope_members, scoped
from tests.support.fake_programs import put_program

ARGV = ["/usr/bin/python3", "-m", "samobot", "run", "--session=a b;c"]


def yes(_program: str, _environ: Mapping[str, str]) -> bool:
    return True


def no(_program: str, _environ: Mapping[str, str]) -> bool:
    return False


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    put_program(
        tmp_path / "bin", "systemd-run", f'echo "$*" >> {tmp_path}/asked; test ! -e {tmp_path}/broken'
    )
    return {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "INVOCATION_ID": "0123"}


def test_under_systemd_a_worker_gets_a_scope_of_its_own(tmp_path: Path, environ: dict[str, str]) -> None:
    argv = scoped(ARGV, "26-11-22-greet", environ, yes)
    assert argv[:5] == [str(tmp_path / "bin" / "systemd-run"), "--user", "--scope", "--collect", "--quiet"]
    assert argv[argv.index("--") + 1 :] == ARGV
    again = scoped(ARGV, "26-11-22-greet", environ, yes)
    assert again != argv, "a scope that is still going away must not be in the way of the next"


def test_elsewhere_it_is_started_plainly(tmp_path: Path, environ: dict[str, str]) -> None:
    assert scoped(ARGV, "s", environ, no) == ARGV
    assert scoped(ARGV, "s", {"PATH": environ["PATH"]}, yes) == ARGV
    assert scoped(ARGV, "s", environ | {"PATH": str(tmp_path)}, yes) == ARGV


def test_no_name_of_a_session_can_be_read_as_an_option_or_another_unit() -> None:
    argv = scope_argv("systemd-run", ARGV, "--evil @x/../y\n", "u")
    unit = next(word for word in argv if word.startswith("--unit="))
    assert unit == "--unit=samobot-worker---evil__x_.._y_-u"


def test_a_failure_is_asked_about_again_and_a_success_is_remembered(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    program = str(tmp_path / "bin" / "systemd-run")
    (tmp_path / "broken").touch()
    assert not can_scope(program, environ)
    (tmp_path / "broken").unlink()
    assert can_scope(program, environ)
    (tmp_path / "broken").touch()
    assert can_scope(program, environ)
    assert len((tmp_path / "asked").read_text().splitlines()) == 2


def test_worker_environment_has_no_service_variables() -> None:
    environ = dict.fromkeys(SERVICE_VARIABLES, "x") | {"TELEGRAM_BOT_TOKEN": "1:x", "PATH": "/bin"}
    assert worker_environment(environ) == {"PATH": "/bin"}


def test_a_folder_named_samobot_in_the_current_folder_is_not_what_a_worker_runs(tmp_path: Path) -> None:
    (tmp_path / "samobot").mkdir()
    (tmp_path / "samobot" / "__init__.py").write_text("")
    (tmp_path / "samobot" / "__main__.py").write_text("print('taken over')")
    argv = RunRequest(tmp_path / ".samocode", "s").argv()
    ended = subprocess.run(
        argv, cwd=tmp_path, capture_output=True, text=True, env={"PATH": os.defpath, "HOME": str(tmp_path)}
    )
    assert argv[0] == sys.executable
    assert "taken over" not in ended.stdout
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("0::/user.slice/user@1000.service/app.slice/samobot-worker-26-11-22-greet-0a1b2c3d.scope", True),
        ("1:name=systemd:/samobot-worker-26-11-22-greet-0a1b2c3d.scope", True),
        ("0::/user.slice/samobot-worker-26-11-22-greeting-0a1b2c3d.scope", False),
        ("0::/user.slice/samobot-worker-26-11-22-greet-0a1b2c3d.scope/below", False),
        ("0::/user.slice/session-3.scope", False),
        ("0::/", False),
        ("nonsense", False),
    ],
)
def test_own_scope_is_the_workers_and_nobody_elses(tmp_path: Path, line: str, found: bool) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text(f"8:pids:/\n{line}\n")
    assert own_scope("26-11-22-greet", LinuxPlatform(tmp_path)) == (line.split(":", 2)[2] if found else None)


def test_scope_members_are_what_is_in_the_scope_or_below_it(tmp_path: Path) -> None:
    scope = "/a/samobot-worker-x-0a1b2c3d.scope"
    places = (scope, f"{scope}/below", f"{scope}-2", "/a")
    children = [subprocess.Popen(["sleep", "600"]) for _ in places]
    try:
        for child, place in zip(children, places, strict=True):
            (tmp_path / str(child.pid)).mkdir()
            (tmp_path / str(child.pid) / "cgroup").write_text(f"0::{place}\n")
        found = {process.pid for process in scope_members([scope], LinuxPlatform(tmp_path))}
        assert found == {child.pid for child in children[:2]}
        assert scope_members([]) == []
    finally:
        for child in children:
            child.kill()
            child.wait()
