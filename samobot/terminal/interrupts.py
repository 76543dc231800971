"""SIGINT, SIGTERM and SIGHUP while a command works: ending in good order, whatever it is doing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

# SIGHUP too: a closed terminal must not leave the agent at work unwatched.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """Somebody wants the command to end; what it has started is to be ended on the way out."""


class StopSignals:
    """A context in which the three signals raise `Stopped`, or call the function set with `calling`."""

    def __init__(self) -> None:
        self._action: Callable[[int], None] | None = None
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> StopSignals:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def calling(self, action: Callable[[int], None]) -> Iterator[None]:
        """Call this with the signal's number instead, for as long as the context lasts."""
        self._action = action
        try:
            yield
        finally:
            self._action = None

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self._action is None:
            raise Stopped
        self._action(number)
