"""What the chat was last told about each session, and small values with a name."""

from __future__ import annotations

import json
from typing import Any

from samobot.telegram.store.database import Database


class NotifiedStates:
    """What the chat was last told, by session key; the notifier sends the difference to what holds now.

    Write it in the same transaction as the messages that tell it:

        with store.transaction(durable=True):
            outbox.post(...)
            store.told.set(session, told)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, session: str) -> dict[str, Any] | None:
        """Read what was told about a session, None where nothing was."""
        row = self._database.row("SELECT told FROM told WHERE session = ?", (session,))
        return dict(json.loads(row["told"])) if row is not None else None

    def set(self, session: str, told: dict[str, Any], *, durable: bool = False) -> None:
        """Remember what was told about a session."""
        with self._database.transaction(durable=durable) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO told (session, told, at) VALUES (?, ?, ?)",
                (session, json.dumps(told), self._database.clock()),
            )

    def drop(self, session: str) -> None:
        """Forget a session that is gone."""
        with self._database.transaction(durable=False) as connection:
            connection.execute("DELETE FROM told WHERE session = ?", (session,))

    def all(self) -> dict[str, dict[str, Any]]:
        """Read all of it, by session key."""
        return {
            row["session"]: json.loads(row["told"])
            for row in self._database.rows("SELECT session, told FROM told ORDER BY session")
        }


class Facts:
    """Small JSON values with a name: the panic switch, the last digest, the day of a cap."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Any:
        """Read a value, None where there is none."""
        row = self._database.row("SELECT value FROM facts WHERE name = ?", (name,))
        return json.loads(row["value"]) if row is not None else None

    def set(self, name: str, value: Any, *, durable: bool = True) -> None:
        """Keep a value; None forgets it."""
        with self._database.transaction(durable=durable) as connection:
            if value is None:
                connection.execute("DELETE FROM facts WHERE name = ?", (name,))
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, json.dumps(value))
                )

    def rename(self, beginning: str, new: str) -> None:
        """Give all values whose names begin so another beginning; what was kept under that is replaced."""
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "UPDATE OR REPLACE facts SET name = ? || substr(name, ?) WHERE substr(name, 1, ?) = ?",
                (new, len(beginning) + 1, len(beginning), beginning),
            )
