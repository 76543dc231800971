"""The run lock: at most one living worker a session, and who it is.

The lock is an flock, which the kernel drops with its holder however that dies; the JSON inside only
describes the holder, and means nothing when nobody holds the lock. Looking at the lock takes it for an
instant in shared mode, which cannot be told from a holder by somebody who only tries once; so `acquire`
tells the two apart: while it could have the lock in shared mode, nobody holds it, and it tries again.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from samobot.errors import BusyError, StorageError
from samobot.session.files import require_regular
from samobot.session.lock_holder import Holder, read_holder
from samobot.session.process_identity import own_identity

if TYPE_CHECKING:
    from types import TracebackType

    from samobot.session.folder import SessionFolder

_LOOKERS_PATIENCE_S = 10.0
_READ_TRIES = 5
_MAX_BYTES = 16_384


class RunLock:
    """The run lock, held. Made by `acquire`; gives the session free on `release` or at process end."""

    def __init__(self, descriptor: int, path: os.PathLike[str], description: Holder) -> None:
        self._descriptor: int | None = descriptor
        self._path = path
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
        """Take the session for this process. The descriptor is not inherited by programs it starts.

        Args:
            folder: The session; its `_logs` must exist.
            now: When it is taken.
            iteration: The total iteration so far.
            phase: The phase it is in.

        Raises:
            BusyError: Another worker holds the session.
            StorageError: The lock file cannot be made.
        """
        descriptor = _open_and_lock(folder)
        identity = own_identity()
        lock = cls(
            descriptor,
            folder.lock,
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
        """Describe what the worker does now.

        `iteration` and `phase` keep their value where None is given; the agent's pid and the parking
        describe this moment only.

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

    def show(self, activity: str) -> None:
        """Say what the agent is doing; everything else stays.

        Raises:
            StorageError: The disk refused.
        """
        self.holder = replace(self.holder, activity=activity)
        self._write()

    def still_held(self) -> bool:
        """Whether the lock file in the folder is still the one that is held: false once it was deleted."""
        return self._descriptor is not None and _is_file_at(self._descriptor, self._path)

    def renew(self, folder: SessionFolder) -> None:
        """Take the lock anew where its file has been deleted or replaced.

        Raises:
            BusyError: Another worker has taken the session meanwhile.
            StorageError: The lock file cannot be made.
        """
        if self.still_held():
            return
        descriptor = _open_and_lock(folder)
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._write()

    def release(self) -> None:
        """Give the session free. Safe to repeat."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.ftruncate(descriptor, 0)
        except OSError:
            pass  # a full disk must not keep the session locked; what is left inside means nothing
        # Not by closing alone: a child in the middle of its exec still has the descriptor for an instant.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)

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
        """Rewrite the description in place: replacing the file would replace the lock.

        A reader takes the first line only, so a shorter text over a longer one is never misread.
        """
        if self._descriptor is None:
            return
        line = self.holder.line()
        try:
            os.pwrite(self._descriptor, line, 0)
            os.ftruncate(self._descriptor, len(line))
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror}.") from error


def holder(folder: SessionFolder) -> Holder | None:
    """Say which worker holds the session, or None. Never makes a worker's `acquire` fail.

    Raises:
        StorageError: The lock file is there and cannot be opened, or is no file.
    """
    path = os.fspath(folder.lock)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be opened: {error.strerror}.") from error
    try:
        require_regular(descriptor, path)
        if _locked(descriptor, fcntl.LOCK_SH) or not _is_file_at(descriptor, path):
            return None
        return _describe(descriptor)
    finally:
        os.close(descriptor)


def _open_and_lock(folder: SessionFolder) -> int:
    deadline = time.monotonic() + _LOOKERS_PATIENCE_S
    while True:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(folder.lock, flags, 0o600)
        except OSError as error:
            raise StorageError(f"{folder.lock} cannot be made: {error.strerror}.") from error
        kept = False
        try:
            require_regular(descriptor, folder.lock)
            if _locked(descriptor, fcntl.LOCK_EX):
                kept = _is_file_at(descriptor, folder.lock)
                if kept:
                    return descriptor
            elif not _locked(descriptor, fcntl.LOCK_SH):
                raise _busy(folder, _describe(descriptor))
        finally:
            if not kept:
                os.close(descriptor)
        if time.monotonic() > deadline:
            raise BusyError(
                f"The lock of {folder.name} could not be had for {_LOOKERS_PATIENCE_S:.0f} s though no worker "
                f"holds it; see which program has {folder.lock} open."
            )
        time.sleep(0.001 + os.urandom(1)[0] / 256 * 0.009)


def _busy(folder: SessionFolder, held: Holder) -> BusyError:
    end = f" or kill {held.pid}" if held.pid is not None else ""
    return BusyError(
        f"Another worker holds {folder.name}: {held.describe()}. "
        f"Stop it with “samobot stop {folder.name}”{end}, or let it go on."
    )


def _locked(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file_at(descriptor: int, path: str | os.PathLike[str]) -> bool:
    """Whether the open file is the one at `path`: not, when it was deleted or replaced meanwhile."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _describe(descriptor: int) -> Holder:
    """Read the description, more than once if it is caught half-written."""
    for _ in range(_READ_TRIES):
        try:
            return read_holder(os.pread(descriptor, _MAX_BYTES, 0).partition(b"\n")[0])
        except (ValueError, RecursionError):
            time.sleep(0.001)
    return Holder()
