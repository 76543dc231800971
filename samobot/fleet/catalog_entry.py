"""One session of the catalog, read again only after a change.

A poll costs a few `stat` calls a session. An idle one (without a worker, unchanged for an hour) costs
a single one: of its folder, whose time every file that is made or replaced in there changes. What is written in
place, as some editors do, shows when its turn to be looked at closely comes, within `SWEEP_SECONDS`.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterable

from samobot.errors import SamobotError, UsageError
from samobot.fleet.models import SessionView
from samobot.fleet.view_builder import unreadable_view, view_of, with_activity
from samobot.session.file_marks import stat_keys
from samobot.session.folder import SessionFolder
from samobot.session.snapshot import Snapshot, SnapshotReader

log = logging.getLogger(__name__)

SWEEP_SECONDS = 20.0
"""Seconds within which every idle session, and every list of sessions, gets a full check."""

IDLE_AFTER_SECONDS = 3600.0
"""Seconds without any change after which a session without a worker counts as idle."""

MTIME_GRANULARITY = 0.1
"""Resolution of a file's change time: two changes within it may leave the same time."""

_Marks = tuple[tuple[int, int, int] | None, ...]


class CatalogEntry:
    """The cached view of a session, with the times of the files it was read from.

    Attributes:
        key: The session's key.
        view: What was read; None before the first time.
        sound: Whether that could be read at all.
        worker_pid: Process that holds the session; None if there is none or its lock does not name it.
    """

    def __init__(self, folder: SessionFolder, key: str) -> None:
        self.folder = folder
        self.key = key
        self.project = key.partition(":")[0]
        self.view: SessionView | None = None
        self.sound = False
        self.worker_pid: int | None = None
        self._reader: SnapshotReader | None = None
        self._snapshot: Snapshot | None = None
        self._held = False
        self._is_idle = False
        self._marks: _Marks = ()
        self._due = 0.0
        self._dir = os.fspath(folder.path)
        self._files = (*folder.state_files, os.fspath(folder.lock))

    def look(self, now: float, *, closely: bool) -> SessionView:
        """Return the session as it is now; the same object if nothing has changed.

        Args:
            now: Monotonic seconds.
            closely: Check every file even if the session is idle.
        """
        glance = self._is_idle and not closely and now < self._due
        if glance and self.view is not None and stat_keys((self._dir,)) == self._marks[:1]:
            return self.view
        if self._held and self._reader is not None and self.view is not None:
            return self._read()  # only the lock itself shows whether its holder is still there
        marks = self._look_at_files()
        if self.view is None or marks != self._marks:
            self._read()
            # The plan may be another one now. If it is changed meanwhile, its time is too recent to be trusted.
            marks = self._marks = (*marks[: 1 + len(self._files)], *self._look_at_plan())
        newest = max([mark[0] for mark in marks if mark is not None], default=0) / 1e9
        clock = time.time()
        if newest > clock - MTIME_GRANULARITY:
            self._marks = ()  # it may change once more without that showing
        self._is_idle = (
            self.sound and not self._held and bool(self._marks) and newest < clock - IDLE_AFTER_SECONDS
        )
        if self._is_idle:
            self._reader = self._snapshot = None
            self._due = now + SWEEP_SECONDS
        assert self.view is not None
        return self.view

    @property
    def idle(self) -> bool:
        """Whether nothing has changed for long and no process holds it."""
        return self._is_idle

    def wake(self) -> None:
        """Check every file next time: somebody is about to change one."""
        self._is_idle = False

    def _read(self) -> SessionView:
        try:
            if self._reader is None:
                self._reader = SnapshotReader(self.folder, self.project)
            current = self._reader.read()
            if self.view is None or current is not self._snapshot:
                _require_regular(self._files[-2:])
                before = self._snapshot
                fresh = (
                    with_activity(self.view, current)
                    if self.view is not None and before is not None and current.status is before.status
                    else view_of(current, self.project)
                )
                self.view = self.view if fresh == self.view else fresh
                self._snapshot = current
            self._held = current.holder is not None
            self.worker_pid = current.holder.pid if current.holder is not None else None
            self.sound = True
        except Exception as error:  # one session's files must not hide the other sessions
            known = isinstance(error, SamobotError)
            if self.sound or self.view is None:
                log.warning("%s cannot be read: %s", self.folder.path, error, exc_info=not known)
            self._reader = self._snapshot = None
            self._held = self.sound = False
            self.worker_pid = None
            words = error.message if isinstance(error, SamobotError) else f"It cannot be read: {error!r}."
            fresh = unreadable_view(self.folder, self.project, words)
            self.view = self.view if fresh == self.view else fresh
        return self.view

    def _look_at_files(self) -> _Marks:
        return (*stat_keys((self._dir, *self._files)), *self._look_at_plan())

    def _look_at_plan(self) -> _Marks:
        plan = self.view.plan if self.view is not None else None
        return () if plan is None else stat_keys((os.path.join(self._dir, plan.name),))


def require_regular(folder: SessionFolder) -> None:
    """Refuse a session whose journal or lock is no regular file: opening a pipe would block forever.

    Raises:
        UsageError: One of them is something else.
    """
    _require_regular((os.fspath(folder.journal), os.fspath(folder.lock)))


def _require_regular(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is not a regular file; move it away, samobot writes its own there.")
