"""A usage limit belongs to an account, not to a session: all workers on this machine share what one has met.

The limit is a file in the state folder. A worker that meets it writes it there; the others read it before an
iteration and rest without asking the service. When it is over, one of them tries (it holds the probe lock) and
the rest wait for what it finds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder, read_text, write_atomic

_FILE = "limit.json"
_PROBE = "limit.probe"

_LONGEST = timedelta(days=35)
"""No limit is longer than a month: a file that says so is damaged, or the clock was wrong when it was written."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A usage limit that was met.

    Attributes:
        until: When the sessions that wait for it go on.
        kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
        text: The same in words for a person.
    """

    until: datetime
    kind: str
    text: str


class Account:
    """What this machine's workers know together about the account's limit.

    Args:
        state_dir: samobot's state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir
        self._probe: FileLock | None = None

    def limit(self, now: datetime) -> Limit | None:
        """The limit that was met last and that no iteration has disproved since.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        try:
            values = json.loads(read_text(self._dir / _FILE) or "null")
            if values is None:
                return None
            until = datetime.fromisoformat(values["until"]).astimezone(UTC)
            if until - now > _LONGEST:
                return None
            return Limit(until, str(values["kind"]), str(values["text"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def met(self, limit: Limit) -> None:
        """Tell the other workers of a limit.

        Raises:
            StorageError: The disk refused.
        """
        make_folder(self._dir, 0o700)
        values = {"until": limit.until.astimezone(UTC).isoformat(), "kind": limit.kind, "text": limit.text}
        write_atomic(self._dir / _FILE, json.dumps(values) + "\n", mode=0o600)

    def lifted(self) -> None:
        """An iteration has been answered: there is no limit any more."""
        (self._dir / _FILE).unlink(missing_ok=True)
        self.end_probe()

    def begin_probe(self) -> bool:
        """Become the one that tries whether a limit is over; False where another worker is trying.

        Raises:
            StorageError: The state folder cannot be used.
        """
        if self._probe is not None:
            return True
        make_folder(self._dir, 0o700)
        lock = FileLock(self._dir / _PROBE)
        if not lock.acquire():
            lock.release()
            return False
        self._probe = lock
        return True

    def end_probe(self) -> None:
        """Let another one try; also for one that was not trying."""
        if self._probe is not None:
            self._probe.release()
            self._probe = None
