"""Exclusive locks between processes and threads: an flock on a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from samobot.errors import StorageError, storage_error
from samobot.session.files import require_regular

if TYPE_CHECKING:
    from types import TracebackType

# O_NONBLOCK: opening a pipe must not wait for its other end.
_OPEN_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_POLL_S = 0.01


class FileLock:
    """A lock on a file, which stays when the lock is released. The kernel releases it when its holder dies.

    The descriptor is not inherited by programs that the holder starts. Not reentrant: a second instance in
    the same process is another holder.

    Args:
        path: The file; created if missing, its folder is not. A symbolic link, pipe or device is refused.

    Raises:
        StorageError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN_FLAGS, 0o600)
            require_regular(self._descriptor, path)
        except OSError as error:
            raise storage_error("lock", path, error) from error
        except BaseException:
            self.release()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it was not released yet."""
        return self._descriptor is not None

    def fileno(self) -> int:
        """Return the open descriptor; what is in the file describes the holder.

        Raises:
            ValueError: The lock was released.
        """
        if self._descriptor is None:
            raise ValueError(f"The lock {self.path} is released.")
        return self._descriptor

    def acquire(self, *, wait: float = 0.0, shared: bool = False) -> bool:
        """Take the lock; returns False if others held it all the time.

        Args:
            wait: Seconds to try; 0 is one try. It blocks the thread.
            shared: Whether other shared holders are allowed.

        Raises:
            StorageError: The file system has no locks.
        """
        deadline = time.monotonic() + wait
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        while True:
            try:
                fcntl.flock(self.fileno(), operation)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL_S)
            except OSError as error:
                raise storage_error("lock", self.path, error) from error
            else:
                return True

    def is_current(self) -> bool:
        """Whether `path` still names this file: false once it was deleted, replaced or released."""
        try:
            return self.is_open and os.path.samestat(os.fstat(self.fileno()), os.stat(self.path))
        except OSError:
            return False

    def read(self, limit: int) -> bytes:
        """Return at most `limit` bytes of what the holder wrote into the file.

        Raises:
            StorageError: The disk refused.
        """
        try:
            return os.pread(self.fileno(), limit, 0)
        except OSError as error:
            raise storage_error("read", self.path, error) from error

    def write(self, data: bytes) -> None:
        """Replace the file's contents in place: a new file would be another lock.

        The new contents stand before the old rest is cut off, so a reader should take the first line only.

        Raises:
            StorageError: The disk refused.
        """
        try:
            os.pwrite(self.fileno(), data, 0)
            os.ftruncate(self.fileno(), len(data))
        except OSError as error:
            raise storage_error("write", self.path, error) from error

    def release(self) -> None:
        """Release the lock and close the file. Safe to repeat."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        # Not by closing alone: a child between fork and exec still has the descriptor for an instant.
        with contextlib.suppress(OSError):
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


def read_held(path: Path, limit: int) -> bytes | None:
    """Return at most `limit` bytes of what the holder of a lock file wrote into it; None if it is not held.

    Nothing is created or written; the lock is taken in shared mode for an instant.

    Raises:
        StorageError: The file is there and cannot be opened, or is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise storage_error("lock", path, error) from error
    try:
        facts = require_regular(descriptor, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                current = os.path.samestat(facts, os.stat(path))
            except OSError:
                return None  # it was deleted meanwhile
            return os.pread(descriptor, limit, 0) if current else None
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # see `FileLock.release`
        return None
    except OSError as error:
        raise storage_error("lock", path, error) from error
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, *, wait: float) -> Iterator[None]:
    """Hold a lock file.

    Args:
        path: The file; created if missing, its folder is not.
        wait: Seconds to wait for the holder.

    Raises:
        StorageError: It was not free in time, or the file system refused.
    """
    with FileLock(path) as lock:
        if not lock.acquire(wait=wait):
            raise StorageError(f"Another samobot process has held {path} for {wait:g} s.")
        yield
