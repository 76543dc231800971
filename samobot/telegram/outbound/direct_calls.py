"""Calls past the queue: made at once in the background, given up after some seconds, and never an error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import TelegramError

from samobot.telegram.outbound.bot_client import error_text

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long an answer to a tap is tried; after about 15 s Telegram takes none anyway."""


class DirectCalls:
    """The calls that are being made."""

    def __init__(self) -> None:
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> frozenset[asyncio.Task[None]]:
        """Those that have not ended."""
        return frozenset(self._calls)

    def make(self, call: Coroutine[Any, Any, object], missed: Callable[[], None] | None = None) -> None:
        """Make a call.

        Args:
            call: The call.
            missed: Called if it did not work.
        """
        task = asyncio.create_task(_attempt(call, missed))
        self._calls.add(task)
        task.add_done_callback(self._made)

    async def stop(self) -> None:
        """Cancel what has not ended."""
        pending = self.pending
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def _made(self, call: asyncio.Task[None]) -> None:
        """Nobody waits for a call: what is wrong with it of our own is logged here."""
        self._calls.discard(call)
        if not call.cancelled() and call.exception() is not None:
            log.error("a call past the queue failed", exc_info=call.exception())


async def _attempt(call: Coroutine[Any, Any, object], missed: Callable[[], None] | None) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await call
    except (TelegramError, TimeoutError) as error:
        log.info("a call past the queue did not work: %s", error_text(error))
        if missed is not None:
            missed()
