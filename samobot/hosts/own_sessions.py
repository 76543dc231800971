"""This machine's sessions beside those of the hosts: looked at when they may have changed, not for each change there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from samobot.fleet.fleet import Fleet
from samobot.fleet.results import FleetPoll

LONGEST_SECONDS = 0.5
"""How old what is known of this machine's sessions may be at a look without a hint that they have changed."""


class OwnSessions:
    """The sessions of this machine.

    Args:
        local: This machine's fleet.
        monotonic: Seconds that only grow.
    """

    def __init__(self, local: Fleet, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._local = local
        self._monotonic = monotonic
        self._known = FleetPoll([], [], [])
        self._known_at: float | None = None
        self._has_changed = False
        self._waiting: asyncio.Task[bool] | None = None

    async def wait_for_change(self, on_hosts: asyncio.Event) -> None:
        """Wait until sessions of this machine have changed, which sets this event as well, or it is set."""
        if self._waiting is None:
            # It outlives the call: a change on a host, of which there are many, neither ends nor begins it.
            self._waiting = asyncio.create_task(self._local.wait_for_change(), name="own changes")
            self._waiting.add_done_callback(lambda _: on_hosts.set())
            await asyncio.sleep(0)
        await on_hosts.wait()
        if self._waiting.done():
            self._has_changed, self._waiting = True, None

    async def close(self) -> None:
        """Wait no longer."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def poll(self) -> FleetPoll:
        """Poll this machine's fleet; the same sessions as before, without events, if that was done just now."""
        now = self._monotonic()
        is_fresh = self._known_at is not None and now - self._known_at < LONGEST_SECONDS
        if is_fresh and not self._has_changed:
            return FleetPoll([], self._known.sessions, self._known.past)
        self._known_at, self._has_changed = None, False
        self._known = await self._local.poll()
        self._known_at = now
        return self._known
