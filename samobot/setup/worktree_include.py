"""Files that git ignores and a build needs, such as `.env`: offered for copying into each new worktree."""

from __future__ import annotations

import os
from pathlib import Path

from samobot.errors import UsageError
from samobot.fleet.worktree_setup import INCLUDE_FILE
from samobot.session.files import write_atomic
from samobot.session.git import Git, GitError

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
        git = Git(main_repo)
        top = Path(git.run("rev-parse", "--show-toplevel").rstrip("\n"))
        if os.path.lexists(top / INCLUDE_FILE):
            return ()
        found = Git(top).run(
            "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *_PATTERNS
        )
    except (GitError, UsageError):
        return ()
    names = sorted(name for name in found.split("\0") if name and "\n" not in name)
    return tuple(name for name in names if (top / name).is_file())[:_MOST]


def include(main_repo: Path, names: tuple[str, ...]) -> Path:
    """Write the `.worktreeinclude` that names these files; returns its path.

    Raises:
        StorageError: It cannot be written.
        GitError: The repository is gone.
    """
    top = Path(Git(main_repo).run("rev-parse", "--show-toplevel").rstrip("\n"))
    write_atomic(top / INCLUDE_FILE, "".join(f"/{name}\n" for name in names))
    return top / INCLUDE_FILE
