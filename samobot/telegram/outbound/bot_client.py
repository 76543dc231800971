"""The Bot API client, configured for our own polling loop and outbox."""

from __future__ import annotations

import functools
import ssl
from datetime import timedelta

import httpx
from telegram import Bot
from telegram.error import RetryAfter
from telegram.request import HTTPXRequest

from samobot.errors import SamobotError

FILE_SECONDS = 180.0
"""How long a message with a file may take."""

_POOL = 64
"""More than there are chats: a hung call may not take another chat's connection."""

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 20.0


class TokenRejectedError(SamobotError):
    """Telegram does not know the bot's token; no restart helps (exit code 78, `EX_CONFIG` of sysexits.h)."""

    exit_code = 78

    def __init__(self) -> None:
        super().__init__(
            "Telegram does not accept the bot's token. Get the right one from @BotFather, put it into "
            "TELEGRAM_BOT_TOKEN, and start the bot again."
        )


def build_bot(token: str, root: str) -> Bot:
    """Build the bot; it can be called at once, `shutdown` closes what `initialize` or a call has opened.

    There is no `telegram.ext.Application` around it: the library's updater loses updates, its dispatcher takes none
    before Telegram has answered, and its rate limiter keeps to no chat's pace.

    Args:
        token: The bot's token.
        root: Root of a Bot API server, such as `https://api.telegram.org`; methods are under `/bot<token>/`.
    """
    return Bot(
        token,
        base_url=f"{root}/bot",
        base_file_url=f"{root}/file/bot",
        request=HTTPXRequest(
            connection_pool_size=_POOL,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            write_timeout=_ANSWER_SECONDS,
            pool_timeout=_CONNECT_SECONDS,
            media_write_timeout=FILE_SECONDS,
            httpx_kwargs={"verify": _ssl_context()},
        ),
        get_updates_request=HTTPXRequest(
            connection_pool_size=1,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            write_timeout=_ANSWER_SECONDS,
            pool_timeout=_CONNECT_SECONDS,
            httpx_kwargs={"verify": _ssl_context()},
        ),
    )


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """What httpx would make for each client: reading the certificates is nearly all the work of making one."""
    return httpx.create_ssl_context()


def retry_seconds(error: RetryAfter) -> float:
    """Seconds until the next call is allowed."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def error_text(error: Exception) -> str:
    """An error's text for the log, without a proxy's page; its class name if it has no text."""
    return str(error).partition(". Parsing the server response")[0] or type(error).__name__
