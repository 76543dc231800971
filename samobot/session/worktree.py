"""The git side of a session: a worktree and branch of its own, made without touching MAIN_REPO's checkout.

Worktrees of one repository are made one at a time, under a lock in its git folder: git's own
`config.lock` makes parallel ones fail. Hooks are off and git never asks for a password.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samobot.errors import BusyError, StorageError, UsageError
from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder
from samobot.session.git import Git, GitError

_LOCK_WAIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Worktree:
    """Where a session works.

    Attributes:
        path: The working directory.
        branch: The branch checked out there; None where there is no git repository.
        base: The commit that the branch began at, where known.
        note: A sentence for the person about what was not as expected; empty if all was.
    """

    path: Path
    branch: str | None = None
    base: str | None = None
    note: str = ""


def prepare_worktree(
    main_repo: Path,
    worktrees_dir: Path,
    name: str,
    branch_prefix: str = "",
    *,
    network_timeout: float = 60.0,
) -> Worktree:
    """Make or find the worktree of a session. Safe to repeat, also after a crash half-way.

    A new branch begins at the remote's default branch, freshly fetched; where the remote cannot be reached,
    at what was last seen of it; without a remote, at the local default branch. An existing branch or worktree
    is taken up as it is. Where there is no repository, or none with a commit, the session works in
    `main_repo` itself.

    Args:
        main_repo: The project's repository.
        worktrees_dir: Where worktrees go; made if missing.
        name: The session's name: the worktree's folder and the last part of the branch.
        branch_prefix: First part of the branch's name; may be empty.
        network_timeout: Seconds each of the two calls to the remote may take.

    Raises:
        UsageError: `main_repo` is missing, something is in the way, or git refuses; in git's words.
        BusyError: Another worktree of the repository is being made for minutes.
        StorageError: A folder cannot be made.
    """
    if not main_repo.is_dir():
        raise UsageError(f"MAIN_REPO {main_repo} is not a folder; correct it in the .samocode file.")
    git = Git(main_repo)
    try:
        common = _repository(git)
        if common is None:
            note = f"{main_repo} is not the top of a git repository, so the session works in it directly."
            return Worktree(main_repo, note=note)
        branch = _branch_name(git, name, branch_prefix)
        with _repository_lock(common):
            return _make(git, worktrees_dir / name, branch, network_timeout)
    except GitError as failure:
        raise UsageError(
            f"git could not prepare a worktree for {name} of {main_repo}: {failure.message}"
        ) from failure


def base_of(path: Path) -> str | None:
    """Return the commit at which the branch checked out in a folder left the default one, where that can be told."""
    try:
        return _merge_base(Git(path), "HEAD")
    except GitError:
        return None


def is_in_checkout(folder: str) -> bool:
    """Say whether a folder is there and in a git checkout, by a look at the disk alone."""
    try:
        place = Path(folder).expanduser()
        return place.is_dir() and any(os.path.lexists(each / ".git") for each in (place, *place.parents))
    except (OSError, ValueError, RuntimeError):
        return False


def _make(git: Git, path: Path, branch: str, network_timeout: float) -> Worktree:
    checkouts = _checkouts(git, path)
    existing = next((branch for folder, branch in checkouts if _is_same(folder, path)), None)
    if existing is not None:
        base = _merge_base(Git(path), "HEAD")
        if existing == branch:
            return Worktree(path, branch, base, _earlier_work(git, branch, base))
        note = f"The worktree {path} has {existing or 'no branch'} checked out."
        return Worktree(path, existing or None, base, note)
    _refuse_if_in_the_way(path)
    _refuse_if_taken(branch, checkouts)
    start, note = _starting_point(git, network_timeout)
    known = git.ok("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    if start is None and not known:
        note = f"{git.folder} has no commits yet, so the session works in it directly."
        return Worktree(git.folder, note=note)
    make_folder(path.parent)
    git.run("worktree", "prune")
    if known:
        git.run("worktree", "add", "--quiet", str(path), branch, timeout=600)
        base = _merge_base(git, branch, start)
        note = " ".join(filter(None, (note, _earlier_work(git, branch, base))))
    else:
        assert start is not None
        git.run("worktree", "add", "--quiet", "--no-track", "-b", branch, str(path), start, timeout=600)
        base = git.run("rev-parse", f"{start}^{{commit}}").strip()
    return Worktree(path, branch, base, note)


def _repository(git: Git) -> Path | None:
    """Return the repository's common git folder; None if MAIN_REPO is none, or only lies inside one."""
    try:
        answer = git.run("rev-parse", "--git-common-dir", "--is-bare-repository", "--show-prefix").split("\n")
    except GitError as failure:
        if "not a git repository" in failure.message:
            return None
        raise
    common, bare = git.folder / answer[0], answer[1] == "true"
    inside = "" if bare else answer[2]
    return None if inside else common.resolve()


