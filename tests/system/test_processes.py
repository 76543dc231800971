"""Finding processes, and ending them: those that end on SIGTERM, those that ignore it, those that have ended already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from samobot.system.platform.linux import LinuxPlatform
from samobot.system.processes import descendants, end_processes, is_alive, marked_processes, own_line
from tests.support.waiting import until


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if is_alive(process)]


def test_end_processes_kills_what_ignores_sigterm() -> None:
    willing = subprocess.Popen(["sleep", "600"])
    deaf = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 600; done"], stdout=subprocess.PIPE
    )
    gone = subprocess.Popen(["true"])
    processes = [psutil.Process(each.pid) for each in (willing, deaf, gone)]
    gone.wait()
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"deaf\n"
    left = until(
        psutil.Process(deaf.pid).children
    )  # the shell says that it is deaf before it has started any
    end_processes(lambda: alive(processes), grace=0.2, seconds=60)
    assert alive(processes) == []
    end_processes(lambda: alive(left), grace=0.2, seconds=60)  # they ignore SIGTERM too
    willing.wait()
    deaf.communicate()


def test_end_processes_does_not_wait_for_a_zombie() -> None:
    idler = (
        "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", idler], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert end_processes(lambda: alive([child]), grace=3600, seconds=3600).ended == 1
        assert child.status() == psutil.STATUS_ZOMBIE
        assert not is_alive(child)
        parent.kill()


@pytest.mark.parametrize("step", [-86_400.0, -1.5, 0.5, 3.0, 86_400.0])
def test_descendants_are_found_while_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    boot = psutil.boot_time()
    steps = iter(range(100_000))
    # Each look at the boot time finds another one, as while the clock is being set.
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + step * next(steps))
    shell = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE)
    ours = {shell.pid}  # this process may have further children, which other tests use
    try:
        assert shell.stdout is not None
        ours.add(int(shell.stdout.readline()))
        assert ours <= {process.pid for process in descendants()}
        assert os.getppid() in own_line()
    finally:
        own = [process for process in alive(descendants()) if process.pid in ours]
        end_processes(lambda: alive(own), grace=0, seconds=60)
        shell.communicate()


def test_marked_processes_are_looked_for_where_the_kernel_shows_them(tmp_path: Path) -> None:
    environ = dict(os.environ) | {"SAMOBOT_TEST_SEAM": "here"}
    shown, hidden = (subprocess.Popen(["sleep", "600"], env=environ) for _ in range(2))
    try:
        (tmp_path / "empty").mkdir()
        (tmp_path / str(shown.pid)).symlink_to(f"/proc/{shown.pid}")
        found = [process.pid for process, _ in marked_processes("SAMOBOT_TEST_SEAM", LinuxPlatform(tmp_path))]
        assert (found, descendants(LinuxPlatform(tmp_path / "empty"))) == ([shown.pid], [])
    finally:
        for process in (shown, hidden):
            process.kill()
            process.wait()


def test_marked_processes_are_found_by_the_variable_itself() -> None:
    environ = dict(os.environ) | {"SAMOBOT_TEST_MARK": "here"}
    marked = subprocess.Popen(["sleep", "600"], env=environ)
    decoy = subprocess.Popen(["sleep", "600"], env=dict(os.environ) | {"OTHER": "SAMOBOT_TEST_MARK=here"})
    try:
        assert [(process.pid, mark) for process, mark in marked_processes("SAMOBOT_TEST_MARK")] == [
            (marked.pid, "here")
        ]
    finally:
        for process in (marked, decoy):
            process.kill()
            process.wait()
