"""The scripted Messages API: what its faults become in the real CLI, and that its script is kept."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest

from tests.support.claude_cli import Ended, cli_environment, run_claude, subscription_environment
from tests.support.messages_api import (
    HANG,
    NO_CREDIT,
    OTHER,
    OVERLOADED,
    UNAUTHORISED,
    Cut,
    MessagesApi,
    Script,
    Turn,
    limit_headers,
    say,
    usage_limit,
)


def _run(tmp_path: Path, script: Script, *, subscription: bool = False, **more: str) -> Ended:
    environment = subscription_environment if subscription else cli_environment
    with MessagesApi(script) as api:
        ended = run_claude(
            prompt="hello", cwd=tmp_path, environment=environment(tmp_path / "home", api.url) | more
        )
    api.check()
    return ended


def _post(api: MessagesApi, body: object) -> bytes:
    request = HttpRequest(f"{api.url}/v1/messages?beta=true", json.dumps(body).encode(), method="POST")
    with urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
    return content


@pytest.mark.real_cli
@pytest.mark.parametrize("window", ["five_hour", "seven_day"])
def test_usage_limit_is_reported_by_the_cli_as_rejected(tmp_path: Path, window: str) -> None:
    resets_at = int(time.time()) + 3600
    ended = _run(tmp_path, {OTHER: [usage_limit(resets_at, window)]}, subscription=True)
    (limit,) = (record["rate_limit_info"] for record in ended.of_type("rate_limit_event"))
    assert (limit["status"], limit["resetsAt"], limit["rateLimitType"]) == ("rejected", resets_at, window)
    assert ended.result["is_error"] is True


@pytest.mark.real_cli
def test_a_nearly_used_window_is_a_warning_and_no_error(tmp_path: Path) -> None:
    headers = limit_headers("allowed_warning", int(time.time()) + 3600)
    turn = Turn(say("fine").blocks, headers=headers)
    ended = _run(tmp_path, {OTHER: [turn]}, subscription=True)
    assert [record["rate_limit_info"]["status"] for record in ended.of_type("rate_limit_event")] == [
        "allowed_warning"
    ]
    assert ended.result["result"] == "fine"


@pytest.mark.real_cli
def test_an_overloaded_service_is_tried_again(tmp_path: Path) -> None:
    ended = _run(tmp_path, {OTHER: [OVERLOADED, say("fine")]})
    (retry,) = ended.of_type("system", "api_retry")
    assert retry["error_status"] == 529
    assert ended.result["result"] == "fine"


@pytest.mark.real_cli
def test_a_refused_key_and_an_empty_account_are_errors(tmp_path: Path) -> None:
    refused = _run(tmp_path, {OTHER: [UNAUTHORISED, UNAUTHORISED]}, CLAUDE_CODE_MAX_RETRIES="1")
    assert (refused.code, refused.result["api_error_status"]) == (1, 401)
    empty = _run(tmp_path, {OTHER: [NO_CREDIT]})
    assert (empty.code, empty.result["result"]) == (1, "Credit balance is too low")


@pytest.mark.real_cli
def test_a_stream_cut_in_a_block_is_asked_for_again_without_streaming(tmp_path: Path) -> None:
    ended = _run(tmp_path, {OTHER: [Turn(say("half" * 9000).blocks, cut=Cut.IN_BLOCK), say("whole")]})
    assert ended.result["result"] == "whole"


@pytest.mark.real_cli
def test_a_stream_cut_behind_a_block_passes_for_a_success(tmp_path: Path) -> None:
    ended = _run(tmp_path, {OTHER: [Turn(say("half").blocks, cut=Cut.AFTER_BLOCK)]})
    assert ended.result["subtype"] == "success"
    assert ended.result["stop_reason"] is None


@pytest.mark.real_cli
def test_three_megabytes_of_text_arrive_on_one_line(tmp_path: Path) -> None:
    ended = _run(tmp_path, {OTHER: [say("x" * 3_000_000)]})
    assert len(ended.result["result"]) == 3_000_000


def test_a_step_too_many_and_a_step_unused_are_problems() -> None:
    with MessagesApi({OTHER: [say("one"), say("two")]}) as api:
        _post(api, {"tools": [{"name": "Bash"}]})
        with pytest.raises(AssertionError, match="1 unused steps of other"):
            api.check()
        _post(api, {"tools": [{"name": "Bash"}]})
        api.check()
        _post(api, {"tools": [{"name": "Bash"}]})
        with pytest.raises(AssertionError, match="one more was asked for"):
            api.check()


def test_a_side_request_takes_no_step() -> None:
    with MessagesApi({OTHER: [say("one")]}) as api:
        assert json.loads(_post(api, {"messages": []}))["content"] == [{"type": "text", "text": "ok"}]
        assert (len(api.requests), len(api.side_requests)) == (0, 1)


def test_a_hanging_request_is_let_go_when_the_server_closes() -> None:
    with MessagesApi(lambda request: HANG) as api, ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(_post, api, {"tools": [{"name": "Bash"}]})
        api.wait_for_requests(1)
        assert not hanging.done()
        api.close()
        with pytest.raises(RemoteDisconnected):
            hanging.result(timeout=30)
