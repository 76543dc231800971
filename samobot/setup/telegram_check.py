"""A few calls of the Bot API for set-up and doctor: blocking, without the bot's machinery, and mute about the token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from samobot.errors import SamobotError, UsageError
from samobot.text import one_line

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,100}")
_SECONDS = 10.0


class RefusedError(SamobotError):
    """Telegram answered, and said no.

    Attributes:
        code: Its error code; 401 and 404 mean the token.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class TokenError(RefusedError):
    """Telegram does not know the token."""


class UnreachableError(SamobotError):
    """No answer, or none that could be read."""


def clean_token(text: str) -> str:
    """A token as it was pasted, without what came along.

    Raises:
        UsageError: It does not look like one; its text is not in the message.
    """
    token = text.strip().strip("\"'`")
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "That does not look like a bot token: it should be a number, a colon and a long string, "
            "as @BotFather shows it (123456789:AAE…)."
        )
    return token


class BotApi:
    """The Bot API as one bot; `with` it.

    Args:
        token: The bot's token, as `clean_token` returns it.
        root: Root of a Bot API server; methods are under `/bot<token>/`.
        clock: Our time in epoch seconds.

    Attributes:
        skew: By how many seconds our clock was ahead of the server's at the last answer; None where it did not
            say. The server's clock has whole seconds only.
    """

    def __init__(self, token: str, root: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._prefix = f"{root}/bot{token}/"
        self._host = httpx.URL(root).host
        self._http = httpx.Client(timeout=_SECONDS)
        self.skew: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(self, method: str, *, wait: float = 0.0, **parameters: object) -> Any:
        """Call a method and return its result.

        Args:
            method: Its name.
            wait: Seconds that the server may take on purpose (a long poll) besides the usual ten.
            parameters: What it takes.

        Raises:
            TokenError: The token is not known.
            RefusedError: The server refused; with its message.
            UnreachableError: There was no answer.
        """
        began = self._clock()
        try:
            answer = self._http.post(self._prefix + method, json=parameters, timeout=_SECONDS + wait)
            body = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            # The error's own text may hold the address, and with it the token.
            raise UnreachableError(
                f"{self._host} cannot be reached or does not answer as Telegram does ({type(error).__name__}). "
                "Check the network, a proxy (HTTPS_PROXY), and TELEGRAM_API_URL."
            ) from None
        self._look_at_clock(answer.headers.get("Date"), began, self._clock())
        if not isinstance(body, dict) or not body.get("ok"):
            raise _refusal(body, answer.status_code)
        return body.get("result")

    def _look_at_clock(self, date: str | None, began: float, ended: float) -> None:
        try:
            moment = parsedate_to_datetime(date or "")
        except ValueError:
            return
        theirs = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
        # Anything within the call and the second that the header names is no difference at all.
        self.skew = began - (theirs + 1.0) if began > theirs + 1.0 else min(0.0, ended - theirs)


def _refusal(body: object, status: int) -> RefusedError:
    values = body if isinstance(body, dict) else {}
    given = values.get("error_code")
    code = given if isinstance(given, int) else status
    said = one_line(str(values.get("description", "no reason given")), 200)
    if code in (401, 404):
        return TokenError(
            "Telegram does not know this token. Copy it again from @BotFather (/mybots, API Token).", code
        )
    return RefusedError(f"Telegram refused: {said}", code)
