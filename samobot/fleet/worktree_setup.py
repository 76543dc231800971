"""Prepares a new worktree for building: submodules, ignored files that the build needs, Git LFS.

The project's own command is run by the worker: see `setup_command`.

What is missing afterwards is reported; nothing of it keeps the session from starting.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from samobot.config.project import Project
from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.folder_tree import remove_tree
from samobot.session.git import Git, GitError
from samobot.session.repository import uses_lfs
from samobot.session.search_path import find_program
from samobot.text import one_line

INCLUDE_FILE = ".worktreeinclude"
"""Names, in the syntax of `.gitignore`, the ignored files that each worktree gets a copy of."""

_SUBMODULES_S = 600.0
_UPDATE = ("submodule", "--quiet", "update", "--init", "--recursive", "--checkout")
_GITLINK = "160000 "
_PLAIN = re.compile(r"(?!!)(?:[^*?\[\\]|\\.)+")
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
    git = Git(root).for_several()
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
    listed = git.attempt("ls-files", "--stage", "-z") or ""
    links = [entry.partition("\t")[2] for entry in listed.split("\0") if entry.startswith(_GITLINK)]
    if not links:
        return
    git = Git(git.folder)  # `submodule` writes into the configuration
    problem = ""
    try:
        git.run(*_UPDATE, timeout=_SUBMODULES_S)
    except GitError as failure:
        problem = failure.message
        deadline = time.monotonic() + _SUBMODULES_S
        # One that cannot be had keeps git from the others, so each is tried alone.
        results = [_update_one(git, link, deadline) for link in links]
        problem = problem if not all(results) else ""
    for link in (git.attempt("diff", "--name-only", "-z") or "").split("\0"):
        if link in links:  # at another commit than the branch has: a commit of everything would take it in
            remove_tree(git.folder / link)
            (git.folder / link).mkdir(exist_ok=True)
    empty = [link for link in links if not _has_files(git.folder / link)]
    if problem or empty:
        first = problem.partition("fatal: ")[2].partition(" fatal: ")[0] or problem
        reason = f" ({one_line(first, 200)})" if first and empty else first
        yield f"The worktree lacks submodules: {one_line(', '.join(empty), 200)}{reason}"


def _update_one(git: Git, link: str, deadline: float) -> bool:
    left = deadline - time.monotonic()
    return left > 0 and git.attempt(*_UPDATE, "--", f":(literal){link}", timeout=left) is not None


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _copy_included(main_repo: Path, root: Path) -> Iterator[str]:
    """Copy the ignored files of the main checkout that `.worktreeinclude` names; links are not followed."""
    try:
        top, prefix = Git(main_repo).run("rev-parse", "--show-toplevel", "--show-prefix").split("\n")[:2]
    except GitError:
        if os.path.lexists(root / INCLUDE_FILE):
            yield f"{INCLUDE_FILE} was not used: MAIN_REPO is a bare repository, which has no files to copy."
        return
    patterns = []
    for each in ("", prefix) if prefix else ("",):
        try:
            # The checkout may be on a branch from before the file.
            patterns += _read_patterns(Path(top), each) or _read_patterns(root, each)
        except (OSError, StorageError) as error:
            yield f"{each}{INCLUDE_FILE} cannot be used: {error}"
    if not patterns:
        return
    git = Git(Path(top)).for_several()
    try:
        excluded = (f"--exclude={pattern}" for pattern in patterns)
        named = [
            name for name in git.run("ls-files", "-z", "--others", "--ignored", *excluded).split("\0") if name
        ]
        names = list(_ignored(git, named))
    except GitError as failure:
        yield f"The files that {INCLUDE_FILE} names were not copied: {failure.message}"
        return
    copied = 0
    skipped = []
    for name in names[:_MAX_COPIED]:
        size = _copy(git.folder, root, name, _MAX_COPIED_BYTES - copied)
        if size is None:
            skipped.append(name)
        else:
            copied += size
    skipped += names[_MAX_COPIED:]
    if skipped:
        limit = f" (it names more than {_MAX_COPIED} files)" if len(named) > _MAX_COPIED else ""
        yield f"Not copied of {INCLUDE_FILE}{limit}: {one_line(', '.join(skipped), 200)}"
    if absent := [name for name in _plain_names(patterns) if not _is_there(git.folder, name, named)]:
        yield f"Named in {INCLUDE_FILE}, but not there: {one_line(', '.join(absent), 200)}"


def _read_patterns(top: Path, prefix: str) -> list[str]:
    """Read the patterns of a folder's `.worktreeinclude` as patterns of the top; empty if it has none.

    Raises:
        OSError: It cannot be read.
        StorageError: It is no regular file, or too long.
    """
    path = top / prefix / INCLUDE_FILE
    if not os.path.lexists(path):
        return []
    with open_regular(path) as file:
        content = file.read(_MAX_PATTERNS + 1)
    if len(content) > _MAX_PATTERNS:
        raise StorageError(f"it is longer than {_MAX_PATTERNS} bytes.")
    place = re.sub(r"([*?\[\\])", r"\\\1", prefix)
    found = []
    for line in content.decode("utf-8-sig", "surrogateescape").replace("\0", "").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        sign, pattern = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
        anchored = "/" in pattern.rstrip("/")
        pattern = f"/{pattern[2:]}" if pattern.startswith("./") else pattern
        if prefix:
            pattern = f"/{place}{'' if anchored else '**/'}{pattern.lstrip('/')}"
        found.append(sign + pattern)
    return found


def _plain_names(patterns: list[str]) -> Iterator[str]:
    """The patterns that name one file or folder."""
    for pattern in patterns:
        name = pattern.replace("/**/", "/").strip("/")
        if _PLAIN.fullmatch(name):
            yield re.sub(r"\\(.)", r"\1", name)


def _is_there(top: Path, name: str, named: list[str]) -> bool:
    return os.path.lexists(top / name) or any(f"/{name}/" in f"/{each}/" for each in named)


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
    if not uses_lfs(git, "HEAD"):
        return
    if find_program("git-lfs", os.environ) is None:
        yield "The repository keeps files in Git LFS, but git-lfs is not installed: they are pointers only."
    elif not git.ok("config", "--global", "filter.lfs.smudge") and not git.ok(
        "config", "--system", "filter.lfs.smudge"
    ):
        yield (
            "The repository keeps files in Git LFS, but git-lfs is not in your own git configuration, and the "
            "repository's is not used: run “git lfs install”. Until then they are pointers only."
        )
