"""Which runs ought to be running: what the bot puts right at start and on every poll."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from samobot.telegram.store.database import Database

RESTART_WINDOW_SECONDS = 600.0
"""Only restarts this recent are remembered."""


@dataclass(frozen=True, slots=True)
class DesiredRun:
    """A run that a person asked for and that has not come to its end.

    Attributes:
        session: The session's key (`project:name`).
        options: How to start it, as JSON: the flags of `samobot run`.
        since: When it was asked for, epoch seconds.
        restarts: When it was started again after dying, epoch seconds, within the last ten minutes.
        place: Its place in the queue, lowest first; None: it may run now.
    """

    session: str
    options: dict[str, Any]
    since: float
    restarts: tuple[float, ...] = ()
    place: int | None = None


class DesiredRuns:
    """The table of wanted runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, session: str, options: dict[str, Any], *, queued: bool = False) -> DesiredRun:
        """Want a run; wanting it again renews the options and forgets the restarts.

        Args:
            session: The session's key.
            options: The flags of `samobot run`, as JSON.
            queued: Whether it waits at the end of the queue; one that waits already keeps its place.
        """
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "INSERT INTO wanted (session, options, since, place) VALUES (?1, ?2, ?3, "
                "CASE WHEN ?4 THEN (SELECT COALESCE(MAX(place), 0) + 1 FROM wanted) END) "
                "ON CONFLICT (session) DO UPDATE SET options = excluded.options, since = excluded.since, "
                "restarts = '[]', place = CASE WHEN ?4 THEN COALESCE(place, excluded.place) END",
                (session, json.dumps(options), self._database.clock(), queued),
            )
            run = self.get(session)
        assert run is not None
        return run

    def get(self, session: str) -> DesiredRun | None:
        """Read one, None where the run is not wanted."""
        row = self._database.row("SELECT * FROM wanted WHERE session = ?", (session,))
        return self._run(row) if row is not None else None

    def all(self) -> tuple[DesiredRun, ...]:
        """List them: first those that may run, then the queue in its order."""
        rows = self._database.rows("SELECT * FROM wanted ORDER BY place IS NOT NULL, place, since")
        return tuple(self._run(row) for row in rows)

    def queue(self) -> tuple[DesiredRun, ...]:
        """List those that wait, first in line first."""
        return tuple(run for run in self.all() if run.place is not None)

    def admit(self, session: str) -> None:
        """Take a run out of the queue: it may run now."""
        with self._database.transaction(durable=True) as connection:
            connection.execute("UPDATE wanted SET place = NULL WHERE session = ?", (session,))

    def restarted(self, session: str) -> int:
        """Note that a dead run is started again; says how many times within the last ten minutes."""
        now = self._database.clock()
        with self._database.transaction(durable=True) as connection:
            run = self.get(session)
            if run is None:
                return 0
            restarts = [*run.restarts, now]
            connection.execute(
                "UPDATE wanted SET restarts = ? WHERE session = ?", (json.dumps(restarts), session)
            )
        return len(restarts)

    def drop(self, session: str) -> None:
        """Want a run no more: it ended, or a person stopped it."""
        with self._database.transaction(durable=True) as connection:
            connection.execute("DELETE FROM wanted WHERE session = ?", (session,))

    def _run(self, row: Any) -> DesiredRun:
        oldest = self._database.clock() - RESTART_WINDOW_SECONDS
        return DesiredRun(
            row["session"],
            json.loads(row["options"]),
            row["since"],
            tuple(at for at in json.loads(row["restarts"]) if at > oldest),
            row["place"],
        )
