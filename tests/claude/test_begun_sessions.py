"""Leftovers without a mark and without a parent, on systems without child subreapers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from samobot.claude.begun_sessions import LOOK_SECONDS, BegunSessions
from samobot.system.platform.current import identify
from samobot.system.processes import is_alive

# A CLI whose tool, in a session of its own, starts something in the background and then waits.
CLI = """
import subprocess, sys
tool = "import os, subprocess, sys; child = subprocess.Popen(['sleep', '600'], env={}, stdout=subprocess.DEVNULL); print(child.pid, flush=True); sys.stdin.read()"
subprocess.Popen([sys.executable, "-S", "-c", tool], env={}, start_new_session=True).wait()
"""


@pytest.fixture(autouse=True)
def _portable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMOBOT_PORTABLE", "1")


@pytest.fixture
def cli() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", CLI],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("looked", [True, False])
def test_what_a_tool_left_behind_is_ended_if_its_session_was_seen(
    cli: subprocess.Popen[bytes], looked: bool
) -> None:
    begun = BegunSessions(cli.pid)
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert cli.stdout is not None
    left = psutil.Process(int(cli.stdout.readline()))
    try:
        if looked:
            begun.look()
        tool = left.parent()
        assert tool is not None
        cli.kill()
        cli.wait()
        tool.kill()  # its parent is gone, and so is now that of what it started
        begun.end()
        assert is_alive(left) is not looked
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()


def test_the_cli_and_its_servers_are_ended_without_any_look(cli: subprocess.Popen[bytes]) -> None:
    assert cli.stdout is not None
    left = psutil.Process(int(cli.stdout.readline()))
    tool = left.parent()
    assert tool is not None
    assert BegunSessions(cli.pid).end().ended == 1
    assert cli.wait() < 0
    for process in (tool, left):
        process.kill()


def test_a_session_whose_id_another_one_got_is_left_alone(cli: subprocess.Popen[bytes]) -> None:
    begun = BegunSessions(cli.pid)
    first = identify(cli.pid)
    assert first is not None
    begun._leaders[cli.pid] = type(first)(first.pid, first.start_ticks - 1, first.boot_id)
    assert begun.end().ended == 0
    assert cli.poll() is None


def test_processes_are_listed_once_a_second(
    cli: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def record(*, of: int) -> list[psutil.Process]:
        looks.append(of)
        return []

    monkeypatch.setattr("samobot.claude.begun_sessions.descendants", record)
    times = [0.0]
    begun = BegunSessions(cli.pid, lambda: times[-1])
    for part in (0.0, 0.5, 1.0, 1.5):
        times.append(part * LOOK_SECONDS)
        begun.look()
    assert looks == [cli.pid, cli.pid]
