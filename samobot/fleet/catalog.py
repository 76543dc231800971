"""The configured projects and their sessions, read again only after a change."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samobot.config.project import Project
from samobot.config.projects import ConfiguredProjects
from samobot.errors import NotFoundError, SamobotError, UsageError
from samobot.fleet.catalog_entry import MTIME_GRANULARITY, SWEEP_SECONDS, CatalogEntry, require_regular
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import ProjectView
from samobot.session.folder import ARCHIVE, SessionFolder, list_folders, resolve, split_date
from samobot.text import nearest, without_surrogates

COVERED_SWEEP_SECONDS = 120.0
"""Seconds within which every idle session is looked at although no event was received for it."""

_MANY = 1000
"""Number of idle sessions above which not all of them are checked at each poll."""

_GLANCES = 500
"""Idle sessions that are checked per second if there are many."""

_LONGEST_PAUSE = 15.0
"""Longest interval between two checks of an idle session, in seconds."""


_LONGEST_BASE = 56
"""Characters of a name that are kept when a number is appended."""


@dataclass(slots=True)
class _Listing:
    """The folders of a project's sessions by their keys, as of some moment.

    Attributes:
        mark: Time of the parent's last change; None if it has to be listed again in any case.
        due: When it is listed again even if the parent has not changed.
        problem: Why the folders could not be listed.
        there: Whether they could be listed the last time.
    """

    mark: int | None = None
    due: float = 0.0
    problem: str = ""
    there: bool = False
    folders: dict[str, SessionFolder] = field(default_factory=dict)


class Catalog:
    """Projects and sessions by name. Not thread-safe: one caller at a time.

    Args:
        paths: `.samocode` files, or the folders that hold them.
        clock: Monotonic seconds.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._configured = ConfiguredProjects(paths)
        self._clock = clock
        self._entries: dict[str, CatalogEntry] = {}
        self._listings: dict[tuple[str, Path], _Listing] = {}
        self._seen: dict[str, SessionView] = {}
        self._views: list[SessionView] = []
        self._stale = True
        self._active: set[str] = set()
        self._covered: frozenset[Path] = frozenset()
        self._touched: deque[Path] = deque()
        self._shape: object = None
        self._order: list[str] = []
        self._swept = 0.0
        self._turn = 0

    def projects(self) -> list[Project]:
        """The projects that can be used, in the order in which they were configured."""
        return self._configured.projects()

    def views(self) -> list[ProjectView]:
        """All configured projects, with their problems."""
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

    def sessions(self, closely: Collection[str] = ()) -> list[SessionView]:
        """Every session of every project; the same object as before for one in which nothing has changed.

        Args:
            closely: Keys of sessions that are checked in full although they are idle.
        """
        now = self._clock()
        listings = [(project, self._listing(project)) for project in self.projects()]
        touched = self._take_touched([project for project, _ in listings])
        covered = all(project.sessions in self._covered for project, _ in listings)
        shape = (covered, tuple((project.name, id(listing.folders)) for project, listing in listings))
        if shape == self._shape and covered:
            self._look_at_some({*closely, *touched, *self._active, *self._next_of_sweep(now)}, now)
        else:
            # Changes made while nothing was watched are found now.
            self._look_at_all(listings, closely, now, covered=covered, anew=shape != self._shape)
            self._shape, self._swept = shape, now
        if self._stale:
            entries = self._entries.items()
            self._seen = {key: entry.view for key, entry in entries if entry.sound and entry.view}
            self._views = [entry.view for _, entry in entries if entry.view is not None]
            self._stale = False
        return self._views

    def cover(self, folders: Collection[Path]) -> None:
        """Set the folders of sessions for which `touch` is called at every change. From any thread."""
        self._covered = frozenset(folders)

    def touch(self, session: Path) -> None:
        """Mark a session as changed, so that the next call reads it. From any thread."""
        self._touched.append(session)

    def _look_at_all(
        self,
        listings: Sequence[tuple[Project, _Listing]],
        closely: Collection[str],
        now: float,
        *,
        covered: bool,
        anew: bool,
    ) -> None:
        count = len(self._entries)
        pause = min(_LONGEST_PAUSE, count / _GLANCES) if count > _MANY else 0.0
        entries: dict[str, CatalogEntry] = {}
        for project, listing in listings:
            for key, folder in listing.folders.items():
                entry = self._entries.get(key)
                if entry is None or (entry.folder is not folder and entry.folder != folder):
                    entry = CatalogEntry(folder, project.name)
                    entry.look(now, closely=True)
                    entry.spread(now, pause)
                else:
                    entry.look(now, closely=key in closely or (covered and anew), pause=pause)
                entries[key] = entry
        self._entries, self._order, self._stale = entries, list(entries), True
        self._active = {key for key, entry in entries.items() if not entry.idle}

    def _look_at_some(self, keys: Collection[str], now: float) -> None:
        for key in keys:
            entry = self._entries.get(key)
            if entry is None:
                continue
            before = entry.view
            self._stale |= entry.look(now, closely=True) is not before
            (self._active.discard if entry.idle else self._active.add)(key)

    def _take_touched(self, projects: Sequence[Project]) -> set[str]:
        names = {project.sessions: project.name for project in projects}
        keys = set()
        while self._touched:
            path = self._touched.popleft()
            if path.parent in names:
                keys.add(f"{names[path.parent]}:{without_surrogates(path.name)}")
        if not keys <= self._entries.keys():
            for listing in self._listings.values():
                listing.due = 0.0  # a folder may have become a session
        return keys

    def _next_of_sweep(self, now: float) -> list[str]:
        """The next sessions of the sweep, which finds changes without an event."""
        count = int(len(self._order) * (now - self._swept) / COVERED_SWEEP_SECONDS)
        if count == 0:
            return []
        self._swept = now
        turn = [
            self._order[(self._turn + step) % len(self._order)]
            for step in range(min(count, len(self._order)))
        ]
        self._turn = (self._turn + count) % len(self._order)
        return turn

    @property
    def worker_pids(self) -> list[int]:
        """The processes that held a session at the last look."""
        held = (self._entries[key].worker_pid for key in self._active if key in self._entries)
        return [pid for pid in held if pid is not None]

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

    def is_archived(self, ref: SessionRef) -> bool:
        """Whether a session that is gone is in the archive.

        Raises:
            NotFoundError: There is no such project.
        """
        return (self.project(ref.project).sessions / ARCHIVE / ref.folder).is_dir()

    def archived(self) -> list[SessionRef]:
        """List the archived sessions of every project, the newest first."""
        found: list[SessionRef] = []
        for project in self.projects():
            with contextlib.suppress(SamobotError):
                for folder in list_folders(project.sessions / ARCHIVE):
                    shown = without_surrogates(folder.path.name)
                    found.append(SessionRef(project=project.name, folder=shown, name=folder.name))
        return sorted(found, key=lambda ref: ref.folder, reverse=True)

    def archived_folder(self, ref: SessionRef) -> SessionFolder:
        """Return where an archived session is.

        Raises:
            NotFoundError: It is not in the archive.
        """
        for folder in list_folders(self.project(ref.project).sessions / ARCHIVE):
            if without_surrogates(folder.path.name) == ref.folder:
                return folder
        raise NotFoundError(f"{ref.name} is not in the archive.")

    def free_name(self, project: str, name: str) -> str:
        """Return a name that neither a session nor an archived one has: `greet-2` if `greet` was used.

        Raises:
            NotFoundError: There is no such project.
        """
        sessions = self.project(project).sessions
        used = set()
        for folder in (sessions, sessions / ARCHIVE):
            with contextlib.suppress(OSError):
                used |= {split_date(each)[1] for each in os.listdir(folder)}
        base, number, found = re.sub(r"-\d{1,3}$", "", name) or name, 2, name
        while found in used:
            found, number = f"{base[:_LONGEST_BASE]}-{number}", number + 1
        return found

    def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        project = self.project(ref.project)
        folder = self._found(project, ref)
        entry = self._entries.get(ref.key)
        if entry is None or entry.folder != folder:
            entry = self._entries[ref.key] = CatalogEntry(folder, project.name)
            self._shape = None  # it is not in the lists yet
        self._stale, before = self._stale or entry.view is None, entry.view
        view = entry.look(self._clock(), closely=True)
        self._stale |= view is not before
        if not entry.idle:
            self._active.add(ref.key)
        return view

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
            self._active.add(ref.key)
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
            how = "archived" if self.is_archived(ref) else "renamed or deleted"
            raise NotFoundError(f"{ref.name} is gone: it was {how}.")
        return folder

    def _listing(self, project: Project, *, anew: bool = False) -> _Listing:
        """List a project's sessions, reading its folder again only after a change.

        An overview that appears in an undated folder does not change the parent, so it is also read every `ROTATION`.
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
                f"Its sessions folder {project.sessions} is gone; restore it." if listing.folders else ""
            ) or listing.problem
            listing.folders, listing.mark, listing.there = {}, None, False
            return listing
        try:
            folders = list_folders(project.sessions)
        except SamobotError as error:
            listing.problem, listing.mark = error.message, None  # those that are known stay
            return listing
        found: dict[str, SessionFolder] = {}
        for folder in folders:
            found.setdefault(f"{project.name}:{without_surrogates(folder.path.name)}", folder)
        if found != listing.folders:
            listing.folders = found  # a new object only if the set of sessions has changed
        listing.problem, listing.there = "", True
        listing.mark = mark if mark / 1e9 < time.time() - MTIME_GRANULARITY else None
        covered = project.sessions in self._covered
        listing.due = now + (COVERED_SWEEP_SECONDS if covered else SWEEP_SECONDS)
        return listing
