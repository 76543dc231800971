"""The journal: the events of a session, one per line, and the sums over it.

samobot appends each event to the vault's journal, which counts, and to the session's, a copy for reading. Lines are
never changed, so a reader keeps its place and its sums and a poll costs one `stat`. A damaged line is skipped and
counted: money already spent must not vanish from the sum because the machine died while a later line was written.

A session without a vault has only its own journal, which its agent could write. It is read for display and costs but
grants nothing, see `untrusted_journal`; the first event that samobot appends adopts it on these terms.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakValueDictionary

from samobot.errors import StorageError, storage_error
from samobot.session.files import JOURNAL_LIMIT, append_line, open_regular, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.journal_copy import append_copy
from samobot.session.journal_events import (
    EventName,
    Journal,
    Park,
    PhaseChange,
    Release,
    Remark,
    Run,
    RunEnd,
    RunEndReason,
    RunningIteration,
    moment,
    stamp,
)
from samobot.session.journal_totals import JournalTotals
from samobot.session.untrusted_journal import untrusted

_MAX_LINE = 4 * 1024 * 1024
_TAIL = 64
_UNTRUSTED_LINES = 100_000
_TRUSTED_LINES = 400_000
_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder()

__all__ = [
    "EventName",
    "Journal",
    "JournalReader",
    "Park",
    "PhaseChange",
    "Release",
    "Remark",
    "Run",
    "RunEnd",
    "RunEndReason",
    "RunningIteration",
    "adopt",
    "append",
    "events",
    "has_worked",
    "moment",
    "read",
    "source",
    "stamp",
]


def append(folder: SessionFolder, event: EventName, now: datetime, /, **fields: object) -> None:
    """Append one event to the vault's journal and to the copy; it is on disk when this returns.

    A copy that cannot be written does not matter: it is recreated later, see `journal_copy`.

    Args:
        folder: The session; its `_logs` must exist.
        event: The kind.
        now: When it happened.
        **fields: The kind's fields. Times are written in UTC; a field that is None is written as null.

    Raises:
        StorageError: The disk refused.
    """
    values = {key: stamp(value) if isinstance(value, datetime) else value for key, value in fields.items()}
    line = json.dumps({"at": stamp(now), "event": event.value, **values})
    vault = folder.vault
    with vault.locked():
        if not vault.journal.exists():
            _adopt(folder)
        recorded = vault.journal.stat().st_size
        append_line(vault.journal, line, mode=0o600)
        with contextlib.suppress(StorageError):
            append_copy(folder, line, recorded)


def read(folder: SessionFolder) -> Journal:
    """Read a journal; only what is new if this process keeps a reader of it.

    A missing one is an empty one.

    Raises:
        StorageError: It exists and cannot be read.
    """
    reader = _READERS.get(folder.path)
    return (JournalReader(folder) if reader is None else reader).read()


def events(folder: SessionFolder) -> Iterator[dict[str, Any]]:
    """Go through the readable events of a journal, each with its time under `at` as a `datetime`.

    Raises:
        StorageError: It exists and cannot be read.
    """
    path, trusted = source(folder)
    found = _events(path, trusted=trusted)
    return found if trusted else untrusted(found)


def source(folder: SessionFolder) -> tuple[Path, bool]:
    """The journal to read, and whether it counts: the session's own does not.

    Raises:
        StorageError: The vault cannot be searched; what is in the session's folder must not take its place.
    """
    path = folder.vault.journal
    try:
        return (path, True) if path.exists() else (folder.journal, False)
    except OSError as error:
        raise storage_error("read", path, error) from error


def adopt(folder: SessionFolder) -> None:
    """Begin the vault's journal of a session that has none.

    Raises:
        StorageError: The disk refused.
    """
    if not folder.vault.journal.exists():
        with folder.vault.locked():
            if not folder.vault.journal.exists():
                _adopt(folder)


def _adopt(folder: SessionFolder) -> None:
    """Begin the vault's journal with what the session's own holds, whose decisions still have to be checked."""
    vault = folder.vault
    lines = [
        json.dumps(record | {"at": stamp(record["at"])}) + "\n"
        for record in untrusted(_events(folder.journal, trusted=False))
    ]
    if has_worked(folder) and not vault.baseline.exists():
        write_atomic(vault.adopted, b"", mode=0o600)
    write_atomic(vault.journal, "".join(lines), mode=0o600)


def has_worked(folder: SessionFolder) -> bool:
    """Whether a session's own folder shows that it was worked on: it may be all that is left of its records."""
    return any(os.path.lexists(path) for path in (folder.journal, folder.decisions))


class JournalReader:
    """Reads a journal again and again, each time only what was added. Thread-safe.

    A file that was replaced, shortened or rewritten is read from its beginning. Once `keep` was called, `read` uses it too.

    Args:
        folder: The session; its journal need not exist yet.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self._path, self._trusted = folder.journal, False
        self._seen: tuple[int, int, int, int] | None = None
        self._offset = 0
        self._tail = b""
        self._sums = JournalTotals()
        self._journal = Journal()
        self._reading = threading.Lock()

    def keep(self) -> JournalReader:
        """Let `read` use this reader for as long as it is referenced."""
        return _READERS.setdefault(self._folder.path, self)

    def read(self) -> Journal:
        """Take in what was added and return the sums.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        with self._reading:
            return self._read()

    def _read(self) -> Journal:
        path, trusted = source(self._folder)
        if path != self._path:
            self._forget()
            self._path, self._trusted = path, trusted
        try:
            with open_regular(path, limit=JOURNAL_LIMIT) as file:
                facts = os.fstat(file.fileno())
                seen = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_ctime_ns)
                if seen != self._seen:
                    if not self._continues(file, facts):
                        self._forget()
                    self._take_in(file)
                    self._seen = seen
                    self._journal = self._sums.journal()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
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
        if not self._trusted:
            # What was named before bounds what is named later, so it is taken in as a whole.
            self._forget()
        file.seek(self._offset)
        for record in self._records(file):
            self._sums.add(record)

    def _records(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        found = self._lines(file)
        return found if self._trusted else untrusted(found)

    def _lines(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        while line := file.readline(_MAX_LINE):
            record = _parse(line)
            if record is None and not line.endswith(b"\n") and len(line) < _MAX_LINE:
                return  # still being written, or torn: known once the next line follows
            self._sums.line += 1
            _refuse_if_long(self._path, self._sums.line, trusted=self._trusted)
            self._offset += len(line)
            self._tail = (self._tail + line)[-_TAIL:]
            if record is not None:
                yield record
            elif line.strip():
                self._sums.damage()


def _refuse_if_long(path: Path, lines: int, *, trusted: bool) -> None:
    """Refuse a journal with more lines than any session has, which an agent may have written."""
    limit = _TRUSTED_LINES if trusted else _UNTRUSTED_LINES
    if lines > limit:
        raise StorageError(
            f"{path} has more than {limit:,} lines; samobot reads no more than that. Shorten it or move it away."
        )


def _events(path: Path, *, trusted: bool) -> Iterator[dict[str, Any]]:
    count = 0
    try:
        with open_regular(path, limit=JOURNAL_LIMIT) as file:
            while line := file.readline(_MAX_LINE):
                count += 1
                _refuse_if_long(path, count, trusted=trusted)
                record = _parse(line)
                if record is not None:
                    yield record
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.lstrip().startswith(b"{"):
        return None  # before parsing: an agent may have written hundreds of thousands of lines
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


_READERS: WeakValueDictionary[Path, JournalReader] = WeakValueDictionary()
"""The readers in use, by the session's folder: a decision need not read a long journal again."""
