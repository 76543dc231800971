"""The pull requests that are watched."""

from __future__ import annotations

from samobot.telegram.store.database import Database


class WatchedPullRequests:
    """What was seen and reported of each session's pull request, as JSON, by session key.

    Write it in the same transaction as the messages, so that nothing is reported twice and nothing is lost:

        with store.transaction(durable=True):
            outbox.post(...)
            store.pull_requests.set(session, watch, due)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, session: str) -> str | None:
        """Return what was seen of a session's pull request; None if it is not watched."""
        row = self._database.row("SELECT watch FROM watched_pull_requests WHERE session = ?", (session,))
        return row["watch"] if row is not None else None

    def all(self) -> dict[str, float]:
        """Return when each is looked at next, epoch seconds, the most urgent first."""
        rows = self._database.rows("SELECT session, due FROM watched_pull_requests ORDER BY due, session")
        return {row["session"]: row["due"] for row in rows}

    def due(self, session: str) -> float | None:
        """Return when one is looked at next, epoch seconds; None if it is not watched."""
        row = self._database.row("SELECT due FROM watched_pull_requests WHERE session = ?", (session,))
        return row["due"] if row is not None else None

    def hurry(self, session: str, watch: str | None = None) -> None:
        """Look at a session's pull request at once; `watch` begins watching it if it is not watched."""
        with self._database.transaction(durable=False) as connection:
            connection.execute("UPDATE watched_pull_requests SET due = 0 WHERE session = ?", (session,))
            if watch is not None:
                connection.execute(
                    "INSERT OR IGNORE INTO watched_pull_requests (session, watch, due) VALUES (?, ?, 0)",
                    (session, watch),
                )

    def hurry_all(self) -> None:
        """Look at all at once, but for those whose forge was asked too often."""
        self._database.execute(
            'UPDATE watched_pull_requests SET due = 0 WHERE watch NOT LIKE \'%"problem":"rate-limit"%\'',
            durable=False,
        )

    def set(self, session: str, watch: str, due: float) -> None:
        """Save what was seen, and when to look again."""
        self._database.execute(
            "INSERT OR REPLACE INTO watched_pull_requests (session, watch, due) VALUES (?, ?, ?)",
            (session, watch, due),
            durable=True,
        )

    def drop(self, session: str) -> None:
        """No longer watch a session's pull request."""
        self._database.execute(
            "DELETE FROM watched_pull_requests WHERE session = ?", (session,), durable=True
        )
