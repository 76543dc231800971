"""Codex that fails, vanishes or writes nonsense: one clear outcome each, as for Claude."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.real import outcomes
from tests.support.codex_cli import codex_shop
from tests.support.responses_api import Broken, Refusal, ResponsesApi, Step, run, say
from tests.support.waiting import until
from tests.support.workshop import Workshop

pytestmark = pytest.mark.real_cli

NO_MODEL = Refusal(404, {"message": "The model `gpt-9` does not exist.", "code": "model_not_found"})
BAD_VALUE = Refusal(400, {"message": "Invalid value: 'foo'.", "param": "reasoning.effort"})
NO_PLAN = Refusal(429, {"type": "usage_not_included", "message": "Not included"})
OVERLOADED = Refusal(503, {"message": "Overloaded", "code": "server_is_overloaded"})


def shop_without_retries(root: Path, api: ResponsesApi) -> Workshop:
    shop = codex_shop(root, api)
    shop.environment["SAMOCODE_MAX_RETRIES"] = "0"
    return shop


def end_reason(shop: Workshop) -> str:
    return str(shop.journal("greet", "run_end")[-1]["text"])


@pytest.mark.parametrize(
    ("refusal", "outcome", "text"),
    [
        (NO_MODEL, "invalid_request", "The account cannot use this model: "),
        (BAD_VALUE, "invalid_request", "The Codex API refuses the request: Invalid value: 'foo'."),
        (NO_PLAN, "account", "Codex's account refuses work: To use Codex with your ChatGPT plan, upgrade"),
    ],
    ids=["model", "request", "plan"],
)
def test_refusal_that_only_the_user_can_cure_blocks_at_once(
    tmp_path: Path, refusal: Refusal, outcome: str, text: str
) -> None:
    with ResponsesApi(refusal) as api:
        shop = shop_without_retries(tmp_path, api)
        done = shop.run("greet")
    assert done.returncode == 11, done.stdout + done.stderr
    assert outcomes(shop) == [outcome]
    assert end_reason(shop).startswith(text)
    assert refusal is not NO_MODEL or "`gpt-9` does not exist" in end_reason(shop)


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Refusal(500, {"message": "Internal error"}), "overloaded"),
        (OVERLOADED, "overloaded"),
        (Broken("event: response.output_item.done\ndata: {no\n\n"), "network"),
    ],
    ids=["500", "overloaded", "cut"],
)
def test_failure_of_the_service_is_waited_for(tmp_path: Path, step: Step, outcome: str) -> None:
    with ResponsesApi(step) as api:
        shop = shop_without_retries(tmp_path, api)
        worker = shop.start("run", "--session", "greet")
        until(lambda: list((shop.session("greet") / "_logs").glob("journal.jsonl")))
        (retry,) = until(lambda: shop.journal("greet", "retry"))
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert (worker.returncode, retry["outcome"], retry["delay_s"]) == (12, outcome, 30)


def test_answer_that_never_ends_is_ended_after_the_time_of_an_iteration(tmp_path: Path) -> None:
    with ResponsesApi(Broken(hangs=True)) as api:
        shop = shop_without_retries(tmp_path, api)
        shop.environment["CLAUDE_TIMEOUT"] = "4"
        done = shop.run("greet")
    assert done.returncode == 1, done.stdout + done.stderr
    assert outcomes(shop) == ["timeout"]
    until(lambda: shop.processes() == [])


@pytest.mark.parametrize("place", [1, 0], ids=["launcher", "program"])
def test_codex_that_is_killed_in_the_middle_of_a_command_leaves_nothing(tmp_path: Path, place: int) -> None:
    with ResponsesApi(run("sleep 1000 & disown; sleep 1000"), say("Never said.")) as api:
        shop = shop_without_retries(tmp_path, api)
        worker = shop.start("run", "--session", "greet")
        until(lambda: shop.processes().count("sleep 1000") == 2)
        (pid,) = (pid for pid, words in shop.marked() if "exec" in words and words[place].endswith("/codex"))
        os.kill(pid, signal.SIGKILL)
        out, err = worker.communicate(timeout=60)
        until(lambda: shop.processes() == [])
    assert worker.returncode == 1, out + err
    assert outcomes(shop) == ["crashed"]


GOOD = (
    '{"type":"thread.started","thread_id":"1"}',
    '{"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":5}}',
)
ENDLESS_LINE = "head -c 100000000 /dev/zero | tr '\\0' x; echo"


@pytest.mark.parametrize(
    ("script", "outcome", "code"),
    [
        (f"echo '{GOOD[0]}'; exit 3", "crashed", 1),
        (f"echo '{GOOD[0]}'", "no_result", 1),
        ("echo 'error: unexpected argument' >&2; exit 2", "start_failed", 11),
        (f"echo '{GOOD[0]}'; {ENDLESS_LINE}; echo '{GOOD[1]}'", "completed", 11),
        (f"echo '{GOOD[0]}'; printf 'no json\n[1]\n{{\n\377\n'; echo '{GOOD[1]}'", "completed", 11),
    ],
    ids=["exit code", "nothing", "argument", "100 MB line", "no JSON"],
)
def test_what_the_real_codex_does_not_do_has_one_outcome_as_well(
    tmp_path: Path, script: str, outcome: str, code: int
) -> None:
    program = tmp_path / "codex"
    program.write_text(
        f"#!/bin/sh\n[ $1 = --version ] && exec echo codex-cli 0.171.0\ncat >/dev/null\n{script}\n"
    )
    program.chmod(0o755)
    with ResponsesApi(say("Never asked.")) as api:
        shop = shop_without_retries(tmp_path / "shop", api)
        shop.environment["CODEX_PATH"] = str(program)
        done = shop.run("greet")
    assert done.returncode == code, done.stdout + done.stderr
    assert set(outcomes(shop)) == {outcome}
    assert "Traceback" not in done.stdout + done.stderr
