"""Walking and removing trees that an agent wrote: it can nest folders deeper than Python recurses.

Up to Python 3.12, `os.walk` and `shutil.rmtree` raise RecursionError there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

_DEPTH = 200
_ROUNDS = 10_000


def walk(top: str | Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk a tree as `os.walk` does, at any depth; folders with a path too long for the system are left out."""
    left = [os.fspath(top)]
    while left:
        parent = left.pop()
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    (folders if _is_folder(entry) else files).append(entry.name)
        except OSError:
            continue
        yield parent, folders, files
        paths = (os.path.join(parent, name) for name in reversed(folders))
        left += [path for path in paths if not os.path.islink(path)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def remove_tree(top: Path) -> None:
    """Remove a tree at any depth as far as the system permits."""
    for _ in range(_ROUNDS):
        try:
            shutil.rmtree(top, ignore_errors=True)
            return
        except RecursionError:
            if not _flatten(top):
                return


def _flatten(top: Path) -> bool:
    """Move what is deep in a tree to its top; whether there was something."""
    depth = os.fspath(top).count(os.sep) + _DEPTH
    moved = False
    for parent, folders, _ in walk(top):
        if parent.count(os.sep) < depth:
            continue
        for name in folders:
            with contextlib.suppress(OSError):
                os.rename(os.path.join(parent, name), top / secrets.token_hex(8))
                moved = True
        folders.clear()
    return moved
