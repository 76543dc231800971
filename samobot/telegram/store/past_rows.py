"""The idle sessions whose news has been sent completely: a start need not read them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from samobot.telegram.store.database import Database


class PastRow(NamedTuple):
    """The line of a past session; `updated` is in epoch seconds, `mark` changes with the session's files."""

    session: str
    updated: float | None
    state: str
    mark: int


class PastRows:
    """The table of past sessions. A row that is lost, or true no longer, costs reading the session again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Iterator[PastRow]:
        """Read all rows."""
        return (PastRow(*row) for row in self._database.by_session("past_sessions", "updated, state, mark"))

    def put(self, rows: Iterable[PastRow]) -> None:
        """Keep rows."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO past_sessions (session, updated, state, mark) VALUES (?, ?, ?, ?)",
                rows,
            )

    def drop(self, session: str) -> None:
        """Forget a session that is gone."""
        self._database.execute("DELETE FROM past_sessions WHERE session = ?", (session,), durable=False)
