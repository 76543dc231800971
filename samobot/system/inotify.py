"""File events of Linux's kernel, by inotify(7).

A watch is only its number: with ten thousand watched folders, an object each would take more memory than all else that
is known of them.
"""

from __future__ import annotations

import ctypes
import os
import struct
import weakref
from enum import IntFlag
from typing import NamedTuple

_HEADER = struct.Struct("iIII")
"""`struct inotify_event`: watch, mask, cookie, length of the name behind it."""

_LARGEST = _HEADER.size + 256
_READ_BYTES = 64 * _LARGEST
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class FileEventMask(IntFlag):
    """What is watched for, and what has happened."""

    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    Q_OVERFLOW = 0x4000
    IGNORED = 0x8000
    ONLYDIR = 0x1000000
    ISDIR = 0x40000000
    MOVE = MOVED_FROM | MOVED_TO


class FileEvent(NamedTuple):
    """One event: the number of its watch (-1: of none), the mask, and the file's name if it is about one in the folder."""

    watch: int
    mask: int
    name: str


class Inotify:
    """The kernel's queue of events; closed by `close`, or with its last reference.

    Raises:
        OSError: The system's limit of such queues is reached.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self.fd = self._checked(self._library.inotify_init1(_FLAGS))
        self.close = weakref.finalize(self, os.close, self.fd)

    def add(self, path: str | os.PathLike[str], mask: int) -> int:
        """Watch a file or folder; returns the watch's number, the same one if it is watched already.

        Raises:
            OSError: It is not there, or must not be read, or the system's limit of watches is reached.
        """
        return self._checked(
            self._library.inotify_add_watch(self.fd, os.fsencode(path), ctypes.c_uint32(mask)), path
        )

    def remove(self, watch: int) -> None:
        """End a watch; an event with `IGNORED` confirms it. One that has ended already is ended."""
        self._library.inotify_rm_watch(self.fd, watch)

    def read(self) -> list[FileEvent]:
        """The events that have arrived, without waiting for more."""
        events: list[FileEvent] = []
        while True:
            try:
                data = os.read(self.fd, _READ_BYTES)
            except BlockingIOError:
                return events
            at = 0
            while at < len(data):
                watch, mask, _, length = _HEADER.unpack_from(data, at)
                at += _HEADER.size
                events.append(FileEvent(watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
                at += length
            if len(data) < _READ_BYTES - _LARGEST:
                return events  # the next one would have had room

    @staticmethod
    def _checked(result: int, path: str | os.PathLike[str] | None = None) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), None if path is None else os.fspath(path))
        return result
