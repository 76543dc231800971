"""Which requests were carried out, so that one that is repeated after a crash is carried out once: `ledger.jsonl`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from samobot.errors import StorageError
from samobot.session.files import JOURNAL_LIMIT, append_line, make_folder, read_bytes, write_atomic
from samobot.system.threads import Threads

log = logging.getLogger(__name__)

_T = TypeVar("_T")

FILE_NAME = "ledger.jsonl"

KEPT_DAYS = 7
"""Days for which a request is remembered; Telegram repeats none that is older than one."""

_REMEDY = "Set SAMOBOT_STATE_DIR to a folder of your own."


class LedgerEntry(BaseModel):
    """A call of a request that has begun, and perhaps ended.

    The arguments are those of the first attempt: a repetition may compute others from what the first has done.

    Attributes:
        request: Names the request; empty if it has no name, and is carried out each time.
        call: The call and what it is about.
        at: When it began first.
        usd: The amount, for a budget.
        session: The session's name, for a start.
        existed: Whether that session existed before.
        result: What it returned, as JSON; None until it has ended.
        repeated: Whether an earlier attempt may have done it already. Not stored.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    request: str
    call: str
    at: AwareDatetime
    usd: float | None = None
    session: str | None = None
    existed: bool = False
    result: str | None = None
    repeated: bool = False


class Ledger:
    """The calls of the last days that had a name. One process at a time owns the file.

    An entry is on disk before anything is done. If only its beginning is there, the call is made again with
    `repeated` set, and leaves out what it finds done.

    Args:
        state_dir: The state folder; made with mode 0700 if it is missing.
        threads: Where the file is read and written.
        now: The clock, aware.
        kept_days: Days for which a request is remembered.
    """

    def __init__(
        self,
        state_dir: Path,
        threads: Threads,
        now: Callable[[], datetime],
        *,
        kept_days: int = KEPT_DAYS,
    ) -> None:
        self._path = state_dir / FILE_NAME
        self._threads = threads
        self._now = now
        self._kept = timedelta(days=kept_days)
        self._entries: dict[tuple[str, str], LedgerEntry] = {}
        self._read: datetime | None = None
        self._lock = threading.Lock()

    async def once(
        self,
        request: str | None,
        call: str,
        work: Callable[[LedgerEntry], Awaitable[_T]],
        result: TypeAdapter[_T],
        *,
        usd: float | None = None,
        session: str | None = None,
        existed: bool = False,
    ) -> _T:
        """Make a call unless it has ended before; return its result, or that of the first time.

        Args:
            request: Names the request; None makes the call each time.
            call: The call and what it is about.
            work: Makes the call, with the arguments that the entry has.
            result: Turns the result into JSON and back.
            usd: As in the entry.
            session: As in the entry.
            existed: As in the entry.

        Raises:
            StorageError: The beginning could not be recorded; nothing was done.
        """
        entry = LedgerEntry(
            request=request or "", call=call, at=self._now(), usd=usd, session=session, existed=existed
        )
        if entry.request:
            entry = await self._threads.run(lambda: self._begin(entry))
        if entry.result is not None:
            return result.validate_json(entry.result)
        value = await work(entry)
        if entry.request:
            ended = entry.model_copy(update={"result": result.dump_json(value).decode()})
            await self._threads.run(lambda: self._end(ended))
        return value

    def _begin(self, entry: LedgerEntry) -> LedgerEntry:
        with self._lock:
            entries = self._load()
            known = entries.get(_key(entry))
            if known is not None:
                return known.model_copy(update={"repeated": True})
            self._append(entry)
            entries[_key(entry)] = entry
            return entry

    def _end(self, entry: LedgerEntry) -> None:
        with self._lock:
            self._load()[_key(entry)] = entry
            try:
                self._append(entry)
            except StorageError as error:  # it is done all the same, and a repetition will find it done
                log.error("the end of %s could not be recorded: %s", entry.call, error.message)

    def _append(self, entry: LedgerEntry) -> None:
        make_folder(self._path.parent, 0o700, remedy=_REMEDY)
        append_line(self._path, _line(entry), mode=0o600)

    def _load(self) -> dict[tuple[str, str], LedgerEntry]:
        """Read the file at the first use of a day, and shorten it if it has entries that are too old."""
        now = self._now()
        if self._read is not None and now - self._read < timedelta(days=1):
            return self._entries
        entries: dict[tuple[str, str], LedgerEntry] = {}
        oldest = now - self._kept
        expired = False
        for line in (read_bytes(self._path, limit=JOURNAL_LIMIT, lines=None) or b"").splitlines():
            try:
                entry = LedgerEntry.model_validate_json(line)
            except ValidationError:
                continue  # cut short by a crash, before anything was done
            if entry.at < oldest:
                expired = True
            else:
                entries[_key(entry)] = entry
        if expired:
            text = "".join(f"{_line(entry)}\n" for entry in entries.values())
            write_atomic(self._path, text.encode(), mode=0o600)
        self._entries, self._read = entries, now
        return entries


def _key(entry: LedgerEntry) -> tuple[str, str]:
    return entry.request, entry.call


def _line(entry: LedgerEntry) -> str:
    return entry.model_dump_json(exclude={"repeated"}, exclude_defaults=True)
