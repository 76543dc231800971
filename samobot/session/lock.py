"""The run lock: at most one living worker a session, and which one.

The kernel releases the lock when its holder dies; the JSON inside only describes the holder and means
nothing when nobody holds the lock. `holder` takes the lock in shared mode for an instant, which a single
try cannot distinguish from a worker; so `acquire` retries while it could have it in shared mode.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from samobot.errors import BusyError, StorageError
from samobot.session.file_lock import FileLock
from samobot.session.holder import Holder, parse_holder
from samobot.system.platform.current import own_identity

if TYPE_CHECKING:
    from types import TracebackType

    from samobot.session.folder import SessionFolder

_PROBE_WAIT_S = 10.0
_READ_TRIES = 5
_MAX_BYTES = 16_384


class RunLock:
    """The run lock, held. Made by `acquire`; free again after `release` or the end of the process."""

    def __init__(self, folder: SessionFolder, lock: FileLock, description: Holder) -> None:
        self._folder = folder
        self._lock = lock
        self.holder = description

    @classmethod
    def acquire(
        cls,
        folder: SessionFolder,
        now: datetime,
        *,
        iteration: int | None = None,
        phase: str | None = None,
    ) -> RunLock:
        """Take the session for this process. Programs that it starts do not inherit the lock.

        Args:
            folder: The session; its `_logs` must exist.
            now: When it is taken.
            iteration: The total iteration so far.
            phase: The phase it is in.

        Raises:
            BusyError: Another worker holds the session.
            StorageError: The lock file cannot be made.
        """
        identity = own_identity()
        lock = cls(
            folder,
            _acquire(folder),
            Holder(
                pid=os.getpid(),
                start_ticks=identity.start_ticks if identity is not None else None,
                boot_id=identity.boot_id if identity is not None else None,
                host=os.uname().nodename,
                started=now,
                iteration=iteration,
                phase=phase,
            ),
        )
        try:
            lock._write()
        except BaseException:
            lock.release()
            raise
        return lock

    def update(
        self,
        *,
        iteration: int | None = None,
        phase: str | None = None,
        claude_pid: int | None = None,
        parked: bool = False,
        parked_until: datetime | None = None,
    ) -> None:
        """Describe the worker's current state.

        `iteration` and `phase` keep their value if None is given; the agent's pid, the parking and the
        activity do not.

        Raises:
            StorageError: The disk refused.
        """
        self.holder = replace(
            self.holder,
            iteration=self.holder.iteration if iteration is None else iteration,
            phase=self.holder.phase if phase is None else phase,
            claude_pid=claude_pid,
            parked=parked,
            parked_until=parked_until,
            activity=None,
        )
        self._write()

    def set_activity(self, activity: str) -> None:
        """Describe what the agent is doing; everything else stays.

        Raises:
            StorageError: The disk refused.
        """
        self.holder = replace(self.holder, activity=activity)
        self._write()

    def is_held(self) -> bool:
        """Whether the lock file in the folder is still the one that is held: false once it was deleted."""
        return self._lock.is_current()

    def renew(self) -> None:
        """Take the lock again if its file has been deleted or replaced.

        Raises:
            BusyError: Another worker has taken the session since.
            StorageError: The lock file cannot be made.
        """
        if self.is_held():
            return
        lock = _acquire(self._folder)
        self._lock.release()
        self._lock = lock
        self._write()

    def release(self) -> None:
        """Release the session. Safe to repeat."""
        if self._lock.is_open:
            # A full disk must not keep the session locked; what is left inside means nothing.
            with contextlib.suppress(StorageError):
                self._lock.write(b"")
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _write(self) -> None:
        if self._lock.is_open:
            self._lock.write(self.holder.to_line())


def holder(folder: SessionFolder) -> Holder | None:
    """Return the worker that holds the session, or None. Never makes a worker's `acquire` fail.

    Raises:
        StorageError: The lock file exists and cannot be opened, or is not a regular file.
    """
    lock = FileLock.existing(folder.lock)
    if lock is None:
        return None
    with lock:
        if lock.acquire(shared=True) or not lock.is_current():
            return None
        return _describe(lock)


def _acquire(folder: SessionFolder) -> FileLock:
    deadline = time.monotonic() + _PROBE_WAIT_S
    while True:
        lock = FileLock(folder.lock)
        kept = False
        try:
            if lock.acquire():
                kept = lock.is_current()
                if kept:
                    return lock
            elif not lock.acquire(shared=True):
                raise _busy(folder, _describe(lock))
        finally:
            if not kept:
                lock.release()
        if time.monotonic() > deadline:
            raise BusyError(
                f"The lock of {folder.name} was not free for {_PROBE_WAIT_S:.0f} s though no worker "
                f"holds it; see which program has {folder.lock} open."
            )
        time.sleep(0.001 + os.urandom(1)[0] / 256 * 0.009)


def _busy(folder: SessionFolder, held: Holder) -> BusyError:
    end = f" or kill {held.pid}" if held.pid is not None else ""
    return BusyError(
        f"Another worker holds {folder.name}: {held.describe()}. "
        f"Stop it with “samobot stop {folder.name}”{end}, or let it finish."
    )


def _describe(lock: FileLock) -> Holder:
    for _ in range(_READ_TRIES):  # it may be caught half-written
        try:
            return parse_holder(lock.read(_MAX_BYTES).partition(b"\n")[0])
        except (ValueError, RecursionError):
            time.sleep(0.001)
    return Holder()
