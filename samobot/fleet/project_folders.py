"""The configured projects and the folders of their sessions: names only, listed again when the parent has changed."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from samobot.config.project import Project, ReadFunction
from samobot.config.projects import ConfiguredProjects
from samobot.errors import NotFoundError, SamobotError, UsageError
from samobot.fleet.catalog_entry import MTIME_GRANULARITY, require_regular
from samobot.fleet.models import SessionRef
from samobot.fleet.results import ProjectView
from samobot.session.files import real_path
from samobot.session.folder import ARCHIVE, SessionFolder, list_folders, list_names, resolve, split_date
from samobot.session.worktree import has_own_work
from samobot.system.bounded_calls import PATIENCE_SECONDS, BoundedCalls
from samobot.text import nearest, without_surrogates

LIST_SECONDS = 20.0
"""Seconds after which a folder of sessions is listed again although its time is the same."""

COVERED_LIST_SECONDS = 120.0
"""The same for a folder in which each change is reported."""

_LONGEST_BASE = 56
"""Characters of a name that are kept in the next one's, which has a number besides."""


class FolderNames(Mapping[str, str]):
    """The names of sessions' folders by session key. Of most, only the key is kept: the name is its second part.

    Args:
        project: The project's name.
        names: The folders' names.
        before: An older listing, whose keys are used again: others keep them too.
    """

    def __init__(
        self, project: str = "", names: Sequence[str] = (), before: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        known = {key: key for key in before}
        self._names: dict[str, str | None] = {}
        for name in names:
            shown = without_surrogates(name)
            key = f"{project}:{shown}"
            self._names.setdefault(known.get(key, key), None if shown == name else name)

    def __getitem__(self, key: str) -> str:
        name = self._names[key]
        return key.partition(":")[2] if name is None else name

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FolderNames) and self._names == other._names

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Listing:
    """The folders of a project's sessions, as of some moment.

    Attributes:
        names: The folders' names by session key; another object only if there is another session.
        mark: Time of the parent's last change; None if it has to be listed again in any case.
        due: When it is listed again even though the parent has not changed.
        problem: Why the folders could not be listed.
        there: Whether they could be, the last time.
    """

    names: Mapping[str, str] = field(default_factory=FolderNames)
    mark: int | None = None
    due: float = 0.0
    problem: str = ""
    there: bool = False


