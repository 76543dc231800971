"""Sleeping of a run: until a wall-clock time, a request, or a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum, auto

from samobot.session.requests import RequestKind
from samobot.worker.run import RunContext

POLL_SECONDS = 1.0
"""Seconds between two checks of the wall clock, which may jump, and of the requests."""

SleepFunction = Callable[[asyncio.Event, float], Awaitable[None]]
"""Sleeps for some seconds, or less once the event is set."""


async def sleep_unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Sleep until the time is over or the event is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class WakeReason(Enum):
    """Why a sleep ended."""

    TIME = auto()
    RESUMED = auto()
    PAUSED = auto()
    STOPPED = auto()


class Sleeper:
    """Sleeps for a run.

    Args:
        run: The run.
        stop: Set when the run is to end.
        nap: Sleeps for a short time.

    Attributes:
        pause_requested: Whether a pause was requested during a sleep.
    """

    def __init__(
        self, run: RunContext, stop: asyncio.Event, nap: SleepFunction = sleep_unless_stopped
    ) -> None:
        self.pause_requested = False
        self._run = run
        self._stop = stop
        self._nap = nap

    async def until(self, moment: datetime, is_over: Callable[[], bool] = lambda: False) -> WakeReason:
        """Sleep until a time, a request, or a stop.

        Never longer than the time was away at the beginning: a clock that is set back must not extend it.

        Args:
            moment: When the sleep ends at the latest.
            is_over: Whether it ends earlier; called about once a second.
        """
        run = self._run
        most = (moment - run.now()).total_seconds()
        while not self._stop.is_set():
            left = min((moment - run.now()).total_seconds(), most)
            if left <= 0 or is_over():
                return WakeReason.TIME
            if run.files.take_request(RequestKind.RESUME):
                return WakeReason.RESUMED
            if run.files.take_request(RequestKind.PAUSE):
                self.pause_requested = True
                return WakeReason.PAUSED
            nap = min(left, POLL_SECONDS)
            await self._nap(self._stop, nap)
            most -= nap
        return WakeReason.STOPPED
