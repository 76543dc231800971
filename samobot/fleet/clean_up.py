"""Worktrees and branches that are left of sessions which are archived or done.

A worktree is removed only if it is below the project's WORKTREES and no other session works in it; a session's
overview, which an agent may write, cannot make it lead elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import ConflictError, SamobotError
from samobot.fleet.landing import land
from samobot.fleet.landing_look import look_at
from samobot.fleet.landing_models import LandingResult, LandingStep, Leftover
from samobot.fleet.models import SessionRef
from samobot.session import journal
from samobot.session.branch_state import work_dir_of
from samobot.session.folder import ARCHIVE, SessionFolder, archive, list_folders
from samobot.session.gate import Person
from samobot.session.gate_effects import look_closely
from samobot.session.last_run import is_done
from samobot.session.lock import holder
from samobot.text import without_surrogates

_STEPS = frozenset({LandingStep.DISCARD})


def leftovers(project: Project) -> list[Leftover]:
    """List what is left of a project's sessions that are over, each branch once, the newest session first."""
    sessions = list_folders(project.sessions)
    archived = list_folders(project.sessions / ARCHIVE)
    used = _places(project, sessions)
    found: dict[str, Leftover] = {}
    for folder in (*reversed(sessions), *reversed(archived)):
        left = _leftover(project, folder, used)
        if left is not None:
            found.setdefault(left.branch, left)
    return list(found.values())


def clean(
    project: Project,
    folder: SessionFolder,
    by: Person,
    *,
    expected: str,
    anyway: bool,
    now: Callable[[], datetime],
    key: bytes,
) -> LandingResult:
    """Remove a session's worktree and branch as they were shown, and archive it.

    Args:
        project: The session's project.
        folder: The session, archived or not.
        by: Who decides.
        expected: Identity of what was shown.
        anyway: Whether the user named it although it is not merged or has changes.
        now: The clock.
        key: Marks the decisions that samobot writes.

    Raises:
        ConflictError: Something has changed since it was shown; nothing was changed.
    """
    left = _leftover(project, folder, _places(project, list_folders(project.sessions)))
    if left is None or left.identity != expected:
        raise ConflictError(f"{folder.name} has changed since this was shown; look at it again.")
    if not left.is_safe and not anyway:
        raise ConflictError(f"{folder.name} is not merged, or has changes that are not committed.")
    done = land(project, folder, LandingStep.DISCARD, by, expected=expected, now=now, key=key)
    if not left.archived:
        archive(folder)
    return done


def _places(project: Project, sessions: Iterable[SessionFolder]) -> dict[Path, Path]:
    """Where each session works, by its folder: read once for all that are compared with them."""
    return {each.path: work_dir_of(each, project.main_repo).resolve() for each in sessions}


def _leftover(project: Project, folder: SessionFolder, used: Mapping[Path, Path]) -> Leftover | None:
    """Look at a session; None if it is at work, not over, or has no worktree of its own."""
    work_dir = work_dir_of(folder, project.main_repo)
    # Sessions whose worktree was removed, which are most of the archived ones, are not worth asking git about.
    if not work_dir.is_dir() or not work_dir.resolve().is_relative_to(project.worktrees.resolve()):
        return None
    if holder(folder) is not None:
        return None
    if not folder.is_archived and not is_done(look_closely(folder), journal.read(folder)):
        return None
    try:
        look = look_at(project, folder, _STEPS)
    except SamobotError:
        return None  # it has no branch that could be removed
    place = look.state.worktree.resolve()
    is_used = any(
        work_dir.is_relative_to(place) for session, work_dir in used.items() if session != folder.path
    )
    if place.parent != project.worktrees.resolve() or is_used:
        return None
    offer = look.offer(LandingStep.DISCARD)
    assert offer is not None
    name = without_surrogates(folder.path.name)
    return Leftover(
        session=SessionRef.from_key(f"{project.name}:{name}"),
        archived=folder.is_archived,
        branch=without_surrogates(look.state.name),
        merged=look.state.is_merged,
        commits=look.state.ahead,
        uncommitted=look.state.uncommitted,
        size=_size(place),
        identity=offer.identity,
    )


def _size(place: Path) -> int:
    """Bytes on the disk, without what cannot be read."""
    total, folders = 0, [os.fspath(place)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    facts = entry.stat(follow_symlinks=False)
                    total += 512 * facts.st_blocks
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue
    return total
