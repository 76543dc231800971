"""Downloads of files that users send: a few tries, a time and size limit, and an error in one sentence."""

from __future__ import annotations

import asyncio
import logging

from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from samobot.backoff import backoff
from samobot.errors import SamobotError
from samobot.telegram.outbound.bot_client import FILE_SECONDS, error_text
from samobot.telegram.store.file_refs import FileRef
from samobot.text import human_size, one_line

log = logging.getLogger(__name__)

DOWNLOAD_BYTES = 20_000_000
"""Largest file that Telegram lets a bot download."""

_TRIES = 3
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 5.0


class FileDownloadError(SamobotError):
    """A file could not be fetched; nothing of it was kept, and a later try may succeed."""


class FileDownloads:
    """Fetches files from Telegram.

    Args:
        bot: The bot, initialised.
        seconds: Time limit of one file, all tries together.
        first_backoff: Seconds before the second try.
    """

    def __init__(
        self, bot: Bot, *, seconds: float = FILE_SECONDS, first_backoff: float = _FIRST_BACKOFF
    ) -> None:
        self._bot = bot
        self._seconds = seconds
        self._first_backoff = first_backoff

    async def fetch(self, file: FileRef) -> bytes:
        """Download a file.

        Raises:
            FileDownloadError: Telegram does not return it.
        """
        name = one_line(file.name, 60)
        if is_too_large(file):
            raise FileDownloadError(too_large_text(file))
        reason = ""
        try:
            async with asyncio.timeout(self._seconds):
                for number in range(1, _TRIES + 1):
                    try:
                        found = await self._bot.get_file(file.id)
                        return bytes(await found.download_as_bytearray())
                    except (BadRequest, Forbidden, InvalidToken) as error:
                        reason = error_text(error)
                        if "too big" in reason.lower():
                            raise FileDownloadError(too_large_text(file)) from error
                        break
                    except TelegramError as error:
                        reason = error_text(error)
                        log.warning("file of %s: try %d failed: %s", file.kind, number, reason)
                    if number < _TRIES:
                        await asyncio.sleep(backoff(number, self._first_backoff, _LONGEST_BACKOFF))
        except TimeoutError:
            reason = f"no answer within {self._seconds:g} s"
        raise FileDownloadError(
            f"{name} could not be fetched from Telegram ({one_line(reason, 80)}). Nothing was used."
        )


def is_too_large(file: FileRef) -> bool:
    """Whether Telegram will not let the bot have a file."""
    return file.size is not None and file.size > DOWNLOAD_BYTES


def too_large_text(file: FileRef) -> str:
    """Why a file cannot be fetched, as a sentence."""
    size = f" is {human_size(file.size)}" if file.size is not None else " is too large"
    return f"{one_line(file.name, 60)}{size}; bots can download at most {human_size(DOWNLOAD_BYTES)}."
