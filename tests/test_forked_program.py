"""A `samobot` that tests fork is, to the system and to samobot, one that was started."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from samobot.sandbox.agent.steps import Children, Hang
from samobot.system.platform.current import identify
from tests.support.forked_program import start_samobot
from tests.support.scripted import investigation, scripted_shop
from tests.support.terminal import Terminal
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="starts the program itself")


def test_forked_run_has_its_own_arguments_environment_session_and_end(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), Hang()]))
    run = shop.start("run", "--session", "greet", start_new_session=True)
    until(shop.children)
    expected = {f"{name}={value}" for name, value in shop.environment.items()}
    of_process = Path(f"/proc/{run.pid}")
    assert type(run).__name__ == "_ForkedProgram"
    assert shop.pids_with("--session") == [run.pid]
    assert (of_process / "cmdline").read_bytes() == "\0".join(
        [sys.executable, "-m", "samobot", "run", "--session", "greet", ""]
    ).encode()
    assert set((of_process / "environ").read_text().split("\0")) == {*expected, ""}
    assert (of_process / "cwd").readlink() == shop.repo
    assert os.getsid(run.pid) == run.pid
    assert identify(run.pid) is not None
    assert {each.name for each in (of_process / "fd").iterdir()} >= {"0", "1", "2"}
    assert run.poll() is None
    run.send_signal(signal.SIGKILL)
    assert run.wait(60) == -signal.SIGKILL
    assert run.poll() == -signal.SIGKILL
    run.communicate()
    assert shop.samobot("stop", "greet").returncode == 0
    assert shop.processes() == []


def test_forked_command_says_and_returns_what_a_started_one_does(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([]))
    ends = []
    for more in ({}, {"restore_signals": True}):  # the second cannot be forked
        process = start_samobot("status", "absent", folder=shop.repo, environment=shop.environment, **more)
        out, err = process.communicate(timeout=60)
        ends.append((process.returncode, out, err))
    assert ends[0] == ends[1]
    assert ends[0][0] == 2


def test_worker_that_a_forked_command_starts_is_forked_and_outlives_it(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), Hang()]))
    done = shop.samobot("run", "--session", "greet", "--detach")
    assert done.returncode == 0, done.stderr
    until(shop.children)
    (worker,) = shop.pids_with("--session=" + shop.session("greet").name)
    words = dict(shop.marked())[worker]
    assert words[:5] == [sys.executable, "-P", "-m", "samobot", "run"]
    assert os.getsid(worker) == worker
    server = psutil.Process(worker).parent()
    assert server is not None
    assert (
        "tests.support.fork_server" in " ".join(server.cmdline()) or "fork_server.py" in server.cmdline()[0]
    )
    assert shop.samobot("stop", "greet").returncode == 0
    assert shop.processes() == []


def test_program_at_a_terminal_is_forked_and_hears_ctrl_c(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Hang()]))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        until(shop.runs)
        assert type(terminal.process).__name__ == "_ForkedProgram"
        terminal.press("c")
        assert terminal.wait() == 12
    assert shop.processes() == []
