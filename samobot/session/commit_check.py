"""Whether git can commit in a folder, and whether a session has left work without a commit."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session.branch_state import submodules
from samobot.session.diff import DiffSummary
from samobot.session.files import open_regular, real_path
from samobot.session.git import Git, GitError
from samobot.session.git_config import untrusted_programs
from samobot.session.git_seal import top_of

_TIMEOUT_S = 20.0
OLD_LOCK = 600.0
"""Seconds after which a lock of git counts as left behind: no git command of samobot takes that long."""

_CLEANUPS = ("default", "verbatim", "whitespace", "strip", "scissors")
_FIRST_LINE = 256
_MOST_SUBMODULES = 50
_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg")


def commit_problem(path: Path, *, locks: bool = True) -> str | None:
    """Make a commit that no branch names, as the agent's would be signed; return why that fails, else None.

    What else can keep a commit from being made is looked at without making it: locks that a dead git left, a
    damaged index, and hooks whose interpreter is missing; no hook is run.

    A repository whose own configuration names the signing program is tried without a signature, as samobot
    does not run that program. Nothing is tried without a repository, or without a name and an address for commits,
    which an agent can set and doctor reports.

    Args:
        path: The working directory.
        locks: Whether to look for locks that were left.

    Raises:
        UsageError: git is not installed.
    """
    git = Git(path).for_several()
    places = _places(git)
    if places is None or not git.ok("var", "GIT_COMMITTER_IDENT"):
        return None
    signed = False
    try:
        signed = signs_commits(git)
        tree = git.run("mktree").strip()
        sign = ["--gpg-sign"] if signed else ["--no-gpg-sign"]
        git.run("commit-tree", *sign, "-m", "samobot: can this repository commit?", tree, timeout=_TIMEOUT_S)
        signed = False
        left = _left_lock(places) if locks else None
        if left is not None:
            return (
                f"git cannot commit in {path}: a git that was killed left the lock {left}. "
                "Delete it if no git is running there, then resume."
            )
        closed = _closed_place(places)
        if closed is not None:
            return f"git cannot commit in {path}: {closed} is not writable for you. Make it writable, then resume."
        git.read("ls-files", "-z", limit=1)  # not `git status`: it looks into submodules
        hook = _hook_problem(git)
        cleanup = [each.value for each in git.configuration() if each.key == "commit.cleanup"]
    except GitError as failure:
        return f"git cannot commit in {path}: {failure.message} {_remedy(signed=signed)}"
    if cleanup and cleanup[-1] not in _CLEANUPS:
        return f"git cannot commit in {path}: it knows no commit.cleanup “{cleanup[-1]}”. Fix the repository, then resume."
    return None if hook is None else f"git cannot commit in {path}: {hook}"


@frozen
class _Places:
    """The files that a commit writes: the index, HEAD, the branch, and their logs."""

    index: Path
    head: Path
    branch: Path
    logs: tuple[Path, Path]


def _places(git: Git) -> _Places | None:
    """Where they are; None without a repository."""
    branch = (git.attempt("symbolic-ref", "--quiet", "HEAD") or "HEAD").strip()
    asked = [
        word
        for name in ("index", "HEAD", branch, "logs/HEAD", f"logs/{branch}")
        for word in ("--git-path", name)
    ]
    found = git.attempt("rev-parse", *asked)
    if found is None:
        return None
    index, head, ref, *logs = (git.folder / line for line in found.rstrip("\n").split("\n"))
    return _Places(index, head, ref, (logs[0], logs[1]))


def _left_lock(places: _Places) -> Path | None:
    """The lock of the index or of the branch that is older than any git that works."""
    for path in (places.index, places.head, places.branch):
        lock = path.with_name(f"{path.name}.lock")
        with contextlib.suppress(OSError):
            if time.time() - lock.lstat().st_mtime > OLD_LOCK:
                return lock
    return None


def _closed_place(places: _Places) -> Path | None:
    """The folder of the index, of the branch or of its log, or that log, in which a commit could not be noted."""
    for path in (places.index, places.branch, *places.logs):
        folder = next(each for each in path.parents if each.is_dir())
        if not os.access(folder, os.W_OK | os.X_OK):
            return folder
    # The index and the branch are replaced by new files; the log is appended to.
    return next((log for log in places.logs if log.is_file() and not os.access(log, os.W_OK)), None)


def commit_hooks(path: Path) -> tuple[Path, ...]:
    """The hooks that can refuse a commit in a folder, in the order in which git runs them; none without a repository.

    Raises:
        UsageError: git is not installed.
    """
    git = Git(path).for_several()
    try:
        folder = _hooks_folder(git)
    except GitError:
        return ()
    hooks = (folder / name for name in ("pre-commit", "commit-msg"))
    return tuple(hook for hook in hooks if hook.is_file() and os.access(hook, os.X_OK))


def _hooks_folder(git: Git) -> Path:
    configured = [
        entry.value for entry in git.configuration() if entry.key == "core.hookspath" and entry.value
    ]
    if configured:
        top = git.run("rev-parse", "--show-toplevel").rstrip("\n")
        return Path(top, os.path.expanduser(configured[-1]))
    return Path(git.run("rev-parse", "--path-format=absolute", "--git-common-dir").rstrip("\n"), "hooks")


def _hook_problem(git: Git) -> str | None:
    """Name a hook of commits whose interpreter is missing."""
    folder = _hooks_folder(git)
    for name in _HOOKS:
        missing = _missing_interpreter(folder / name)
        if missing is not None:
            return f"its hook {folder / name} is run by {missing}, which is not installed. Install it, or remove the hook."
    return None


def _missing_interpreter(hook: Path) -> str | None:
    if not os.access(hook, os.X_OK):
        return None  # git ignores it
    try:
        with open_regular(hook) as file:
            first = file.read(_FIRST_LINE).partition(b"\n")[0].decode("utf-8", "replace")
    except (OSError, StorageError):
        return None
    # The kernel takes a carriage return, as of Windows, for a part of the name.
    words = re.split(r"[ \t]+", first[2:].strip(" \t")) if first.startswith("#!") else []
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words or not words[0] or shutil.which(words[0]) is not None:
        return None
    return words[0].replace("\r", " with a carriage return after it")


def signs_commits(git: Git) -> bool:
    """Return whether commits are to be signed, by a program that the user's own configuration names.

    Raises:
        GitError: The configuration cannot be read.
        UsageError: git is not installed.
    """
    if git.run("config", "--type=bool", "--default", "false", "--get", "commit.gpgsign").strip() != "true":
        return False
    return not any(key.startswith("gpg.") for key in untrusted_programs(git.configuration()))


def unfinished_work(path: Path, found: DiffSummary | None) -> str:
    """Return what keeps a session's work from being complete in git, for display; empty if nothing does.

    Args:
        path: The working directory.
        found: What changed there since the branch began; None if there is no repository.
    """
    if found is None:
        return ""
    problems = []
    if found.uncommitted:
        problems.append(
            "1 file is not committed"
            if found.uncommitted == 1
            else f"{found.uncommitted} files are not committed"
        )
    stray = []
    if _is_linked_worktree(path):
        if not found.commits:
            problems.append("nothing was committed")
        stray = list(_stray_work(Git(path).for_several()))
    stray += _open_submodules(path)
    hooks = commit_hooks(path) if problems else ()
    if hooks:
        problems.append(f"perhaps as its hook {' or '.join(hook.name for hook in hooks)} refused")
    return ", ".join([*problems, *stray])


def _stray_work(git: Git) -> Iterator[str]:
    """What is in git, but not on the session's branch."""
    branch = git.attempt("symbolic-ref", "--quiet", "--short", "HEAD")
    if branch is None:
        yield "no branch is checked out"
        return
    stashed = (
        git.attempt("log", "--walk-reflogs", "--format=%gs", "--max-count=100", "refs/stash", "--") or ""
    )
    if any(re.match(rf"(?:WIP on|On) {re.escape(branch.strip())}:", each) for each in stashed.splitlines()):
        yield "work is stashed"


def _open_submodules(path: Path) -> Iterator[str]:
    """The submodules with changes that they have no commit of, which `git status` is kept from looking into."""
    top = top_of(path) or path
    seen = {real_path(top)}
    places = [top]
    for place in places:
        with contextlib.suppress(GitError):
            inside = [place / name for name in submodules(place)]
            # Links of an agent could lead in a circle.
            new = [each for each in inside if real_path(each) not in seen]
            seen.update(map(real_path, new))
            places += new[: max(0, _MOST_SUBMODULES - len(places))]
    for place in places[1:]:
        if Git(place).attempt("status", "--porcelain", "-z", "--untracked-files=all"):
            yield f"work in the submodule {place.relative_to(top)} is not committed"


def _is_linked_worktree(path: Path) -> bool:
    folders = (
        Git(path).attempt("rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir") or ""
    ).split("\n")
    return len(folders) > 1 and folders[0] != folders[1]


def _remedy(*, signed: bool) -> str:
    if signed:
        return (
            "commit.gpgsign is on: fix the signing key (user.signingkey), "
            "or turn signing off with “git config commit.gpgsign false”."
        )
    return "Fix the repository, then resume."
