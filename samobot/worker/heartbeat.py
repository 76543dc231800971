"""The worker's state as other processes see it, in its run lock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime

from samobot.errors import StorageError
from samobot.phases import Phase
from samobot.session.lock import RunLock

ACTIVITY_EVERY = 1.0
"""Seconds between two updates of the agent's activity."""


class Heartbeat:
    """Writes the worker's state into the lock that it holds; does nothing without one."""

    def __init__(self) -> None:
        self._lock: RunLock | None = None
        self._shown_at = 0.0
        self._doing = ""
        self._late: asyncio.TimerHandle | None = None

    def bind(self, lock: RunLock) -> None:
        """Use this lock from now on."""
        self._lock = lock

    def show_parked(self, until: datetime) -> None:
        """Show that the run waits for a limit.

        Raises:
            StorageError: The disk refused.
        """
        if self._lock is not None:
            self._lock.update(parked=True, parked_until=until)

    def show_idle(self) -> None:
        """Show that the worker runs without an agent and does not wait.

        Raises:
            StorageError: The disk refused.
        """
        if self._lock is not None:
            self._lock.update()

    def show_iteration(self, number: int, phase: Phase, pid: int) -> None:
        """Show which iteration has begun, and the process of its agent.

        Raises:
            StorageError: The disk refused.
        """
        if self._lock is not None:
            self._lock.update(iteration=number, phase=phase, claude_pid=pid)

    def show_activity(self, activity: str) -> None:
        """Show what the agent is doing, at most once a second; the last activity is shown with a delay."""
        self._doing = activity
        if self._lock is None or self._late is not None:
            return
        wait = self._shown_at + ACTIVITY_EVERY - time.monotonic()
        if wait > 0:
            self._late = asyncio.get_running_loop().call_later(wait, self._show_late)
            return
        self._shown_at = time.monotonic()
        # A disk that is full for a moment must not end the iteration.
        with contextlib.suppress(StorageError):
            self._lock.set_activity(activity)

    def clear_activity(self) -> None:
        """Cancel a delayed activity: the iteration has ended."""
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def renew(self) -> None:
        """Take the lock again if an agent has deleted or replaced its file.

        Raises:
            BusyError: Another worker has taken the session meanwhile.
            StorageError: The lock file cannot be made.
        """
        if self._lock is not None:
            self._lock.renew()

    def _show_late(self) -> None:
        self._late = None
        self.show_activity(self._doing)
