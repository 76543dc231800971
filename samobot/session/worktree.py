"""A session's git worktree and branch, created without touching MAIN_REPO's checkout.

Worktrees of one repository are created one at a time, under a lock in its git folder: git's own `config.lock` makes
parallel ones fail.
"""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path

from samobot.errors import StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.branch_name import branch_name, refuse_alias, refuse_if_nested, refuse_if_taken
from samobot.session.branch_point import earlier_work, merge_base, starting_point
from samobot.session.files import make_folder, real_path
from samobot.session.git import Git, GitError
from samobot.session.repository import (
    GitRepository,
    check_for_lost_commits,
    checkouts,
    commit_of,
    damaged,
    find_repository,
    is_damage,
    repository_lock,
    uses_lfs,
)
from samobot.session.search_path import find_program


@frozen
class Worktree:
    """Where a session works.

    Attributes:
        path: The working directory: the worktree, or the folder in it that MAIN_REPO is of its repository.
        branch: The branch checked out there; None if there is no git repository.
        base: The commit that the branch began at, if known.
        note: A sentence for the user about what was not as expected; empty if all was.
        root: The top of the worktree; None if the session works in MAIN_REPO itself.
    """

    path: Path
    branch: str | None = None
    base: str | None = None
    note: str = ""
    root: Path | None = field(default=None, compare=False)


def prepare_worktree(
    main_repo: Path,
    worktrees_dir: Path,
    name: str,
    branch_prefix: str = "",
    *,
    on_top_of: str | None = None,
    network_timeout: float = 60.0,
) -> Worktree:
    """Create or find the worktree of a session. Safe to repeat, also after a crash.

    A new branch begins at the remote's default branch, freshly fetched; if the remote cannot be reached, at its
    last known commit; without a remote, at the local default branch. An existing branch or worktree is used as it
    is. If MAIN_REPO is a folder inside a repository, the worktree is one of the whole repository and the session
    works in the same folder of it. The session works in `main_repo` itself only if there is no repository, the
    repository has no commit, or the folder is not part of it.

    Args:
        main_repo: The project's repository, or a folder in one.
        worktrees_dir: The folder of worktrees; created if missing.
        name: The session's name: the worktree's folder and the last part of the branch.
        branch_prefix: First part of the branch's name; may be empty.
        on_top_of: A commit that the branch must contain: where it begins unless the default branch has it already.
        network_timeout: Seconds each of the two calls to the remote may take.

    Raises:
        UsageError: `main_repo` is missing, its repository is damaged, something is in the way, git refuses, or there
            is a branch of that name without the commit.
        BusyError: Another worktree of the repository has been in the making for minutes.
        StorageError: A folder cannot be created.
    """
    if not main_repo.is_dir():
        raise UsageError(f"MAIN_REPO {main_repo} is not a folder; correct it in the .samocode file.")
    top = main_repo
    try:
        repository = find_repository(main_repo)
        if repository is None:
            return _works_directly(main_repo, "is not in a git repository")
        looked = repository.for_several()
        top = looked.git.folder
        branch = branch_name(looked.git, name, branch_prefix)
        with repository_lock(repository.common):
            return _prepare(looked, main_repo, worktrees_dir / name, branch, on_top_of, network_timeout)
    except GitError as failure:
        if is_damage(failure.message):
            raise UsageError(damaged(top, failure.message)) from failure
        raise UsageError(
            f"git could not prepare a worktree for {name} of {main_repo}: {failure.message}"
        ) from failure


