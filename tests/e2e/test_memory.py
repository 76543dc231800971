"""The worker stays small, whatever the agent's log does."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.steps import BigLine, BigLog, Garbage, Step
from tests.e2e.real import outcomes, peak_memory, real_shop
from tests.support.messages_api import MessagesApi, say, write
from tests.support.scripted import blocked, investigation, scripted_shop
from tests.support.workshop import Workshop

pytestmark = pytest.mark.slow

# Far above what is measured: a worker that holds a log in memory is over it, a Python that is built differently is not.
# How much an ordinary run takes is a figure of `make bench`.
MOST_MB = 75


def run_and_weigh(shop: Workshop) -> tuple[int, float]:
    run = shop.start("run", "--session", "greet", forked=False)
    assert run.stdout is not None
    run.stdout.close()
    most = peak_memory(run)
    assert run.stderr is not None
    assert run.stderr.read() == ""
    run.stderr.close()
    return run.returncode, most


def test_an_ordinary_run_stays_small(tmp_path: Path) -> None:
    code, most = run_and_weigh(scripted_shop(tmp_path, greeting()))
    assert code == 10
    assert most < MOST_MB


@pytest.mark.parametrize(
    "steps",
    [
        [BigLog(records=500, characters=200_000)],
        [BigLine(characters=100_000_000)],
        [Garbage(text="x" * 3_000_000)],
    ],
    ids=["a log of 100 MB", "a tool result of 100 MB", "garbage"],
)
def test_no_log_makes_the_worker_big(tmp_path: Path, steps: list[Step]) -> None:
    shop = scripted_shop(tmp_path, investigation([*steps, blocked()]))
    code, most = run_and_weigh(shop)
    assert (code, outcomes(shop)) == (11, ["completed"])
    assert most < MOST_MB


@pytest.mark.real_cli
def test_a_result_of_3_mb_on_one_line_is_read(tmp_path: Path) -> None:
    words = "All is well. " * 240_000
    steps = [
        write("{session}/_signal.json", '{"status": "blocked", "reason": "r", "needs": "n"}'),
        say(words),
    ]
    with MessagesApi({"investigation": steps}) as api:
        shop = real_shop(tmp_path, api)
        code, most = run_and_weigh(shop)
        api.check()
    assert (code, outcomes(shop)) == (11, ["completed"])
    log = next(shop.session("greet").glob("_logs/*-investigation.jsonl"))
    assert max(len(line) for line in log.read_bytes().splitlines()) > 3_000_000
    assert shop.status("greet")["cost_usd"] > 0
    assert most < MOST_MB
