"""The account's usage limit, shared by all workers of this machine.

A worker that reaches it writes it to a file in the state folder; the others read it before an iteration and wait
without a request. After the reset, one of them tries (it holds the probe lock) and the others wait for its result.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from samobot.claude.limits import longest_wait
from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder, read_text, write_atomic
from samobot.session.provider import Provider

_NAMES = {Provider.CLAUDE: "limit", Provider.CODEX: "limit-codex"}

_SLACK = timedelta(hours=1)
"""How much longer than the limit itself a wait may be: sessions continue a little after the reset."""


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """A usage limit that was reached.

    Attributes:
        until: When waiting sessions continue.
        kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
        text: The same for display.
        session: Folder of the session that reached it; empty if unknown.
        confirmed: Whether two sessions have reached it.
    """

    until: datetime
    kind: str
    text: str
    session: str = ""
    confirmed: bool = False


class AccountLimit:
    """The limit as all workers of this machine know it.

    Args:
        state_dir: samobot's state folder.
        provider: The program whose account it is: one's limit is none of the other's.
    """

    def __init__(self, state_dir: Path, provider: Provider = Provider.CLAUDE) -> None:
        self._dir = state_dir
        self._provider = provider
        self._file = state_dir / f"{_NAMES[provider]}.json"
        self._probe_file = state_dir / f"{_NAMES[provider]}.probe"
        self._probe: FileLock | None = None

    def of(self, provider: Provider) -> AccountLimit:
        """The limit of another program's account; itself if it is that program's."""
        return self if provider is self._provider else AccountLimit(self._dir, provider)

    def limit(self, now: datetime) -> KnownLimit | None:
        """The limit that was reached last, unless an iteration was answered since.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        try:
            values = json.loads(read_text(self._file) or "null")
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
        write_atomic(self._file, json.dumps(values) + "\n", mode=0o600)

    def clear(self) -> None:
        """Forget the limit: an iteration was answered."""
        self._file.unlink(missing_ok=True)
        self.end_probe()

    def begin_probe(self) -> bool:
        """Become the worker that tries whether the limit has reset; False if another one is trying.

        Raises:
            StorageError: The state folder cannot be used.
        """
        if self._probe is not None:
            return True
        make_folder(self._dir, 0o700)
        lock = FileLock(self._probe_file)
        if not lock.acquire():
            lock.release()
            return False
        self._probe = lock
        return True

    def end_probe(self) -> None:
        """Let another worker try. Safe to repeat."""
        if self._probe is not None:
            self._probe.release()
            self._probe = None
