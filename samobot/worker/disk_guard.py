"""What an iteration may write: it is stopped before a disk is full, and no file outgrows what is free."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from samobot.session.folder_tree import walk
from samobot.text import human_size

_MB = 1_000_000
_BLOCK = 512
"""Unit of `st_blocks`."""

_REPORT_SECONDS = 3.0
"""How long the report may look for what was written: a shared temporary folder can hold a million files."""


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
        folders: Folders that the agent writes to, its own before those that it shares with other programs; what
            is not there is left out.
        least_mb: Megabytes to leave free; 0 watches nothing.
        now: The time in seconds since the epoch.
        free: Returns the free bytes of a folder's disk.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        least_mb: int,
        now: float,
        free: Callable[[Path], int] = free_bytes,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = [folder for folder in folders if folder.is_dir()] if least_mb else []
        self._began = now
        self._free = free
        self._monotonic = monotonic
        disks = {folder.stat().st_dev: folder for folder in reversed(self._folders)}
        self._least = {folder: min(least_mb * _MB, free(folder) // 2) for folder in disks.values()}
        self._devices = {folder: device for device, folder in disks.items()}
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
        """Say which disk became full and what was written to it since the start; None if none did."""
        if self._full is None:
            return None
        text = f"Less than {human_size(self._least[self._full])} are free on the disk of {self._full}: the iteration was stopped."
        until = self._monotonic() + _REPORT_SECONDS
        sizes: dict[str, int] = {}  # by path, as one folder may lie in another
        complete = True
        for parent, _, names in itertools.chain.from_iterable(map(walk, self._folders)):
            if self._monotonic() > until:
                complete = False
                break
            sizes |= self._written(parent, names, self._devices[self._full])
        if not sizes:
            where = "Something else than the agent fills it. " if complete else ""
            return f"{text} {where}Free some space, then retry."
        biggest = max(sizes, key=lambda path: sizes[path])
        written = f"{'' if complete else 'At least '}{human_size(sum(sizes.values()))}"
        return (
            f"{text} {written} were written meanwhile, most of it to {biggest} "
            f"({human_size(sizes[biggest])}). Free some space, then retry."
        )

    def _written(self, folder: str, names: Iterable[str], disk: int) -> dict[str, int]:
        """Those of a folder's files that were written to a disk since the start, with the bytes that they take."""
        sizes: dict[str, int] = {}
        for name in names:
            try:
                found = os.lstat(path := os.path.join(folder, name))
            except OSError:
                continue
            if found.st_dev == disk and found.st_ctime >= self._began and found.st_blocks:
                sizes[path] = found.st_blocks * _BLOCK
        return sizes
