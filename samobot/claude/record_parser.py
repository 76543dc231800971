"""Parsing the Claude CLI's `stream-json` lines into records.

The format changes without notice: a field is taken only if it has the expected type, texts are clipped, and an
unknown type becomes `Other`. Nothing here raises.

Fields were taken from runs of Claude Code 2.1.197.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

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
    Record,
    Result,
    TakenUp,
    Tokens,
    ToolResult,
    ToolUse,
)
from samobot.session.tool_call import ToolCall

_LIST_LIMIT = 200

# The most informative input of a tool: the first one of these that it has.
_SUMMARY_FIELDS = (
    "file_path",
    "notebook_path",
    "command",
    "pattern",
    "url",
    "query",
    "skill",
    "description",
    "subject",
    "path",
    "prompt",
)


def parse(line: Mapping[str, Any]) -> Record:
    """Turn one line of stdout, already decoded from JSON, into a record."""
    kind = _text(line.get("type"), 100)
    subtype = _text(line.get("subtype"), 100)
    match kind, subtype:
        case "system", "init":
            return _init(line)
        case "system", "api_retry":
            return ApiRetry(
                attempt=_integer(line.get("attempt")) or 0,
                max_retries=_integer(line.get("max_retries")) or 0,
                delay_s=max(0.0, (_number(line.get("retry_delay_ms")) or 0.0) / 1000),
                status=_integer(line.get("error_status")),
                error=_text(line.get("error"), SUMMARY_LIMIT),
            )
        case "assistant", _:
            return _assistant(line)
        case "user", _ if line.get("isReplay") is True:
            return TakenUp(_text(line.get("uuid"), 100))
        case "user", _:
            return _user(line)
        case "rate_limit_event", _:
            info = _object(line.get("rate_limit_info"))
            return RateLimit(
                status=_text(info.get("status"), 100),
                kind=_text(info.get("rateLimitType"), 100),
                resets_at=epoch(info.get("resetsAt")),
                overage=info.get("isUsingOverage") is True,
            )
        case "result", _:
            return _result(line, subtype)
        case "control_request", _ if _object(line.get("request")).get("subtype") == "can_use_tool":
            return _permission_request(line)
        case "control_cancel_request", _:
            return PermissionWithdrawn(_text(line.get("request_id"), 200))
        case _:
            return Other(kind, subtype)


def epoch(value: object) -> datetime | None:
    """An aware time from epoch seconds or, where the number is too large for that, milliseconds."""
    seconds = _number(value)
    if seconds is None and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        seconds = float(value)
    if seconds is None or seconds <= 0:
        return None
    if seconds > 1e11:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _init(line: Mapping[str, Any]) -> Init:
    return Init(
        session_id=_text(line.get("session_id"), 100),
        model=_text(line.get("model"), 200),
        version=_text(line.get("claude_code_version"), 100),
        cwd=_text(line.get("cwd"), 4096),
        permission_mode=_text(line.get("permissionMode"), 100),
        tools=tuple(_text(tool, 200) for tool in _items(line.get("tools")) if isinstance(tool, str)),
        servers=tuple(
            (_text(server.get("name"), 200), _text(server.get("status"), 100))
            for server in map(_object, _items(line.get("mcp_servers")))
        ),
    )


def _permission_request(line: Mapping[str, Any]) -> PermissionRequest:
    request = _object(line.get("request"))
    return PermissionRequest(
        id=_text(line.get("request_id"), 200),
        # Whole: what the user is shown, and allows, is what is called.
        call=ToolCall(_text(request.get("tool_name"), 200) or "tool", _object(request.get("input"))),
        tool_use=_text(request.get("tool_use_id"), 200),
        reason=_text(request.get("decision_reason"), SUMMARY_LIMIT),
        reason_type=_text(request.get("decision_reason_type"), 100),
    )


def _assistant(line: Mapping[str, Any]) -> Assistant:
    texts = []
    tools = []
    message = _object(line.get("message"))
    content = message.get("content")
    if isinstance(content, str):
        texts.append(_text(content, TEXT_LIMIT))
    for block in _items(content):
        part = _object(block)
        match part.get("type"):
            case "text":
                texts.append(_text(part.get("text"), TEXT_LIMIT))
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                name = _text(part.get("name"), 200) or "tool"
                tools.append(ToolUse(name, _summary(part.get("input")), _text(part.get("id"), 200)))
            case _:
                pass
    return Assistant(
        text="\n".join(text for text in texts if text)[:TEXT_LIMIT],
        tools=tuple(tools),
        sub_agent=_text(line.get("parent_tool_use_id"), 200),
        error=_text(line.get("error"), 200),
        message=_text(message.get("id"), 200),
        tokens=_tokens(_object(message.get("usage")), _WIRE_USAGE),
    )


def _user(line: Mapping[str, Any]) -> ToolResult | Other:
    ids = []
    size = 0
    error = False
    for block in _items(_object(line.get("message")).get("content")):
        part = _object(block)
        if part.get("type") != "tool_result":
            continue
        ids.append(_text(part.get("tool_use_id"), 200))
        error = error or part.get("is_error") is True
        content = part.get("content")
        if isinstance(content, str):
            size += len(content)
        for piece in _items(content):
            text = _object(piece).get("text")
            size += len(text) if isinstance(text, str) else 0
    if not ids:
        return Other("user")
    return ToolResult(error, size, tuple(ids), _text(line.get("parent_tool_use_id"), 200))


def _result(line: Mapping[str, Any], subtype: str) -> Result:
    stop: str | None = _text(line.get("stop_reason"), 100)
    if "stop_reason" in line and line["stop_reason"] is None:
        stop = None
    errors = line.get("errors")
    denials = (_object(item) for item in _items(line.get("permission_denials")))
    return Result(
        subtype=subtype,
        is_error=line.get("is_error") is True or subtype.startswith("error"),
        api_error_status=_integer(line.get("api_error_status")),
        stop_reason=stop,
        terminal_reason=_text(line.get("terminal_reason"), 100),
        text=_text(line.get("result"), TEXT_LIMIT),
        errors=tuple(_text(error, 2000) for error in _items(errors) if isinstance(error, str)),
        cost_usd=_amount(line.get("total_cost_usd")),
        usage=_tokens(_object(line.get("usage")), _WIRE_USAGE),
        models=tuple(_models(line.get("modelUsage"))),
        num_turns=_count(line.get("num_turns")),
        duration_ms=_count(line.get("duration_ms")),
        session_id=_text(line.get("session_id"), 100),
        denials=tuple(
            Denial(_text(denial.get("tool_name"), 200) or "tool", _summary(denial.get("tool_input")))
            for denial in denials
        ),
        unreported_agents=_unreported(_object(line.get("subagent_stats"))),
    )


def _unreported(stats: Mapping[str, Any]) -> int:
    """Sub-agents without a report (`subagent_stats`, 2.1.332); those that their caller or a user ended are no loss."""
    killed = _object(stats.get("killed"))
    reported = [stats.get("completed"), stats.get("failed"), killed.get("parent"), killed.get("user")]
    return max(0, _count(stats.get("spawned")) - sum(map(_count, reported)))


_WIRE_USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_MODEL_USAGE = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")


def _models(value: object) -> Iterable[ModelUse]:
    for name, use in _object(value).items():
        fields = _object(use)
        yield ModelUse(_text(name, 200), _amount(fields.get("costUSD")) or 0.0, _tokens(fields, _MODEL_USAGE))


def _tokens(fields: Mapping[str, Any], names: tuple[str, str, str, str]) -> Tokens:
    return Tokens(*(_count(fields.get(name)) for name in names))


def _summary(value: object) -> str:
    fields = _object(value)
    for name in _SUMMARY_FIELDS:
        text = _text(fields.get(name), SUMMARY_LIMIT).strip()
        if text:
            return text
    return ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value[:_LIST_LIMIT] if isinstance(value, list) else []


def _text(value: object, limit: int) -> str:
    """A string without lone surrogates, which JSON can hold but files and chats cannot."""
    if not isinstance(value, str):
        return ""
    text = value[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _integer(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _count(value: object) -> int:
    return max(0, _integer(value) or 0)


def _amount(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None
