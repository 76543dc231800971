"""Parsing the Claude CLI's `stream-json` lines into records, and passing on those of Codex, which have other types.

The format changes without notice: a field is taken only if it has the expected type, texts are clipped, and an
unknown type becomes `Other`. Nothing here raises.

Fields were taken from runs of Claude Code 2.1.197.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from samobot.claude import codex_records
from samobot.claude.json_fields import (
    amount_of,
    count_of,
    integer_of,
    items_of,
    number_of,
    object_of,
    text_of,
)
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
    kind = text_of(line.get("type"), 100)
    if kind in codex_records.TYPES:
        return codex_records.parse(line)
    subtype = text_of(line.get("subtype"), 100)
    match kind, subtype:
        case "system", "init":
            return _init(line)
        case "system", "api_retry":
            return ApiRetry(
                attempt=integer_of(line.get("attempt")) or 0,
                max_retries=integer_of(line.get("max_retries")) or 0,
                delay_s=max(0.0, (number_of(line.get("retry_delay_ms")) or 0.0) / 1000),
                status=integer_of(line.get("error_status")),
                error=text_of(line.get("error"), SUMMARY_LIMIT),
            )
        case "assistant", _:
            return _assistant(line)
        case "user", _ if line.get("isReplay") is True:
            return TakenUp(text_of(line.get("uuid"), 100))
        case "user", _:
            return _user(line)
        case "rate_limit_event", _:
            info = object_of(line.get("rate_limit_info"))
            return RateLimit(
                status=text_of(info.get("status"), 100),
                kind=text_of(info.get("rateLimitType"), 100),
                resets_at=epoch(info.get("resetsAt")),
                overage=info.get("isUsingOverage") is True,
            )
        case "result", _:
            return _result(line, subtype)
        case "control_request", _ if object_of(line.get("request")).get("subtype") == "can_use_tool":
            return _permission_request(line)
        case "control_cancel_request", _:
            return PermissionWithdrawn(text_of(line.get("request_id"), 200))
        case _:
            return Other(kind, subtype)


def epoch(value: object) -> datetime | None:
    """An aware time from epoch seconds or, where the number is too large for that, milliseconds."""
    seconds = number_of(value)
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
        session_id=text_of(line.get("session_id"), 100),
        model=text_of(line.get("model"), 200),
        version=text_of(line.get("claude_code_version"), 100),
        cwd=text_of(line.get("cwd"), 4096),
        permission_mode=text_of(line.get("permissionMode"), 100),
        tools=_names(line.get("tools")),
        servers=tuple(
            (text_of(server.get("name"), 200), text_of(server.get("status"), 100))
            for server in map(object_of, items_of(line.get("mcp_servers")))
        ),
        agents=_names(line.get("agents")),
        commands=_names(line.get("slash_commands")),
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(text_of(name, 200) for name in items_of(value) if isinstance(name, str))


def _permission_request(line: Mapping[str, Any]) -> PermissionRequest:
    request = object_of(line.get("request"))
    return PermissionRequest(
        id=text_of(line.get("request_id"), 200),
        # Whole: what the user is shown, and allows, is what is called.
        call=ToolCall(text_of(request.get("tool_name"), 200) or "tool", object_of(request.get("input"))),
        tool_use=text_of(request.get("tool_use_id"), 200),
        reason=text_of(request.get("decision_reason"), SUMMARY_LIMIT),
        reason_type=text_of(request.get("decision_reason_type"), 100),
    )


def _assistant(line: Mapping[str, Any]) -> Assistant:
    texts = []
    tools = []
    message = object_of(line.get("message"))
    content = message.get("content")
    if isinstance(content, str):
        texts.append(text_of(content, TEXT_LIMIT))
    for block in items_of(content):
        part = object_of(block)
        match part.get("type"):
            case "text":
                texts.append(text_of(part.get("text"), TEXT_LIMIT))
            case "tool_use" | "server_tool_use" | "mcp_tool_use":
                name = text_of(part.get("name"), 200) or "tool"
                tools.append(ToolUse(name, _summary(part.get("input")), text_of(part.get("id"), 200)))
            case _:
                pass
    return Assistant(
        text="\n".join(text for text in texts if text)[:TEXT_LIMIT],
        tools=tuple(tools),
        sub_agent=text_of(line.get("parent_tool_use_id"), 200),
        error=text_of(line.get("error"), 200),
        message=text_of(message.get("id"), 200),
        tokens=_tokens(object_of(message.get("usage")), _WIRE_USAGE),
    )


def _user(line: Mapping[str, Any]) -> ToolResult | Other:
    ids = []
    size = 0
    error = False
    for block in items_of(object_of(line.get("message")).get("content")):
        part = object_of(block)
        if part.get("type") != "tool_result":
            continue
        ids.append(text_of(part.get("tool_use_id"), 200))
        error = error or part.get("is_error") is True
        content = part.get("content")
        if isinstance(content, str):
            size += len(content)
        for piece in items_of(content):
            text = object_of(piece).get("text")
            size += len(text) if isinstance(text, str) else 0
    if not ids:
        return Other("user")
    return ToolResult(error, size, tuple(ids), text_of(line.get("parent_tool_use_id"), 200))


def _result(line: Mapping[str, Any], subtype: str) -> Result:
    stop: str | None = text_of(line.get("stop_reason"), 100)
    if "stop_reason" in line and line["stop_reason"] is None:
        stop = None
    errors = line.get("errors")
    denials = (object_of(item) for item in items_of(line.get("permission_denials")))
    return Result(
        subtype=subtype,
        is_error=line.get("is_error") is True or subtype.startswith("error"),
        api_error_status=integer_of(line.get("api_error_status")),
        stop_reason=stop,
        terminal_reason=text_of(line.get("terminal_reason"), 100),
        text=text_of(line.get("result"), TEXT_LIMIT),
        errors=tuple(text_of(error, 2000) for error in items_of(errors) if isinstance(error, str)),
        cost_usd=amount_of(line.get("total_cost_usd")),
        usage=_tokens(object_of(line.get("usage")), _WIRE_USAGE),
        models=tuple(_models(line.get("modelUsage"))),
        num_turns=count_of(line.get("num_turns")),
        session_id=text_of(line.get("session_id"), 100),
        denials=tuple(
            Denial(text_of(denial.get("tool_name"), 200) or "tool", _summary(denial.get("tool_input")))
            for denial in denials
        ),
        unreported_agents=_unreported(object_of(line.get("subagent_stats"))),
    )


def _unreported(stats: Mapping[str, Any]) -> int:
    """Sub-agents without a report (`subagent_stats`, 2.1.332); those that their caller or a user ended are no loss."""
    killed = object_of(stats.get("killed"))
    reported = [stats.get("completed"), stats.get("failed"), killed.get("parent"), killed.get("user")]
    return max(0, count_of(stats.get("spawned")) - sum(map(count_of, reported)))


_WIRE_USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_MODEL_USAGE = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")


def _models(value: object) -> Iterable[ModelUse]:
    for name, use in object_of(value).items():
        fields = object_of(use)
        yield ModelUse(
            text_of(name, 200), amount_of(fields.get("costUSD")) or 0.0, _tokens(fields, _MODEL_USAGE)
        )


def _tokens(fields: Mapping[str, Any], names: tuple[str, str, str, str]) -> Tokens:
    return Tokens(*(count_of(fields.get(name)) for name in names))


def _summary(value: object) -> str:
    fields = object_of(value)
    for name in _SUMMARY_FIELDS:
        text = text_of(fields.get(name), SUMMARY_LIMIT).strip()
        if text:
            return text
    return ""
