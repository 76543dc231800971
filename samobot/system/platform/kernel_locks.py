"""Which process holds an flock, from Linux's own tables: the text inside the file may be old or forged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LOCK = re.compile(
    rb"^(?:lock:\s*)?\d+: FLOCK +\S+ +WRITE +(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE
)
"""A line of `/proc/locks` and of `/proc/PID/fdinfo/FD` (proc_locks(5)): pid, device's major and minor, inode."""


def kernel_lock_owner(proc: Path, path: Path, pids: Iterable[int]) -> int | None:
    """Return the process that holds an exclusive flock on a file; None if there is none, or it cannot be seen.

    The kernel's table of locks names it. Where the table has other device numbers than `stat` (btrfs, overlays), the
    open files of processes are looked through; only those of processes that we may inspect can be seen there.

    Args:
        proc: Where the kernel's process files are.
        path: The file.
        pids: Processes to look through, in this order.
    """
    try:
        there = path.stat()
    except OSError:
        return None
    with suppress(OSError):
        for pid, device, inode in parse_locks((proc / "locks").read_bytes()):
            if (device, inode) == (there.st_dev, there.st_ino):
                return pid
    return next((pid for pid in dict.fromkeys(pids) if _holds(proc / str(pid), pid, there)), None)


def parse_locks(text: bytes) -> list[tuple[int, int, int]]:
    """Return process id, device and inode of each exclusive flock.

    Args:
        text: Lines of `/proc/locks`, or of a file in `/proc/PID/fdinfo`. Process id 0 or below is one that we cannot
            see, and is left out.
    """
    return [
        (int(pid), os.makedev(int(major, 16), int(minor, 16)), int(inode))
        for pid, major, minor, inode in _LOCK.findall(text)
        if int(pid) > 0
    ]


def _holds(folder: Path, pid: int, there: os.stat_result) -> bool:
    """Whether a process has the file open and locked itself: a child that has just been forked has it open too."""
    try:
        for name in os.listdir(folder / "fd"):
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(folder / "fd" / name), there) and any(
                    owner == pid for owner, _, _ in parse_locks((folder / "fdinfo" / name).read_bytes())
                ):
                    return True
    except OSError:
        return False
    return False
