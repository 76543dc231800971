"""The account's usage limit, shared by all workers of this machine, and by all machines of a hub.

A worker that reaches it writes it to a file in the state folder; the others read it before an iteration and wait
without a request. After the reset, one of them tries (it holds the probe lock) and the others wait for its result.
With a hub, one machine tries: the one that the hub has chosen.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from samobot.claude.limits import longest_wait
from samobot.frozen import frozen
from samobot.money.machine_share import MachineShare, ShareFile
from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder, read_text, write_atomic
from samobot.session.provider import Provider

_NAMES = {Provider.CLAUDE: "limit", Provider.CODEX: "limit-codex"}

PROBE_GRACE = timedelta(minutes=10)
"""How long after the reset a machine leaves the probe to the one that the hub has chosen; the hub may be down."""

_SLACK = timedelta(hours=1)
"""How much longer than the limit itself a wait may be: sessions continue a little after the reset."""


@frozen
class KnownLimit:
    """A usage limit that was reached.

    Attributes:
        until: When waiting sessions continue.
        kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
        text: The same for display.
        session: Folder of the session that reached it; empty if unknown.
        confirmed: Whether two sessions have reached it.
        shared: Its number among the limits that the hub has shared; 0 for one that the hub does not know.
    """

    until: datetime
    kind: str
    text: str
    session: str = ""
    confirmed: bool = False
    shared: int = 0


class AccountLimit:
    """The limit as all workers of this machine know it.

    Args:
        state_dir: samobot's state folder.
        provider: The program whose account it is: one's limit is none of the other's.
    """

    def __init__(self, state_dir: Path, provider: Provider = Provider.CLAUDE) -> None:
        self._dir = state_dir
        self._provider = provider
        self._path = state_dir / f"{_NAMES[provider]}.json"
        self._probe_file = state_dir / f"{_NAMES[provider]}.probe"
        self._share = ShareFile(state_dir)
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
            values = json.loads(read_text(self._path) or "null")
            if values is None:
                return None
            until = datetime.fromisoformat(values["until"]).astimezone(UTC)
            kind = str(values["kind"])
            if until - now > longest_wait(kind) + _SLACK:
                return None  # damaged, forged, or written while the clock was wrong
            session, confirmed = values.get("session", ""), values.get("confirmed") is True
            shared = values.get("shared", 0)
            return KnownLimit(
                until,
                kind,
                str(values["text"]),
                session if isinstance(session, str) else "",
                confirmed,
                shared if isinstance(shared, int) else 0,
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def record(self, limit: KnownLimit, now: datetime) -> None:
        """Report a limit to the other workers.

        Raises:
            StorageError: The disk refused.
        """
        known = self.limit(now)
        confirmed = known is not None and (known.confirmed or known.session != limit.session)
        self._write(replace(limit, confirmed=limit.confirmed or confirmed))

    def adopt(self, number: int, limit: KnownLimit | None) -> None:
        """Take over the limit that the hub has shared, or that it is lifted.

        One that a worker here has reached meanwhile stays: the hub hears of it next.

        Args:
            number: The number of this change.
            limit: The limit; None if an iteration was answered on some machine.

        Raises:
            StorageError: The disk refused.
        """
        share = self._share.read() or MachineShare()
        if number <= share.limit:
            return
        own = self._recorded()
        is_ours = own is not None and not own.shared
        if limit is not None and own is not None and is_ours and is_same(own, limit):
            self._write(replace(own, confirmed=own.confirmed or limit.confirmed, shared=number))
        elif limit is not None and not is_ours:
            self._write(replace(limit, shared=number))
        elif limit is None and own is not None and own.shared:
            self._path.unlink(missing_ok=True)
        self._share.write(share.model_copy(update={"limit": number, "is_limited": limit is not None}))

    def unshared(self) -> KnownLimit | None:
        """Return the limit that a worker here has reached and the hub does not know; None if there is none.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        own = self._recorded()
        return own if own is not None and not own.shared else None

    def answered(self) -> int:
        """Return the number of the shared limit that an iteration here was answered in spite of; 0 if none was.

        Raises:
            StorageError: A file is there and cannot be read.
        """
        share = self._share.read()
        lifted = share is not None and share.is_limited and not self._path.exists()
        return share.limit if share is not None and lifted else 0

    def _recorded(self) -> KnownLimit | None:
        """What is in the file, whatever the clock."""
        return self.limit(datetime.max.replace(tzinfo=UTC))

    def _write(self, limit: KnownLimit) -> None:
        make_folder(self._dir, 0o700)
        values = asdict(limit) | {"until": limit.until.astimezone(UTC).isoformat()}
        write_atomic(self._path, json.dumps(values) + "\n", mode=0o600)

    def clear(self) -> None:
        """Forget the limit: an iteration was answered."""
        self._path.unlink(missing_ok=True)
        self.end_probe()

    def begin_probe(self, limit: KnownLimit, now: datetime) -> bool:
        """Become the worker that tries whether the limit has reset; False if another one is trying, or is to.

        Raises:
            StorageError: The state folder cannot be used.
        """
        if self._probe is not None:
            return True
        # The hub shares the limits of one provider's accounts only.
        share = self._share.read() if self._provider is Provider.CLAUDE else None
        is_anothers = share is not None and not share.may_probe and not self._share.is_alone(now)
        if is_anothers and now < limit.until + PROBE_GRACE:
            return False
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


def is_same(one: KnownLimit, other: KnownLimit) -> bool:
    """Whether two reports are of one limit: wake-up times after one reset differ by a random part."""
    return one.kind == other.kind and abs(one.until - other.until) < _SLACK
