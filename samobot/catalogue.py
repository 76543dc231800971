"""The configured projects and the sessions in them, read again only where something has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samobot.errors import NotFoundError, SamobotError
from samobot.project import FILE_NAME, Project, load_project
from samobot.session.folder import SessionFolder, list_folders, resolve
from samobot.session.snapshot import Snapshot, SnapshotReader
from samobot.text import nearest
from samobot.views import ProjectView, SessionRef, SessionView, view_of


@dataclass(slots=True)
class _Entry:
    """A session that has been read before."""

    reader: SnapshotReader
    snapshot: Snapshot | None = None
    view: SessionView | None = None


@dataclass(slots=True)
class _Loaded:
    """A project file that has been read, or why it could not be."""

    mark: tuple[int, int] | None = None
    project: Project | None = None
    problem: str = ""


@dataclass(slots=True)
class _Listing:
    """The folders of a project's sessions, as of the last change of their parent."""

    mark: int = -1
    folders: list[SessionFolder] = field(default_factory=list)


class Catalogue:
    """Projects and sessions by name. Not thread-safe: one caller at a time.

    Args:
        paths: `.samocode` files, or the folders that hold them.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._loaded = {(path / FILE_NAME if path.is_dir() else path): _Loaded() for path in paths}
        self._entries: dict[Path, _Entry] = {}
        self._listings: dict[str, _Listing] = {}

    def projects(self) -> list[Project]:
        """The projects that can be used, in the order in which they were configured."""
        self._refresh()
        return [loaded.project for loaded in self._loaded.values() if loaded.project is not None]

    def views(self) -> list[ProjectView]:
        """All configured projects, with what is wrong with them."""
        self._refresh()
        return [
            ProjectView(
                name=loaded.project.name,
                repository=str(loaded.project.main_repo),
                problems=loaded.project.warnings,
            )
            if loaded.project is not None
            else ProjectView(name=file.parent.name, repository=str(file.parent), problems=(loaded.problem,))
            for file, loaded in self._loaded.items()
        ]

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

    def look(self) -> list[SessionView]:
        """Every session of every project; the same object as before for one in which nothing has changed."""
        found: list[SessionView] = []
        seen: set[Path] = set()
        for project in self.projects():
            for folder in self._folders(project):
                seen.add(folder.path)
                found.append(self._view(project, folder))
        for path in self._entries.keys() - seen:
            del self._entries[path]
        return found

    def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        return self._view(self.project(ref.project), self.folder(ref))

    def folder(self, ref: SessionRef) -> SessionFolder:
        """Where a session is.

        Raises:
            NotFoundError: It is gone.
            UsageError: Its folder cannot be used as it is.
        """
        found = resolve(self.project(ref.project).sessions, ref.folder)
        if found is None:
            raise NotFoundError(
                f"The session {ref.name} of {ref.project} is gone: there is no folder {ref.folder}."
            )
        return found

    def find(self, address: str) -> list[SessionRef]:
        """The sessions that `name` or `project:name` means: none, one, or one in each of several projects."""
        project_name, _, name = address.rpartition(":")
        found: list[SessionRef] = []
        for project in self.projects():
            if project_name and project.name.casefold() != project_name.casefold():
                continue
            try:
                folder = resolve(project.sessions, name)
            except SamobotError:
                continue
            if folder is not None:
                found.append(SessionRef(project=project.name, folder=folder.path.name, name=folder.name))
        return found

    def nearest(self, name: str) -> str | None:
        """The session's name that was probably meant."""
        names = {folder.name for project in self.projects() for folder in self._folders(project)}
        return nearest(name.rpartition(":")[2], sorted(names))

    def _folders(self, project: Project) -> list[SessionFolder]:
        """List a project's sessions, anew only when its folder has changed."""
        listing = self._listings.setdefault(str(project.sessions), _Listing())
        try:
            mark = project.sessions.stat().st_mtime_ns
        except OSError:
            mark = 0
        # An overview that appears in an undated folder does not touch the parent: those are rare and by hand.
        if mark != listing.mark:
            try:
                listing.folders = list_folders(project.sessions)
            except SamobotError:
                listing.folders = []
            listing.mark = mark
        return listing.folders

    def _view(self, project: Project, folder: SessionFolder) -> SessionView:
        entry = self._entries.get(folder.path)
        if entry is None:
            entry = self._entries[folder.path] = _Entry(SnapshotReader(folder, project.name))
        current = entry.reader.read()
        if current is not entry.snapshot or entry.view is None:
            entry.snapshot, entry.view = current, view_of(current, project.name)
        return entry.view

    def _refresh(self) -> None:
        for file, loaded in self._loaded.items():
            try:
                facts = file.stat()
                mark: tuple[int, int] | None = (facts.st_mtime_ns, facts.st_size)
            except OSError:
                mark = None
            if mark == loaded.mark and (loaded.project is not None or loaded.problem):
                continue
            loaded.mark = mark
            try:
                loaded.project, loaded.problem = load_project(file), ""
            except SamobotError as error:
                loaded.project, loaded.problem = None, error.message
