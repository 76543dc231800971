"""The stream-json records of the scripted agent, shaped like those of Claude Code 2.1.197.

Standard library only, and as little of it as will do: the agent is started as often as the real CLI.
"""

from __future__ import annotations

import json
import os
import signal
import time

TYPE_CHECKING = False  # `typing` is not imported: see `samobot.sandbox.agent.main`
if TYPE_CHECKING:
    from typing import Any

MODEL = "claude-opus-4-8"
TOOLS = ("Task", "Bash", "Edit", "Read", "Skill", "Write")


def new_uuid() -> str:
    """A random UUID, without the cost of importing `uuid`."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class Stream:
    """Writes one run's records to stdout.

    Args:
        session_id: The conversation's id.
        model: The model's name.
        fd: Where to write.
    """

    def __init__(self, session_id: str, model: str = MODEL, fd: int = 1) -> None:
        self.session_id = session_id
        self.model = model
        self.turns = 0
        self.started = False
        self.finished = False
        self.usd = 0.0
        self.tokens = (1200, 800)
        self.turns_said: int | None = None
        self._fd = fd
        self._begun = time.monotonic()
        self._tool = 0
        self._text = ""

    def raw(self, data: bytes) -> None:
        """Write bytes; an interrupt waits until all are out, so that no record is torn by it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def record(self, **fields: Any) -> None:
        """Write one record of this conversation."""
        self.raw(encode({**fields, "session_id": self.session_id, "uuid": new_uuid()}))

    def init(self, cwd: str, options: dict[str, list[str]]) -> None:
        """The first record."""
        self.started = True
        plugins = [
            {"name": os.path.basename(path.rstrip("/")), "path": path} for path in options["--plugin-dir"]
        ]
        self.record(
            type="system", subtype="init", cwd=cwd, tools=TOOLS, mcp_servers=[], model=self.model,
            permissionMode=last(options["--permission-mode"]) or "default", slash_commands=[],
            apiKeySource="none", claude_code_version="2.1.197", output_style="default",
            agents=options["--agent"], skills=[], plugins=plugins, fast_mode_state="off",
        )  # fmt: skip

    def say(self, text: str) -> None:
        """A text of the assistant."""
        self.turns += 1
        self._text = text
        self._assistant([{"type": "text", "text": text}])

    def use(self, name: str, arguments: dict[str, Any], parent: str | None = None) -> str:
        """The use of a tool; returns its id for the result."""
        self.turns += 1
        self._tool += 1
        identity = f"toolu_{self.session_id[:8]}_{self._tool}"
        self._assistant([{"type": "tool_use", "id": identity, "name": name, "input": arguments}], parent)
        return identity

    def used(self, identity: str, content: str, *, error: bool = False, parent: str | None = None) -> None:
        """The result of a tool."""
        block = {"tool_use_id": identity, "type": "tool_result", "content": content, "is_error": error}
        self.record(
            type="user",
            message={"role": "user", "content": [block]},
            parent_tool_use_id=parent,
            tool_use_result={"stdout": content, "stderr": "", "interrupted": False, "isImage": False},
        )

    def retry(self, attempt: int, count: int, status: int | None, error: str, delay: float) -> None:
        """A retry of the API."""
        self.record(
            type="system", subtype="api_retry", attempt=attempt, max_retries=count,
            retry_delay_ms=delay * 1000, error_status=status, error=error,
        )  # fmt: skip

    def limit(self, status: str, kind: str, resets_at: float | None) -> None:
        """The event about a usage limit."""
        info: dict[str, Any] = {"status": status, "rateLimitType": kind, "isUsingOverage": False}
        if resets_at is not None:
            info["resetsAt"] = int(resets_at)
        self.record(type="rate_limit_event", rate_limit_info=info)

    def synthetic(self, text: str, error: str) -> None:
        """The text of the CLI's own message about an API error."""
        self._text = text
        message = self._message([{"type": "text", "text": text}])
        message |= {"model": "<synthetic>", "stop_reason": "stop_sequence", "stop_sequence": ""}
        self.record(type="assistant", message=message, parent_tool_use_id=None, error=error)

    def result(
        self,
        subtype: str = "success",
        *,
        is_error: bool = False,
        status: int | None = None,
        errors: tuple[str, ...] = (),
        stop_reason: str | None = "end_turn",
        terminal: str = "completed",
    ) -> None:
        """The last record."""
        self.finished = True
        taken, given = self.tokens if self.usd else (0, 0)
        duration = int((time.monotonic() - self._begun) * 1000)
        usage = {
            "input_tokens": taken, "cache_creation_input_tokens": taken // 4, "cache_read_input_tokens": taken * 3,
            "output_tokens": given, "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": "standard",
        }  # fmt: skip
        of_model = {
            "inputTokens": taken, "outputTokens": given, "cacheReadInputTokens": taken * 3,
            "cacheCreationInputTokens": taken // 4, "webSearchRequests": 0, "costUSD": self.usd,
            "contextWindow": 1000000, "maxOutputTokens": 64000,
        }  # fmt: skip
        ending = {"errors": list(errors)} if errors else {"result": self._text}
        self.record(
            type="result", subtype=subtype, is_error=is_error, api_error_status=status, duration_ms=duration,
            duration_api_ms=duration // 2, num_turns=max(1, self.turns if self.turns_said is None else self.turns_said),
            stop_reason=stop_reason, total_cost_usd=self.usd, usage=usage,
            modelUsage={self.model: of_model} if self.usd else {}, permission_denials=[],
            terminal_reason=terminal, fast_mode_state="off", **ending,
        )  # fmt: skip

    def _assistant(self, content: list[dict[str, Any]], parent: str | None = None) -> None:
        self.record(type="assistant", message=self._message(content), parent_tool_use_id=parent)

    def _message(self, content: list[dict[str, Any]]) -> dict[str, Any]:
        usage = {"input_tokens": 10, "output_tokens": 1}
        return {
            "id": f"msg_{self.turns}", "type": "message", "role": "assistant", "model": self.model,
            "content": content, "stop_reason": None, "stop_sequence": None, "usage": usage,
        }  # fmt: skip


def encode(record: dict[str, Any]) -> bytes:
    """One line of stream-json."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def last(values: list[str]) -> str | None:
    """The value that counts of an option that was given several times."""
    return values[-1] if values else None
