"""The file that the Claude CLI's stderr becomes: bounded while it runs, cut to its end afterwards."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from samobot.frozen import frozen

KEPT = 16 * 1024
"""Bytes that are kept of it."""

_LIMIT = 4 * 1024 * 1024


@frozen
class StderrFile:
    """The file; it need not exist."""

    path: Path

    def bound(self) -> None:
        """Truncate a file that grew too large; the CLI appends, so it continues at the start."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size > _LIMIT:
                os.truncate(self.path, 0)

    def finish(self) -> str:
        """Return the end of the file and truncate it to that; remove an empty one."""
        try:
            with self.path.open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - KEPT))
                kept = file.read(KEPT)
                if size > KEPT:
                    file.seek(0)
                    file.write(kept)
                    file.truncate()
            if not kept:
                self.path.unlink()
        except OSError:
            return ""
        return kept.decode("utf-8", "replace")
