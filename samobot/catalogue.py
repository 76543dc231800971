"""The configured projects and the sessions in them, read again only where something has changed.

A poll costs a few `stat` calls a session. One that rests (nobody holds it, nothing has changed for an hour) costs
a single one: of its folder, whose time every file that is made or replaced in there changes. What is written in
place, as some editors do, shows when its turn to be looked at closely comes, within `ROTATION` seconds.
"""

from __future__ import annotations

import logging
import os
import stat
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samobot.configured import Configured
from samobot.errors import NotFoundError, SamobotError, UsageError
from samobot.project import Project
from samobot.replies import ProjectView
from samobot.session.files import mark_of
from samobot.session.folder import ARCHIVE, SessionFolder, list_folders, resolve
from samobot.session.snapshot import Snapshot, SnapshotReader
from samobot.text import nearest, without_surrogates
from samobot.viewing import unreadable_view, view_of, with_activity
from samobot.views import SessionRef, SessionView

log = logging.getLogger(__name__)

ROTATION = 20.0
"""Seconds within which every resting session, and every list of sessions, is looked at closely."""

RESTS_AFTER = 3600.0
"""Seconds without any change after which a session that nobody holds counts as resting."""

_GRAIN = 0.1
"""Seconds within which two changes of a file may leave the same time on it."""

_MANY = 1000
"""Resting sessions beyond which not all of them are glanced at each time."""

_GLANCES = 500
"""Sessions a second that are glanced at where there are many."""

_LONGEST_PAUSE = 15.0
"""Seconds between two glances at most."""

_Marks = tuple[tuple[int, int, int] | None, ...]


class _Entry:
    """A session that has been read before.

    Attributes:
        view: What was read; None before the first time.
        sound: Whether that could be read at all.
    """

    def __init__(self, folder: SessionFolder, project: str) -> None:
        self.folder = folder
        self.project = project
        self.view: SessionView | None = None
        self.sound = False
        self._reader: SnapshotReader | None = None
        self._snapshot: Snapshot | None = None
        self._held = False
        self._rests = False
        self._marks: _Marks = ()
        self._due = 0.0
        self._glance = 0.0
        self._dir = os.fspath(folder.path)
        self._files = (*folder.state_files, os.fspath(folder.lock))

    def look(self, now: float, *, closely: bool, pause: float = 0.0) -> SessionView:
        """Return the session as it is now; the same object where nothing has changed.

        Args:
            now: Monotonic seconds.
            closely: Look at every file even where the session rests.
            pause: Seconds until a resting session is glanced at again.
        """
        if self._rests and not closely and now < self._due and self.view is not None:
            if now < self._glance:
                return self.view
            if mark_of(self._dir) == self._marks[0]:
                self._glance = now + pause
                return self.view
        if self._held and self._reader is not None and self.view is not None:
            return self._read()  # only the lock itself says whether its holder is still there
        marks = self._look_at_files()
        if self.view is None or marks != self._marks:
            self._read()
            # The plan may be another one now. If it is changed meanwhile, its time is too recent to be trusted.
            marks = self._marks = (*marks[: 1 + len(self._files)], *self._look_at_plan())
        newest = max((mark[0] for mark in marks if mark is not None), default=0) / 1e9
        clock = time.time()
        if newest > clock - _GRAIN:
            self._marks = ()  # it may change once more without that showing
        self._rests = self.sound and not self._held and bool(self._marks) and newest < clock - RESTS_AFTER
        if self._rests:
            self._reader = self._snapshot = None
            self._due = now + ROTATION
        assert self.view is not None
        return self.view

    def spread(self, now: float, pause: float) -> None:
        """Set another time for the next looks than that of all the others."""
        share = zlib.crc32(os.fsencode(self._dir)) % 1000 / 1000
        self._due = now + ROTATION * share
        self._glance = now + pause * share

    def wake(self) -> None:
        """Look closely next time: somebody is about to change it."""
        self._rests = False

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
            self.sound = True
        except Exception as error:  # whatever is in one session's files, the others are to be seen
            known = isinstance(error, SamobotError)
            if self.sound or self.view is None:
                log.warning("%s cannot be read: %s", self.folder.path, error, exc_info=not known)
            self._reader = self._snapshot = None
            self._held = self.sound = False
            words = error.message if isinstance(error, SamobotError) else f"It cannot be read: {error!r}."
            fresh = unreadable_view(self.folder, self.project, words)
            self.view = self.view if fresh == self.view else fresh
        return self.view

    def _look_at_files(self) -> _Marks:
        return (mark_of(self._dir), *map(mark_of, self._files), *self._look_at_plan())

    def _look_at_plan(self) -> _Marks:
        plan = self.view.plan if self.view is not None else None
        return () if plan is None else (mark_of(os.path.join(self._dir, plan.name)),)


