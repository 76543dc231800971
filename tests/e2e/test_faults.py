"""What goes wrong in the real CLI, and what the run makes of it."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.real import outcomes, real_shop
from tests.support.messages_api import (
    HANG,
    NO_CREDIT,
    OVERLOADED,
    UNAUTHORISED,
    Cut,
    MessagesApi,
    Step,
    bash,
    say,
    usage_limit,
)
from tests.support.messages_api import signal as signalling
from tests.support.waiting import until

pytestmark = pytest.mark.real_cli

GIVE_UP = signalling("blocked", reason="Enough", needs="Nothing")


def script(*steps: Step) -> MessagesApi:
    return MessagesApi({"investigation": [*steps, *GIVE_UP]})


def test_a_usage_limit_parks_the_run_until_the_reset(tmp_path: Path) -> None:
    reset = int(time.time()) + 3600
    with MessagesApi({"investigation": [usage_limit(reset)]}) as api:
        shop = real_shop(tmp_path, api, subscription=True)
        done = shop.run("greet", "--no-wait")
        api.check()
    assert done.returncode == 14, done.stdout + done.stderr
    assert outcomes(shop) == ["usage_limit"]
    (park,) = shop.journal("greet", "park")
    assert park["kind"] == "five_hour"
    assert park["until"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(reset + 59))
    assert shop.status("greet")["state"] == "parked"
    assert shop.journal("greet", "retry") == []


def test_an_overloaded_api_is_waited_for_and_no_failure(tmp_path: Path) -> None:
    with MessagesApi(lambda request: OVERLOADED) as api:
        shop = real_shop(tmp_path, api)
        run = shop.start("run", "--session", "greet")
        until(lambda: list(shop.sessions.glob("*/_logs/journal.jsonl")))
        (retry,) = until(lambda: shop.journal("greet", "retry"))
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    assert (run.returncode, retry["outcome"], retry["delay_s"]) == (12, "overloaded", 30)


@pytest.mark.parametrize(("fault", "outcome"), [(UNAUTHORISED, "auth"), (NO_CREDIT, "account")])
def test_refused_key_or_account_blocks_at_once(tmp_path: Path, fault: Step, outcome: str) -> None:
    with MessagesApi(lambda request: fault) as api:  # type: ignore[arg-type,return-value]
        shop = real_shop(tmp_path, api)
        done = shop.run("greet")
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == [outcome]
    assert shop.journal("greet", "run_end")[-1]["cause"] == "account"


def test_an_answer_that_breaks_off_is_taken_up_again_in_the_same_iteration(tmp_path: Path) -> None:
    with script(replace(say("I was just about to"), cut=Cut.AFTER_BLOCK)) as api:
        shop = real_shop(tmp_path, api)
        done = shop.run("greet")
        api.check()
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == ["completed"]
    assert api.requests[0].run == api.requests[1].run
    assert "There is no signal file" in api.requests[1].text


def test_an_api_that_never_answers_is_ended_by_the_clock_and_tried_again(tmp_path: Path) -> None:
    with script(HANG) as api:
        shop = real_shop(tmp_path, api)
        done = shop.run("greet", "--timeout", "20")
        api.check()
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == ["timeout", "completed"]
    until(lambda: shop.processes() == [])


def test_a_tool_that_hangs_is_ended_by_the_clock_with_all_it_started(tmp_path: Path) -> None:
    with script(bash("setsid sleep 1000 & sleep 1000")) as api:
        shop = real_shop(tmp_path, api)
        done = shop.run("greet", "--timeout", "20")
        api.check()
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == ["timeout", "completed"]
    until(lambda: shop.processes() == [])
