"""Keeping secrets of this process from other processes of the same user."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from samobot.session.process_identity import PROC

_PR_SET_DUMPABLE = 4
_ENV_START = 50
"""Field of `/proc/PID/stat` with the start address of the initial environment; the next field has its end."""


def forget_variable(name: str, proc: Path = PROC) -> None:
    """Remove an environment variable, also from `/proc/PID/environ`.

    That file shows the memory in which the kernel put the environment when the program started; removing a variable
    alone leaves the text there for as long as the process lives.

    Args:
        name: The variable's name.
        proc: Where the kernel's process files are.
    """
    os.environ.pop(name, None)
    if sys.platform != "linux":
        return
    begin, end = _initial_environment(proc)
    block = ctypes.string_at(begin, end - begin)
    offset = 0
    for entry in block.split(b"\0"):
        if entry.startswith(os.fsencode(name) + b"="):
            ctypes.memset(begin + offset, 0, len(entry))
        offset += len(entry) + 1


def forbid_inspection() -> None:
    """Keep other processes of this user from reading this one's memory, environment and open files (not root)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _initial_environment(proc: Path) -> tuple[int, int]:
    fields = (proc / "self" / "stat").read_bytes().rpartition(b")")[2].split()
    begin, end = (int(field) for field in fields[_ENV_START - 3 : _ENV_START - 1])
    return begin, end
