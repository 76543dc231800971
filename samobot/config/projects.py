"""The projects that SAMOBOT_PROJECTS names: read again when their files change, each under a name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

from samobot.config.project import FILE_NAME, Project, ReadFunction, load_project
from samobot.errors import SamobotError
from samobot.session.files import read_bytes, real_path


@dataclass(slots=True)
class ConfiguredProject:
    """One of the configured projects.

    Attributes:
        path: As it was configured: the file, or the folder that holds it.
        name: Its name, different from that of every other.
        read: Reads its file.
        project: The content of its file; the last valid content while the file is invalid.
        sessions: The folder of its sessions, without links.
        problem: Why the file cannot be used as it is.
        mark: Time and size of the file that was read.
    """

    path: Path
    name: str
    read: ReadFunction = read_bytes
    project: Project | None = None
    sessions: Path | None = None
    problem: str = ""
    mark: tuple[int, int, int] | None = None

    @property
    def file(self) -> Path:
        """The project's file."""
        return _file(self.path)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the owner should know about it."""
        warnings = self.project.warnings if self.project is not None else ()
        if self.project is not None and not self.problem and not self.project.main_repo.is_dir():
            warnings += (
                f"Its repository {self.project.main_repo} is gone; correct MAIN_REPO in {self.file}.",
            )
        return (*((self.problem,) if self.problem else ()), *warnings)

    def refresh(self) -> None:
        """Read the file again if it has changed, or could not be used."""
        file = _file(self.path)
        try:
            facts = file.stat()
            mark = (facts.st_ctime_ns, facts.st_size, facts.st_ino)
        except OSError:
            mark = None
        if mark is not None and mark == self.mark and not self.problem:
            return
        self.mark = mark
        try:
            self.project, self.problem = replace(load_project(file, self.read), name=self.name), ""
            self.sessions = self.project.sessions.resolve()
        except (SamobotError, OSError, ValueError) as error:
            if mark is None:
                self.project = None  # moved or removed, not just caught half-written
            self.problem = error.message if isinstance(error, SamobotError) else f"{file}: {error}"


class ConfiguredProjects:
    """All configured projects, in their order.

    Two folders of the same name are distinguished by the folder above the second, whichever of them can be read
    just now: so a project keeps its name as long as the configuration stays.

    Args:
        paths: `.samocode` files, or the folders that hold them.
        read: Reads a file.
    """

    def __init__(self, paths: Sequence[Path], read: ReadFunction = read_bytes) -> None:
        self._all: list[ConfiguredProject] = []
        taken: set[str] = set()
        known: set[Path] = set()
        for path in paths:
            file = _file(path.absolute())
            if real_path(file) in known:
                continue
            known.add(real_path(file))
            name = _free(_plain(file.parent.name), _plain(file.parent.parent.name), taken)
            taken.add(name.casefold())
            self._all.append(ConfiguredProject(path.absolute(), name, read))

    def look(self) -> list[ConfiguredProject]:
        """All of them as they are now; of those that share a folder of sessions, only the first can be used."""
        owners: dict[Path, ConfiguredProject] = {}
        for each in self._all:
            each.refresh()
            if each.project is None or each.sessions is None:
                continue
            owner = owners.setdefault(each.sessions, each)
            if owner is not each:
                each.problem = (
                    f"{each.file} has the same SESSIONS as {owner.file}, {each.sessions}: each session would be in both. "
                    "Give it a folder of its own."
                )
                each.project = None
        return self._all

    def projects(self) -> list[Project]:
        """Those that can be used."""
        return list(filter(None, map(attrgetter("project"), self.look())))


def other_files(paths: Sequence[Path], own: Path) -> Iterator[Path]:
    """Yield the existing `.samocode` files of the configured projects except one's own."""
    known = {own.resolve()}
    for path in paths:
        file = _file(path.absolute())
        if file.is_file() and real_path(file) not in known:
            known.add(real_path(file))
            yield file


def _file(path: Path) -> Path:
    return path if path.name == FILE_NAME or path.is_file() else path / FILE_NAME


def _plain(name: str) -> str:
    return re.sub(r"[\s:/\ud800-\udfff]+", "-", name) or "project"


def _free(name: str, above: str, taken: set[str]) -> str:
    candidates = [name, f"{above}-{name}", *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(each for each in candidates if each.casefold() not in taken)
