"""What the agent did and wrote last, from the end of its newest iteration's log."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

from samobot.claude.activity import activity
from samobot.claude.record_parser import parse
from samobot.claude.records import Assistant, Record
from samobot.errors import StorageError
from samobot.fleet.documents import open_unlinked
from samobot.session.branch_state import work_dir_of
from samobot.session.file_marks import written_ns
from samobot.session.folder import SessionFolder
from samobot.text import clip

_TAILS = (512 * 1024, 4 * 1024 * 1024, 16 * 1024 * 1024)
"""Bytes from the end of a log that are read, one after the other, until enough is found."""

_SAID_LIMIT = 4000
_LINE_LIMIT = 1000


async def log_lines(folder: SessionFolder, main_repo: Path, count: int) -> list[str]:
    """The agent's last actions, a readable line each."""

    def look() -> list[str]:
        work_dir = work_dir_of(folder, main_repo)
        records = _last_records(folder, lambda found: len(_lines(found, work_dir, folder.path)) >= count)
        return _lines(records, work_dir, folder.path)[-count:] if count > 0 else []

    return await asyncio.to_thread(look)


async def last_message(folder: SessionFolder) -> str:
    """The agent's last message of its last iteration; empty if it wrote none."""

    def look() -> str:
        texts = _texts(_last_records(folder, lambda found: bool(_texts(found))))
        return clip(texts[-1], _SAID_LIMIT) if texts else ""

    return await asyncio.to_thread(look)


def _lines(records: list[Record], work_dir: Path, session: Path) -> list[str]:
    lines: list[str] = []
    for record in records:
        if isinstance(record, Assistant) and record.text.strip() and not record.sub_agent:
            lines.append(f"💬 {clip(record.text.strip(), _LINE_LIMIT)}")
        doing = activity(record, work_dir, session)
        if doing is not None and (not isinstance(record, Assistant) or record.tools):
            lines.append(f"{doing.sign} {doing.words}")
    return lines


def _texts(records: list[Record]) -> list[str]:
    return [
        record.text.strip()
        for record in records
        if isinstance(record, Assistant) and not record.sub_agent and record.text.strip()
    ]


def _last_records(folder: SessionFolder, enough: Callable[[list[Record]], bool]) -> list[Record]:
    """The records at the end of the newest iteration's log: as many as are enough, or as may be read."""
    log = _newest_log(folder)
    if log is None:
        return []
    records: list[Record] = []
    try:
        with open(log, "rb", opener=open_unlinked) as stream:
            size = os.fstat(stream.fileno()).st_size
            for limit in _TAILS:
                start = max(0, size - limit)
                stream.seek(start)
                lines = stream.read(limit).split(b"\n")
                records = [record for line in lines[bool(start) :] if (record := _record(line)) is not None]
                if start == 0 or enough(records):
                    break
    except OSError as error:
        raise StorageError(f"{log} cannot be read: {error.strerror}.") from error
    return records


def _newest_log(folder: SessionFolder) -> Path | None:
    found: list[tuple[int, str, Path]] = []
    try:
        with os.scandir(folder.logs) as entries:
            for entry in entries:
                if entry.name.count("-") >= 4 and entry.name.endswith(".jsonl"):
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISREG(facts.st_mode):
                        found.append((written_ns(facts), entry.name, Path(entry.path)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{folder.logs} cannot be read: {error.strerror}.") from error
    return max(found)[2] if found else None


def _record(line: bytes) -> Record | None:
    try:
        value = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return parse(value) if isinstance(value, dict) else None
