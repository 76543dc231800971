"""Recognizing workers among the processes of this machine, by their command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from samobot.system.processes import other_processes


def is_worker(process: psutil.Process) -> bool:
    """Whether it is `samobot run`: as a module of Python, or the installed script."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    for position, word in enumerate(words[:-1]):
        if words[position + 1] == "run" and (word == "samobot" or word.endswith("/samobot")):
            return "python" in Path(words[0]).name or position == 0
    return False


def worker_pids() -> Iterator[int]:
    """Process ids of all workers, whatever their session, without this process and its ancestors."""
    return (process.pid for process in other_processes() if is_worker(process))
