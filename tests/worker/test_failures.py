"""What a refused request leads to, with the whole worker and the scripted agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent.steps import ApiRetryStep, Fail, Say, Step
from samobot.session.journal import RunEndReason
from tests.support.fake_iteration import Played, bench
from tests.support.scripted import blocked, investigation, scripted_shop
from tests.support.session_folder import make_session


@pytest.mark.slow
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


@pytest.mark.slow
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


CONTINUE = {"status": "continue", "summary": "Half of it."}
DONE_SOON = Played({"status": "blocked", "reason": "enough", "needs": "nothing"})


async def test_signal_given_without_the_reports_of_sub_agents_does_not_count(tmp_path: Path) -> None:
    there = bench(make_session(tmp_path), Played(CONTINUE, unreported_agents=2), DONE_SOON)
    end = await there.worker.run()
    assert end.text.startswith("enough")
    assert "2 sub-agents have not reported" in there.iteration.assignments[1].reminder
    assert there.iteration.assignments[1].phase == there.iteration.assignments[0].phase


async def test_sub_agents_that_never_report_block_the_session(tmp_path: Path) -> None:
    there = bench(make_session(tmp_path), Played(CONTINUE, unreported_agents=1))
    end = await there.worker.run()
    assert (end.reason, len(there.iteration.assignments)) == (RunEndReason.BLOCKED, 2)
    assert "1 sub-agent has not reported" in end.text


@pytest.mark.parametrize(
    ("hindrances", "begins"),
    [
        (["", ""], "Two iterations"),
        (["", "Denied: Bash."], "Denied: Bash. Two"),
        (["Denied: Bash.", ""], "Denied: Bash. Two"),
    ],
)
async def test_hindered_agent_s_missing_signal_is_explained(
    tmp_path: Path, hindrances: list[str], begins: str
) -> None:
    """Also if the agent does not try again what it was denied."""
    played = [Played(None, hindrance=each) for each in hindrances]
    end = await bench(make_session(tmp_path), *played).worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert end.text.startswith(begins)
