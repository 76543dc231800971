"""The steps of a scenario in which something goes wrong. Standard library only, see `samobot.sandbox.agent.main`."""

from __future__ import annotations

import os
import signal
import time

from samobot.sandbox.agent.templates import Templates

TYPE_CHECKING = False  # `typing` is not imported: see `samobot.sandbox.agent.main`
if TYPE_CHECKING:
    from samobot.sandbox.agent.transcript import Stream

# The CLI's output and how it ends, by kind: (status, subtype, error of the synthetic text, terminal reason, text).
_FAILURES: dict[str, tuple[int | None, str, str, str, str]] = {
    "overloaded": (529, "success", "server_error", "completed", "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."),
    "server": (500, "success", "server_error", "completed", "API Error: 500 Internal server error. This is a server-side issue, usually temporary — try again in a moment."),
    "auth": (401, "success", "authentication_failed", "completed", "Failed to authenticate. API Error: 401 OAuth token has expired. Please run /login."),
    "login": (None, "success", "authentication_failed", "completed", "Not logged in · Please run /login"),
    "credit": (400, "success", "billing_error", "completed", "Credit balance is too low"),
    "request": (400, "success", "invalid_request", "completed", "API Error: 400 messages.2.content.0.image: image dimensions exceed max allowed size: 8000 pixels"),
    "too_long": (400, "success", "invalid_request", "prompt_too_long", "Prompt is too long"),
    "max_turns": (None, "error_max_turns", "", "max_turns", "Reached maximum number of turns"),
    "max_budget": (None, "error_max_budget_usd", "", "max_budget", "Reached maximum budget"),
    "execution": (None, "error_during_execution", "", "aborted_tools", "Error: something went wrong"),
}  # fmt: skip
_LIMIT_NAMES = {"five_hour": "session", "seven_day": "weekly"}


class FailureSteps:
    """Fails as the CLI does.

    Args:
        stream: The run's stdout.
        templates: Fill in texts.
    """

    def __init__(self, stream: Stream, templates: Templates) -> None:
        self._stream = stream
        self._fill = templates.fill

    def do_crash(
        self, exit_code: int = 1, signal: str | None = None, mid_line: bool = False, stderr: str = ""
    ) -> int:
        """The end, at once."""
        if mid_line:
            self._stream.raw(b'{"type":"assistant","message":{"id":"msg_torn","content":[{"type":"te')
        if stderr:
            os.write(2, stderr.encode("utf-8", "replace") + b"\n")
        if signal:
            _die(signal)
        return exit_code

    def do_hang(self, at: str = "here") -> None:
        """Silence."""
        if at == "after_result":
            self._stream.result()
        while True:
            signal.pause()

    def do_limit(
        self,
        resets_in: float | None = None,
        resets_at: float | None = None,
        kind: str = "five_hour",
        status: str = "rejected",
        text: str | None = None,
    ) -> int | None:
        """A usage limit."""
        if resets_in is not None:
            resets_at = time.time() + resets_in
        self._stream.limit(status, kind, resets_at)
        if status != "rejected":
            return None
        if text is None:
            when = "" if resets_at is None else f" · resets {_clock(resets_at)} (UTC)"
            text = f"You've hit your {_LIMIT_NAMES.get(kind, 'usage')} limit{when}"
        self._stream.usd = 0
        self._stream.synthetic(text, "rate_limit")
        self._stream.result(is_error=True, status=429, stop_reason="stop_sequence")
        return 1

    def do_api_retry(
        self, count: int = 1, status: int | None = 529, error: str = "overloaded", delay: float = 0
    ) -> None:
        """Retries."""
        for attempt in range(1, count + 1):
            self._stream.retry(attempt, 10, status, error, delay)
            time.sleep(delay)

    def do_fail(self, kind: str, text: str | None = None) -> int:
        """An error in the result."""
        status, subtype, error, terminal, standard = _FAILURES[kind]
        text = self._fill(text) if text else standard
        if subtype == "success":
            self._stream.usd = 0
            self._stream.synthetic(text, error)
            self._stream.result(is_error=True, status=status, stop_reason="stop_sequence", terminal=terminal)
        else:
            self._stream.result(subtype, is_error=True, errors=(text,), stop_reason=None, terminal=terminal)
        return 1

    def do_ignore(self, signals: tuple[str, ...] = ("INT",)) -> None:
        """Deaf ears."""
        for name in signals:
            signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_IGN)


def _clock(epoch: float) -> str:
    at = time.gmtime(epoch)
    return f"{at.tm_hour % 12 or 12}:{at.tm_min:02}{'am' if at.tm_hour < 12 else 'pm'}"


def _die(name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    if name != "KILL":
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    while True:
        time.sleep(1)
