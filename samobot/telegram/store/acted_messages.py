"""Messages of users that were acted on: an edit of one comes too late."""

from __future__ import annotations

from samobot.telegram.store.database import Database
from samobot.telegram.store.update_journal import KEEP_SECONDS


class ActedMessages:
    """The table of these messages; they are kept for as long as their updates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, chat_id: int, message_id: int, session: str | None) -> None:
        """Note that a message was acted on, for a session or for none."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO acted_messages (chat_id, message_id, session, at) VALUES (?, ?, ?, ?)",
                (chat_id, message_id, session, self._database.clock()),
            )

    def find(self, chat_id: int, message_id: int) -> tuple[bool, str | None]:
        """Return whether a message was acted on, and for which session."""
        row = self._database.row(
            "SELECT session FROM acted_messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id)
        )
        return row is not None, row["session"] if row is not None else None

    def prune(self) -> None:
        """Forget what was long ago."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "DELETE FROM acted_messages WHERE at < ?", (self._database.clock() - KEEP_SECONDS,)
            )