class ProjectFolders:
    """Projects, and which session folders there are. Not thread-safe: one caller at a time.

    Args:
        paths: `.samocode` files, or the folders that hold them.
        clock: Monotonic seconds.
        read: Reads a `.samocode` file.

    Attributes:
        covered: Folders of sessions in which each change is reported.
        projects: Returns the projects that can be used, in the order in which they were configured.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float], read: ReadFunction) -> None:
        self._configured = ConfiguredProjects(paths, read)
        self._clock = clock
        self._listings: dict[tuple[str, Path], Listing] = {}
        self._calls = BoundedCalls(PATIENCE_SECONDS)
        self.covered: frozenset[Path] = frozenset()
        self.projects = self._configured.projects

    def views(self) -> list[ProjectView]:
        """All configured projects, with what is wrong with them."""
        found = []
        for each in self._configured.look():
            problems = each.problems
            if each.project is not None:
                listing = self.listing(each.project)
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

    def listing(self, project: Project, *, refresh: bool = False) -> Listing:
        """List a project's sessions again only if its folder has changed.

        An overview that appears in an undated folder does not change the parent, so from time to time in any case.
        """
        listing = self._listings.setdefault((project.name, project.sessions), Listing())
        key = f"{project.name}:{project.sessions}"
        self._calls.run({key: functools.partial(self._list, project, listing, refresh=refresh)})
        if self._calls.seconds_late(key) is not None:
            listing.problem = f"Its sessions folder {project.sessions} does not answer; check its disk."
        return listing

    def _list(self, project: Project, listing: Listing, *, refresh: bool) -> None:
        now = self._clock()
        try:
            mark = project.sessions.stat().st_mtime_ns
        except OSError:
            mark = None
        unchanged = mark is not None and mark == listing.mark and now < listing.due
        if unchanged and not listing.problem and not refresh:
            return
        if mark is None:
            listing.problem = (
                f"Its sessions folder {project.sessions} is gone; restore it." if listing.names else ""
            ) or listing.problem
            listing.names, listing.mark, listing.there = FolderNames(), None, False
            return
        try:
            names = list_names(project.sessions)
        except SamobotError as error:
            listing.problem, listing.mark = error.message, None  # those that are known stay
            return
        found = FolderNames(project.name, names, listing.names)
        if found != listing.names:
            listing.names = found
        listing.problem, listing.there = "", True
        listing.mark = mark if mark / 1e9 < time.time() - MTIME_GRANULARITY else None
        covered = project.sessions in self.covered
        listing.due = now + (COVERED_LIST_SECONDS if covered else LIST_SECONDS)

    def list_again(self) -> None:
        """List every folder of sessions at its next use: a folder may have become a session."""
        for listing in self._listings.values():
            listing.due = 0.0

    def gone(self, key: str) -> bool:
        """Whether a session is certainly not there: its project can be read, and has no such folder."""
        for project in self.projects():
            if project.name == key.partition(":")[0]:
                listing = self.listing(project, refresh=True)
                return listing.there and not listing.problem and key not in listing.names
        return False

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
                found.append(_reference(project, folder))
        return found

    def nearest(self, name: str) -> str | None:
        """The session's name that was probably meant."""
        names = (each for project in self.projects() for each in self.listing(project).names.values())
        shown = {without_surrogates(split_date(each)[1]) for each in names}
        return nearest(name.rpartition(":")[2], sorted(shown))

    def free_name(self, project: str, name: str, branch_prefix: str = "") -> str:
        """Return a name that was not used: by a session, an archived one, or a branch with commits of its own.

        Args:
            project: The project's name.
            name: The wanted name; `greet-2` is returned if `greet` was used.
            branch_prefix: First part of the names of branches.

        Raises:
            NotFoundError: There is no such project.
        """
        there = self.project(project)
        sessions = there.sessions
        used = set()
        for folder in (sessions, sessions / ARCHIVE):
            with contextlib.suppress(OSError):
                used |= {split_date(each)[1] for each in os.listdir(folder)}
        base, number, found = re.sub(r"-\d{1,3}$", "", name) or name, 2, name
        while found in used or has_own_work(there.main_repo, found, branch_prefix):
            found, number = f"{base[:_LONGEST_BASE]}-{number}", number + 1
        return found

    def located(self, ref: SessionRef) -> SessionFolder:
        """Where a session is, whatever state its folder is in.

        Raises:
            NotFoundError: It is gone.
        """
        project = self.project(ref.project)
        known = self._listings.get((project.name, project.sessions))
        name = known.names.get(ref.key) if known is not None and not known.problem else None
        if name is None or not (project.sessions / name).is_dir():
            name = self.listing(project, refresh=True).names.get(ref.key)
        if name is None:
            how = "archived" if self.is_archived(ref) else "renamed or deleted"
            raise NotFoundError(f"{ref.name} is gone: it was {how}.")
        return SessionFolder(project.sessions / name)

    def usable(self, ref: SessionRef) -> SessionFolder:
        """Where a session is, for somebody who works with its files.

        Raises:
            NotFoundError: It is gone.
            UsageError: Its folder cannot be used as it is.
        """
        folder = self.located(ref)
        sessions = folder.path.parent
        if folder.path.is_symlink() and real_path(folder.path).parent != real_path(sessions):
            raise UsageError(f"{folder.path} is a link that leads out of {sessions}; remove it.")
        folder.check()
        require_regular(folder)
        return folder

    # The archive

    def is_archived(self, ref: SessionRef) -> bool:
        """Whether a session that is not there was put into the archive.

        Raises:
            NotFoundError: There is no such project.
        """
        return (self.project(ref.project).sessions / ARCHIVE / ref.folder).is_dir()

    def archived(self) -> list[SessionRef]:
        """List the archived sessions of every project, the newest first."""
        found: list[SessionRef] = []
        for project in self.projects():
            with contextlib.suppress(SamobotError):
                found += [_reference(project, each) for each in list_folders(project.sessions / ARCHIVE)]
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


def _reference(project: Project, folder: SessionFolder) -> SessionRef:
    return SessionRef(
        project=project.name,
        folder=without_surrogates(folder.path.name),
        name=without_surrogates(folder.name),
    )
