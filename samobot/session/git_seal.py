"""A git folder whose configuration cannot change while git runs.

git reads a repository's configuration itself, after samobot has looked at it: whoever writes in between would
have its program started. So commands that could start one get a folder of their own for what all worktrees
share (`GIT_COMMON_DIR`, see gitrepository-layout): the configuration as it was looked at, without what names a
program, and links to everything else.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.files import read_bytes, real_path
from samobot.session.git_config import Entry, harmless_text

_CONFIG = "config"
_SHARED = ("HEAD", "objects", "refs", "reftable", "logs", "info", "worktrees", "modules", "lfs", "rr-cache")
_WRITTEN = ("packed-refs", "shallow")
"""Git replaces these through a link, and creates them through one that leads nowhere yet."""

_POINTER_BYTES = 4096 + 64
_FORMAT = "core.repositoryformatversion"


@contextmanager
def sealed(folder: Path, entries: list[Entry]) -> Iterator[dict[str, str]]:
    """Yield the variables with which git, run in a folder, takes its configuration as it was looked at.

    Args:
        folder: Where git is run.
        entries: The configuration that git has listed there.

    Raises:
        OSError: The folder cannot be made.
    """
    found = _locate(folder) if any(each.key == _FORMAT and not each.trusted for each in entries) else None
    if found is None:  # no repository that git accepts: it is git that refuses it, or a bare one
        yield {}
        return
    top, git_dir, common = found
    place = Path(tempfile.mkdtemp(prefix="samobot-git-"))
    try:
        for name in _SHARED:
            if os.path.lexists(common / name):
                (place / name).symlink_to(common / name)
        for name in _WRITTEN:
            (place / name).symlink_to(common / name)
        (place / _CONFIG).write_text(harmless_text(entries), encoding="utf-8", errors="surrogateescape")
        yield {"GIT_DIR": str(git_dir), "GIT_COMMON_DIR": str(place), "GIT_WORK_TREE": str(top)}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def top_of(work_dir: Path) -> Path | None:
    """The top of the working tree that a folder is in, as git finds it; of a damaged one if there is no other."""
    resolved = work_dir.resolve()
    damaged = None
    for path in (resolved, *resolved.parents):
        if os.path.lexists(path / ".git"):
            if _is_top(path):
                return path
            damaged = damaged or path
    return damaged


def _is_top(path: Path) -> bool:
    """Whether git's search ends here: it passes over a `.git` that is a folder without a repository, or no file."""
    dot = path / ".git"
    return dot.is_file() or _common_of(dot) is not None


def repository_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders that a repository's files lie in: its working tree there, and the checkout of its git folder.

    A home that is a repository is left out, unless git runs in its top: programs of the user's own are in there.

    Args:
        folder: Where git is run.
    """
    top, common = top_of(folder), common_folder(folder)
    others = [] if top is None else [top]
    if common is not None:
        others.append(common.parent if common.name == ".git" else common)
    home = real_path(Path(os.path.expanduser("~")))
    return folder, *(each for each in others if not home.is_relative_to(each))


def common_folder(folder: Path) -> Path | None:
    """Return the git folder that all worktrees of a folder's repository share; None if git would find none."""
    found = _locate(folder)
    return None if found is None else real_path(found[2])


def _locate(folder: Path) -> tuple[Path, Path, Path] | None:
    """Return the top of a worktree, its git folder, and the one that all worktrees share, as git finds them."""
    top = top_of(folder)
    if top is None:
        return None
    dot = top / ".git"
    git_dir = dot if dot.is_dir() else _pointed(dot, "gitdir: ")
    common = None if git_dir is None else _common_of(git_dir)
    return None if git_dir is None or common is None else (top, git_dir, common)


def _common_of(git_dir: Path) -> Path | None:
    """Return the folder that the worktrees of a git folder share; None if it is none."""
    common = _pointed(git_dir / "commondir", "") or git_dir
    is_whole = (git_dir / "HEAD").exists() and (common / "objects").is_dir() and (common / "refs").is_dir()
    return common if is_whole else None


def _pointed(file: Path, prefix: str) -> Path | None:
    try:
        data = read_bytes(file, limit=_POINTER_BYTES)
    except StorageError:
        return None
    text = os.fsdecode(data or b"").rstrip("\n")
    return file.parent / text.removeprefix(prefix) if data and text.startswith(prefix) else None
