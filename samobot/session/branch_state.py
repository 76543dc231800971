"""A session's branch beside the branch that it would be merged into. Nothing is changed by looking.

Branches are read in the user's own repository, never through the session's worktree: an agent could make that
lead to another repository.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from samobot.errors import ConflictError, NotFoundError, StorageError
from samobot.frozen import frozen
from samobot.session.diff import FileChange, parse_numstat
from samobot.session.files import read_bytes, read_text, real_path
from samobot.session.folder import SessionFolder
from samobot.session.git import Git, GitError
from samobot.session.overview import parse_overview
from samobot.session.repository import GitRepository, checkouts, commit_of, find_repository, remote_name

_SUBJECTS = 10
_LEFT = 100
_NAME_BYTES = 4096
_BUSY_FILES = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")


@frozen
class BaseBranch:
    """The branch that sessions are merged into.

    Attributes:
        name: Its name.
        head: The commit that it names.
        tree: The tree of that commit.
        checkout: The folder in which it is checked out; None if it is nowhere.
        changed: Number of tracked files with uncommitted changes there.
        busy: Whether a rebase or bisection of it is unfinished somewhere.
    """

    name: str
    head: str
    tree: str
    checkout: Path | None = None
    changed: int = 0
    busy: bool = False


@frozen
class BranchState:
    """What a session's branch has to be merged.

    Attributes:
        repository: The user's repository.
        name: The branch.
        head: The commit that it names.
        worktree: The folder in which it is checked out.
        base: The branch that it would be merged into; None if there is no local one.
        ahead: Commits of the branch that the base does not have.
        behind: Commits of the base that the branch does not have.
        subjects: First lines of the newest commits of the branch, newest first.
        files: What the branch changed since it left the base.
        uncommitted: Files in the worktree with changes that no commit has, untracked ones included.
        left: The first of these files, as git status names them.
        tree: The merged tree; None if there are conflicts.
        conflicts: Paths that both sides changed so that git cannot merge them.
        submodules: Submodules that are checked out in the worktree: git is not run in there, so `left` knows nothing of them.
    """

    repository: GitRepository
    name: str
    head: str
    worktree: Path
    base: BaseBranch | None
    ahead: int
    behind: int
    subjects: tuple[str, ...]
    files: tuple[FileChange, ...]
    uncommitted: int
    left: tuple[str, ...]
    tree: str | None
    conflicts: tuple[str, ...]
    submodules: tuple[str, ...] = ()

    @property
    def is_merged(self) -> bool:
        """Whether merging the branch would change nothing in the base: it has its commits, or the same changes."""
        return self.base is not None and (not self.ahead or self.tree == self.base.tree)


def work_dir_of(folder: SessionFolder, main_repo: Path) -> Path:
    """The session's working directory, from its overview."""
    named = parse_overview(read_text(folder.overview) or "").working_dir
    if not named or "\0" in named:
        return main_repo
    try:
        return nearest_in_worktree(Path(named).expanduser(), main_repo)
    except RuntimeError:
        return Path(named)  # of a user that does not exist


def nearest_in_worktree(path: Path, main_repo: Path) -> Path:
    """Return a working directory, or if the agent moved or deleted it, the folder above it in the session's worktree.

    Args:
        path: The working directory, which is returned if its whole worktree was deleted.
        main_repo: The project's repository, which no session is led to so.
    """
    if path.is_dir() or not path.is_absolute():  # a relative one would lead to where the program was started
        return path
    there = next((each for each in path.parents if each.is_dir()), path)
    top = next((each for each in (there, *there.parents) if (each / ".git").is_file()), None)
    is_own = top is not None and not real_path(main_repo).is_relative_to(real_path(top))
    return there if is_own else path


def read_branch(main_repo: Path, worktree: Path) -> BranchState:
    """Read the branch that is checked out in a session's worktree.

    Args:
        main_repo: The project's repository, or a folder in one.
        worktree: Where the session works.

    Raises:
        NotFoundError: There is no repository, or the session has no worktree of it.
        ConflictError: No branch is checked out in the worktree, or git refuses.
        UsageError: The repository is damaged, or git is not installed.
    """
    try:
        return _read(main_repo, worktree)
    except GitError as failure:
        raise ConflictError(f"git could not read the branch: {failure.message}") from failure


