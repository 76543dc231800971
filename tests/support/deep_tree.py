"""Folders that are nested deeper than Python recurses (`sys.getrecursionlimit`)."""

from __future__ import annotations

import os
from pathlib import Path


def nest(top: Path, depth: int = 1000) -> None:
    """Make a folder that holds others one in another, and a file in the last of them."""
    before = os.open(".", os.O_RDONLY)
    try:
        top.mkdir()
        os.chdir(top)
        for _ in range(depth):
            os.mkdir("a")
            os.chdir("a")
        Path("file").touch()
    finally:
        os.fchdir(before)
        os.close(before)
