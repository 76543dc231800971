"""Seeing that a session no longer gets anywhere. Pure."""

from __future__ import annotations

STAGNATION_AFTER = 5
"""Iterations in a row that may change nothing before a person is asked."""


class Stagnation:
    """Counts the iterations that left everything as it was."""

    def __init__(self) -> None:
        self._unchanged = 0

    def count(self, *, changed: bool) -> bool:
        """Take one more iteration into account; whether a person should be asked now."""
        self._unchanged = 0 if changed else self._unchanged + 1
        return self._unchanged >= STAGNATION_AFTER

    def forget(self) -> None:
        """Count from nothing: the phase has changed."""
        self._unchanged = 0
