"""What `samobot status` keeps of finished sessions, so that it need not read each of hundreds every time.

A session is in the file only if it was done, and nothing had changed in it for an hour. Its line counts as long as its
files have the times and sizes that they had then; the file can be deleted at any time.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.file_marks import mark_of_files
from samobot.session.files import JOURNAL_LIMIT, make_folder, read_bytes, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.vault import state_dir

FILE_NAME = "finished_sessions.json"

QUIET_SECONDS = 3600.0
"""Seconds without a change after which a finished session is kept."""


@frozen
class FinishedSession:
    """A finished session as it is listed.

    Attributes:
        mark: Changes with its files.
        status: The object of `status --json`.
        unpriced: Iterations that ended without a cost.
    """

    mark: int
    status: dict[str, Any]
    unpriced: int


class FinishedSessions:
    """The file of finished sessions, read when it is made and written by `save`."""

    def __init__(self) -> None:
        self._path = state_dir() / FILE_NAME
        self._known = _load(self._path)
        self._kept: dict[str, FinishedSession] = {}

    def find(self, folder: SessionFolder, project: str) -> FinishedSession | None:
        """Return a finished session that has not changed since it was kept."""
        key = os.fspath(folder.path)
        known = self._known.get(key)
        if known is None or known.mark != mark_of_files(folder.all_files):
            return None
        self._kept[key] = known
        return replace(known, status={**known.status, "project": project})

    def keep(self, folder: SessionFolder, mark: int, status: dict[str, Any], unpriced: int) -> None:
        """Keep a finished session if nothing has changed in it for long.

        Args:
            folder: The session.
            mark: `mark_of_files`, taken before it was read.
            status: Its status.
            unpriced: Iterations that ended without a cost.
        """
        newest = max((_changed_at(file) for file in folder.all_files), default=0.0)
        if newest < time.time() - QUIET_SECONDS:
            self._kept[os.fspath(folder.path)] = FinishedSession(mark, status, unpriced)

    def save(self) -> None:
        """Write the file if there is something new in it; a disk that refuses costs only time."""
        added = {key: each for key, each in self._kept.items() if self._known.get(key) != each}
        if not added:
            return
        found = {**self._known, **added}
        lines = {
            key: [each.mark, each.status, each.unpriced] for key, each in found.items() if os.path.isdir(key)
        }
        try:
            make_folder(self._path.parent, 0o700)
            write_atomic(self._path, json.dumps(lines), mode=0o600)
        except StorageError:
            return


def _load(path: Path) -> dict[str, FinishedSession]:
    try:
        content = json.loads(read_bytes(path, limit=JOURNAL_LIMIT) or b"{}")
        return {
            str(key): FinishedSession(int(mark), dict(status), int(unpriced))
            for key, (mark, status, unpriced) in content.items()
        }
    except (StorageError, ValueError, TypeError, AttributeError):
        return {}


def _changed_at(file: str) -> float:
    try:
        return os.stat(file).st_mtime
    except OSError:
        return 0.0
