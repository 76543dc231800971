"""What an iteration may write: it is stopped before a disk is full, and no file outgrows what is free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from samobot.session.folder_tree import walk
from samobot.text import human_size

_MB = 1_000_000
_BLOCK = 512
"""Unit of `st_blocks`."""

_MOST_FILES = 200_000
"""Files that are looked at for the biggest."""


def free_bytes(folder: Path) -> int:
    """Bytes that a user may still write to a folder's disk.

    Raises:
        OSError: The folder cannot be found.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class DiskGuard:
    """Watches the disks that an iteration writes to, from its construction.

    A disk that holds less than twice the limit at the start may be used to the half of what is free, so that a small disk can
    be worked on.

    Args:
        folders: Folders that the agent writes to; what is not there is left out.
        least_mb: Megabytes to leave free; 0 watches nothing.
        now: The time in seconds since the epoch.
        free: Returns the free bytes of a folder's disk.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        least_mb: int,
        now: float,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folders = [folder for folder in folders if folder.is_dir()] if least_mb else []
        self._began = now
        self._free = free
        disks = {folder.stat().st_dev: folder for folder in reversed(self._folders)}
        self._least = {folder: min(least_mb * _MB, free(folder) // 2) for folder in disks.values()}
        self._full: Path | None = None

    @property
    def file_limit(self) -> int | None:
        """Bytes that no file may outgrow, as one call can take the whole disk; None for no limit."""
        limits = [self._free(folder) - least for folder, least in self._least.items()]
        return max(_MB, *limits) if limits else None

    def is_full(self) -> bool:
        """Whether a disk has less left than it should."""
        for folder, least in self._least.items():
            try:
                if self._free(folder) < least:
                    self._full = folder
                    return True
            except OSError:
                continue  # the folder was moved or deleted, which others report
        return False

    def report(self) -> str | None:
        """Say which disk became full and what the agent wrote; None if none did."""
        if self._full is None:
            return None
        sizes = {path: size for folder in self._folders for path, size in self._written(folder)}
        text = f"Less than {human_size(self._least[self._full])} are free on the disk of {self._full}: the iteration was stopped."
        if not sizes:
            return f"{text} Something else than the agent fills it. Free some space, then retry."
        biggest = max(sizes, key=lambda path: sizes[path])
        return (
            f"{text} The agent wrote {human_size(sum(sizes.values()))}, most of it to {biggest} "
            f"({human_size(sizes[biggest])}). Free some space, then retry."
        )

    def _written(self, folder: Path) -> Iterator[tuple[str, int]]:
        """Files that were written since the start, with the bytes that they take."""
        left = _MOST_FILES
        for parent, _, names in walk(folder):
            for name in names:
                left -= 1
                try:
                    found = os.lstat(path := os.path.join(parent, name))
                except OSError:
                    continue
                if found.st_ctime >= self._began and found.st_blocks:
                    yield path, found.st_blocks * _BLOCK
            if left < 0:
                return
