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

from samobot.claude.limits import longest_wait
from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder, read_text, write_atomic

_FILE = "limit.json"
_PROBE = "limit.probe"

_SLACK = timedelta(hours=1)
"""How much longer than the limit itself a wait may be: sessions continue a little after the reset."""


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """A usage limit that was met.

    Attributes:
        until: When the sessions that wait for it go on.
        kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
        text: The same for display.
        session: Folder of the session that met it; empty if unknown.
        confirmed: Whether another session met it too, or did before.
    """

    until: datetime
    kind: str
    text: str
    session: str = ""
    confirmed: bool = False


class AccountLimit:
    """What this machine's workers know together about the account's limit.

    Args:
        state_dir: samobot's state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir
        self._probe: FileLock | None = None

    def limit(self, now: datetime) -> KnownLimit | None:
        """The limit that was met last and that no iteration has disproved since.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        try:
            values = json.loads(read_text(self._dir / _FILE) or "null")
            if values is None:
                return None
            until = datetime.fromisoformat(values["until"]).astimezone(UTC)
            kind = str(values["kind"])
            if until - now > longest_wait(kind) + _SLACK:
                return None  # damaged, forged, or written while the clock was wrong
            session, confirmed = values.get("session", ""), values.get("confirmed") is True
            return KnownLimit(
                until, kind, str(values["text"]), session if isinstance(session, str) else "", confirmed
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def record(self, limit: KnownLimit, now: datetime) -> None:
        """Report a limit to the other workers.

        Raises:
            StorageError: The disk refused.
        """
        make_folder(self._dir, 0o700)
        known = self.limit(now)
        confirmed = known is not None and (known.confirmed or known.session != limit.session)
        values = {
            "until": limit.until.astimezone(UTC).isoformat(),
            "kind": limit.kind,
            "text": limit.text,
            "session": limit.session,
            "confirmed": limit.confirmed or confirmed,
        }
        write_atomic(self._dir / _FILE, json.dumps(values) + "\n", mode=0o600)

    def clear(self) -> None:
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
