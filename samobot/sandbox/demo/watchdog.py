"""Cleaning up after a demo: all processes with its mark are ended, then its folder is removed.

`python -m samobot.sandbox.demo.watchdog FOLDER` waits until its standard input ends, which happens when the demo
ends, even if it was killed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from samobot.system.processes import end_processes, marked_processes

MARK = "SANDBOX_DEMO"
"""Environment variable of all processes that a demo has started: the demo's folder."""

_GRACE_SECONDS = 5.0
_END_SECONDS = 30.0


class Watchdog:
    """Cleans up when the demo ends or `clear_up` is called.

    Args:
        folder: The demo's folder.
        environ: The environment of the demo itself, which does not carry the mark.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = str(folder)
        # A session of its own: killing the demo's process group must not kill it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "samobot.sandbox.demo.watchdog", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={name: value for name, value in environ.items() if name != MARK}, start_new_session=True,
        )  # fmt: skip

    def clear_up(self) -> None:
        """End and remove everything of the demo. Blocks for as long as that takes."""
        self._process.communicate()
        if self._process.returncode:
            clear_up(self._folder)  # it was killed itself


def clear_up(folder: str) -> None:
    """End every process that carries a demo's mark, and remove its folder. Blocks for as long as that takes."""
    end_processes(
        lambda: [process for process, mark in marked_processes(MARK) if mark == folder],
        grace=_GRACE_SECONDS,
        seconds=_END_SECONDS,
    )
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    clear_up(sys.argv[1])