def _read(main_repo: Path, worktree: Path) -> BranchState:
    repository = find_repository(main_repo) if main_repo.is_dir() else None
    if repository is None:
        raise NotFoundError(f"{main_repo} is not a git repository: there is no branch to land.")
    looked = repository.for_several()
    git = looked.git
    places = checkouts(git)
    own = git.folder.resolve()
    # The session may work in a folder of its worktree.
    inside = [each for each in places if each[0].resolve() != own and _contains(each[0], worktree)]
    if not inside:
        raise NotFoundError(f"The session has no worktree of {git.folder}: there is no branch to land.")
    place, branch = max(inside, key=lambda each: len(each[0].parts))
    if not branch:
        raise ConflictError(f"No branch is checked out in {place}; check the session's branch out there.")
    head = commit_of(looked, f"refs/heads/{branch}")
    if head is None:
        raise ConflictError(f"The branch {branch} has no commit.")
    base = _base(looked, places, branch)
    ahead = behind = 0
    tree: str | None = None
    conflicts: tuple[str, ...] = ()
    since: str | None = None
    if base is not None:
        behind, ahead = (
            int(each)
            for each in git.run("rev-list", "--left-right", "--count", f"{base.head}...{head}").split()
        )
        since = (git.attempt("merge-base", base.head, head) or "").strip() or None
        tree, conflicts = _merge(git, base.head, head)
    left = _changed(Git(place), untracked=True)
    log = git.run("log", f"--max-count={_SUBJECTS}", "--format=%s", head, *([f"^{since}"] if since else []))
    return BranchState(
        repository=repository,
        name=branch,
        head=head,
        worktree=place,
        base=base,
        ahead=ahead,
        behind=behind,
        subjects=tuple(log.splitlines()),
        files=parse_numstat(git.run("diff", since, head, "--numstat", "-z", "--no-renames")) if since else (),
        uncommitted=len(left),
        left=tuple(entry[3:] for entry in left[:_LEFT]),
        tree=tree,
        conflicts=conflicts,
        submodules=submodules(place),
    )


def _base(repository: GitRepository, places: list[tuple[Path, str]], branch: str) -> BaseBranch | None:
    """Find the branch that the session's would be merged into: the remote's default one, else the usual names."""
    git = repository.git
    remote = remote_name(git)
    default = (
        git.attempt("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD") if remote else None
    )
    names = [default.strip().removeprefix(f"{remote}/")] if default else []
    own = git.folder.resolve()
    checked_out = [each for place, each in places if place.resolve() == own]
    for name in (*names, "main", "master", *checked_out):
        head = commit_of(repository, f"refs/heads/{name}") if name and name != branch else None
        if head is None:
            continue
        checkout = next((place for place, each in places if each == name), None)
        return BaseBranch(
            name=name,
            head=head,
            tree=git.run("rev-parse", f"{head}^{{tree}}").strip(),
            checkout=checkout,
            changed=len(_changed(Git(checkout), untracked=False)) if checkout is not None else 0,
            busy=any(_is_busy(Git(place), name) for place, each in places if not each),
        )
    return None


def _is_busy(git: Git, branch: str) -> bool:
    """Whether a detached checkout is in the middle of a rebase or bisection of a branch."""
    for name in _BUSY_FILES:
        path = (git.attempt("rev-parse", "--path-format=absolute", "--git-path", name) or "").strip()
        with contextlib.suppress(StorageError):
            named = (read_bytes(Path(path), limit=_NAME_BYTES) or b"").decode("utf-8", "replace")
            if named.strip().removeprefix("refs/heads/") == branch:
                return True
    return False


def _changed(git: Git, *, untracked: bool) -> list[str]:
    files = "--untracked-files=all" if untracked else "--untracked-files=no"
    status = git.run("status", "--porcelain=v1", "-z", "--no-renames", files)
    return [entry for entry in status.split("\0") if entry]


def submodules(place: Path) -> tuple[str, ...]:
    """Return the submodules that are checked out in a worktree.

    Raises:
        GitError: The worktree's index cannot be read.
    """
    if not (place / ".gitmodules").exists():
        return ()
    entries = Git(place).run("ls-files", "--stage", "-z").split("\0")
    paths = (entry.partition("\t")[2] for entry in entries if entry.startswith("160000 "))
    return tuple(path for path in paths if (place / path / ".git").exists())


def _merge(git: Git, base: str, head: str) -> tuple[str | None, tuple[str, ...]]:
    """Merge two commits without a checkout: the tree, or the paths in conflict."""
    try:
        tree = git.run("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
    except GitError as failure:
        first, *paths = failure.output.split("\0")
        if len(first) < 40 or not paths:
            raise
        return None, tuple(path for path in paths if path)
    return tree.strip("\0\n"), ()


def _contains(place: Path, folder: Path) -> bool:
    return folder.resolve().is_relative_to(place.resolve())
