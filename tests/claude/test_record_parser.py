"""From lines to records: nothing in a line can hurt."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude.outcome import Evidence
from samobot.claude.record_parser import epoch, parse
from samobot.claude.records import (
    SUMMARY_LIMIT,
    TEXT_LIMIT,
    ApiRetry,
    Assistant,
    Denial,
    Init,
    ModelUse,
    Other,
    PermissionRequest,
    PermissionWithdrawn,
    RateLimit,
    Result,
    Tokens,
    ToolResult,
    ToolUse,
)
from samobot.session.tool_call import ToolCall

KEYS = [
    "type",
    "subtype",
    "message",
    "content",
    "is_error",
    "parent_tool_use_id",
    "tool_use_id",
    "error",
    "attempt",
    "max_retries",
    "retry_delay_ms",
    "error_status",
    "rate_limit_info",
    "status",
    "resetsAt",
    "rateLimitType",
    "isUsingOverage",
    "result",
    "errors",
    "usage",
    "modelUsage",
    "costUSD",
    "inputTokens",
    "total_cost_usd",
    "num_turns",
    "session_id",
    "permission_denials",
    "tool_name",
    "tool_input",
    "stop_reason",
    "terminal_reason",
    "api_error_status",
    "input_tokens",
    "output_tokens",
    "name",
    "input",
    "id",
    "text",
    "tools",
]
VALUES = [
    "system",
    "init",
    "api_retry",
    "assistant",
    "user",
    "rate_limit_event",
    "result",
    "success",
    "tool_use",
    "tool_result",
    "text",
    "rejected",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text()
    | st.sampled_from(VALUES)
    | st.just("\ud800")
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)
KINDS = ("system", "assistant", "user", "rate_limit_event", "result")
LINES = st.builds(
    lambda fields, kind, subtype: fields | {"type": kind, "subtype": subtype},
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=12),
    st.sampled_from(KINDS),
    st.sampled_from(("init", "api_retry", "success", "error_max_turns")),
)


@given(LINES | st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_object_is_a_record_that_can_be_written_down(line: dict[str, Any]) -> None:
    record = parse(line)
    str(record).encode()
    evidence = Evidence()
    evidence.add(record)
    evidence.complaint().encode()


def test_first_line_shows_who_writes() -> None:
    line = {
        "type": "system",
        "subtype": "init",
        "session_id": "s",
        "model": "m",
        "claude_code_version": "2.1.197",
    }
    assert parse(line | {"cwd": "/p", "permissionMode": "plan", "tools": ["Bash", 3]}) == Init(
        "s", "m", "2.1.197", "/p", "plan", ("Bash",)
    )
    loaded = {"agents": ["samocode:builder", None], "slash_commands": ["clear"]}
    assert parse(line | loaded) == Init(
        "s", "m", "2.1.197", "", "", (), (), ("samocode:builder",), ("clear",)
    )


def test_tool_is_shown_with_its_most_telling_input() -> None:
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "Let me see."},
        {
            "type": "tool_use",
            "id": "1",
            "name": "Bash",
            "input": {"description": "Tests", "command": "pytest -q"},
        },
        {
            "type": "tool_use",
            "id": "2",
            "name": "Task",
            "input": {"prompt": "long", "description": "Check names"},
        },
        {"type": "tool_use", "id": "3", "name": "X", "input": {"command": "y" * 10_000}},
    ]
    line = {"type": "assistant", "message": {"content": content}, "parent_tool_use_id": "7"}
    assert parse(line) == Assistant(
        "Let me see.",
        (
            ToolUse("Bash", "pytest -q", "1"),
            ToolUse("Task", "Check names", "2"),
            ToolUse("X", "y" * SUMMARY_LIMIT, "3"),
        ),
        sub_agent="7",
    )


def test_a_message_may_be_a_plain_string() -> None:
    assert parse({"type": "assistant", "message": {"content": "Hello."}}) == Assistant("Hello.")


def test_tokens_add_up() -> None:
    assert (Tokens(1, 2, 3, 4) + Tokens(10, 20, 30, 40)).total == 110


def test_a_tools_output_is_only_measured() -> None:
    content = [
        {"type": "tool_result", "tool_use_id": "1", "content": "abc"},
        {
            "type": "tool_result",
            "tool_use_id": "2",
            "content": [{"type": "text", "text": "de"}],
            "is_error": True,
        },
    ]
    assert parse({"type": "user", "message": {"content": content}}) == ToolResult(True, 5, ("1", "2"))
    assert parse({"type": "user", "message": {"content": "You've hit your limit"}}) == Other("user")


def test_retry_keeps_what_the_user_wants_to_know() -> None:
    line = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 2,
        "max_retries": 10,
        "retry_delay_ms": 1500,
    }
    assert parse(line | {"error_status": 529, "error": "overloaded"}) == ApiRetry(
        2, 10, 1.5, 529, "overloaded"
    )


def test_a_limit_event_may_lack_everything_but_its_status() -> None:
    line = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected"}}
    assert parse(line) == RateLimit("rejected")
    full = {"status": "allowed", "resetsAt": 1893456000, "rateLimitType": "five_hour", "isUsingOverage": True}
    assert parse({"type": "rate_limit_event", "rate_limit_info": full}) == RateLimit(
        "allowed", "five_hour", datetime(2030, 1, 1, tzinfo=UTC), overage=True
    )


def test_a_result_is_read_whole() -> None:
    use = {
        "inputTokens": 1,
        "outputTokens": 2,
        "cacheReadInputTokens": 3,
        "cacheCreationInputTokens": 4,
        "costUSD": 0.5,
    }
    line = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "api_error_status": None,
        "stop_reason": "end_turn",
        "terminal_reason": "completed",
        "result": "x" * (TEXT_LIMIT + 1),
        "total_cost_usd": 0.5,
        "usage": {"input_tokens": 1, "cache_read_input_tokens": "many"},
        "modelUsage": {"opus": use, "broken": None},
        "num_turns": 4,
        "session_id": "s",
        "permission_denials": [{"tool_name": "Bash", "tool_input": {"command": "git push"}}, "?"],
    }
    assert parse(line) == Result(
        subtype="success",
        is_error=False,
        api_error_status=None,
        stop_reason="end_turn",
        terminal_reason="completed",
        text="x" * TEXT_LIMIT,
        cost_usd=0.5,
        usage=Tokens(input=1),
        models=(ModelUse("opus", 0.5, Tokens(1, 2, 3, 4)), ModelUse("broken", 0.0, Tokens())),
        num_turns=4,
        session_id="s",
        denials=(Denial("Bash", "git push"), Denial("tool", "")),
    )


def test_a_stop_reason_of_null_is_not_the_same_as_none_at_all() -> None:
    assert parse({"type": "result", "stop_reason": None}) == Result("", False, stop_reason=None)
    assert parse({"type": "result"}) == Result("", False, stop_reason="")


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1, True, "0.5", None, 10**400])
def test_a_cost_that_is_no_amount_is_unknown(cost: object) -> None:
    record = parse(json.loads(json.dumps({"type": "result"})) | {"total_cost_usd": cost})
    assert isinstance(record, Result)
    assert record.cost_usd is None


@pytest.mark.parametrize(
    ("value", "year"), [(1893456000, 2030), (1893456000.5, 2030), (1893456000000, 2030), ("1893456000", 2030)]
)
def test_epochs_come_in_seconds_milliseconds_and_strings(value: object, year: int) -> None:
    moment = epoch(value)
    assert moment is not None
    assert moment.year == year


@pytest.mark.parametrize("value", [None, True, 0, -5, 1e300, "soon", "9" * 30, [], float("nan")])
def test_what_is_no_epoch_is_no_time(value: object) -> None:
    assert epoch(value) is None


@pytest.mark.parametrize(
    ("stats", "unreported"),
    [
        ({"spawned": 2, "completed": 2}, 0),
        ({"spawned": 3, "completed": 1, "failed": 1, "killed": {"parent": 0, "user": 0, "system": 1}}, 1),
        ({"spawned": 3, "completed": 1, "killed": {"parent": 1, "user": 1}}, 0),
        ({"spawned": 1}, 1),
        ({"completed": 4}, 0),
        ({"spawned": "many"}, 0),
        (None, 0),
        ([1], 0),
    ],
)
def test_sub_agents_without_a_report_are_counted(stats: object, unreported: int) -> None:
    record = parse({"type": "result", "subtype": "success", "subagent_stats": stats})
    assert isinstance(record, Result)
    assert record.unreported_agents == unreported


def test_a_permission_request_keeps_its_whole_input() -> None:
    long = "x" * 100_000
    request = parse(
        {
            "type": "control_request",
            "request_id": "63e5",
            "request": {
                "subtype": "can_use_tool",
                "tool_name": "Write",
                "input": {"file_path": "/a", "content": long},
                "decision_reason": "Path is outside allowed working directories",
                "decision_reason_type": "workingDir",
                "tool_use_id": "toolu_1",
            },
        }
    )
    assert request == PermissionRequest(
        "63e5",
        ToolCall("Write", {"file_path": "/a", "content": long}),
        "toolu_1",
        "Path is outside allowed working directories",
        "workingDir",
    )
    assert parse({"type": "control_cancel_request", "request_id": "63e5"}) == PermissionWithdrawn("63e5")


@pytest.mark.parametrize(
    "request_",
    [None, 5, [], {}, {"subtype": "can_use_tool"}, {"subtype": "can_use_tool", "input": "x", "tool_name": 5}],
)
def test_no_permission_request_is_too_strange(request_: object) -> None:
    found = parse({"type": "control_request", "request_id": None, "request": request_})
    assert isinstance(found, Other) or found == PermissionRequest("", ToolCall("tool", {}))
