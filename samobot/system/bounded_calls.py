"""Bounded calls: nothing waits for a disk that hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 3.0
"""Seconds that everybody waits for a read that does not come back, as of a disk that hangs: once, then it is left behind."""

_Call = Callable[[], object]


class BoundedCalls:
    """Runs calls one after another, and leaves behind the one that takes too long. Not thread-safe: one caller.

    A thread cannot be interrupted in a system call. So the calls run in a thread of their own, and when one of them
    takes longer than the patience, its thread is left to it and another one continues with the rest. There is at most
    one call of a key at a time; while one has not come back, no other is made. What was late once is waited for
    again only after it has come back in time.

    Args:
        patience: Seconds that one call may take.
        clock: Monotonic seconds.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._late: dict[str, _Lane] = {}
        self._slow: set[str] = set()
        self._returned: set[str] = set()

    def run(self, calls: Mapping[str, _Call], *, wait_for_slow: bool = False) -> None:
        """Run the calls, each under its key, until all have come back or were left behind.

        Args:
            calls: What to run. One whose key is still busy with an earlier call is left out.
            wait_for_slow: Wait for the patience also for those that were late the last time.

        Raises:
            Exception: What a call raised that was not late; the calls after it are not made.
        """
        if self._late:
            self._collect()
        todo = {key: call for key, call in calls.items() if key not in self._late}
        if self._slow and not wait_for_slow:
            for key in [key for key in todo if key in self._slow]:
                self._late[key] = _Lane({key: todo.pop(key)}, self._clock, left_behind=True)
        while todo:
            lane = _Lane(todo, self._clock)
            late = lane.wait(self._patience)
            if late is not None:
                self._late[late] = lane
                self._slow.add(late)
            self._slow.difference_update(lane.done)
            todo = lane.rest
            if lane.error is not None and late is None:
                raise lane.error

    @property
    def idle(self) -> bool:
        """Whether no call is late, and none has come back since `take_returned`."""
        return not self._late and not self._returned

    @property
    def late(self) -> frozenset[str]:
        """The keys of the calls that have not come back."""
        self._collect()
        return frozenset(self._late)

    def seconds_late(self, key: str) -> float | None:
        """Seconds since the call began that has not come back; None if there is none."""
        if self._late:
            self._collect()
        lane = self._late.get(key)
        return None if lane is None else self._clock() - lane.since

    def take_returned(self) -> set[str]:
        """Return the keys of late calls that have come back since this was asked last."""
        self._collect()
        returned, self._returned = self._returned, set()
        return returned

    def _collect(self) -> None:
        for key, lane in list(self._late.items()):
            if lane.is_alive():
                continue
            del self._late[key]
            self._returned.add(key)
            if lane.took <= self._patience:
                self._slow.discard(key)
            if lane.error is not None:
                log.warning("%s came back late, and failed: %r", key, lane.error)


class _Lane(threading.Thread):
    """Runs calls one after another until one of them is left behind.

    Args:
        calls: The calls by their keys.
        clock: Monotonic seconds.
        left_behind: Whether even the first one is not waited for.

    Attributes:
        rest: Those that have not begun.
        done: The keys of those that have come back.
        since: When the one that runs began.
        took: Seconds that the last one took.
        error: What the last one raised.
    """

    def __init__(
        self, calls: Mapping[str, _Call], clock: Callable[[], float], *, left_behind: bool = False
    ) -> None:
        super().__init__(
            name="bounded-calls", daemon=True
        )  # one that never comes back must not keep us from ending
        self.rest = dict(calls)
        self.done: list[str] = []
        self.since = clock()
        self.took = 0.0
        self.error: BaseException | None = None
        self._clock = clock
        self._state = threading.Condition()
        self._key: str | None = None
        self._left_behind = left_behind
        self._ended = False
        self.start()

    def run(self) -> None:
        """Run the calls."""
        while self.error is None and (call := self._next()) is not None:
            try:
                call()
            except BaseException as error:
                self.error = error
            self.took = self._clock() - self.since
        with self._state:
            self._ended = True
            self._state.notify()

    def wait(self, patience: float) -> str | None:
        """Wait for the end; returns the key of a call that was left behind, None if all have come back."""
        with self._state:
            while not self._ended:
                if self._key is None:  # the thread has not begun: that is no call's fault
                    self._state.wait()
                    continue
                spent = self._clock() - self.since
                if spent >= patience:
                    self._left_behind = True
                    return self._key
                self._state.wait(patience - spent)
            return None

    def _next(self) -> _Call | None:
        with self._state:
            if self._key is not None:
                self.done.append(self._key)
            if not self.rest or (self._left_behind and self._key is not None):
                return None
            begins = self._key is None
            self._key = next(iter(self.rest))
            self.since = self._clock()
            if begins:  # later it would only wake the waiter, which looks again once its patience is over
                self._state.notify()
            return self.rest.pop(self._key)
