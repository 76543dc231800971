"""Which session is meant: `session`, or `project:session` where several projects have one of that name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from samobot.config.project import Project, ReadFunction, find_project_file, load_project
from samobot.config.projects import ConfiguredProjects
from samobot.errors import NotFoundError, SamobotError, UsageError
from samobot.frozen import frozen
from samobot.session.files import read_bytes
from samobot.session.folder import SessionFolder, list_folders, resolve
from samobot.text import nearest


@frozen
class LocatedSession:
    """A session and the project it belongs to."""

    project: Project
    folder: SessionFolder


def known_projects(
    config: Path | None, cwd: Path, configured: Iterable[Path], read: ReadFunction
) -> tuple[list[Project], list[str]]:
    """The projects that a command looks at: the named one, else the one here and all configured ones.

    A configured project that cannot be read does not keep the others from being seen. Their names are those of the
    chat, so that no two are alike.

    Args:
        config: What `--config` named.
        cwd: Where the command was called.
        configured: The paths of SAMOBOT_PROJECTS.
        read: Reads a `.samocode` file.

    Returns:
        The projects, each once and the one here first, and a sentence for each that could not be read.

    Raises:
        UsageError: The named project cannot be read, or there is none at all.
    """
    if config is not None:
        return [load_project(config, read)], []
    here = find_project_file(cwd)
    known = ConfiguredProjects([*configured, *([] if here is None else [here])], read)
    found = sorted(known.look(), key=lambda each: here is None or not _is_same(each.file, here))
    projects = [each.project for each in found if each.project is not None]
    problems = [each.problem for each in found if each.problem]
    if not projects and not problems:
        raise UsageError(
            f"No .samocode file from {cwd} upwards, and SAMOBOT_PROJECTS is not set: go to the project's folder, "
            "or name the file with --config."
        )
    if not projects:
        raise UsageError(problems[0])
    return projects, problems


def close_projects(cwd: Path, configured: Iterable[Path]) -> None:
    """Look for no program in the folders of the projects known from here, as far as they can be read."""
    with contextlib.suppress(SamobotError):
        known_projects(None, cwd, configured, read_bytes)


def locate(address: str, projects: Sequence[Project]) -> LocatedSession:
    """Find the session that an address means.

    Raises:
        NotFoundError: There is none; the message names the nearest one.
        UsageError: The address fits several, or is no name.
    """
    project_name, colon, name = address.rpartition(":")
    candidates = [project for project in projects if not colon or project.name == project_name]
    if colon and not candidates:
        names = ", ".join(project.name for project in projects)
        raise NotFoundError(f"There is no project “{project_name}”. There is: {names}.")
    found = [
        LocatedSession(project, folder)
        for project in candidates
        if (folder := resolve(project.sessions, name)) is not None
    ]
    if len(found) > 1:
        choices = ", ".join(f"{each.project.name}:{each.folder.name}" for each in found)
        raise UsageError(f"Several projects have a session “{name}”. Say which: {choices}.")
    if not found:
        raise NotFoundError(_nothing(name, candidates))
    return found[0]


def _is_same(file: Path, other: Path) -> bool:
    return file.resolve() == other.resolve()


def _nothing(name: str, projects: Sequence[Project]) -> str:
    names = {folder.name for project in projects for folder in list_folders(project.sessions)}
    close = nearest(name, sorted(names))
    where = projects[0].sessions if len(projects) == 1 else f"{len(projects)} projects"
    hint = f"Did you mean “{close}”?" if close else "See samobot sessions."
    return f"There is no session “{name}” in {where}. {hint}"
