"""Where a session's branch begins, and what it has of its own. Runs git."""

from __future__ import annotations

import re
from pathlib import Path

from samobot.session.git import Git, GitError
from samobot.session.repository import GitRepository, commit_of, remote_name


def base_of(path: Path) -> str | None:
    """Return the commit at which the branch checked out in a folder left the default one, if known."""
    try:
        return merge_base(Git(path).for_several(), "HEAD")
    except GitError:
        return None


def starting_point(repository: GitRepository, network_timeout: float) -> tuple[str | None, str]:
    """Find where a new branch begins: a ref, None without any commit, and a note."""
    git = repository.git
    remote = remote_name(git)
    if remote is None:
        return _local_default(repository, "")
    note = ""
    default: str | None = None
    try:
        refs = git.run("ls-remote", "--symref", remote, "HEAD", timeout=network_timeout)
        found = re.search(r"^ref: refs/heads/(\S+)\s+HEAD$", refs, re.MULTILINE)
        default = found[1] if found else None
        if default is not None:
            refspec = f"+refs/heads/{default}:refs/remotes/{remote}/{default}"
            git.run("fetch", "--quiet", "--no-tags", remote, refspec, timeout=network_timeout)
    except GitError as failure:
        note = (
            f"{remote} could not be reached, so the branch begins at what was last fetched: {failure.message}"
        )
    if default is None:
        known = git.attempt("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
        default = known.strip().removeprefix(f"{remote}/") if known else None
    for candidate in (default, "main", "master"):
        ref = f"refs/remotes/{remote}/{candidate}"
        if candidate and commit_of(repository, ref) is not None:
            return ref, note
    return _local_default(repository, note)


def earlier_work(git: Git, branch: str, base: str | None) -> str:
    """A note if an existing branch has commits of its own, as of an archived session of the name; else empty."""
    counted = git.attempt("rev-list", "--count", f"{base}..refs/heads/{branch}") if base else None
    count = int(counted) if counted else 0
    if not count:
        return ""
    commits = "1 commit" if count == 1 else f"{count} commits"
    return (
        f"The branch “{branch}” is there already, with {commits} of its own; the session continues from them. "
        f"To begin without them, move it away first: git branch -m {branch} {branch}-old."
    )


def _local_default(repository: GitRepository, note: str) -> tuple[str | None, str]:
    refs = ("refs/heads/main", "refs/heads/master", "HEAD")
    found = next((ref for ref in refs if commit_of(repository, ref) is not None), None)
    if found is not None:
        return found, note
    newest = ("for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/heads")
    found = repository.git.run(*newest).strip() or None
    if found is not None:
        name = found.removeprefix("refs/heads/")
        note = f"{note} HEAD has no commit, so the branch begins at the newest one, “{name}”.".lstrip()
    return found, note


def merge_base(git: Git, ref: str, start: str | None = None) -> str | None:
    """Return the commit at which an existing branch left its starting point, if known.

    Args:
        git: Runs git in the repository.
        ref: The branch as `refs/heads/…`, as a tag may have the same name.
        start: The starting point; None for the default branch.
    """
    if start is None:
        remote = remote_name(git)
        refs = [f"refs/remotes/{remote}/{name}" for name in ("HEAD", "main", "master")] if remote else []
        refs += ["refs/heads/main", "refs/heads/master"]
        known = (ref for ref in refs if git.ok("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"))
        start = next(known, None)
    if start is None:
        return None
    found = git.attempt("merge-base", start, ref)
    return found.strip() or None if found else None
