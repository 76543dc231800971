"""Files that git ignores and a build needs, such as `.env`: offered for copying into each new worktree."""

from __future__ import annotations

import os
from pathlib import Path

from samobot.errors import NotFoundError, UsageError
from samobot.fleet.worktree_setup import INCLUDE_FILE
from samobot.session.files import write_atomic
from samobot.session.git import GitError
from samobot.session.repository import find_repository

_MOST = 20
_PATTERNS = (":(glob)**/.env", ":(glob)**/.env.*", ":(glob)**/.envrc")


def missing_in_worktrees(main_repo: Path) -> tuple[str, ...]:
    """List ignored environment files of a repository that has no `.worktreeinclude` yet.

    Args:
        main_repo: A folder in the repository; anything else has none.

    Returns:
        Paths from the top of the repository, at most twenty.
    """
    try:
        repository = find_repository(main_repo)
        if repository is None or os.path.lexists(repository.git.folder / INCLUDE_FILE):
            return ()
        git, top = repository.git, repository.git.folder
        found = git.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *_PATTERNS)
    except (GitError, UsageError):
        return ()
    names = sorted(name for name in found.split("\0") if name and "\n" not in name)
    return tuple(name for name in names if (top / name).is_file())[:_MOST]


def include(main_repo: Path, names: tuple[str, ...]) -> Path:
    """Write the `.worktreeinclude` that names these files; returns its path.

    Raises:
        StorageError: It cannot be written.
        NotFoundError: The repository is gone.
        UsageError: The repository is damaged, or git is not installed.
    """
    repository = find_repository(main_repo)
    if repository is None:
        raise NotFoundError(f"{main_repo} is not a git repository any longer.")
    path = repository.git.folder / INCLUDE_FILE
    write_atomic(path, "".join(f"/{name}\n" for name in names))
    return path