def recreate_worktree(
    main_repo: Path, path: Path, branch_prefix: str = "", *, last: str | None = None
) -> Worktree:
    """Create a session's deleted worktree again, from its branch. What was not committed cannot come back.

    Args:
        main_repo: The project's repository, or a folder in one.
        path: The top of the worktree; its last part is the session's name.
        branch_prefix: First part of the branch's name, for a worktree that git no longer knows of.
        last: The last commit that was checked out there, if known: where the branch begins again if it is gone as well.

    Raises:
        UsageError: The branch and that commit are gone, the branch is checked out elsewhere, something is in the way, or git refuses.
        BusyError: Another worktree of the repository has been in the making for minutes.
        StorageError: A folder cannot be created.
    """
    try:
        repository = find_repository(main_repo)
        if repository is None:
            raise UsageError(f"{main_repo} is not in a git repository, so {path} cannot be recreated.")
        repository = repository.for_several()
        git = repository.git
        with repository_lock(repository.common):
            known = (branch for folder, branch in checkouts(git, deleted=True) if folder == real_path(path))
            branch = next(known, "") or branch_name(git, path.name, branch_prefix)
            is_gone = commit_of(repository, f"refs/heads/{branch}") is None
            if is_gone and (last is None or not git.ok("cat-file", "-e", f"{last}^{{commit}}")):
                raise UsageError(
                    f"The branch “{branch}” is gone as well, so the worktree {path} cannot be recreated. "
                    f"Restore the branch (`git branch {branch} COMMIT`; `git fsck --lost-found` finds lost commits)."
                )
            if is_gone:
                refuse_if_nested(git, branch)
            _refuse_if_in_the_way(path)
            refuse_if_taken(branch, checkouts(git))
            make_folder(path.parent)
            git.run("worktree", "prune")
            if is_gone and last is not None:
                note = (
                    f"The branch “{branch}” was gone as well: it begins again at its last known commit {last[:9]}. "
                    f"{_add(git, path, last, '--no-track', '-b', branch)}"
                ).rstrip()
            else:
                note = _add(git, path, branch)
            return Worktree(
                path / repository.prefix, branch, merge_base(git, f"refs/heads/{branch}"), note, root=path
            )
    except GitError as failure:
        raise UsageError(f"git could not recreate the worktree {path}: {failure.message}") from failure


def has_own_work(main_repo: Path, name: str, branch_prefix: str = "") -> bool:
    """Whether the branch that a new session would get is there already, with commits of its own.

    Args:
        main_repo: The project's repository, or a folder in one.
        name: The session's name.
        branch_prefix: First part of the branch's name.
    """
    try:
        repository = find_repository(main_repo) if main_repo.is_dir() else None
        if repository is None:
            return False
        repository = repository.for_several()
        branch = branch_name(repository.git, name, branch_prefix)
        if commit_of(repository, f"refs/heads/{branch}") is None:
            return False
        return bool(earlier_work(repository.git, branch, merge_base(repository.git, f"refs/heads/{branch}")))
    except (GitError, UsageError):
        return False  # `prepare_worktree` reports it


def is_in_checkout(folder: str) -> bool:
    """Whether a folder exists and is in a git checkout, without running git."""
    try:
        place = Path(folder).expanduser()
        return place.is_dir() and any(os.path.lexists(each / ".git") for each in (place, *place.parents))
    except (OSError, ValueError, RuntimeError):
        return False


def _works_directly(main_repo: Path, reason: str) -> Worktree:
    return Worktree(
        main_repo,
        note=f"⚠️ {main_repo} {reason}: the session works in it directly, without a branch of its own.",
    )


def _prepare(
    repository: GitRepository,
    main_repo: Path,
    path: Path,
    branch: str,
    on_top_of: str | None,
    network_timeout: float,
) -> Worktree:
    git, prefix = repository.git, repository.prefix
    if (path / ".git").is_file():
        git.ok("worktree", "repair", str(path))  # after the repository or the worktree was moved
    elif path.is_dir():
        git.ok("worktree", "repair")  # after its .git was deleted
    places = checkouts(git)
    existing = next((branch for folder, branch in places if _is_same(folder, path)), None)
    known = commit_of(repository, f"refs/heads/{branch}") is not None
    if on_top_of is not None and known and not _contains(git, f"refs/heads/{branch}", on_top_of):
        raise UsageError(
            f"There is a branch “{branch}” already, without the commit {on_top_of[:9]}: give the session another name."
        )
    if existing is not None:
        base = merge_base(Git(path).for_several(), "HEAD")
        if existing == branch:
            return Worktree(path / prefix, branch, base, earlier_work(git, branch, base), root=path)
        note = f"The worktree {path} has {existing or 'no branch'} checked out."
        return Worktree(path / prefix, existing or None, base, note, root=path)
    _refuse_if_in_the_way(path)
    refuse_if_taken(branch, places)
    if known:
        refuse_alias(git, branch)
    else:
        refuse_if_nested(git, branch)
    start, note = starting_point(repository, network_timeout)
    if on_top_of is not None and not (start is not None and _contains(git, start, on_top_of)):
        start = on_top_of
    if start is None and not known:
        check_for_lost_commits(repository)
        return _works_directly(main_repo, "has no commits yet")
    source = f"refs/heads/{branch}" if known else start
    if prefix and not has_folder(git, source, prefix, main_repo):
        return _works_directly(main_repo, f"is not part of the git repository {git.folder} around it")
    make_folder(path.parent)
    git.run("worktree", "prune")
    if known:
        missing = _add(git, path, branch)
        _refuse_if_left_out(git, path, prefix, main_repo)
        base = merge_base(git, f"refs/heads/{branch}", start)
        note = " ".join(filter(None, (note, missing, earlier_work(git, branch, base))))
    else:
        assert start is not None
        missing = _add(git, path, start, "--no-track", "-b", branch)
        _refuse_if_left_out(git, path, prefix, main_repo)
        note = " ".join(filter(None, (note, missing)))
        base = git.run("rev-parse", f"{start}^{{commit}}").strip()
    return Worktree(path / prefix, branch, base, note, root=path)


