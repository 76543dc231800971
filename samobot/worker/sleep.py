"""How a run rests: until a time of the wall clock, or until a person wants something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum, auto

from samobot.session.requests import RequestKind
from samobot.worker.run import RunContext

NAP = 1.0
"""Seconds between two looks at the wall clock, which may jump, and at what a person asks for."""

Nap = Callable[[asyncio.Event, float], Awaitable[None]]
"""Sleeps for some seconds, or less once the event is set."""


async def nap_unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not after a stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class Rested(Enum):
    """Why a rest was over."""

    TIME = auto()
    RESUMED = auto()
    PAUSED = auto()
    STOPPED = auto()


class Resting:
    """Lets a run rest.

    Args:
        run: The run.
        stop: Set when the run is to end.
        nap: Sleeps.

    Attributes:
        pause_asked: Whether a person asked for a pause while it rested.
    """

    def __init__(self, run: RunContext, stop: asyncio.Event, nap: Nap = nap_unless_stopped) -> None:
        self.pause_asked = False
        self._run = run
        self._stop = stop
        self._nap = nap

    async def until(self, moment: datetime, is_over: Callable[[], bool] = lambda: False) -> Rested:
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
                return Rested.TIME
            if run.files.take_request(RequestKind.RESUME):
                return Rested.RESUMED
            if run.files.take_request(RequestKind.PAUSE):
                self.pause_asked = True
                return Rested.PAUSED
            nap = min(left, NAP)
            await self._nap(self._stop, nap)
            most -= nap
        return Rested.STOPPED
