"""The sessions of the configured projects, read again only after a change."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from samobot.config.project import Project, ReadFunction
from samobot.errors import StorageError
from samobot.fleet.catalog_entry import IDLE_AFTER_SECONDS, CatalogEntry
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.past_sessions import PastSessions, mark_of
from samobot.fleet.project_folders import Listing, ProjectFolders
from samobot.fleet.rotation import Rotation
from samobot.fleet.view_builder import unreadable_view
from samobot.session.files import read_bytes
from samobot.session.folder import SessionFolder
from samobot.session.status import SILENT, SessionState
from samobot.system.bounded_calls import PATIENCE_SECONDS, BoundedCalls
from samobot.text import without_surrogates

log = logging.getLogger(__name__)

UNREADABLE_SECONDS = 10.0
"""Seconds after which a session whose read has not come back is shown as unreadable."""

COVERED_SWEEP_SECONDS = 120.0
"""Seconds within which every idle session is looked at although no event was received for it."""

READS_AT_ONCE = 40
"""Of old sessions that are found at a start no more than these are read in one go: the others come one go later."""

_OVER = frozenset({SessionState.DONE, SessionState.IDLE, SessionState.STOPPED})
"""States in which the user is not needed."""


class Catalog:
    """All sessions. Not thread-safe: one caller at a time.

    Args:
        paths: `.samocode` files, or the folders that hold them.
        clock: Monotonic seconds.
        past: Sessions that were past when they were last looked at.
        read: Reads a `.samocode` file.

    Attributes:
        folders: Which projects and sessions there are.
        touch: Marks a session's folder as changed, so that the next call reads it. From any thread.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        clock: Callable[[], float] = time.monotonic,
        past: Iterable[PastSession] = (),
        read: ReadFunction = read_bytes,
    ) -> None:
        self.folders = ProjectFolders(paths, clock, read)
        self._clock = clock
        self._known = {session.key: session for session in past}
        self._past = PastSessions()
        self._looks = BoundedCalls(PATIENCE_SECONDS)
        self._unreadable: dict[str, SessionView] = {}
        self._entries: dict[str, CatalogEntry] = {}
        self._seen: dict[str, SessionView] = {}
        self._views: list[SessionView] = []
        self._stale = True
        self._active: set[str] = set()
        self._places: dict[str, tuple[Path, Mapping[str, str]]] = {}
        self._touched: deque[Path] = deque()
        self.touch: Callable[[Path], None] = self._touched.append
        self._shape: object = None
        self._was_covered = False
        self._sweep = Rotation()

    def sessions(self, closely: Collection[str] = ()) -> list[SessionView]:
        """Every session that is not past; the same object as before for one in which nothing has changed.

        Args:
            closely: Keys of sessions that are checked in full although they are idle.
        """
        now = self._clock()
        listings = [(project, self.folders.listing(project)) for project in self.folders.projects()]
        touched = self._take_touched([project for project, _ in listings])
        covered = all(project.sessions in self.folders.covered for project, _ in listings)
        shape = tuple((project.name, id(listing.names)) for project, listing in listings)
        self._places = {project.name: (project.sessions, listing.names) for project, listing in listings}
        fresh = self._take_names(listings) if shape != self._shape else ()
        self._shape = shape
        self._wake_past({*closely, *touched}, now, covered=covered, read=len(fresh))
        if covered and self._was_covered:
            # Finds changes without an event.
            turn = self._sweep.due(list(self._entries), now, COVERED_SWEEP_SECONDS)
            self._look_at({*closely, *touched, *fresh, *self._active, *turn}, now)
        else:
            # Changes made while nothing was watched are found now.
            self._look_at(self._entries, now, closely={*closely, *fresh, *(self._entries if covered else ())})
            self._sweep.restart(now)
        self._was_covered = covered
        self._take_late()
        self._take_views()
        return self._views

    def past(self) -> list[PastSession]:
        """The sessions of which only a line is kept; the same object as before if nothing has changed."""
        return self._past.listed()

    def mark_past(self, keys: Iterable[str]) -> list[PastSession]:
        """Keep no more than a line of these sessions until something happens to them.

        Returns:
            The lines: of those unchanged for long that do not need the user.
        """
        marked = []
        for key in keys:
            entry = self._entries.get(key)
            view = entry.view if entry is not None else None
            if entry is None or view is None or not entry.idle or view.problems:
                continue
            mark = mark_of(entry.folder)
            # Looked at after the mark was taken: what it stands for is what was read.
            if (
                not self._look(key, entry)
                or entry.view is not view
                or not entry.idle
                or view.state not in _OVER
            ):
                continue
            session = PastSession(entry.key, view.updated, view.state, mark)
            self._past.put(session)
            marked.append(session)
            del self._entries[key]
            self._active.discard(key)
            self._stale = True
        return marked

    @property
    def pending(self) -> bool:
        """Whether the next look finds more without anything having happened: not all has been read yet."""
        return self._past.pending

    def cover(self, folders: Collection[Path]) -> None:
        """Set the folders of sessions for which `touch` is called at every change. From any thread."""
        self.folders.covered = frozenset(folders)

    @property
    def worker_pids(self) -> list[int]:
        """The processes that held a session at the last look."""
        held = (self._entries[key].worker_pid for key in self._active if key in self._entries)
        return [pid for pid in held if pid is not None]

    @property
    def seen(self) -> Mapping[str, SessionView]:
        """The sessions as far as they could be read when each was looked at last, by key."""
        self._take_views()
        return self._seen

    def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        folder = self.folders.located(ref)
        past, entry = self._past.get(ref.key), self._entries.get(ref.key)
        unchanged = past is not None and past.mark == mark_of(folder)
        if entry is None or entry.folder != folder:
            entry = CatalogEntry(folder, ref.key)
            if not unchanged:
                self._keep(ref.key, entry)
                self._shape = None if past is None else self._shape  # it is not in the lists yet
        before = entry.view
        self._look(ref.key, entry)
        self._take_late()
        if not unchanged:
            self._stale |= entry.view is not before
            if not entry.idle:
                self._active.add(ref.key)
        return self._unreadable.get(ref.key) or entry.view or unreadable_view(folder, ref.project, SILENT)

    def folder(self, ref: SessionRef) -> SessionFolder:
        """Where a session is, for somebody who is about to change it: it is looked at closely next time.

        Raises:
            NotFoundError: It is gone.
            StorageError: It does not answer.
            UsageError: Its folder cannot be used as it is.
        """
        if self._looks.seconds_late(ref.key) is not None:
            raise StorageError(f"{ref.name}: {SILENT}")
        folder = self.folders.usable(ref)
        if ref.key in self._past:
            self._keep(ref.key, CatalogEntry(folder, ref.key))
        entry = self._entries.get(ref.key)
        if entry is not None:
            entry.wake()
            self._active.add(ref.key)
        return folder

    def _take_names(self, listings: Sequence[tuple[Project, Listing]]) -> set[str]:
        """Take over which sessions there are; returns those that are to be read at once."""
        past: set[str] = set()
        unknown: list[tuple[float, str]] = []
        places: dict[str, CatalogEntry | None] = {}
        recent = time.time() - IDLE_AFTER_SECONDS
        soon: list[str] = []
        for project, listing in listings:
            parent = os.fspath(project.sessions)
            for key, name in listing.names.items():
                entry = self._entries.get(key)
                if entry is not None and entry.folder.path == project.sessions / name:
                    places[key] = entry
                elif key in self._past:
                    past.add(key)
                else:
                    changed_at, known = _changed_at(f"{parent}/{name}"), self._known.pop(key, None)
                    if known is None or changed_at > recent:
                        places[key] = None  # for the order
                        unknown.append((changed_at, key))
                    else:
                        # With the listing's key: thousands of equal texts take memory.
                        self._past.put(replace(known, key=key))
                        past.add(key)
                        soon.append(key)
        self._past.keep_only(past)
        unknown.sort(reverse=True)
        fresh: set[str] = set()
        for changed_at, key in unknown:
            if changed_at > recent or len(fresh) < READS_AT_ONCE:
                places[key] = self._made(key)
                fresh.add(key)
                continue
            self._past.put(PastSession(key, datetime.fromtimestamp(changed_at, UTC)))
            soon.append(key)
        entries = {key: entry for key, entry in places.items() if entry is not None}
        self._past.check_soon(soon)
        self._entries, self._stale = entries, True
        self._active &= entries.keys()
        return fresh

    def _wake_past(self, keys: Collection[str], now: float, *, covered: bool, read: int) -> None:
        """Read those that are no longer past: somebody wants them, or their files have changed.

        Args:
            keys: Which are wanted.
            now: Monotonic seconds.
            covered: Whether all changes are reported.
            read: How many are read in this go already.
        """
        if covered and not self._was_covered:
            self._past.check_all_soon()
        wanted = {key for key in keys if key in self._past}
        later: list[str] = []
        for key in (*wanted, *self._past.due(now, covered=covered)):
            session = self._past.get(key)
            if session is None:
                continue
            if read >= READS_AT_ONCE and key not in wanted:
                later.append(key)
                continue
            if key in wanted or session.mark is None or session.mark != mark_of(self._folder_of(key)):
                self._keep(key, self._made(key))
                self._active.add(key)
                read += 1
        self._past.check_soon(later)

    def _folder_of(self, key: str) -> SessionFolder:
        sessions, names = self._places[key.partition(":")[0]]
        # Not `sessions / name`: that would make the name one of the interpreter's interned texts, as long as it lives.
        return SessionFolder(Path(f"{sessions}/{names[key]}"))

    def _made(self, key: str) -> CatalogEntry:
        return CatalogEntry(self._folder_of(key), key)

    def _keep(self, key: str, entry: CatalogEntry) -> None:
        self._past.drop(key)
        self._entries[key] = entry
        self._stale = True

    def _take_views(self) -> None:
        if not self._stale:
            return
        entries = self._entries.items()
        self._seen = {
            key: entry.view
            for key, entry in entries
            if entry.sound and entry.view and key not in self._unreadable
        }
        shown = (self._unreadable.get(key) or entry.view for key, entry in entries)
        self._views = [view for view in shown if view is not None]
        self._stale = False

    def _look_at(self, keys: Collection[str], now: float, closely: Collection[str] | None = None) -> None:
        entries = {key: self._entries[key] for key in keys if key in self._entries}
        before = {key: entry.view for key, entry in entries.items()}
        self._looks.run(
            {
                key: functools.partial(entry.look, now, closely=closely is None or key in closely)
                for key, entry in entries.items()
            }
        )
        for key, entry in entries.items():
            self._stale |= entry.view is not before[key]
            (self._active.discard if entry.idle else self._active.add)(key)

    def _look(self, key: str, entry: CatalogEntry) -> bool:
        """Look closely at one session; returns whether that came back."""
        look = functools.partial(entry.look, self._clock(), closely=True)
        self._looks.run({key: look}, wait_for_slow=True)
        return self._looks.seconds_late(key) is None

    def _take_late(self) -> None:
        """Take over sessions whose read has just come back, or is missing for too long now."""
        if self._looks.idle and not self._unreadable:
            return
        returned = self._looks.take_returned() & self._entries.keys()
        for key in returned:
            (self._active.discard if self._entries[key].idle else self._active.add)(key)
        late = self._looks.late & self._entries.keys()
        for key in self._unreadable.keys() - late:
            del self._unreadable[key]
        self._stale |= bool(returned)
        for key in late - self._unreadable.keys():
            if (self._looks.seconds_late(key) or 0.0) >= UNREADABLE_SECONDS:
                entry = self._entries[key]
                log.warning("%s does not answer", entry.folder.path)
                self._unreadable[key] = unreadable_view(entry.folder, entry.project, SILENT)
                self._stale = True

    def _take_touched(self, projects: Sequence[Project]) -> set[str]:
        names = {project.sessions: project.name for project in projects}
        keys = set()
        while self._touched:
            path = self._touched.popleft()
            if path.parent in names:
                keys.add(f"{names[path.parent]}:{without_surrogates(path.name)}")
        if not all(key in self._entries or key in self._past for key in keys):
            self.folders.list_again()  # a folder may have become a session
        return keys


def _changed_at(folder: str) -> float:
    """When a file of a session was last made or replaced, as far as its folders say, in epoch seconds."""
    newest = 0.0
    for path in (folder, f"{folder}/_logs"):
        try:
            newest = max(newest, os.stat(path).st_mtime)
        except OSError:
            continue
    return newest
