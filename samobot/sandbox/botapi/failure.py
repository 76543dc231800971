"""The sandbox's errors: refusals of the Bot API in Telegram's envelope and text, and impossible requests of a test."""

from __future__ import annotations


class SandboxError(Exception):
    """A test or a demo asked the sandbox for something impossible.

    Args:
        message: One sentence: what is wrong and where.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SandboxTimeout(SandboxError):
    """An awaited event did not happen in time."""


class ApiFailure(SandboxError):
    """A call that Telegram refuses.

    Args:
        code: HTTP status and `error_code`: 400, 401, 403, 404, 409, 413, 429, 502.
        description: Telegram's text, its prefix ("Bad Request: ") included.
        retry_after: Seconds to wait, of a 429.
    """

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.retry_after = retry_after

    def envelope(self) -> dict[str, object]:
        """The body of the answer."""
        body: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.message}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        return body


def bad_request(text: str) -> ApiFailure:
    """A 400 with Telegram's prefix."""
    return ApiFailure(400, f"Bad Request: {text}")


def forbidden(text: str) -> ApiFailure:
    """A 403 with Telegram's prefix."""
    return ApiFailure(403, f"Forbidden: {text}")


def too_many_requests(retry_after: int) -> ApiFailure:
    """A 429 with the number of seconds to wait."""
    return ApiFailure(429, f"Too Many Requests: retry after {retry_after}", retry_after)