def _branch_name(git: Git, name: str, prefix: str) -> str:
    """Make a branch name that git allows: a session's name may hold `..` or end in `.lock`."""
    last = re.sub(r"\.{2,}", ".", name)
    last = re.sub(r"(?:\.lock|\.)+$", "", last) or "session"
    branch = f"{prefix.strip().strip('/')}/{last}".lstrip("/")
    if not git.ok("check-ref-format", "--branch", branch):
        raise UsageError(f"“{branch}” cannot be a branch in git; correct GIT_BRANCH_PREFIX.")
    return branch


@contextlib.contextmanager
def _repository_lock(common: Path) -> Iterator[None]:
    with FileLock(common / "samobot-worktree.lock") as lock:
        if not lock.acquire(wait=_LOCK_WAIT_S):
            raise BusyError(
                f"Another session has been making a worktree of {common} for {_LOCK_WAIT_S:.0f} s; "
                "try again, or see which samobot process hangs."
            )
        yield


def _checkouts(git: Git, path: Path) -> list[tuple[Path, str]]:
    """Return the repository's own folder and its worktrees that are there, each with its branch, "" for none.

    Args:
        git: The repository.
        path: A worktree that may not know where the repository is now.
    """
    if (path / ".git").is_file():
        git.ok("worktree", "repair", str(path))  # after the repository or the worktree was moved
    found: list[tuple[Path, str]] = []
    here: Path | None = None
    for line in git.run("worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            here = Path(line.removeprefix("worktree "))
        elif here is not None and here.is_dir():
            if line.startswith("branch "):
                found.append((here, line.removeprefix("branch ").removeprefix("refs/heads/")))
            elif line == "detached":
                found.append((here, ""))
    return found


def _is_same(folder: Path, path: Path) -> bool:
    return path.is_dir() and folder.resolve() == path.resolve()


def _refuse_if_taken(branch: str, checkouts: list[tuple[Path, str]]) -> None:
    """Refuse a branch that is at work elsewhere: in the checkout of MAIN_REPO, or in another session.

    Names that differ only in what a branch may not hold, such as `foo` and `foo.lock`, share one.
    """
    place = next((folder for folder, checked_out in checkouts if checked_out == branch), None)
    if place is not None:
        raise UsageError(
            f"The session's branch would be “{branch}”, which is checked out in {place}: give the session another name."
        )


def _refuse_if_in_the_way(path: Path) -> None:
    try:
        empty = not os.path.lexists(path) or not any(path.iterdir())
    except NotADirectoryError:
        empty = False
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    if not empty:
        raise UsageError(
            f"{path} is in the way: the session's worktree belongs there, but it is something else. "
            "Move it away, or give the session another name."
        )


def _starting_point(git: Git, network_timeout: float) -> tuple[str | None, str]:
    """Find where a new branch begins: a ref, None without any commit, and a note."""
    remote = _remote(git)
    if remote is None:
        return _local_default(git), ""
    note = ""
    default: str | None = None
    try:
        told = git.run("ls-remote", "--symref", remote, "HEAD", timeout=network_timeout)
        found = re.search(r"^ref: refs/heads/(\S+)\s+HEAD$", told, re.MULTILINE)
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
        if candidate and git.ok("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"):
            return ref, note
    return _local_default(git), note


def _remote(git: Git) -> str | None:
    """Return the remote that branches begin at; never a name that git could take for an option."""
    remotes = [name for name in git.run("remote").split("\n") if name and not name.startswith("-")]
    return "origin" if "origin" in remotes else next(iter(remotes), None)


def _earlier_work(git: Git, branch: str, base: str | None) -> str:
    """A note where a branch that is taken up has commits of its own, as of an archived session of the name; else empty."""
    counted = git.attempt("rev-list", "--count", f"{base}..refs/heads/{branch}") if base else None
    count = int(counted) if counted else 0
    if not count:
        return ""
    commits = "1 commit" if count == 1 else f"{count} commits"
    return (
        f"The branch “{branch}” is there already, with {commits} of its own; the session goes on from them."
    )


def _local_default(git: Git) -> str | None:
    for ref in ("refs/heads/main", "refs/heads/master", "HEAD"):
        if git.ok("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"):
            return ref
    return None


def _merge_base(git: Git, branch: str, start: str | None = None) -> str | None:
    """Return the commit at which an existing branch left its starting point, where that can be told."""
    if start is None:
        remote = _remote(git)
        refs = [f"refs/remotes/{remote}/{name}" for name in ("HEAD", "main", "master")] if remote else []
        refs += ["refs/heads/main", "refs/heads/master"]
        known = (ref for ref in refs if git.ok("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"))
        start = next(known, None)
    if start is None:
        return None
    found = git.attempt("merge-base", start, branch)
    return found.strip() or None if found else None
