"""Ending processes of which we only know that they are there: asked first, then made to."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import psutil


def end_processes(processes: Sequence[psutil.Process], seconds: float) -> None:
    """End processes, and wait until they are gone; blocks.

    Args:
        processes: Which; some may be gone already.
        seconds: How long they get to end by themselves, and then to be gone once killed.
    """
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=seconds)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=seconds)
