"""Whether and when files have changed, without reading them.

Their `mtime` can be set to anything, by the agent as well; the kernel alone sets their `ctime`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable


def stat_keys(paths: Iterable[str]) -> tuple[tuple[int, int, int] | None, ...]:
    """Return what changes with each file's contents; None for one that is missing.

    It is the mtime, the size, and one number for the inode and the ctime: thousands of these are kept.
    """
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            facts = os.stat(path)
        except (OSError, ValueError):
            found.append(None)
        else:
            found.append((facts.st_mtime_ns, facts.st_size, hash((facts.st_ino, facts.st_ctime_ns))))
    return tuple(found)


def written_ns(facts: os.stat_result) -> int:
    """When a file was last written, as nanoseconds since the epoch: never later than it was changed in any way."""
    return min(facts.st_mtime_ns, facts.st_ctime_ns)


def mark_of_files(paths: Iterable[str]) -> int:
    """Return a number that changes with the contents of any of these files; the same in every process."""
    marks = repr(stat_keys(paths))
    # Of 7 bytes: thousands are kept, and one of 8 takes Python 16 more.
    return int.from_bytes(hashlib.blake2b(marks.encode(), digest_size=7).digest(), "big", signed=True)
