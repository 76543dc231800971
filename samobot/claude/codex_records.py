"""Parsing the lines of `codex exec --json` into the records of the Claude CLI's stream.

Measured on Codex CLI 0.171.0. Tools get the names that Claude's have, so that whoever reads records shows them alike. A
failure comes only as a sentence: what it means is put into the fields by which `outcome` judges. Nothing here raises.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from samobot.claude.json_fields import count_of, object_of, text_of
from samobot.claude.records import (
    SUMMARY_LIMIT,
    TEXT_LIMIT,
    ApiRetry,
    Assistant,
    Init,
    Other,
    Record,
    Result,
    Tokens,
    ToolResult,
    ToolUse,
)
from samobot.regex import regex

TYPES = frozenset(
    {
        "thread.started", "turn.started", "turn.completed", "turn.failed", "item.started", "item.updated",
        "item.completed", "error",
    }
)  # fmt: skip
"""The types of Codex's lines; Claude's have none of them."""

_TALK = ("agent_message", "reasoning")
_RETRY = regex(r"Reconnecting\.\.\. (?:(\d+)/(\d+)|waiting for network)")
_STATUS = regex(r"(?:unexpected status|last status:) (\d{3})\b")
_SHELL = regex(r"\S*sh -l?c ")

# What the sentences mean, as the HTTP status that the outcome is judged by.
_MEANINGS: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (regex(pattern, re.IGNORECASE), status)
    for pattern, status in (
        (r"quota exceeded|billing details|to use codex with your \w+ plan, upgrade", 402),
        (r"missing environment variable|not logged in|log ?in again|sign in again|refresh token", 401),
        (r"rate limit (?:exceeded|reached)", 429),
        (r"high demand|at capacity|overloaded|error occurred while processing your request", 529),
        (r"stream disconnected|error sending request|waiting for network|connection failed", 408),
    )
)


def parse(line: Mapping[str, Any]) -> Record:
    """Turn one line of stdout, already decoded from JSON, into a record."""
    kind = text_of(line.get("type"), 100)
    item = object_of(line.get("item"))
    match kind:
        case "thread.started":
            return Init(text_of(line.get("thread_id"), 100), "", "", "", "", ())
        case "item.started":
            return _started(item)
        case "item.completed":
            return _completed(item)
        case "turn.completed":
            return Result(
                "success", is_error=False, stop_reason="", usage=_tokens(object_of(line.get("usage")))
            )
        case "turn.failed":
            return _failed(text_of(object_of(line.get("error")).get("message"), TEXT_LIMIT))
        case "error" if found := _RETRY.match(message := text_of(line.get("message"), SUMMARY_LIMIT)):
            attempt, most = (int(part or 0) for part in found.groups())
            return ApiRetry(attempt, most, 0.0, status=_status(message), error=message)
        case _:
            return Other(kind, text_of(item.get("type"), 100))


def _started(item: Mapping[str, Any]) -> Record:
    kind = text_of(item.get("type"), 100)
    match kind:
        case "command_execution":
            tool = ("Bash", _command(text_of(item.get("command"), TEXT_LIMIT)))
        case "file_change":
            tool = ("Edit", _path(item))
        case "web_search":
            tool = ("WebSearch", text_of(item.get("query"), SUMMARY_LIMIT))
        case "mcp_tool_call":
            tool = (f"mcp__{text_of(item.get('server'), 100)}__{text_of(item.get('tool'), 100)}", "")
        case "todo_list":
            tool = ("TodoWrite", "")
        case _:
            return Other("item.started", kind)
    return Assistant("", (ToolUse(*tool, text_of(item.get("id"), 200)),))


def _completed(item: Mapping[str, Any]) -> Record:
    kind = text_of(item.get("type"), 100)
    if kind in _TALK:
        return Assistant(text_of(item.get("text"), TEXT_LIMIT) if kind == "agent_message" else "")
    if kind == "error":
        return Other("item.completed", kind)  # a warning: the turn continues
    output = item.get("aggregated_output")
    size = len(output) if isinstance(output, str) else 0
    return ToolResult(item.get("status") == "failed", size, (text_of(item.get("id"), 200),))


def _command(command: str) -> str:
    """The command without the shell that Codex starts for it."""
    inner = command
    if _SHELL.match(command):
        try:
            inner = shlex.split(command)[2]
        except (ValueError, IndexError):
            pass
    return inner[:SUMMARY_LIMIT].strip()


def _path(item: Mapping[str, Any]) -> str:
    changes = item.get("changes")
    first = object_of(changes[0]) if isinstance(changes, list) and changes else {}
    return text_of(first.get("path"), SUMMARY_LIMIT)


def _tokens(usage: Mapping[str, Any]) -> Tokens:
    """Codex counts what was read from the cache, or written into it, as input too."""
    read, written = (
        count_of(usage.get("cached_input_tokens")),
        count_of(usage.get("cache_write_input_tokens")),
    )
    return Tokens(
        input=max(0, count_of(usage.get("input_tokens")) - read - written),
        output=count_of(usage.get("output_tokens")),
        cache_read=read,
        cache_write=written,
    )


def _failed(message: str) -> Result:
    if (stated := _body_message(message)) is not None:
        return Result("error", is_error=True, api_error_status=400, text=stated)
    if "ran out of room in the model's context" in message:
        return Result("error", is_error=True, terminal_reason="prompt_too_long", text=message)
    if "reason: content_filter" in message:
        return Result("error", is_error=True, stop_reason="refusal", text=message)
    if "reason: max_output_tokens" in message:
        return Result("error", is_error=True, stop_reason="max_tokens")
    return Result("error", is_error=True, api_error_status=_status(message), text=message)


def _body_message(message: str) -> str | None:
    """The service's message in the body of its answer, which Codex prints as it is if the status is 400."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return None
    error = object_of(object_of(body).get("error"))
    return text_of(error.get("message"), TEXT_LIMIT) or message if isinstance(body, dict) else None


def _status(message: str) -> int | None:
    if found := _STATUS.search(message):
        return int(found[1])
    return next((status for pattern, status in _MEANINGS if pattern.search(message)), None)
