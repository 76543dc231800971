"""Stop means stopped: with the real CLI, whatever the agent has started, nothing is left and the session goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.real import outcomes, real_shop
from tests.support.messages_api import MessagesApi, Step, bash
from tests.support.messages_api import signal as signalling
from tests.support.terminal import Terminal
from tests.support.waiting import until
from tests.support.workshop import Workshop

pytestmark = pytest.mark.real_cli

SLEEPERS = "sleep 1000 & disown; setsid sleep 1000 & nohup sleep 1000 >/dev/null 2>&1 & "
STUCK = bash(SLEEPERS + "sleep 1000")
LEAVE_BEHIND = bash(SLEEPERS + "echo started")
GIVE_UP = signalling("blocked", reason="Enough", needs="Nothing")


def sleepers(shop: Workshop) -> list[str]:
    return [command for command in shop.processes() if command == "sleep 1000"]


def script(*steps: Step) -> MessagesApi:
    return MessagesApi({"investigation": [*steps, *GIVE_UP]})


def test_each_way_to_stop_leaves_nothing_and_the_session_resumes(tmp_path: Path, fence: str) -> None:
    ways = ("SIGTERM", "samobot stop", "Ctrl-C at a terminal")
    with script(*[STUCK] * len(ways)) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        for done, way in enumerate(ways, start=1):  # each but the first one resumes
            code, text = stop(shop, way)
            assert code == 12, f"{way}: {text}"
            until(lambda: shop.processes() == [])
            assert outcomes(shop) == ["interrupted"] * done, way
        assert shop.status("greet")["cost_usd"] > 0  # what it did before is not lost
        assert shop.run("greet").returncode == 11
        api.check()


def stop(shop: Workshop, way: str) -> tuple[int, str]:
    """Run until the agent is stuck and stop that; returns the exit code and what was printed."""
    if way == "Ctrl-C at a terminal":
        with Terminal(shop, "run", "--session", "greet") as terminal:
            until(lambda: len(sleepers(shop)) == 4)
            terminal.press("c")
            return terminal.wait(), terminal.text
    run = shop.start("run", "--session", "greet")
    until(lambda: len(sleepers(shop)) == 4)
    if way == "SIGTERM":
        run.send_signal(signal.SIGTERM)
    else:
        stopped = shop.samobot("stop", "greet", timeout=60)
        assert "nothing of the session is running" in stopped.stdout
    out, err = run.communicate(timeout=60)
    return run.returncode, out + err


def test_a_normal_end_leaves_nothing(tmp_path: Path, fence: str) -> None:
    with script(LEAVE_BEHIND) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        done = shop.run("greet")
        assert done.returncode == 11, done.stdout + done.stderr
        assert outcomes(shop) == ["completed"]
        until(lambda: shop.processes() == [])
        api.check()


def test_a_killed_cli_leaves_nothing_and_is_tried_again(tmp_path: Path, fence: str) -> None:
    with script(STUCK) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        run = shop.start("run", "--session", "greet")
        until(lambda: len(sleepers(shop)) == 4)
        (start,) = shop.journal("greet", "iteration_start")
        *_, cli = shop.pids_with(start["session_id"])  # bubblewrap is above it
        os.kill(cli, signal.SIGKILL)
        out, err = run.communicate(timeout=60)
        assert run.returncode == 11, out + err
        assert outcomes(shop) == ["crashed", "completed"]
        until(lambda: shop.processes() == [])
        api.check()


def test_a_killed_worker_leaves_nothing_once_the_session_is_run_again(tmp_path: Path, fence: str) -> None:
    with script(STUCK) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        run = shop.start("run", "--session", "greet")
        until(lambda: len(sleepers(shop)) == 4)
        run.kill()
        run.communicate()
        done = shop.run("greet")
        assert done.returncode == 11, done.stdout + done.stderr
        until(lambda: shop.processes() == [])
        api.check()
