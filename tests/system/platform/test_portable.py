"""The portable platform, on Linux: what it answers, and when it is the one in use."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from samobot.claude.fence_probe import fence_problem, find_bwrap
from samobot.fleet.file_watch import watch
from samobot.system.platform.current import identify, own_identity, platform
from samobot.system.platform.linux import LinuxPlatform
from samobot.system.platform.portable import PortablePlatform
from samobot.system.platform.process_identity import ProcessIdentity
from samobot.system.process_handle import ProcessHandle
from samobot.system.process_secrets import forbid_inspection, forget_variable
from samobot.system.processes import descendants, marked_processes, own_line
from samobot.system.scope import own_scope, scoped
from tests.support.fake_programs import put_program

PORTABLE = PortablePlatform()
SEAM = f"SAMOBOT_TEST_SEAM_{os.getpid()}"  # other runs of the tests may be at work


@pytest.fixture(autouse=True)
def _portable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMOBOT_PORTABLE", "1")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], env=dict(os.environ) | {SEAM: "here"})
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("system", "value", "portable"),
    [
        ("linux", None, False),
        ("linux", "", False),
        ("linux", "0", False),
        ("linux", "1", True),
        ("darwin", None, True),
        ("darwin", "0", True),
    ],
)
def test_the_portable_platform_is_chosen_without_linux_or_if_it_is_forced(
    monkeypatch: pytest.MonkeyPatch, system: str, value: str | None, portable: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    if value is None:
        monkeypatch.delenv("SAMOBOT_PORTABLE")
    else:
        monkeypatch.setenv("SAMOBOT_PORTABLE", value)
    chosen = platform()
    assert isinstance(chosen, PortablePlatform) is portable
    assert bool(chosen.weaknesses) is portable, "what is weaker is said, and only there"


def test_identity_is_the_same_for_every_process_and_after_the_clock_was_set(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = identify(child.pid)
    assert first is not None
    ask = "import sys; from samobot.system.platform.current import *; print(identify(int(sys.argv[1])))"
    other = subprocess.run(
        [sys.executable, "-c", ask, str(child.pid)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == str(first)
    boot = psutil.boot_time()
    for step in (-86_400.0, 1.5, 86_400.0):
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda step=step: boot + step)
        assert identify(child.pid) == first
    assert own_identity() != first
    child.kill()
    child.wait()
    assert identify(child.pid) is None


def test_identity_of_one_platform_never_equals_that_of_the_other(child: subprocess.Popen[bytes]) -> None:
    assert PORTABLE.identify(child.pid) != LinuxPlatform().identify(child.pid)


def test_only_another_boot_of_the_same_platform_is_certainly_another() -> None:
    cases = {
        ("a", "a"): True,
        ("a", "b"): False,
        ("portable:a", "portable:a"): True,
        ("portable:a", "portable:b"): False,
        ("portable:", "portable:a"): True,
        ("portable:", "portable:"): True,
        ("portable:a", "a"): True,
        ("a", "portable:"): True,
        ("", "a"): True,
    }
    for (recorded, here), may in cases.items():
        assert ProcessIdentity(1, 1, recorded).may_be_of_boot(here) is may, (recorded, here)


def test_processes_are_found_by_mark_and_parent(child: subprocess.Popen[bytes]) -> None:
    assert [process.pid for process, _ in marked_processes(SEAM)] == [child.pid]
    assert child.pid in {process.pid for process in descendants()}
    assert os.getppid() in own_line()
    assert PORTABLE.has_children()


def test_an_ended_process_that_nobody_has_asked_for_is_not_waited_for(
    child: subprocess.Popen[bytes],
) -> None:
    handle = ProcessHandle.open(child.pid)
    assert handle is not None
    handle.send(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify(child.pid) == handle.identity
    assert handle.wait(0)


def test_holder_of_a_lock_is_who_its_text_names_and_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.touch()
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); input()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with path.open() as prober:
            with pytest.raises(BlockingIOError):
                fcntl.flock(prober, fcntl.LOCK_SH | fcntl.LOCK_NB)
            assert PORTABLE.lock_owner(path, []) is None, "who only asks has it open too"
            assert PORTABLE.lock_owner(path, [os.getppid(), holder.pid]) == holder.pid
        assert PORTABLE.lock_owner(path, [os.getpid(), 2**40]) is None
        assert PORTABLE.lock_owner(tmp_path / "none", [holder.pid]) is None
        holder.kill()


def test_what_only_linux_has_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_program(tmp_path, "bwrap", "exit 0")
    put_program(tmp_path, "systemd-run", "exit 0")
    environ = {"PATH": f"{tmp_path}:{os.defpath}", "INVOCATION_ID": "1"}
    assert find_bwrap(environ) is None
    assert "SAMOBOT_PORTABLE" in str(fence_problem(environ))
    assert scoped(["run"], "greet", environ) == ["run"]
    assert own_scope("greet") is None
    assert not platform().become_subreaper()
    with (tmp_path / "bwrap").open() as file:
        assert platform().path_of(file.fileno()) is None
    monkeypatch.setenv("SAMOBOT_TEST_SECRET", "x")
    forget_variable("SAMOBOT_TEST_SECRET")
    assert "SAMOBOT_TEST_SECRET" not in os.environ
    forbid_inspection()


async def test_file_watching_leaves_everything_to_polling(tmp_path: Path) -> None:
    await watch([tmp_path], lambda: None)


def test_neither_inotify_nor_ctypes_is_needed() -> None:
    code = (
        "import sys\nsys.modules['samobot.system.inotify'] = None\nsys.modules['ctypes'] = None\n"
        "import samobot.system.platform.current as current, samobot.fleet.file_watch, samobot.terminal.run_command\n"
        "from samobot.claude.reaper import become_subreaper, sweep\n"
        "from samobot.system.process_secrets import forbid_inspection, forget_variable\n"
        "become_subreaper(); forbid_inspection(); forget_variable('X'); print(sweep().ended)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "0\n", done.stderr