def has_folder(git: Git, source: str | None, prefix: str, main_repo: Path) -> bool:
    """Whether a commit has MAIN_REPO's folder; False if that is no part of the repository.

    Args:
        git: Runs git at the repository's top.
        source: The commit.
        prefix: The folder in the repository.
        main_repo: The folder itself.

    Raises:
        UsageError: It is part of it, but a session could not work in it: its checkout would be the user's own.
    """
    folder = prefix.rstrip("/")
    kind = git.attempt("cat-file", "-t", f"{source}:{folder}")
    if kind is not None and kind.strip() == "tree":
        return True
    index = git.run("ls-files", "--stage", "-z", "--", f":(literal){folder}")
    if kind is not None or (index.startswith("160000") and index.endswith(f"\t{folder}\0")):
        raise UsageError(
            f"MAIN_REPO {main_repo} is a submodule of {git.folder} that is not checked out: "
            f"run “git -C {git.folder} submodule update --init {folder}”."
        )
    is_committed = git.ok("rev-parse", "--verify", "--quiet", f"HEAD:{folder}")
    if is_committed or index:
        begins = (source or "").removeprefix("refs/remotes/").removeprefix("refs/heads/")
        raise UsageError(
            f"MAIN_REPO {main_repo} does not exist in {begins}, where the session's branch begins: "
            "merge it there first, or correct MAIN_REPO."
        )
    return False


def _refuse_if_left_out(git: Git, path: Path, prefix: str, main_repo: Path) -> None:
    """Remove and refuse a new worktree that lacks MAIN_REPO's folder, as one of a sparse checkout may."""
    if not (path / prefix).is_dir():
        git.attempt("worktree", "remove", "--force", str(path))
        raise UsageError(
            f"MAIN_REPO {main_repo} is outside of the sparse checkout of {git.folder}: "
            f"run “git -C {git.folder} sparse-checkout add {prefix.rstrip('/')}”."
        )


def _contains(git: Git, ref: str, commit: str) -> bool:
    return git.ok("merge-base", "--is-ancestor", commit, ref)


def _add(git: Git, path: Path, commit: str, *options: str) -> str:
    """Make a worktree with its files; returns a note about those that Git LFS could not get."""
    git.run("worktree", "add", "--quiet", "--no-checkout", *options, str(path), commit)
    files = ("read-tree", "--reset", "-u", "HEAD")
    try:  # apart, as `worktree add` cannot be kept from reading the configuration again
        Git(path).run(*files, timeout=600)
    except GitError as failure:
        is_installed = find_program("git-lfs", os.environ) is not None
        if is_installed and uses_lfs(git, commit) and Git(path, skips_lfs=True).ok(*files):
            return (
                f"Git LFS could not get the files of the repository, so they are pointers only: {failure.message} "
                f"“git -C {path} lfs pull” tries again."
            )
        git.attempt("worktree", "remove", "--force", str(path))
        if "git-lfs" in failure.message and not is_installed:
            raise UsageError(
                "The repository keeps files in Git LFS, which your git configuration sets up, "
                "but git-lfs is not installed: install it and try again."
            ) from failure
        raise
    return ""


def _is_same(folder: Path, path: Path) -> bool:
    return path.is_dir() and folder.resolve() == path.resolve()


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
