"""Finds the folders of a project that Claude Code takes settings and skills from, measured on 2.1.197 and 2.1.332."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from samobot.errors import UsageError
from samobot.regex import regex
from samobot.session.folder_tree import walk
from samobot.session.git import Git, GitError
from samobot.session.git_seal import common_folder, top_of

_SKILLS = os.path.join(".claude", "skills")
_KINDS = ("agents", "commands", "output-styles", "skills", "workflows")
_TRACKED = regex(r"(\d{6}) [0-9a-f]+ \d\t")
"""What stands before the name of a tracked file; another one's name stands alone."""

_SUBMODULE = "160000"
_MAX_FOLDERS = 100_000


def project_folders(work_dir: Path) -> Iterator[Path]:
    """The working directory and those above it, up to the top of the repository."""
    above = [work_dir, *work_dir.parents]
    top = next((index for index, folder in enumerate(above) if os.path.lexists(folder / ".git")), 0)
    yield from above[: top + 1]


def in_main_checkout(work_dir: Path) -> Path | None:
    """The folder that corresponds to a worktree's in the main checkout; None if that is the working directory."""
    top, common = top_of(work_dir), common_folder(work_dir)
    if top is None or common is None or common.name != ".git" or common.parent == top:
        return None
    return common.parent / work_dir.resolve().relative_to(top)


def from_main_checkout(work_dir: Path, main: Path) -> Iterator[Path]:
    """What the CLI takes from the main checkout while it works in a worktree.

    Local settings (since 2.1.332), and agents, commands and skills if the worktree has none of that kind.

    Args:
        work_dir: The working directory.
        main: The folder that corresponds to it in the main checkout.
    """
    for folder, own in zip(project_folders(main), project_folders(work_dir), strict=False):
        if folder == Path.home():  # that one is the user's own
            continue
        yield folder / ".claude" / "settings.local.json"
        for kind in _KINDS:
            if not _has_entries(own / ".claude" / kind):
                yield folder / ".claude" / kind


def _has_entries(folder: Path) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def nested_skills(work_dir: Path) -> Iterator[Path]:
    """Folders of skills below a working directory.

    The CLI loads them as soon as the agent reads a file beside, unless git ignores it, also of submodules.

    Raises:
        OverflowError: There are too many folders to look at.
    """
    try:
        listed = Git(work_dir).run("ls-files", "-z", "-c", "-s", "-o", "--exclude-standard")
    except (GitError, UsageError):  # no repository, or no git
        yield from _walked(work_dir)
        return
    found: set[Path] = set()
    for entry in listed.split("\0"):
        tracked = _TRACKED.match(entry)
        # The name of a file that is not tracked may look like the entry of one that is, so both are looked at.
        for name in {entry, entry[tracked.end() :]} if tracked else (entry,):
            if ".claude" in name:
                found.update(_beside(work_dir, PurePath(name)))
            if name.endswith("/") or (tracked and tracked[1] == _SUBMODULE):
                found.update(_walked(work_dir / name))
    yield from sorted(found)


def _beside(work_dir: Path, name: PurePath) -> Iterator[Path]:
    """The folder of skills that a file, or a link to a folder, is in: not the working directory's own."""
    for index, part in enumerate(name.parts[1:], 1):
        folder = work_dir.joinpath(*name.parts[:index], _SKILLS)
        if part == ".claude" and os.path.lexists(folder):
            yield folder


def _walked(top: Path) -> Iterator[Path]:
    for count, (parent, folders, _) in enumerate(walk(top)):
        if count > _MAX_FOLDERS:
            raise OverflowError(f"{top} has too many folders.")
        if os.path.lexists(os.path.join(parent, _SKILLS)):
            yield Path(parent, _SKILLS)
        folders[:] = sorted(name for name in folders if name != ".git")
