"""The journal: the events of a session, one per line, and the sums over it.

The worker appends; everybody reads. Lines are never changed, so a reader keeps its place and its sums and
a poll costs one `stat`. A damaged line is skipped and counted: money already spent must not vanish from
the sum because the machine died while a later line was written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from samobot.errors import StorageError
from samobot.session.files import JOURNAL_LIMIT, append_line, open_regular
from samobot.session.folder import SessionFolder
from samobot.session.journal_events import (
    EventName,
    Journal,
    Park,
    PhaseChange,
    Remark,
    Run,
    RunEnd,
    RunEndReason,
    RunningIteration,
    moment,
    stamp,
)
from samobot.session.journal_totals import JournalTotals

_MAX_LINE = 4 * 1024 * 1024
_TAIL = 64
_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()

__all__ = [
    "EventName",
    "Journal",
    "JournalReader",
    "Park",
    "PhaseChange",
    "Remark",
    "Run",
    "RunEnd",
    "RunEndReason",
    "RunningIteration",
    "append",
    "events",
    "moment",
    "read",
    "stamp",
]


def append(folder: SessionFolder, event: EventName, now: datetime, /, **fields: object) -> None:
    """Append one event; it is on disk when this returns.

    Args:
        folder: The session; its `_logs` must exist.
        event: The kind.
        now: When it happened.
        **fields: The kind's fields. Times are written in UTC; a field that is None is written as null.

    Raises:
        StorageError: The disk refused.
    """
    values = {key: stamp(value) if isinstance(value, datetime) else value for key, value in fields.items()}
    append_line(folder.journal, json.dumps({"at": stamp(now), "event": event.value, **values}))


def read(folder: SessionFolder) -> Journal:
    """Read a whole journal once. A missing one is an empty one.

    Raises:
        StorageError: It is there and cannot be read.
    """
    return JournalReader(folder.journal).read()


class JournalReader:
    """Reads a journal again and again, each time only what was added.

    A file that was replaced, shortened or rewritten is read anew.

    Args:
        path: The journal file; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int, int] | None = None
        self._offset = 0
        self._tail = b""
        self._sums = JournalTotals()
        self._journal = Journal()

    def read(self) -> Journal:
        """Take in what was added and return the sums.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        try:
            with open_regular(self._path, limit=JOURNAL_LIMIT) as file:
                facts = os.fstat(file.fileno())
                seen = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
                if seen != self._seen:
                    if not self._continues(file, facts):
                        self._forget()
                    self._take_in(file)
                    self._seen = seen
                    self._journal = self._sums.journal()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}.") from error
        return self._journal

    def _forget(self) -> None:
        self._seen = None
        self._offset = 0
        self._tail = b""
        self._sums = JournalTotals()
        self._journal = Journal()

    def _continues(self, file: BinaryIO, facts: os.stat_result) -> bool:
        """Whether what was read before is still there in front of what is new."""
        if self._seen is None or self._seen[:2] != (facts.st_dev, facts.st_ino):
            return False
        start = self._offset - len(self._tail)
        file.seek(start)
        return file.read(len(self._tail)) == self._tail

    def _take_in(self, file: BinaryIO) -> None:
        file.seek(self._offset)
        while line := file.readline(_MAX_LINE):
            record = _parse(line)
            if record is None and not line.endswith(b"\n") and len(line) < _MAX_LINE:
                return  # still being written, or torn: known once the next line follows
            self._sums.line += 1
            self._offset += len(line)
            self._tail = (self._tail + line)[-_TAIL:]
            if record is not None:
                self._sums.add(record)
            elif line.strip():
                self._sums.damage()


def events(path: Path) -> Iterator[dict[str, Any]]:
    """Go through the readable events of a journal, each with its time under `at` as a `datetime`.

    Raises:
        StorageError: It is there and cannot be read.
    """
    try:
        with open_regular(path, limit=JOURNAL_LIMIT) as file:
            while line := file.readline(_MAX_LINE):
                record = _parse(line)
                if record is not None:
                    yield record
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = _read_json(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("event"), str):
        return None
    at = moment(record.get("at"))
    if at is None:
        return None
    record["at"] = at
    return record


def _read_json(line: bytes) -> Any:
    """Read JSON as `json.loads` does, but without guessing the encoding of a line that looks like ours."""
    if not line.startswith(b'{"'):
        return json.loads(line)
    text = line.decode("utf-8", "surrogatepass").rstrip(_SPACE)
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise ValueError("more than one value")
    return value
