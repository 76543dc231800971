"""Recreates a session's deleted worktree from its branch."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import ConflictError, UsageError, WorktreeGoneError
from samobot.fleet.worktree_setup import set_up_worktree
from samobot.session import journal
from samobot.session.folder import SessionFolder
from samobot.session.journal_events import EventName
from samobot.session.lock import holder
from samobot.session.worktree import recreate_worktree
from samobot.worker.session_files import SessionFiles
from samobot.worker.work_dir import find_work_dir

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

LOST = "Changes that were not committed in the deleted worktree are lost."


def refuse_without_worktree(project: Project, folder: SessionFolder, now: datetime) -> None:
    """Refuse to start a session whose worktree was deleted, before anything is recorded.

    Raises:
        WorktreeGoneError: It was.
    """
    try:
        find_work_dir(project, SessionFiles(folder, lambda: now))
    except WorktreeGoneError:
        raise
    except UsageError:
        pass  # the worker reports it


def recreate(
    project: Project,
    folder: SessionFolder,
    who: str,
    now: datetime,
    *,
    branch_prefix: str,
) -> list[str]:
    """Create the deleted worktree of a session again; the next worker runs WORKTREE_SETUP in it.

    Args:
        project: The session's project.
        folder: The session.
        who: Who asks for it.
        now: The time.
        branch_prefix: Of the branch, if git no longer knows of the worktree.

    Returns:
        Sentences: what it was recreated from, what is missing, what is lost.

    Raises:
        ConflictError: It is there, or the session is running.
        UsageError: It cannot be recreated.
        StorageError: A folder or a record cannot be written.
    """
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running ({held.describe()}); stop it first.")
    files = SessionFiles(folder, lambda: now)
    try:
        find_work_dir(project, files)
    except WorktreeGoneError:
        pass
    else:
        raise ConflictError(f"The worktree of {folder.name} is there; nothing was recreated.")
    named = project.file.parent / Path(files.overview().working_dir or "").expanduser()
    root = project.worktrees / named.relative_to(project.worktrees).parts[0]
    worktree = recreate_worktree(project.main_repo, root, branch_prefix, last=_last_commit(folder))
    notes = [
        f"The worktree of {folder.name} was recreated from its branch {worktree.branch}.",
        *filter(None, [worktree.note]),
        LOST,
        *set_up_worktree(project, root),
    ]
    journal.append(folder, EventName.NOTICE, now, text=f"{' '.join(notes)} ({who})")
    return notes


def _last_commit(folder: SessionFolder) -> str | None:
    """The commit that was checked out when an iteration last began or ended."""
    last = None
    for event in journal.events(folder):
        found = event.get("head")
        if isinstance(found, str) and _COMMIT.fullmatch(found):
            last = found
    return last
