"""Removing a session's branch and worktree: exactly those that were shown, and safe to repeat after a crash."""

from __future__ import annotations

from pathlib import Path

from samobot.errors import ConflictError
from samobot.frozen import frozen
from samobot.session.branch_state import BranchState
from samobot.session.git import Git, GitError
from samobot.session.push import PushTarget, receive_options
from samobot.session.repository import checkouts, commit_of, find_repository

_KEPT = "refs/samobot/discarded/"
_TIMEOUT_S = 300.0
_PUSH_S = 120.0


@frozen
class Removal:
    """What is removed.

    Attributes:
        branch: The branch.
        head: The commit that it has to name.
        keep: Whether a ref outside of the branches keeps its commits, so that they can be restored.
    """

    branch: str
    head: str
    keep: bool


def remove_remote_branch(state: BranchState, target: PushTarget) -> None:
    """Delete the branch at the remote, only if it still names the commit that was shown.

    Raises:
        ConflictError: It has moved, or the remote refuses.
    """
    name = f"refs/heads/{state.name}"
    lease = f"--force-with-lease={name}:{target.head}"  # the remote compares; a branch that has moved stays
    git = state.repository.git
    try:
        receive = receive_options(git, target.remote)
        git.run("push", lease, *receive, target.remote, f":{name}", timeout=_PUSH_S)
    except GitError as failure:
        raise ConflictError(
            f"{target.remote} did not delete {state.name}, so it is left here too; /clean (samobot clean) removes only "
            f"what is here: {failure.message}"
        ) from failure


def remove_branch(main_repo: Path, worktree: Path, removal: Removal) -> bool:
    """Remove a session's worktree with everything in it, then its branch.

    Args:
        main_repo: The project's repository, or a folder in one.
        worktree: Where the session works.
        removal: What is removed.

    Returns:
        Whether there was anything left to remove.

    Raises:
        ConflictError: The branch has moved, or git refuses.
        UsageError: The repository is damaged, or git is not installed.
    """
    repository = find_repository(main_repo) if main_repo.is_dir() else None
    if repository is None:
        raise ConflictError(f"{main_repo} is not a git repository.")
    git, ref = repository.git, f"refs/heads/{removal.branch}"
    there = commit_of(repository, ref)
    if there not in (None, removal.head):
        raise ConflictError(f"{removal.branch} has moved since it was shown; look again.")
    try:
        places = _worktrees(git, worktree, removal.branch)
        if removal.keep and there is not None:
            git.run("update-ref", f"{_KEPT}{removal.branch}", removal.head)
        for place in places:
            # Twice: a locked worktree is removed as well.
            git.run("worktree", "remove", "--force", "--force", str(place), timeout=_TIMEOUT_S)
        git.run("worktree", "prune")
        if there is not None:
            git.run("update-ref", "-d", ref, removal.head)
    except GitError as failure:
        raise ConflictError(f"git could not remove {removal.branch}: {failure.message}") from failure
    return bool(places) or there is not None


def _worktrees(git: Git, worktree: Path, branch: str) -> list[Path]:
    """Return the worktree, if it is one, and refuse a branch that is checked out anywhere else.

    Raises:
        ConflictError: The branch is checked out elsewhere.
    """
    own = git.folder.resolve()
    found = []
    for place, checked_out in checkouts(git):
        inside = place.resolve() != own and worktree.resolve().is_relative_to(place.resolve())
        if checked_out == branch and not inside:
            raise ConflictError(f"{branch} is checked out in {place}.")
        if inside and checked_out == branch:
            found.append(place)
    return found
