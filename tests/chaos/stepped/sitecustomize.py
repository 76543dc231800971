"""Gives the programs of a chaos journey a wall clock that can be stepped; loaded by Python through PYTHONPATH.

The file that CHAOS_CLOCK names holds one step a line: the real time in nanoseconds, and the offset in nanoseconds that
holds from then on. Times of files are shifted by the offset that held when they were written, as a stepped clock
would have left them. Monotonic clocks are not touched, as by a real step. The kernel's boot time is shifted by the
stage, in `/proc/stat`.
"""

from __future__ import annotations

import bisect
import ctypes
import datetime
import gc
import os
import time
from typing import Any

_FILE = os.environ.get("CHAOS_CLOCK")
_real_time_ns = time.time_ns
_real_stat = os.stat
_real_fstat = os.fstat
_real_lstat = os.lstat
_real_localtime = time.localtime
_real_gmtime = time.gmtime
_real_strftime = time.strftime
_real_now = datetime.datetime.now
_from_timestamp = datetime.datetime.fromtimestamp


class _Steps:
    """The steps so far, read again when their file has grown."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._size = -1
        self._since: list[int] = []
        self._offsets: list[int] = []

    def offset(self, moment: int) -> int:
        """Return the offset in force at a real time."""
        try:
            size = _real_stat(self._path).st_size
            if size != self._size:
                with open(self._path, encoding="ascii") as file:
                    steps = [line.split() for line in file if line.endswith("\n")]
                self._since = [int(since) for since, _ in steps]
                self._offsets = [int(offset) for _, offset in steps]
                self._size = size
        except OSError:
            pass
        index = bisect.bisect_right(self._since, moment)
        return self._offsets[index - 1] if index else 0


def _install(path: str) -> None:
    steps = _Steps(path)

    def time_ns() -> int:
        now = _real_time_ns()
        return now + steps.offset(now)

    def seconds() -> float:
        return time_ns() / 1e9

    def shifted(found: os.stat_result) -> os.stat_result:
        values: dict[str, Any] = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        for kind in ("atime", "mtime", "ctime"):
            moment = values[f"st_{kind}_ns"]
            moment += steps.offset(moment)
            values[f"st_{kind}_ns"], values[f"st_{kind}"] = moment, moment / 1e9
        fields = list(found)
        fields[7:10] = [values[f"st_{kind}_ns"] // 10**9 for kind in ("atime", "mtime", "ctime")]
        return os.stat_result(fields, values)

    def now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _from_timestamp(seconds(), tz)

    time.time_ns, time.time = time_ns, seconds
    time.localtime = lambda secs=None: _real_localtime(seconds() if secs is None else secs)
    time.gmtime = lambda secs=None: _real_gmtime(seconds() if secs is None else secs)
    time.strftime = lambda form, t=None: _real_strftime(form, _real_localtime(seconds()) if t is None else t)
    os.stat = lambda *args, **more: shifted(_real_stat(*args, **more))
    os.fstat = lambda fd: shifted(_real_fstat(fd))
    os.lstat = lambda *args, **more: shifted(_real_lstat(*args, **more))
    for known in (os.supports_follow_symlinks, os.supports_dir_fd, os.supports_fd):
        known.add(os.stat)
    # The method of a built-in class, replaced in its own dictionary.
    methods = gc.get_referents(datetime.datetime.__dict__)[0]
    methods["now"] = classmethod(now)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))


if _FILE:
    _install(_FILE)
