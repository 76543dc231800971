"""Stop means stopped: with the real CLI, whatever the agent has started, nothing is left and the session goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Set
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


def sleepers(shop: Workshop) -> set[int]:
    return {pid for pid, words in shop.marked() if words == ["sleep", "1000"]}


def script(*steps: Step) -> MessagesApi:
    return MessagesApi({"investigation": [*steps, *GIVE_UP]})


def test_whatever_ends_a_run_leaves_nothing_and_the_session_resumes(tmp_path: Path, fence: str) -> None:
    ways = ("SIGTERM", "samobot stop", "Ctrl-C at a terminal")
    with script(*[STUCK] * len(ways), STUCK, STUCK, LEAVE_BEHIND) as api:
        shop = real_shop(tmp_path, api, fence=fence)
        for done, way in enumerate(ways, start=1):  # each but the first one resumes
            code, text = stop(shop, way)
            assert code == 12, f"{way}: {text}"
            until(lambda: shop.processes() == [])
            assert outcomes(shop) == ["interrupted"] * done, way
        assert shop.status("greet")["cost_usd"] > 0  # what it did before is not lost

        # A killed worker leaves what its agent started, which the next run ends.
        killed = start_until_stuck(shop)
        killed.kill()
        killed.communicate()
        run = start_until_stuck(shop, but=sleepers(shop))

        # A killed CLI is tried again; an iteration that ends in order leaves nothing either.
        *_, start = shop.journal("greet", "iteration_start")
        *_, cli = shop.pids_with(start["session_id"])  # bubblewrap is above it
        os.kill(cli, signal.SIGKILL)
        out, err = run.communicate(timeout=60)
        assert run.returncode == 11, out + err
        assert outcomes(shop)[-2:] == ["crashed", "completed"]
        until(lambda: shop.processes() == [])
        api.check()


def stop(shop: Workshop, way: str) -> tuple[int, str]:
    """Run until the agent is stuck and stop that; returns the exit code and what was printed."""
    if way == "Ctrl-C at a terminal":
        with Terminal(shop, "run", "--session", "greet") as terminal:
            until(lambda: len(sleepers(shop)) == 4)
            terminal.press("c")
            return terminal.wait(), terminal.text
    run = start_until_stuck(shop)
    if way == "SIGTERM":
        run.send_signal(signal.SIGTERM)
    else:
        stopped = shop.samobot("stop", "greet", timeout=60)
        assert "nothing of the session is running" in stopped.stdout
    out, err = run.communicate(timeout=60)
    return run.returncode, out + err


def start_until_stuck(shop: Workshop, but: Set[int] = frozenset()) -> subprocess.Popen[str]:
    """Start a run and wait until its agent is stuck with all that it has started, and `but` have ended."""
    run = shop.start("run", "--session", "greet")
    until(lambda: len(found := sleepers(shop)) == 4 and found.isdisjoint(but))
    return run
