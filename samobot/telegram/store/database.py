"""The bot's own SQLite file: opening it, its schema, and transactions.

Everything here could be deleted without a session losing anything (the session folder is the truth). So a
damaged file is moved aside and logged, and a new one is created; the bot does not stay down for it.

All calls are short and run on the event loop's thread: a commit that needs not survive a power cut takes
about 15 µs, a durable one about 0.3 ms on an ordinary disk, which is less than handing it to a thread and back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from samobot.errors import StorageError, UsageError
from samobot.telegram.store.schema import MIGRATIONS

log = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Returns the time in epoch seconds; `time.time` outside tests."""

_BUSY_MS = 5_000
_CACHE_KB = 512
"""At most so much of the file is kept in memory: a start reads all of it."""

_PRIVATE_FILE = 0o600
_PRIVATE_DIR = 0o700


class Database:
    """One connection to the file, with transactions that join when nested.

    Args:
        path: The file; it and its folder are created if missing (0600 in 0700).
        clock: The time, for the name of a damaged file.

    Raises:
        StorageError: The file cannot be opened or written.
        UsageError: It was written by a newer samobot.
    """

    def __init__(self, path: Path, clock: Clock = time.time) -> None:
        self.path = path
        self.clock = clock
        self._depth = 0
        self._durable = False
        self._full_sync: bool | None = None
        self._after_commit: list[Callable[[], object]] = []
        try:
            _make_private(path)
            self._connection = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise StorageError(
                f"The bot's database {path} cannot be opened: {error}. "
                "Check the disk and the folder's owner, or set SAMOBOT_STATE_DIR."
            ) from error

    @contextlib.contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Run statements that happen together or not at all; never `await` inside.

        A transaction opened inside another one joins it.

        Args:
            durable: Whether the commit must survive a power cut; without it, it survives the end of the
                process in any way, but not that of the machine.

        Raises:
            StorageError: The disk refused (full, read-only, damaged); nothing of it was kept.
        """
        if self._depth:
            if durable and not self._durable:
                raise RuntimeError("a durable transaction cannot join one that is not")
            self._depth += 1
            try:
                yield self._connection
            finally:
                self._depth -= 1
            return
        try:
            self._sync(durable)
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.DatabaseError as error:
            raise self._refused(error) from error
        self._depth, self._durable = 1, durable
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._after_commit.clear()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
                raise self._refused(error) from error
            raise
        finally:
            self._depth = 0
        callbacks, self._after_commit = self._after_commit, []
        for callback in callbacks:
            callback()

    def execute(self, sql: str, values: tuple[object, ...] = (), *, durable: bool) -> sqlite3.Cursor:
        """Run one statement, as part of the open transaction or in one of its own; see `transaction`."""
        if self._depth and (self._durable or not durable):
            return self._connection.execute(sql, values)
        with self.transaction(durable=durable):
            return self._connection.execute(sql, values)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, so that what is read now may still be rolled back."""
        return self._depth > 0

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Do something once the running transaction is on disk; at once if there is none.

        For what cannot be rolled back, such as removing a file that a row named.
        """
        if self._depth:
            self._after_commit.append(callback)
        else:
            callback()

    def rows(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Read all rows of a query, inside or outside a transaction."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._refused(error) from error

    def by_session(self, table: str, columns: str) -> Iterator[sqlite3.Row]:
        """Read all rows of a table whose key is `session`, with these columns behind it.

        Some rows at a time: reading thousands at once would leave their memory behind.
        """
        last = ""
        sql = f"SELECT session, {columns} FROM {table} WHERE session > ? ORDER BY session LIMIT 500"  # noqa: S608
        while rows := self.rows(sql, (last,)):
            yield from rows
            last = rows[-1]["session"]

    def row(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Row | None:
        """Read the first row of a query, or None."""
        try:
            found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._refused(error) from error
        return found

    def close(self) -> None:
        """Close the connection; SQLite folds its write-ahead log into the file."""
        self._connection.close()

    def _refused(self, error: sqlite3.Error) -> StorageError:
        return StorageError(f"The bot's database {self.path} cannot be used: {error}. Check the disk.")

    def _sync(self, durable: bool) -> None:
        if self._full_sync is not durable:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._full_sync = durable

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            self._configure(connection)
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            self._migrate(connection)
        except sqlite3.OperationalError:
            connection.close()
            raise  # busy, full, read-only: the file itself may be well
        except sqlite3.DatabaseError as error:
            connection.close()
            self._move_aside(error)
            _make_private(self.path)
            connection = self._connect()
            self._configure(connection)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_MS / 1000)
        connection.row_factory = sqlite3.Row
        connection.create_function("unixepoch_of", 1, _epoch, deterministic=True)
        return connection

    @staticmethod
    def _configure(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        # One transaction for all, begun before the version is read: a second process (`samobot bot --pair`)
        # waits and then finds nothing left to do; a crash leaves the old schema whole.
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise UsageError(
                f"The bot's database {self.path} was written by a newer samobot (schema {version}, this one "
                f"knows {len(MIGRATIONS)}). Upgrade samobot, or move the file away: no session loses anything."
            )
        for script in MIGRATIONS[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        connection.execute("COMMIT")

    def _move_aside(self, error: sqlite3.DatabaseError) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.clock()))
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        log.error(
            "The bot's database was damaged (%s). It is kept as %s and a new one is begun; "
            "no session loses anything, but cards and queued messages start afresh.",
            error,
            aside,
        )


def _epoch(text: object) -> float | None:
    """Epoch seconds of an ISO 8601 time, for migrations; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _make_private(path: Path) -> None:
    """Create the file for its owner alone before SQLite would create it for everyone."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_DIR)
    elif stat.S_IMODE(path.parent.stat().st_mode) & 0o002:
        # Not changed by us: it may be a folder like /tmp that others need.
        log.warning(
            "Everybody on this machine may write in %s; the bot's state should be private.", path.parent
        )
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            os.fchmod(descriptor, _PRIVATE_FILE)
    finally:
        os.close(descriptor)
