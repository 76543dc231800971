"""The sessions of which only a line is kept, and when each is checked again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from samobot.fleet.models import PastSession
from samobot.fleet.rotation import Rotation
from samobot.session.file_marks import mark_of_files
from samobot.session.folder import SessionFolder

COVERED_TURN_SECONDS = 3600.0
"""Seconds within which each is checked if the kernel reports changes: only what it missed is left to find."""

TURN_SECONDS = 20.0
"""The same if nothing reports changes, as long as they are few."""

_CHECKS_A_SECOND = 50
"""How many are checked a second at most, however many there are."""

_CHECKS_AT_ONCE = 500
"""How many of those that have to be checked soon are checked in one go."""


class PastSessions:
    """The past sessions, and whose turn it is to be checked."""

    def __init__(self) -> None:
        self._sessions: dict[str, PastSession] = {}
        self._soon: deque[str] = deque()
        self._listed: list[PastSession] | None = None
        self._rotation = Rotation()

    def __contains__(self, key: str) -> bool:
        return key in self._sessions

    def get(self, key: str) -> PastSession | None:
        """Return the line of a session, None if it is not past."""
        return self._sessions.get(key)

    def put(self, session: PastSession) -> None:
        """Keep the line of a session."""
        self._sessions[session.key] = session
        self._listed = None

    def drop(self, key: str) -> None:
        """Forget a session: it is gone, or no longer past."""
        if self._sessions.pop(key, None) is not None:
            self._listed = None

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget all sessions but these."""
        for key in self._sessions.keys() - set(keys):
            self.drop(key)

    def listed(self) -> list[PastSession]:
        """List them; the same object as before if nothing has changed."""
        if self._listed is None:
            self._sessions = dict(self._sessions)  # without the room that growing has left
            self._listed = list(self._sessions.values())
        return self._listed

    @property
    def pending(self) -> bool:
        """Whether some have to be checked soon."""
        return bool(self._soon)

    def check_soon(self, keys: Iterable[str]) -> None:
        """Check these first, in this order."""
        self._soon.extend(keys)

    def check_all_soon(self) -> None:
        """Check all, after a time without events."""
        known = set(self._soon)
        self._soon.extend(key for key in self._sessions if key not in known)

    def due(self, now: float, *, covered: bool) -> Sequence[str]:
        """Take the keys of those whose turn it is.

        Args:
            now: Monotonic seconds.
            covered: Whether their changes are reported.
        """
        soon = [self._soon.popleft() for _ in range(min(_CHECKS_AT_ONCE, len(self._soon)))]
        sessions = self.listed()
        turn = COVERED_TURN_SECONDS if covered else max(TURN_SECONDS, len(sessions) / _CHECKS_A_SECOND)
        return soon + [each.key for each in self._rotation.due(sessions, now, turn)]


def mark_of(folder: SessionFolder) -> int:
    """Return a number that changes with the folder's files; the same in every process."""
    return mark_of_files(folder.all_files)
