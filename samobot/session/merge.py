"""Merging a session's branch into the base branch, exactly as it was looked at.

The merge is made from commits alone, without a checkout; then the base branch is moved, only if it is still where
it was. A checkout of the base branch follows only if it is clean. Nothing is forced, and no hook runs.
"""

from __future__ import annotations

from enum import StrEnum

from samobot.errors import ConflictError
from samobot.session.branch_state import BaseBranch, BranchState
from samobot.session.commit_check import signs_commits
from samobot.session.git import Git, GitError

_TIMEOUT_S = 300.0
_SHOWN_CONFLICTS = 3


class MergeMethod(StrEnum):
    """How commits get into the base branch."""

    MERGE = "merge"
    """As they are, if the base has not moved on; else joined to it by a merge commit."""
    SQUASH = "squash"
    """As one commit."""


def merge_problem(state: BranchState) -> str:
    """Return why a branch cannot be merged now, as a sentence for the user; empty if it can."""
    base = state.base
    if base is None:
        return "There is no local branch to merge into."
    if state.uncommitted:
        files = "1 file is" if state.uncommitted == 1 else f"{state.uncommitted} files are"
        return f"{files} not committed and would not be merged."
    if state.is_merged:
        return f"{base.name} has everything of {state.name} already."
    if state.conflicts:
        shown = ", ".join(state.conflicts[:_SHOWN_CONFLICTS])
        more = len(state.conflicts) - _SHOWN_CONFLICTS
        return f"{base.name} and {state.name} conflict in {shown}{f' and {more} more' if more > 0 else ''}."
    if state.tree is None:
        return f"{base.name} and {state.name} have no commit in common."
    if base.busy:
        return f"A rebase or bisection of {base.name} is unfinished."
    if base.changed:
        files = "1 changed file" if base.changed == 1 else f"{base.changed} changed files"
        return f"{base.name} is checked out in {base.checkout} with {files}; commit or stash them."
    return ""


def make_merge(state: BranchState, method: MergeMethod, message: str) -> str:
    """Make the commit that the base branch will name; the branch itself stays where it is.

    Args:
        state: What was looked at.
        method: How to merge.
        message: The message of a new commit.

    Returns:
        The commit.

    Raises:
        ConflictError: It cannot be merged, or git refuses.
    """
    problem = merge_problem(state)
    if problem or state.base is None or state.tree is None:
        raise ConflictError(problem)
    if method is MergeMethod.MERGE and not state.behind:
        return state.head
    parents = [state.base.head, *([state.head] if method is MergeMethod.MERGE else [])]
    git = state.repository.git.for_several()
    try:
        sign = "--gpg-sign" if signs_commits(git) else "--no-gpg-sign"
        flags = [part for parent in parents for part in ("-p", parent)]
        return git.run("commit-tree", sign, *flags, "-m", message, state.tree, timeout=_TIMEOUT_S).strip()
    except GitError as failure:
        raise ConflictError(
            f"git could not commit the merge, and nothing was changed: {failure.message}"
        ) from failure


def move_base(state: BranchState, commit: str) -> None:
    """Move the base branch to a commit that `make_merge` made, unless it has moved meanwhile.

    Raises:
        ConflictError: It has moved, its checkout is not clean, or git refuses; the branch was not moved.
    """
    base = state.base
    assert base is not None
    try:
        if base.checkout is None:
            reason = f"samobot: merge {state.name}"
            state.repository.git.run("update-ref", "-m", reason, f"refs/heads/{base.name}", commit, base.head)
        else:
            _move_checkout(Git(base.checkout).for_several(), base, commit)
    except GitError as failure:
        raise ConflictError(f"git did not merge into {base.name}: {failure.message}") from failure


def holds_commit(state: BranchState, commit: str) -> bool:
    """Return whether the base branch has a commit."""
    base = state.base
    return base is not None and state.repository.git.ok("merge-base", "--is-ancestor", commit, base.head)


def _move_checkout(git: Git, base: BaseBranch, commit: str) -> None:
    branch = git.run("symbolic-ref", "--quiet", "HEAD").strip()
    head = git.run("rev-parse", "--verify", "HEAD^{commit}").strip()
    if branch != f"refs/heads/{base.name}" or head != base.head:
        raise ConflictError(f"{base.name} has moved since it was shown; look again.")
    git.run("merge", "--ff-only", commit, timeout=_TIMEOUT_S)