@dataclass(slots=True)
class _Listing:
    """The folders of a project's sessions by their keys, as of some moment.

    Attributes:
        mark: Time of the parent's last change; None where it has to be listed anew in any case.
        due: When it is listed anew even though the parent has not changed.
        problem: Why the folders could not be listed.
        there: Whether they could be, the last time.
    """

    mark: int | None = None
    due: float = 0.0
    problem: str = ""
    there: bool = False
    folders: dict[str, SessionFolder] = field(default_factory=dict)


class Catalogue:
    """Projects and sessions by name. Not thread-safe: one caller at a time.

    Args:
        paths: `.samocode` files, or the folders that hold them.
        clock: Monotonic seconds.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._configured = Configured(paths)
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._listings: dict[tuple[str, Path], _Listing] = {}
        self._seen: dict[str, SessionView] = {}

    def projects(self) -> list[Project]:
        """The projects that can be used, in the order in which they were configured."""
        return self._configured.projects()

    def views(self) -> list[ProjectView]:
        """All configured projects, with what is wrong with them."""
        found = []
        for each in self._configured.look():
            problems = each.problems
            if each.project is not None:
                listing = self._listing(each.project)
                problems += (listing.problem,) if listing.problem else ()
            repository = each.project.main_repo if each.project is not None else each.file.parent
            found.append(
                ProjectView(
                    name=each.name,
                    repository=without_surrogates(str(repository)),
                    problems=tuple(map(without_surrogates, problems)),
                )
            )
        return found

    def project(self, name: str) -> Project:
        """The project of that name.

        Raises:
            NotFoundError: There is none.
        """
        projects = self.projects()
        for project in projects:
            if project.name == name:
                return project
        names = ", ".join(project.name for project in projects) or "none that can be read"
        raise NotFoundError(f"There is no project “{name}”. There is: {names}.")

    def look(self, closely: Collection[str] = ()) -> list[SessionView]:
        """Every session of every project; the same object as before for one in which nothing has changed.

        Args:
            closely: Keys of sessions that are looked at in full although they rest.
        """
        now = self._clock()
        count = len(self._entries)
        pause = min(_LONGEST_PAUSE, count / _GLANCES) if count > _MANY else 0.0
        entries: dict[str, _Entry] = {}
        for project in self.projects():
            for key, folder in self._listing(project).folders.items():
                entry = self._entries.get(key)
                if entry is None or (entry.folder is not folder and entry.folder != folder):
                    entry = _Entry(folder, project.name)
                    entry.look(now, closely=True)
                    entry.spread(now, pause)
                else:
                    entry.look(now, closely=key in closely, pause=pause)
                entries[key] = entry
        self._entries = entries
        self._seen = {key: entry.view for key, entry in entries.items() if entry.sound and entry.view}
        return [entry.view for entry in entries.values() if entry.view is not None]

    @property
    def seen(self) -> Mapping[str, SessionView]:
        """The sessions that the last look could read, by key."""
        return self._seen

    def gone(self, key: str) -> bool:
        """Whether a session is certainly not there: its project can be read, and has no such folder."""
        for project in self.projects():
            if project.name == key.partition(":")[0]:
                listing = self._listing(project, anew=True)
                return listing.there and not listing.problem and key not in listing.folders
        return False

    def is_put_away(self, ref: SessionRef) -> bool:
        """Whether a session that is not there was put into the archive.

        Raises:
            NotFoundError: There is no such project.
        """
        return (self.project(ref.project).sessions / ARCHIVE / ref.folder).is_dir()

    def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        project = self.project(ref.project)
        folder = self._found(project, ref)
        entry = self._entries.get(ref.key)
        if entry is None or entry.folder != folder:
            entry = self._entries[ref.key] = _Entry(folder, project.name)
        return entry.look(self._clock(), closely=True)

    def folder(self, ref: SessionRef) -> SessionFolder:
        """Where a session is.

        Raises:
            NotFoundError: It is gone.
            UsageError: Its folder cannot be used as it is.
        """
        project = self.project(ref.project)
        folder = self._found(project, ref)
        if folder.path.is_symlink() and folder.path.resolve().parent != project.sessions.resolve():
            raise UsageError(f"{folder.path} is a link that leads out of {project.sessions}; remove it.")
        folder.check()
        require_regular(folder)
        entry = self._entries.get(ref.key)
        if entry is not None:
            entry.wake()
        return folder

    def find(self, address: str) -> list[SessionRef]:
        """The sessions that `name` or `project:name` means: none, one, or one in each of several projects."""
        project_name, _, name = address.rpartition(":")
        found: list[SessionRef] = []
        for project in self.projects():
            if project_name and project.name.casefold() != project_name.strip().casefold():
                continue
            try:
                folder = resolve(project.sessions, name)
            except SamobotError:
                continue
            if folder is not None:
                shown = without_surrogates(folder.path.name)
                found.append(SessionRef(project=project.name, folder=shown, name=folder.name))
        return found

    def nearest(self, name: str) -> str | None:
        """The session's name that was probably meant."""
        folders = (each for project in self.projects() for each in self._listing(project).folders.values())
        return nearest(name.rpartition(":")[2], sorted({without_surrogates(each.name) for each in folders}))

    def _found(self, project: Project, ref: SessionRef) -> SessionFolder:
        folder = self._listing(project).folders.get(ref.key)
        if folder is None or not folder.path.is_dir():
            folder = self._listing(project, anew=True).folders.get(ref.key)
        if folder is None:
            how = "put away into the archive" if self.is_put_away(ref) else "renamed or deleted"
            raise NotFoundError(f"{ref.name} is gone: it was {how}.")
        return folder

    def _listing(self, project: Project, *, anew: bool = False) -> _Listing:
        """List a project's sessions, anew only when its folder has changed.

        An overview that appears in an undated folder does not change the parent, so now and then in any case.
        """
        listing = self._listings.setdefault((project.name, project.sessions), _Listing())
        now = self._clock()
        try:
            mark = project.sessions.stat().st_mtime_ns
        except OSError:
            mark = None
        if not anew and mark is not None and mark == listing.mark and now < listing.due:
            return listing
        if mark is None:
            listing.problem = (
                f"Its sessions folder {project.sessions} is gone; put it back." if listing.folders else ""
            ) or listing.problem
            listing.folders, listing.mark, listing.there = {}, None, False
            return listing
        try:
            folders = list_folders(project.sessions)
        except SamobotError as error:
            listing.problem, listing.mark = error.message, None  # those that are known stay
            return listing
        listing.folders = {}
        for folder in folders:
            key = f"{project.name}:{without_surrogates(folder.path.name)}"
            listing.folders.setdefault(key, folder)
        listing.problem, listing.there = "", True
        listing.mark = mark if mark / 1e9 < time.time() - _GRAIN else None
        listing.due = now + ROTATION
        return listing


def require_regular(folder: SessionFolder) -> None:
    """Refuse a session whose journal or lock is no file: opening a pipe would wait for ever.

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
