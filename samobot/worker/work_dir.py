"""Where a session works, and a fingerprint of the work."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from pathlib import Path

from samobot.config.learned import LEARNED
from samobot.config.project import Project
from samobot.errors import StorageError, UsageError, WorktreeGoneError
from samobot.session.branch_state import nearest_in_worktree
from samobot.session.files import open_regular
from samobot.session.folder import SessionFolder
from samobot.session.tree_state import tree_state
from samobot.worker.session_files import SessionFiles

_NOT_WORK = frozenset({"_overview.md", "_signal.json", LEARNED, "_logs"})
_BLOCK = 64 * 1024
_BLOCKS_HASHED = 256
_MAX_FILES = 5_000
"""Files of a session that are looked at: an agent can leave millions."""


def find_work_dir(project: Project, files: SessionFiles) -> Path:
    """Return a session's working directory: its worktree or a folder in it, or the main repository if there is none.

    Raises:
        WorktreeGoneError: Its worktree was deleted.
        UsageError: It is gone otherwise; the message explains how to restore it.
    """
    named = files.overview().working_dir
    if named is None:
        worktree = project.worktrees / files.folder.name
        return worktree if worktree.is_dir() else project.main_repo
    # A relative path that was written by hand is relative to the project's file.
    path = project.file.parent / os.path.expanduser(named)
    if project.worktrees in path.parents:
        nearest = nearest_in_worktree(path, project.main_repo)
        path = nearest if project.worktrees in nearest.parents else path
    if not path.is_dir():
        if project.worktrees in path.parents:
            raise WorktreeGoneError(
                f"The working directory {path} of {files.folder.name} is gone: its worktree was deleted. It can be "
                "recreated from its branch, without what was not committed: /resume in the chat, or "
                f"samobot resume {files.folder.name} --recreate-worktree; or restore it by hand (`git worktree add`)."
            )
        raise UsageError(
            f"The working directory {path} of {files.folder.name} is gone. Restore it (`git worktree prune`, "
            f"then `git worktree add {path} BRANCH`), or correct “Working Dir:” in {files.folder.overview}."
        )
    return path


def trace(work_dir: Path, folder: SessionFolder) -> str:
    """Fingerprint the work: the repository, and the session's files but for what every iteration writes."""
    digest = hashlib.sha256(tree_state(work_dir).encode())
    for path in sorted(itertools.islice(folder.path.iterdir(), _MAX_FILES)):
        if path.name in _NOT_WORK or not path.is_file():
            continue
        digest.update(path.name.encode("utf-8", "surrogateescape"))
        with contextlib.suppress(OSError, StorageError), open_regular(path) as file:
            digest.update(str(os.fstat(file.fileno()).st_size).encode())
            for _ in range(_BLOCKS_HASHED):
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()
