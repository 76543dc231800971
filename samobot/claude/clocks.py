"""The timeouts of one process of the Claude CLI; they stand still while it waits for the user. Pure."""

from __future__ import annotations

from collections.abc import Callable

from samobot.claude.end import StoppedBy
from samobot.frozen import frozen


@frozen
class Timeouts:
    """Timeouts of a process, in seconds.

    Attributes:
        first_event: Until its first line.
        silence: Between two lines. A long answer arrives as one line at its end, so minutes are normal. While a
            tool has a living process, only `total` counts: a test suite may run long.
        exit_after_result: From the last line to the exit, once there is a result. Lines of background tasks restart
            it.
        total: From start to end, without the time in which the CLI waits for a permission.
    """

    first_event: float = 120.0
    silence: float = 900.0
    exit_after_result: float = 45.0
    total: float = 1800.0


class Clocks:
    """Times one process, from its construction.

    Args:
        timeouts: Its timeouts.
        now: The clock, in seconds.

    Attributes:
        heard: Whether it has written anything.
        has_result: Whether its last turn has a result.
    """

    def __init__(self, timeouts: Timeouts, now: Callable[[], float]) -> None:
        self.heard = False
        self.has_result = False
        self._timeouts = timeouts
        self._now = now
        self._started = self._last = self._looked = now()
        self._asking_s = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._now() - self._started

    def look(self, *, grew: bool, asking: bool) -> None:
        """Take note of the present; call it often.

        Args:
            grew: Whether the process has written something since the last look.
            asking: Whether it waits for a permission: the time since the last look does not count then.
        """
        now = self._now()
        if asking:
            self._asking_s += now - self._looked
        if asking or grew:
            self._last = now
        self._looked = now

    def overdue(self, at_work: Callable[[], bool]) -> StoppedBy | None:
        """Return which timeout is over; None if none is.

        Args:
            at_work: Whether a tool has a living process; called only after a long silence.
        """
        elapsed, quiet = self.elapsed - self._asking_s, self._now() - self._last
        if elapsed > self._timeouts.total:
            return StoppedBy.TIMEOUT
        if not self.heard:
            return StoppedBy.FIRST_EVENT if elapsed > self._timeouts.first_event else None
        if self.has_result and quiet > self._timeouts.exit_after_result:
            return StoppedBy.EXIT
        if quiet > self._timeouts.silence and not at_work():
            return StoppedBy.SILENCE
        return None
