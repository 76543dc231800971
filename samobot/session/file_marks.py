"""Whether files have changed, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable


def stat_keys(paths: Iterable[str]) -> tuple[tuple[int, int, int] | None, ...]:
    """Return what changes with each file's contents: its time, size and inode; None for one that is missing."""
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            facts = os.stat(path)
        except (OSError, ValueError):
            found.append(None)
        else:
            found.append((facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return tuple(found)


def mark_of_files(paths: Iterable[str]) -> int:
    """Return a number that changes with the contents of any of these files; the same in every process."""
    marks = repr(stat_keys(paths))
    # Of 7 bytes: thousands are kept, and one of 8 takes Python 16 more.
    return int.from_bytes(hashlib.blake2b(marks.encode(), digest_size=7).digest(), "big", signed=True)
