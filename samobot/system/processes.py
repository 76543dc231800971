"""Ending processes of which we only know that they are there: asked first, then made to."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import psutil

_LOOK_SECONDS = 0.1


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still does something: a zombie does not, however long nobody takes notice of its end."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def end_processes(processes: Sequence[psutil.Process], seconds: float) -> None:
    """End processes, and wait until they are gone; blocks.

    Args:
        processes: Which; some may be gone already.
        seconds: How long they get to end by themselves, and then to be gone once killed.
    """
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    stubborn = _wait(processes, seconds)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait(stubborn, seconds)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they are gone; returns those that are not. Our own children leave no zombies."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left and (rest := deadline - time.monotonic()) > 0:
        _, waiting = psutil.wait_procs(left, timeout=min(rest, _LOOK_SECONDS))
        left = [process for process in waiting if is_alive(process)]
    return left
