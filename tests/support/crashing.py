"""A process that dies at its n-th change of the disk: of its database or of a file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NO_CHANGES = ("", "SELECT", "PRAGMA", "BEGIN", "ROLLBACK")


class CrashError(BaseException):
    """The process is dead: no handler of errors may continue, and nothing further reaches the disk."""


class DyingDisk:
    """The disk of a process that dies at one of its changes.

    A process that dies between two changes leaves the same disk wherever it dies; so each change is one point, before
    which it dies. The statements of a transaction change nothing until its commit. A line that is appended has a second
    point, in its middle; what is written into a temporary file has none, as nobody reads that.

    Args:
        patch: Undoes it.

    Attributes:
        reached: The changes since `begin`, by name.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reached: list[str] = []
        self._at = 0
        self._is_on = False
        self._dead = False
        self._lock = threading.RLock()
        self._on_death: Callable[[], object] = bool
        connect, write, mkdir, disk = sqlite3.connect, os.write, os.mkdir, self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                kind = sql.partition(" ")[0]
                if kind == "COMMIT" or not (self.in_transaction or kind in _NO_CHANGES):
                    disk._reach(kind)
                return super().execute(sql, *values)

        def write_in_two(fd: int, data: Any) -> int:
            self._reach("write")
            if not self._is_on or not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
                return write(fd, data)
            half = write(fd, data[: len(data) // 2])
            self._reach("rest of a line")
            return half + write(fd, data[half:])

        def make(path: Any, *args: Any, **more: Any) -> None:
            if not os.path.isdir(path):
                self._reach("mkdir")
            mkdir(path, *args, **more)

        patch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=Connection, **more))
        patch.setattr(os, "write", write_in_two)
        patch.setattr(os, "mkdir", make)
        for name in ("replace", "rename", "link", "unlink"):
            patch.setattr(os, name, self._before(name, getattr(os, name)))

    def begin(self, at: int, on_death: Callable[[], object]) -> None:
        """Count the changes from here, and die before one of them.

        Args:
            at: Which one, from 0.
            on_death: Called in the thread that dies.
        """
        self.reached, self._at, self._on_death = [], at, on_death
        self._is_on, self._dead = True, False

    def end(self) -> bool:
        """What follows is another process; whether this one died."""
        self._is_on = False
        return self._dead

    @contextmanager
    def of_another_process(self) -> Iterator[None]:
        """What is changed in here is not this process's change."""
        with self._lock:
            was, self._is_on = self._is_on, False
            try:
                yield
            finally:
                self._is_on = was

    def _reach(self, name: str) -> None:
        with self._lock:
            if not self._is_on:
                return
            if not self._dead:
                self.reached.append(name)
                if len(self.reached) <= self._at:
                    return
                self._dead = True
                self._on_death()
            raise CrashError(name)

    def _before(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def reached(*args: Any, **more: Any) -> Any:
            self._reach(name)
            return call(*args, **more)

        return reached
