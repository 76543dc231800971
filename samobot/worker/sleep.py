"""How a run rests: until a time of the wall clock, or until a person wants something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum, auto

from samobot.session.requests import RequestKind
from samobot.worker.run import RunContext

POLL_SECONDS = 1.0
"""Seconds between two looks at the wall clock, which may jump, and at what a person asks for."""

SleepFunction = Callable[[asyncio.Event, float], Awaitable[None]]
"""Sleeps for some seconds, or less once the event is set."""


async def sleep_unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not after a stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class WakeReason(Enum):
    """Why a rest was over."""

    TIME = auto()
    RESUMED = auto()
    PAUSED = auto()
    STOPPED = auto()


class Sleeper:
    """Lets a run rest.

    Args:
        run: The run.
        stop: Set when the run is to end.
        nap: Sleeps.

    Attributes:
        pause_requested: Whether a person asked for a pause while it woken_by.
    """

    def __init__(
        self, run: RunContext, stop: asyncio.Event, nap: SleepFunction = sleep_unless_stopped
    ) -> None:
        self.pause_requested = False
        self._run = run
        self._stop = stop
        self._nap = nap

    async def until(self, moment: datetime, is_over: Callable[[], bool] = lambda: False) -> WakeReason:
        """Wait until a time, or for what a person wants.

        Never longer than that was away in the beginning: a clock that is set back must not keep a session for days.

        Args:
            moment: When the wait is over at the latest.
            is_over: Whether it is over before; asked about once a second.
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
