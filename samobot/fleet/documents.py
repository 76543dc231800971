"""The documents of a session: its plan, summary, diff and artefacts.

All of it was written by an agent: any name, any size. Nothing is read through a link or from anything but a
regular file, and of what has no useful limit only a part is read.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import aiofiles

from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.fleet.results import ChangedFile, DiffView, Document, FileView
from samobot.session.branch_point import base_of
from samobot.session.branch_state import work_dir_of
from samobot.session.commit_check import unfinished_work
from samobot.session.diff import DIFF_LIMIT, branch_of, diff_summary, diff_text
from samobot.session.file_marks import written_ns
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import read_plan
from samobot.session.journal import events
from samobot.session.lock import holder
from samobot.session.user_files import is_from_user
from samobot.text import clip, human_size, without_surrogates

FILE_LIMIT = 50 * 1024 * 1024
"""Bytes of the largest file that can be sent to a chat."""

TEXT_LIMIT = 2 * 1024 * 1024
"""Bytes of a text that are read at most."""

MAX_FILES = 1000
"""Files that are listed at most."""

_MAX_ENTRIES = 5000
"""Entries of a session's folder that are looked at: an agent can leave millions."""


async def plan_text(folder: SessionFolder) -> Document:
    """The plan.

    Raises:
        NotFoundError: There is none, or it is not clear which file it is.
    """
    choice = await asyncio.to_thread(read_plan, folder)
    plan = choice.plan
    if plan is None:
        raise NotFoundError(f"{folder.name} has no plan yet: {choice.problem}.")
    return Document(name=without_surrogates(plan.name), text=without_surrogates(plan.text))


async def summary_text(folder: SessionFolder) -> Document | None:
    """The newest artefact with “summary” in its name; its first two megabytes."""
    path = await asyncio.to_thread(_newest_summary, folder)
    if path is None:
        return None
    content = await _read(path, TEXT_LIMIT)
    return Document(name=without_surrogates(path.name), text=content.decode("utf-8", "replace"))


def newest_summary(folder: SessionFolder) -> str:
    """The text of the same; empty if there is none.

    Raises:
        StorageError: It cannot be read.
    """
    path = _newest_summary(folder)
    return "" if path is None else read_text(path) or ""


def _newest_summary(folder: SessionFolder) -> Path | None:
    found = [
        (written_ns(facts), path.name, path)
        for path, facts in artefacts(folder)
        if "summary" in path.name
        and path.name.endswith(".md")
        and not path.name.startswith("_")
        and not is_from_user(path.name)
    ]
    return max(found)[2] if found else None


async def diff(folder: SessionFolder, main_repo: Path) -> DiffView:
    """The changes of the session's branch since its base.

    Raises:
        NotFoundError: The session does not work in a git worktree.
        ConflictError: git refuses to read it.
    """

    def look() -> DiffView:
        work_dir = work_dir_of(folder, main_repo)
        base = base_of(work_dir)
        found = diff_summary(work_dir, base)
        if found is None:
            raise NotFoundError(
                f"{folder.name} works in {work_dir}, which is not a git repository: there is no diff."
            )
        return DiffView(
            branch=branch_of(work_dir),
            commits=found.commits,
            files=tuple(
                ChangedFile(path=without_surrogates(each.path), added=each.added, removed=each.removed)
                for each in found.files[:MAX_FILES]
            ),
            more=max(0, len(found.files) - MAX_FILES),
            added=found.added,
            removed=found.removed,
            uncommitted=found.uncommitted,
            unfinished=unfinished_work(work_dir, found),
            text=_diff_text(work_dir, base),
        )

    return await asyncio.to_thread(look)


def _diff_text(work_dir: Path, base: str | None) -> str:
    found = diff_text(work_dir, base)
    if found is None:
        return ""
    note = f"\n… Cut: only the first {human_size(DIFF_LIMIT)} are shown.\n" if found.cut else ""
    return without_surrogates(found.text) + note


async def files(folder: SessionFolder) -> list[FileView]:
    """The session's artefacts by name: the files directly in its folder, without our own.

    Raises:
        StorageError: The folder cannot be read.
    """

    def look() -> list[FileView]:
        found = {without_surrogates(path.name): facts.st_size for path, facts in artefacts(folder)}
        return [FileView(name=name, size=found[name]) for name in sorted(found)[:MAX_FILES]]

    return await asyncio.to_thread(look)


async def file(folder: SessionFolder, name: str) -> bytes:
    """One artefact, by the name that `files` gave it.

    Raises:
        UsageError: The file is too large to be sent.
        NotFoundError: There is no such file among the artefacts.
        StorageError: It cannot be read.
    """

    def look() -> tuple[Path, int] | None:
        found = {without_surrogates(path.name): (path, facts.st_size) for path, facts in artefacts(folder)}
        return found.get(name)

    found = await asyncio.to_thread(look)
    if found is None:
        raise NotFoundError(f"{folder.name} has no file “{clip(name, 80)}”.")
    path, size = found
    content = b"" if size > FILE_LIMIT else await _read(path, FILE_LIMIT + 1)
    if max(size, len(content)) > FILE_LIMIT:
        raise UsageError(f"“{name}” is larger than the 50 MB that Telegram takes.")
    return content


async def timeline(folder: SessionFolder, title: str, theme: str) -> bytes:
    """A picture of the session's course, as PNG.

    Raises:
        NotFoundError: Nothing has happened yet.
        UsageError: The plotting library is not installed.
    """

    def draw() -> bytes:
        from samobot.chart.draw import draw as draw_chart
        from samobot.chart.palette import Theme

        alive = holder(folder) is not None
        background = Theme.DARK if theme == Theme.DARK else Theme.LIGHT
        return draw_chart(events(folder), title, background, now=datetime.now(UTC), alive=alive)

    return await asyncio.to_thread(draw)


def artefacts(folder: SessionFolder) -> list[tuple[Path, os.stat_result]]:
    """The regular files directly in the folder, without hidden ones and signals; never what a link leads to.

    Of a folder with more than 5,000 entries some are left out.
    """
    found: list[tuple[Path, os.stat_result]] = []
    try:
        with os.scandir(folder.path) as entries:
            for entry in itertools.islice(entries, _MAX_ENTRIES):
                if entry.name.startswith((".", "_signal")):
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(facts.st_mode):
                    found.append((Path(entry.path), facts))
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be read: {error.strerror}.") from error
    return found


async def _read(path: Path, limit: int) -> bytes:
    try:
        async with aiofiles.open(path, "rb", opener=open_unlinked) as stream:
            return await stream.read(limit)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def open_unlinked(path: str, flags: int) -> int:
    """Open a file only if it is still a regular one and not a link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
