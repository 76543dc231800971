"""What a session's folder and worktree hold for reading: the plan, the summary, the diff, the log, the files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiofiles

from samobot.claude.activity import activity
from samobot.claude.records import Assistant, Record
from samobot.claude.stream import Tail
from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.session.changes import checkout, diff_summary, diff_text
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.overview import parse_overview
from samobot.session.plan import newest_plan
from samobot.session.worktree import base_of
from samobot.text import without_surrogates
from samobot.views import ChangedFile, DiffView, Document, FileView

FILE_LIMIT = 50 * 1024 * 1024
"""Bytes of the largest file that can be sent to a chat."""

_SAID_LIMIT = 4000


async def plan_text(folder: SessionFolder) -> Document:
    """The newest plan.

    Raises:
        NotFoundError: There is none.
    """
    plan = await asyncio.to_thread(newest_plan, folder)
    if plan is None:
        raise NotFoundError(f"{folder.name} has no plan yet.")
    return Document(name=without_surrogates(plan.name), text=without_surrogates(plan.text))


async def summary_text(folder: SessionFolder) -> Document | None:
    """The newest artefact whose name says that it is a summary."""

    def newest() -> Path | None:
        found = [
            path
            for path in folder.path.glob("*summary*.md")
            if path.is_file() and not path.name.startswith("_")
        ]
        return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)

    path = await asyncio.to_thread(newest)
    if path is None:
        return None
    content = await _read(path)
    return Document(name=without_surrogates(path.name), text=content.decode("utf-8", "replace"))


async def diff(folder: SessionFolder, main_repo: Path) -> DiffView:
    """What the session's branch holds beyond where it began.

    Raises:
        NotFoundError: The session does not work in a git worktree.
    """

    def look() -> DiffView:
        named = parse_overview(read_text(folder.overview) or "").working_dir
        work_dir = Path(named).expanduser() if named else main_repo
        base = base_of(work_dir)
        found = diff_summary(work_dir, base)
        if found is None:
            raise NotFoundError(
                f"{folder.name} works in {work_dir}, which is not a git repository: there is no diff."
            )
        return DiffView(
            branch=checkout(work_dir).branch,
            commits=found.commits,
            files=tuple(
                ChangedFile(path=without_surrogates(each.path), added=each.added, removed=each.removed)
                for each in found.files
            ),
            added=found.added,
            removed=found.removed,
            uncommitted=found.uncommitted,
            text=without_surrogates(diff_text(work_dir, base) or ""),
        )

    return await asyncio.to_thread(look)


async def log_lines(folder: SessionFolder, main_repo: Path, count: int) -> list[str]:
    """What the agent did last, a line each, in a person's words."""

    def look() -> list[str]:
        lines: list[str] = []
        for record in _last_records(folder):
            if isinstance(record, Assistant) and record.text and not record.sub_agent:
                lines.append(f"💬 {record.text.strip()}")
            doing = activity(record, main_repo)
            if doing is not None and (not isinstance(record, Assistant) or record.tools):
                lines.append(f"{doing.sign} {doing.words}")
        return lines[-count:]

    return await asyncio.to_thread(look)


async def said(folder: SessionFolder) -> str:
    """The last thing that the agent said in its last iteration; empty where it said nothing."""

    def look() -> str:
        texts = [
            record.text.strip()
            for record in _last_records(folder)
            if isinstance(record, Assistant) and not record.sub_agent and record.text.strip()
        ]
        return texts[-1][:_SAID_LIMIT] if texts else ""

    return await asyncio.to_thread(look)


async def files(folder: SessionFolder) -> list[FileView]:
    """The session's artefacts by name: what lies directly in its folder, without our own files."""

    def look() -> list[FileView]:
        return [
            FileView(name=without_surrogates(path.name), size=path.stat().st_size)
            for path in sorted(folder.path.iterdir())
            if path.is_file() and not path.is_symlink() and not path.name.startswith((".", "_signal"))
        ]

    return await asyncio.to_thread(look)


async def file(folder: SessionFolder, name: str) -> bytes:
    """One artefact.

    Raises:
        UsageError: The name leads out of the folder, or the file is too large to be sent.
        NotFoundError: There is no such file.
    """
    path = folder.path / name
    if Path(name).name != name or path.is_symlink():
        raise UsageError(f"“{name}” is not the name of a file in the session's folder.")
    try:
        size = path.stat().st_size
    except OSError:
        raise NotFoundError(f"{folder.name} has no file “{name}”.") from None
    if size > FILE_LIMIT:
        raise UsageError(f"“{name}” is larger than the 50 MB that Telegram takes.")
    return await _read(path)


async def _read(path: Path) -> bytes:
    try:
        async with aiofiles.open(path, "rb") as stream:
            return await stream.read()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _last_records(folder: SessionFolder) -> list[Record]:
    """The records at the end of the newest iteration's log."""
    logs = [path for path in folder.logs.glob("*-*-*-*-*.jsonl") if path.is_file()]
    if not logs:
        return []
    newest = max(logs, key=lambda path: (path.stat().st_mtime_ns, path.name))
    with Tail(newest) as tail:
        return list(tail.finish())


async def timeline(folder: SessionFolder, title: str, theme: str) -> bytes:
    """A picture of the session's course, as PNG.

    Raises:
        UsageError: The plotting library is not installed.
    """

    def draw() -> bytes:
        from samobot.chart import draw as draw_chart
        from samobot.session.journal import events

        return draw_chart(list(events(folder.journal)), title, theme)

    return await asyncio.to_thread(draw)
