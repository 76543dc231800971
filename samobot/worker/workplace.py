"""Where a session works, and whether anything has changed there."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import UsageError
from samobot.session.folder import SessionFolder
from samobot.session.tree_state import tree_state
from samobot.worker.session_files import Book

_NOT_WORK = frozenset({"_overview.md", "_signal.json", "_logs"})
_BLOCK = 64 * 1024
_BLOCKS_HASHED = 256


def find_work_dir(project: Project, book: Book) -> Path:
    """Where a session works: its worktree, or the main repository where there is none.

    Raises:
        UsageError: It is gone; the message says how to put it back.
    """
    named = book.overview().working_dir
    if named is None:
        worktree = project.worktrees / book.folder.name
        return worktree if worktree.is_dir() else project.main_repo
    # A relative path that somebody wrote by hand is meant from where the project's file is.
    path = project.file.parent / os.path.expanduser(named)
    if not path.is_dir():
        raise UsageError(
            f"The working directory {path} of {book.folder.name} is gone. Put it back (`git worktree prune`, "
            f"then `git worktree add {path} BRANCH`), or correct “Working Dir:” in {book.folder.overview}."
        )
    return path


def trace(work_dir: Path, folder: SessionFolder) -> str:
    """Fingerprint the work: the repository, and the session's files but for what every iteration writes."""
    digest = hashlib.sha256(tree_state(work_dir).encode())
    for path in sorted(folder.path.glob("*")):
        if path.name in _NOT_WORK or not path.is_file():
            continue
        digest.update(path.name.encode("utf-8", "surrogateescape"))
        with contextlib.suppress(OSError), path.open("rb") as file:
            digest.update(str(path.stat().st_size).encode())
            for _ in range(_BLOCKS_HASHED):
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()
