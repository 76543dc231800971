"""What a refused request leads to, with the whole worker and the scripted agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent.steps import ApiRetryStep, Fail, Say, Step
from tests.support.scripted import blocked, investigation, scripted_shop


@pytest.mark.parametrize("status", [401, 403, 529])
def test_refused_login_is_noted_once_while_the_cli_repeats_the_request(tmp_path: Path, status: int) -> None:
    steps: list[Step] = [
        Say(text="at work"),
        ApiRetryStep(count=5, status=status, error="authentication_failed"),
        blocked(),
    ]
    shop = scripted_shop(tmp_path, investigation(steps))
    shop.samobot("run", "--session", "greet", "--task", "x")
    notices = [event["text"] for event in shop.journal("greet", "notice")]
    assert len([text for text in notices if "login" in text]) == (0 if status == 529 else 1)


@pytest.mark.parametrize(
    ("first", "text", "iterations"),
    [
        ([], "image dimensions exceed max allowed size: 8000 pixels", 2),
        ([Say(text="at work")], "image dimensions exceed max allowed size: 8000 pixels", 2),
        ([], "There's an issue with the selected model (opus-9). It may not exist", 1),
        ([Say(text="at work")], "Claude Opus is not available with the Claude Pro plan", 1),
    ],
)
def test_refused_request_gets_one_fresh_process_only_if_that_may_help(
    tmp_path: Path, first: list[Say], text: str, iterations: int
) -> None:
    shop = scripted_shop(tmp_path, investigation([*first, Fail(kind="request", text=text)]))
    done = shop.samobot("run", "--session", "greet", "--task", "x")
    assert done.returncode == 11
    assert len(shop.runs()) == iterations
    assert text in shop.status("greet")["blocked"]
