"""The git repository that sessions branch off: where it is, its checkouts, its remote, and the lock on it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from samobot.errors import BusyError, UsageError
from samobot.frozen import frozen
from samobot.session.file_lock import FileLock
from samobot.session.files import real_path
from samobot.session.git import Git, GitError
from samobot.text import one_line

_LOCK_WAIT_S = 180.0
_DAMAGE = re.compile(
    r"unable to read (?!askpass)|bad object|corrupt|unpack tree|packed-refs|bad config|gitfile format|missing (?:blob|tree|commit)"
    r"|loose object|invalid sha1 pointer"
)
_ABOUT = (
    "--git-common-dir",
    "--is-bare-repository",
    "--is-inside-work-tree",
    "--show-toplevel",
    "--show-prefix",
)


@frozen
class GitRepository:
    """The repository that MAIN_REPO belongs to.

    Attributes:
        git: git at its top.
        common: Its git folder, which all worktrees share.
        prefix: The path of MAIN_REPO in it; empty if it is the top.
    """

    git: Git
    common: Path
    prefix: str

    def for_several(self) -> GitRepository:
        """Return the same for several calls right after one another; see `Git.for_several`."""
        return replace(self, git=self.git.for_several())


def find_repository(main_repo: Path) -> GitRepository | None:
    """Find the repository of MAIN_REPO; None if there is none.

    Raises:
        UsageError: There is one that git does not recognize, or MAIN_REPO is in a repository's own `.git`.
    """
    git = Git(main_repo)
    if "\n" in str(place := real_path(main_repo)):
        raise UsageError(
            f"MAIN_REPO {one_line(str(place), 200)} has a line break in its path: rename the folder."
        )
    try:
        output = git.run("rev-parse", *_ABOUT)
    except GitError as failure:
        if "dubious ownership" in failure.message:
            raise UsageError(
                f"The git repository of {main_repo} belongs to another user, so git refuses it. If you trust it, "
                f"run “{failure.message.rpartition('directory, call: ')[2]}”."
            ) from failure
        output = failure.output  # without a working tree there, git ends with an error after three lines
        if output.count("\n") < 3:
            if "not a git repository" not in failure.message:
                raise
            for folder in (place, *place.parents):
                if _looks_like_repository(folder / ".git"):
                    reason = f"git does not recognize {folder / '.git'} ({failure.message})"
                    raise UsageError(damaged(folder, reason)) from failure
            return None
    named, is_bare, is_inside, top, prefix = f"{output}\n\n".split("\n")[:5]
    common = (main_repo / named).resolve()
    if is_bare == "true":
        return GitRepository(git, common, "")
    if is_inside != "true":
        raise UsageError(_without_work_tree(main_repo, common))
    return GitRepository(Git(Path(top)), common, prefix)


def _looks_like_repository(dot_git: Path) -> bool:
    return (
        dot_git.is_file()
        or dot_git.is_symlink()
        or any(os.path.lexists(dot_git / name) for name in ("HEAD", "objects", "config"))
    )


def _without_work_tree(main_repo: Path, common: Path) -> str:
    if common in (place := real_path(main_repo), *place.parents):
        return f"MAIN_REPO {main_repo} is in a git folder; name the folder that is checked out, or a bare repository."
    return damaged(main_repo, f"core.worktree in {common / 'config'} names another folder")


def damaged(repository: Path, reason: str) -> str:
    """The message about a repository that git cannot use."""
    return f"The git repository {repository} is damaged: {reason}. Repair it, or restore it from a clone or backup."


def is_damage(message: str) -> bool:
    """Whether git's message is about a damaged repository."""
    return _DAMAGE.search(message) is not None


def check_for_lost_commits(repository: GitRepository) -> None:
    """Refuse a repository without any branch that had commits once: after a power cut its refs may be empty.

    Raises:
        UsageError: It had.
    """
    log = repository.common / "logs" / "HEAD"
    packs = repository.common / "objects" / "pack"
    if repository.git.run("for-each-ref", "--count=1"):
        return
    with contextlib.suppress(OSError):
        had_commits = (log.is_file() and log.stat().st_size > 0) or any(packs.glob("*.pack"))
        if had_commits:
            raise UsageError(
                f"The git repository {repository.git.folder} is damaged: it has commits, but no branch with one. "
                f"“git -C {repository.git.folder} fsck --lost-found” lists them; restore the branch from its reflog or a clone."
            )


def commit_of(repository: GitRepository, ref: str) -> str | None:
    """Return the commit of a ref; None if there is no such ref.

    Raises:
        UsageError: The ref exists and names no commit, as after a power cut.
    """
    git = repository.git
    found = git.attempt("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if found is not None:
        return found.strip()
    name = (git.attempt("symbolic-ref", "--quiet", ref) or ref).strip()
    if os.path.isfile(repository.common / name) or git.ok("rev-parse", "--verify", "--quiet", name):
        raise UsageError(
            f"The git repository {git.folder} is damaged: {name} is empty or names a commit that is missing. "
            f"“git -C {git.folder} fsck” shows what is broken; restore the branch from its reflog or a clone."
        )
    return None


@contextlib.contextmanager
def repository_lock(common: Path) -> Iterator[None]:
    """Hold the lock under which samobot changes branches and worktrees of a repository.

    Args:
        common: The repository's git folder.

    Raises:
        BusyError: Others have held it for minutes.
    """
    with FileLock(common / "samobot-worktree.lock") as lock:
        if not lock.acquire(wait=_LOCK_WAIT_S):
            raise BusyError(
                f"Another session has been changing branches or worktrees of {common} for {_LOCK_WAIT_S:.0f} s; "
                "try again, or see which samobot process hangs."
            )
        yield


def checkouts(git: Git, *, deleted: bool = False) -> list[tuple[Path, str]]:
    """Return the repository's own folder and its worktrees, each with its branch, "" for none.

    Args:
        git: Runs git in the repository.
        deleted: Whether worktrees whose folder was deleted are included, as long as git knows of them.
    """
    found: list[tuple[Path, str]] = []
    here: Path | None = None
    for line in git.run("worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            here = Path(line.removeprefix("worktree "))
        elif here is not None and (deleted or here.is_dir()):
            if line.startswith("branch "):
                found.append((here, line.removeprefix("branch ").removeprefix("refs/heads/")))
            elif line == "detached":
                found.append((here, ""))
    return found


def uses_lfs(git: Git, commit: str) -> bool:
    """Whether a commit has files in Git LFS."""
    return git.ok("grep", "--quiet", "-e", "filter=lfs", commit, "--", ":(glob)**/.gitattributes")


def remote_name(git: Git) -> str | None:
    """Return the remote that branches begin at; never a name that git could take for an option."""
    keys = (entry.key for entry in git.configuration() if entry.key.startswith("remote."))
    names = {key.removeprefix("remote.").rpartition(".")[0] for key in keys}
    remotes = sorted(name for name in names if name and not name.startswith("-"))
    return "origin" if "origin" in remotes else next(iter(remotes), None)
