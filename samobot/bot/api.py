"""The python-telegram-bot objects, set up for a poll loop and an outbox of our own."""

from __future__ import annotations

from typing import Any

from telegram.ext import Application, ApplicationBuilder
from telegram.request import HTTPXRequest

from samobot.bot.delivery import FILE_SECONDS

_POOL = 64
"""More than there are chats: a hung call may not take another chat's connection."""

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 20.0


def build_application(token: str, root: str) -> Application[Any, Any, Any, Any, Any, Any]:
    """Build the application: no updater, no job queue, updates one by one.

    Args:
        token: The bot's token.
        root: Root of a Bot API server, such as `https://api.telegram.org`; methods are under `/bot<token>/`.
    """
    return (
        ApplicationBuilder()
        .token(token)
        .base_url(f"{root}/bot")
        .base_file_url(f"{root}/file/bot")
        .request(
            HTTPXRequest(
                connection_pool_size=_POOL,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                write_timeout=_ANSWER_SECONDS,
                pool_timeout=_CONNECT_SECONDS,
                media_write_timeout=FILE_SECONDS,
            )
        )
        .get_updates_request(
            HTTPXRequest(
                connection_pool_size=1,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                write_timeout=_ANSWER_SECONDS,
                pool_timeout=_CONNECT_SECONDS,
            )
        )
        .updater(None)
        .job_queue(None)
        .concurrent_updates(False)
        .build()
    )


def in_words(error: Exception) -> str:
    """An error for the log, without a proxy's whole page in it; its name where it has no text."""
    return str(error).partition(". Parsing the server response")[0] or type(error).__name__
