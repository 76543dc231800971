"""The hub's database, `hosts/hub.db`: decisions until their receipt, news, and what was last heard of each host.

The NATS server may lose its disk; this file is why nothing is lost with it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from samobot.errors import SamobotError, StorageError
from samobot.frozen import frozen
from samobot.hosts import news_table
from samobot.hosts.hub_messages import (
    Beat,
    CallOutcome,
    DecisionReceipt,
    HostDecision,
    SessionSnapshot,
    decode_receipt,
    decode_snapshot,
)
from samobot.hosts.link import FOLDER, make_private
from samobot.hosts.news_table import NewsTable

FILE_NAME = "hub.db"

KEPT_DAYS = 7
"""Days for which a decision is known after its receipt; Telegram repeats none that is older than one."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    about TEXT NOT NULL,
    decision TEXT NOT NULL,
    arguments TEXT NOT NULL,
    at TEXT NOT NULL,
    receipt TEXT,
    saved INTEGER NOT NULL DEFAULT 0,
    reported INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS pending ON decisions (host, no) WHERE receipt IS NULL;
CREATE INDEX IF NOT EXISTS ended ON decisions (no)
    WHERE saved = 1 AND reported = 0 AND receipt IS NOT NULL;
CREATE TABLE IF NOT EXISTS snapshots (
    host TEXT NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (host, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, beat BLOB NOT NULL, heard TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
"""


@frozen
class StoredDecision:
    """A decision with what became of it.

    Attributes:
        host: The host it is for.
        decision: Without its arguments.
        arguments: Its arguments, JSON.
        receipt: How it ended; None until the host has reported that.
    """

    host: str
    decision: HostDecision
    arguments: str
    receipt: DecisionReceipt | None = None


@frozen
class HeardHost:
    """What was heard of a host.

    Attributes:
        beat: Its last beat.
        at: When that came.
        snapshots: Its sessions; to be kept, only those that have changed.
        gone: Keys of sessions that are gone.
    """

    beat: Beat
    at: datetime
    snapshots: list[SessionSnapshot]
    gone: Sequence[str] = ()


class HubStore:
    """What the hub must not forget.

    Args:
        state_dir: The state folder.

    Attributes:
        news: What the hosts' fleets did automatically.

    Raises:
        StorageError: The database cannot be opened.
    """

    def __init__(self, state_dir: Path) -> None:
        folder = state_dir / FOLDER
        make_private(folder)
        self._path = folder / FILE_NAME
        with self._errors():
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA + news_table.SCHEMA)
        self.news = NewsTable(self._db, self._errors)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # Decisions ---------------------------------------------------------------------------------------------------

    def add(self, stored: StoredDecision) -> StoredDecision:
        """Keep a decision; return the one that has its id already, if there is one."""
        decision = stored.decision
        with self._errors():
            self._db.execute(
                "INSERT OR IGNORE INTO decisions (id, host, about, decision, arguments, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    decision.id,
                    stored.host,
                    decision.about,
                    decision.model_dump_json(),
                    stored.arguments,
                    decision.at.isoformat(),
                ),
            )
        return self.decision(decision.id) or stored

    def decision(self, decision_id: str) -> StoredDecision | None:
        """Return the decision of this id."""
        with self._errors():
            row = self._db.execute(
                "SELECT host, decision, arguments, receipt FROM decisions WHERE id = ?", (decision_id,)
            ).fetchone()
        return _stored(row) if row is not None else None

    def next_decisions(self, host: str) -> list[StoredDecision]:
        """List what a host may carry out now: the oldest pending decision about each thing, in their order."""
        with self._errors():
            rows = self._db.execute(
                "SELECT host, decision, arguments, receipt FROM decisions WHERE no IN ("
                " SELECT min(no) FROM decisions WHERE host = ? AND receipt IS NULL"
                " GROUP BY CASE about WHEN '' THEN id ELSE about END) ORDER BY no",
                (host,),
            ).fetchall()
        return [_stored(row) for row in rows]

    def pending(self) -> dict[str, int]:
        """Return for each host how many decisions it has not reported on; without those that have none."""
        with self._errors():
            return dict(
                self._db.execute(
                    "SELECT host, count(*) FROM decisions WHERE receipt IS NULL GROUP BY host"
                ).fetchall()
            )

    def finish(self, host: str, receipt: DecisionReceipt) -> bool:
        """Keep the receipt of a decision for this host; whether it is the first one."""
        content = receipt.model_copy(
            update={"outcome": receipt.outcome.model_copy(update={"snapshots": ()})}
        ).encode()
        with self._errors():
            done = self._db.execute(
                "UPDATE decisions SET receipt = ?, arguments = '' WHERE id = ? AND host = ? AND receipt IS NULL",
                (content.decode(), receipt.id, host),
            )
        return done.rowcount == 1

    def mark_saved(self, decision_id: str) -> None:
        """Note that the user knows of a decision that it is kept, so that its end is news."""
        with self._errors():
            self._db.execute("UPDATE decisions SET saved = 1 WHERE id = ?", (decision_id,))

    def unreported(self) -> list[StoredDecision]:
        """List what was kept, has ended, and is not reported, the oldest first."""
        with self._errors():
            rows = self._db.execute(
                "SELECT host, decision, arguments, receipt FROM decisions"
                " WHERE saved = 1 AND reported = 0 AND receipt IS NOT NULL ORDER BY no"
            ).fetchall()
        return [_stored(row) for row in rows]

    def mark_reported(self, decision_id: str) -> None:
        """Note that the user knows how a decision has ended."""
        with self._errors():
            self._db.execute("UPDATE decisions SET reported = 1 WHERE id = ?", (decision_id,))

    def prune(self, now: datetime) -> None:
        """Forget decisions whose receipt, and news whose message, is older than `KEPT_DAYS`."""
        oldest = (now - timedelta(days=KEPT_DAYS)).isoformat()
        with self._errors():
            self._db.execute(
                "DELETE FROM decisions WHERE receipt IS NOT NULL AND reported >= saved AND at < ?", (oldest,)
            )
        self.news.prune(oldest)

    # What was heard ----------------------------------------------------------------------------------------------

    def save_heard(self, hosts: Iterable[HeardHost]) -> None:
        """Keep what hosts have sent, for as long as they cannot be asked; with one sync of the disk for all."""
        with self._errors(), self._db:
            self._db.execute("BEGIN")
            for each in hosts:
                host = each.beat.host
                self._db.execute(
                    "INSERT OR REPLACE INTO hosts VALUES (?, ?, ?)",
                    (host, each.beat.encode(), each.at.isoformat()),
                )
                self._db.executemany(
                    "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)",
                    [(host, snapshot.key, snapshot.encode()) for snapshot in each.snapshots],
                )
                self._db.executemany(
                    "DELETE FROM snapshots WHERE host = ? AND key = ?", [(host, key) for key in each.gone]
                )

    def heard(self) -> list[HeardHost]:
        """List what was last heard of each host."""
        found = []
        with self._errors():
            for host, beat, heard in self._db.execute("SELECT host, beat, heard FROM hosts ORDER BY host"):
                rows = self._db.execute("SELECT content FROM snapshots WHERE host = ?", (host,)).fetchall()
                snapshots = [decode_snapshot(content) for (content,) in rows]
                found.append(
                    HeardHost(Beat.model_validate_json(beat), datetime.fromisoformat(heard), snapshots)
                )
        return found

    def forget_host(self, host: str, now: datetime) -> int:
        """Forget a host that was removed; what is pending for it ends with a refusal, which is reported.

        Returns:
            How many decisions were pending.
        """
        outcome = CallOutcome(error=SamobotError.__name__, text=f"{host} was removed.")
        with self._errors(), self._db:
            self._db.execute("BEGIN")
            pending = self._db.execute(
                "SELECT id FROM decisions WHERE host = ? AND receipt IS NULL", (host,)
            ).fetchall()
            for (known,) in pending:
                receipt = DecisionReceipt(id=known, at=now, outcome=outcome).encode().decode()
                self._db.execute(
                    "UPDATE decisions SET receipt = ?, arguments = '' WHERE id = ?", (receipt, known)
                )
            self._db.execute("DELETE FROM news WHERE host = ?", (host,))
            self._db.execute("DELETE FROM snapshots WHERE host = ?", (host,))
            self._db.execute("DELETE FROM hosts WHERE host = ?", (host,))
            self._db.execute("DELETE FROM state WHERE name = ?", (_clock(host),))
        return len(pending)

    # State -------------------------------------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """Names this hub; born with its database."""
        known = self.state("identity")
        if known is None:
            self.set_state("identity", known := uuid4().hex)
        return known

    def state(self, name: str) -> str | None:
        """Return a value of the hub's own."""
        with self._errors():
            row = self._db.execute("SELECT content FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None

    def set_state(self, name: str, content: str) -> None:
        """Keep a value of the hub's own."""
        with self._errors():
            self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, content))

    def clock_of(self, host: str) -> timedelta | None:
        """Return how far the clock of a host was found ahead; None if it never differed."""
        known = self.state(_clock(host))
        return timedelta(seconds=float(known)) if known is not None else None

    def set_clock(self, host: str, ahead: timedelta) -> None:
        """Keep how far the clock of a host is ahead."""
        self.set_state(_clock(host), str(ahead.total_seconds()))

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}.") from error


def _clock(host: str) -> str:
    return f"clock.{host}"


def _stored(row: tuple[str, str, str, str | None]) -> StoredDecision:
    host, decision, arguments, receipt = row
    known = decode_receipt(receipt.encode()) if receipt is not None else None
    return StoredDecision(host, HostDecision.model_validate_json(decision), arguments, known)
