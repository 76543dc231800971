"""The run lock: at most one living worker a session, and which one, as it describes itself in the lock file.

There are two locks of each session: one in its folder, where all can see it, and one in the vault, as an agent can
delete or replace the first, and a second worker would start. The kernel releases them when their holder dies; the JSON
inside only describes the holder and means nothing when the lock is free. `holder` takes a lock in shared mode for
an instant, which a single try cannot distinguish from a worker; so `acquire` retries while it could have it in shared
mode.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from samobot.errors import BusyError, StorageError
from samobot.session.file_lock import FileLock, read_held
from samobot.session.files import move_aside
from samobot.session.lock_holder import Holder, parse_holder
from samobot.system.platform.current import own_identity

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from samobot.session.folder import SessionFolder

_PROBE_WAIT_S = 10.0
_READ_TRIES = 5
_MAX_BYTES = 16_384


class RunLock:
    """The run lock, held. Made by `acquire`; free again after `release` or the end of the process."""

    def __init__(self, folder: SessionFolder, locks: list[FileLock], description: Holder) -> None:
        self._folder = folder
        self._locks = locks
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
            _acquire_all(folder),
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
        """Whether the lock files are still those that are held: false once one was deleted."""
        return all(lock.is_current() for lock in self._locks)

    def renew(self) -> None:
        """Take the locks again whose files have been deleted or replaced.

        Raises:
            BusyError: Another worker has taken the session since.
            StorageError: A lock file cannot be made.
        """
        if self.is_held():
            return
        folder = self._folder
        folder.vault.prepare()
        for index, lost in enumerate(self._locks):
            if lost.is_current():
                continue
            try:
                lock = _acquire(folder, lost.path)
            except BusyError:
                if lost.path != folder.lock:
                    raise
                # No worker: it would have needed the lock in the vault. Its agent's process has taken this one.
                move_aside(folder.lock, folder.logs)
                lock = _acquire(folder, lost.path)
            self._locks[index] = lock
            lost.release()
        self._write()

    def release(self) -> None:
        """Release the session. Safe to repeat."""
        for lock in self._locks:
            if lock.is_open:
                # A full disk must not keep the session locked; what is left inside means nothing.
                with contextlib.suppress(StorageError):
                    lock.write(b"")
            lock.release()

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
        for lock in self._locks:
            if lock.is_open:
                lock.write(self.holder.to_line())


def lock_files(folder: SessionFolder) -> tuple[Path, Path]:
    """The files that the living worker has locked: first the one that no agent can take away."""
    return folder.vault.run_lock, folder.lock


def holder(folder: SessionFolder) -> Holder | None:
    """Return the worker that holds the session, or None. Never makes a worker's `acquire` fail.

    Raises:
        StorageError: A lock file exists and cannot be opened, or is not a regular file.
    """
    return next(filter(None, map(holder_of, lock_files(folder))), None)


def holder_of(path: Path) -> Holder | None:
    """Return the process that holds one of the lock files, as it describes itself there; None if none does.

    Raises:
        StorageError: The file exists and cannot be opened, or is not a regular file.
    """
    for _ in range(_READ_TRIES):  # its description may be caught half-written
        found = read_held(path, _MAX_BYTES)
        if found is None:
            return None
        try:
            return parse_holder(found.partition(b"\n")[0])
        except (ValueError, RecursionError):
            time.sleep(0.001)
    return Holder()


def _acquire_all(folder: SessionFolder) -> list[FileLock]:
    folder.vault.prepare()
    locks: list[FileLock] = []
    try:
        for path in lock_files(folder):
            locks.append(_acquire(folder, path))
    except BaseException:
        for lock in locks:
            lock.release()
        raise
    return locks


def _acquire(folder: SessionFolder, path: Path) -> FileLock:
    deadline = time.monotonic() + _PROBE_WAIT_S
    while True:
        lock = FileLock(path)
        kept = False
        try:
            if lock.acquire():
                kept = lock.is_current()
                if kept:
                    return lock
            elif not lock.acquire(shared=True):
                raise _busy(folder, holder(folder) or Holder())
        finally:
            if not kept:
                lock.release()
        if time.monotonic() > deadline:
            raise BusyError(
                f"The lock of {folder.name} was not free for {_PROBE_WAIT_S:.0f} s though no worker "
                f"holds it; see which program has {path} open."
            )
        time.sleep(0.001 + os.urandom(1)[0] / 256 * 0.009)


def _busy(folder: SessionFolder, held: Holder) -> BusyError:
    end = f" or kill {held.pid}" if held.pid is not None else ""
    return BusyError(
        f"Another worker holds {folder.name}: {held.describe()}. "
        f"Stop it with “samobot stop {folder.name}”{end}, or let it finish."
    )
