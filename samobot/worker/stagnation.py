"""Stagnation: iterations in a row that continue and change nothing."""

from __future__ import annotations

STAGNATION_AFTER = 5
"""Iterations in a row that may change nothing before the session is blocked."""


class Stagnation:
    """Counts the iterations in a row that changed nothing."""

    def __init__(self) -> None:
        self._unchanged = 0

    def count(self, *, changed: bool) -> bool:
        """Count one more iteration; return whether the session should be blocked now."""
        self._unchanged = 0 if changed else self._unchanged + 1
        return self._unchanged >= STAGNATION_AFTER

    @property
    def reason(self) -> str:
        """Why the session is blocked, for the user."""
        return (
            f"{STAGNATION_AFTER} iterations in a row said “continue” and changed nothing: no commit, no file in the "
            "working directory, no file in the session."
        )

    def forget(self) -> None:
        """Reset the counter: the phase has changed."""
        self._unchanged = 0
