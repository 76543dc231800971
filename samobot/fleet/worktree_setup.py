"""Prepares a new worktree for building: submodules, ignored files that the build needs, Git LFS.

The project's own command is run by the worker: see `setup_command`.

What is missing afterwards is reported; nothing of it keeps the session from starting.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.git import Git, GitError
from samobot.text import one_line

INCLUDE_FILE = ".worktreeinclude"
"""Names, in the syntax of `.gitignore`, the ignored files that each worktree gets a copy of."""

_SUBMODULES_S = 600.0
_MARK = "samobot-prepared"
_MAX_COPIED = 2000
_MAX_COPIED_BYTES = 1024**3
_MAX_PATTERNS = 64 * 1024
_CHUNK = 200


def set_up_worktree(project: Project, root: Path) -> list[str]:
    """Prepare a worktree once; one that was prepared already is left alone.

    Args:
        project: The session's project.
        root: The top of the worktree.

    Returns:
        A sentence for each thing that is missing.

    Raises:
        UsageError: git is not installed.
        StorageError: A record cannot be read or written.
    """
    git = Git(root)
    try:
        mark = Path(git.run("rev-parse", "--absolute-git-dir").rstrip("\n")) / _MARK
    except GitError:
        return []
    if mark.exists():
        return []
    notes = [
        *_init_submodules(git),
        *_copy_included(project.main_repo, root),
        *_check_lfs(git),
    ]
    try:
        mark.touch()
    except OSError as error:
        raise StorageError(f"{mark} cannot be written: {error.strerror}.") from error
    return notes


def _init_submodules(git: Git) -> Iterator[str]:
    if not (git.folder / ".gitmodules").is_file():
        return
    try:
        git.run(
            "submodule", "--quiet", "update", "--init", "--recursive", "--checkout", timeout=_SUBMODULES_S
        )
    except GitError as failure:
        yield f"The worktree lacks submodules: {failure.message}"


def _copy_included(main_repo: Path, root: Path) -> Iterator[str]:
    """Copy the ignored files of the main checkout that `.worktreeinclude` names; links are not followed."""
    try:
        top = Path(Git(main_repo).run("rev-parse", "--show-toplevel").rstrip("\n"))
    except GitError:
        return  # a bare repository has no files to copy
    patterns = top / INCLUDE_FILE
    if not os.path.lexists(patterns):
        return
    try:
        with open_regular(patterns) as file:
            too_long = len(file.read(_MAX_PATTERNS + 1)) > _MAX_PATTERNS
    except (OSError, StorageError) as error:
        yield f"{INCLUDE_FILE} cannot be read: {error}"
        return
    if too_long:
        yield f"{INCLUDE_FILE} is longer than {_MAX_PATTERNS} bytes; it is not used."
        return
    git = Git(top)
    try:
        named = git.run("ls-files", "-z", "--others", "--ignored", f"--exclude-from={patterns}")
        names = list(_ignored(git, [name for name in named.split("\0") if name]))
    except GitError as failure:
        yield f"The files that {INCLUDE_FILE} names were not copied: {failure.message}"
        return
    copied = 0
    skipped = []
    for name in names[:_MAX_COPIED]:
        size = _copy(top, root, name, _MAX_COPIED_BYTES - copied)
        if size is None:
            skipped.append(name)
        else:
            copied += size
    skipped += names[_MAX_COPIED:]
    if skipped:
        yield f"Not copied of {INCLUDE_FILE}: {one_line(', '.join(skipped), 200)}"


def _ignored(git: Git, names: list[str]) -> Iterator[str]:
    """Those of the untracked files that git ignores; others may be the user's unfinished work."""
    for begin in range(0, min(len(names), _MAX_COPIED + 1), _CHUNK):
        literal = (f":(literal){name}" for name in names[begin : begin + _CHUNK])
        found = git.run("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *literal)
        yield from (name for name in found.split("\0") if name)


def _copy(top: Path, root: Path, name: str, limit: int) -> int | None:
    """Copy one file that is not there yet; returns its size, or None if it was not copied."""
    source, target = top / name, root / name
    try:
        if os.path.lexists(target):
            return 0
        if not stat.S_ISREG(source.lstat().st_mode) or _real(source.parent) != _real(top) / Path(name).parent:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        if _real(target.parent) != _real(root) / Path(name).parent:
            return None
        with open_regular(source) as file:
            facts = os.fstat(file.fileno())
            if facts.st_size > limit:
                return None
            descriptor = os.open(
                target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, facts.st_mode & 0o777
            )
            with os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(file, copy)
    except (OSError, StorageError, ValueError):
        return None
    return facts.st_size


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _check_lfs(git: Git) -> Iterator[str]:
    uses_lfs = git.ok("grep", "--quiet", "-e", "filter=lfs", "HEAD", "--", ":(glob)**/.gitattributes")
    if not uses_lfs:
        return
    if shutil.which("git-lfs") is None:
        yield "The repository keeps files in Git LFS, but git-lfs is not installed: they are pointers only."
    elif not git.ok("config", "--global", "filter.lfs.smudge") and not git.ok(
        "config", "--system", "filter.lfs.smudge"
    ):
        yield (
            "The repository keeps files in Git LFS, but git-lfs is not in your own git configuration, and the "
            "repository's is not used: run “git lfs install”. Until then they are pointers only."
        )
