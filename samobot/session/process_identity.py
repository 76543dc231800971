"""Which process is meant, for good: a process id alone passes to another process once its own has ended."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_START_TICKS = 22
"""Field of `/proc/PID/stat` with the process's start time, in clock ticks since boot."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of one boot of one machine. No wall-clock time: setting the clock or a suspend changes nothing.

    Attributes:
        pid: Its process id.
        start_ticks: When it started: clock ticks since boot on Linux, microseconds elsewhere.
        boot_id: The boot it belongs to; empty if the system has no such id.
    """

    pid: int
    start_ticks: int
    boot_id: str


def identify(pid: int, proc: Path = PROC) -> ProcessIdentity | None:
    """Return the identity of the process that has this id now, a zombie included; None if there is none.

    Args:
        pid: The process id.
        proc: Where the kernel's process files are.
    """
    try:
        if sys.platform != "linux":
            return ProcessIdentity(pid, _start_microseconds(pid), "")
        return ProcessIdentity(pid, parse_start_ticks((proc / str(pid) / "stat").read_bytes()), boot_id(proc))
    except (OSError, ValueError):
        return None


def parse_start_ticks(stat: bytes) -> int:
    """Return the start of a process in clock ticks since boot (proc_pid_stat(5), field 22).

    Args:
        stat: The content of `/proc/PID/stat`; its second field, the program's name, may hold spaces and brackets.

    Raises:
        ValueError: It is something else.
    """
    _, bracket, rest = stat.rpartition(b")")
    fields = rest.split()
    if not bracket or len(fields) <= _START_TICKS - 3:
        raise ValueError("not the content of a /proc/PID/stat")
    return int(fields[_START_TICKS - 3])


@functools.lru_cache(maxsize=4)  # it does not change while we run
def boot_id(proc: Path = PROC) -> str:
    """Return the random id of this boot of the machine; empty if the system has none."""
    try:
        return (proc / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def own_identity() -> ProcessIdentity | None:
    """The identity of this process; None if the system does not show it."""
    return identify(os.getpid())


def _start_microseconds(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 1_000_000)
    except psutil.Error as error:
        raise ValueError(str(error)) from None
