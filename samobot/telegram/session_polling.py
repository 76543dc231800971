"""Looks at the sessions: at an interval, and sooner when something has changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from samobot.errors import SamobotError
from samobot.fleet.results import FleetEvent
from samobot.telegram.handlers.budget_handlers import pause_finished
from samobot.telegram.handlers.context import HandlerContext

log = logging.getLogger(__name__)

HANDLER_SECONDS = 1.0
"""Seconds that a look waits at most for a handler that is at work."""

_REPLY_SECONDS = 0.3
"""Seconds that it waits then at most for the handler's messages to go out, as the user waits for them."""

_SHORTEST_REST, _LONGEST_REST = 0.01, 0.3


class SessionPolling:
    """Compares the sessions with what the chats were notified of, again and again.

    Args:
        context: The sessions, the notifier and the topics.
        seconds: The interval.

    Attributes:
        looking: Held during each look.
        last_look: Monotonic seconds at the end of the last look that worked.
    """

    def __init__(self, context: HandlerContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._unsent: list[FleetEvent] = []
        self._rest = _SHORTEST_REST
        self._was_early = False
        self.looking = asyncio.Lock()
        self.last_look = time.monotonic()

    async def poll(self) -> None:
        """Look, unless a change has led to a look just now: another one would find nothing new."""
        if time.monotonic() - self.last_look >= self._seconds / 2:
            await self.look()

    async def look(self) -> None:
        """Compare the sessions with what the chats were notified of, and do what is due. Never raises."""
        context = self._context
        async with self.looking:
            try:
                # News that cannot be stored now is sent at the next poll.
                found = await context.fleet.poll()
                self._unsent += found.events
                while self._unsent:
                    context.notifier.notify_fleet_news(self._unsent[:1])
                    del self._unsent[0]
                await context.notifier.update(found.sessions, found.past)
                await context.topics.update(found.sessions, found.past)
                await pause_finished(context, found.sessions)
            except SamobotError as error:
                log.error("a look at the sessions did not work: %s", error)
                return
            except Exception:
                log.exception("a look at the sessions did not work")
                return
            self.last_look = time.monotonic()

    async def follow_changes(self, wait_for_handlers: Callable[[float], Awaitable[bool]]) -> None:
        """Look sooner when a worker has ended or was started, or when files have changed. Until cancelled.

        Args:
            wait_for_handlers: Waits until no update is being handled, for at most so many seconds; returns whether one was.
        """
        while True:
            is_needed = await self._context.fleet.wait_for_change()
            # A handler sends what it has changed; a look in between would send half of it, and read all twice.
            if await wait_for_handlers(HANDLER_SECONDS):
                await self._context.outbox.drain(_REPLY_SECONDS)
            await self._pause(is_needed)
            began = time.process_time()
            await self.look()
            # Short pauses keep replies fast; long ones keep the processor idle, so waiting does not count.
            self._rest = min(_LONGEST_REST, max(_SHORTEST_REST, 4 * (time.process_time() - began)))

    async def _pause(self, is_needed: bool) -> None:
        """Wait after the last look; less for a session that needs the user, if that look did not come early itself."""
        end = self.last_look + self._rest
        while (left := end - time.monotonic()) > 0:
            # Twice in a row, sessions that change all the time would keep the processor busy.
            if is_needed and not self._was_early:
                self._was_early = True
                return
            try:
                async with asyncio.timeout(left):
                    is_needed = await self._context.fleet.wait_for_change()
            except TimeoutError:
                break
        self._was_early = False
