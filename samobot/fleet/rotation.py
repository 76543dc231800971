"""Taking turns: checking many things a few at a time, each within a given time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Rotation:
    """Whose turn it is. It begins with the first call of `due` or `restart`."""

    def __init__(self) -> None:
        self._next = 0
        self._taken: float | None = None

    def restart(self, now: float) -> None:
        """Note that all have just been checked."""
        self._taken = now

    def due(self, items: Sequence[_T], now: float, seconds: float) -> list[_T]:
        """Take those whose turn has come since the last ones were taken.

        Args:
            items: All of them, in an order that changes little.
            now: Monotonic seconds.
            seconds: Within which each has its turn.
        """
        passed = now - self._taken if self._taken is not None else 0.0
        count = int(len(items) * min(1.0, passed / seconds))
        if count or self._taken is None:
            self._taken = now
        if not count:
            return []
        first = self._next % len(items)
        self._next = first + count
        return [*items[first : self._next], *items[: max(0, self._next - len(items))]]
