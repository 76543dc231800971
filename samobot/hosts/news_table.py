"""News of hosts in the hub's database: kept until they are posted, and known for a while after that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from samobot.fleet.results import FleetEvent
from samobot.frozen import frozen
from samobot.hosts.hub_messages import HostNews

MOST = 200
"""News of one host that may wait to be posted: only a broken or a hostile one has more."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS news (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    host TEXT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    at TEXT NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0,
    UNIQUE (host, id)
);
CREATE INDEX IF NOT EXISTS unreported_news ON news (host) WHERE reported = 0;
"""


@frozen
class StoredNews:
    """What a host's fleet did automatically, with its number in the database."""

    no: int
    event: FleetEvent


class NewsTable:
    """The table of news.

    Args:
        database: The hub's database, in autocommit mode, with `SCHEMA`.
        errors: Turns the database's errors into `StorageError`.
    """

    def __init__(
        self, database: sqlite3.Connection, errors: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = database
        self._errors = errors

    def add(self, host: str, news: HostNews, now: datetime) -> bool:
        """Keep news; whether they are new, and fewer than `MOST` of this host wait."""
        with self._errors():
            done = self._db.execute(
                "INSERT OR IGNORE INTO news (host, id, event, at) SELECT ?, ?, ?, ?"
                " WHERE (SELECT count(*) FROM news WHERE host = ? AND reported = 0) < ?",
                (host, news.id, news.event.model_dump_json(), now.isoformat(), host, MOST),
            )
        return done.rowcount == 1

    def unreported(self) -> list[StoredNews]:
        """List what is not posted yet, the oldest first."""
        with self._errors():
            rows = self._db.execute(
                "SELECT no, host, id, event FROM news WHERE reported = 0 ORDER BY no"
            ).fetchall()
        return [
            StoredNews(
                no,
                FleetEvent.model_validate_json(event).model_copy(
                    update={"host": host, "id": f"{host}:{known}"}
                ),
            )
            for no, host, known, event in rows
        ]

    def mark_reported(self, numbers: Iterable[int]) -> None:
        """Note that the user knows of news. They stay known until `prune`: the server may send them again."""
        with self._errors(), self._db:
            self._db.execute("BEGIN")
            self._db.executemany(
                "UPDATE news SET reported = 1, event = '' WHERE no = ?", [(number,) for number in numbers]
            )

    def prune(self, oldest: str) -> None:
        """Forget what was posted and is older than this time, ISO 8601."""
        with self._errors():
            self._db.execute("DELETE FROM news WHERE reported = 1 AND at < ?", (oldest,))
