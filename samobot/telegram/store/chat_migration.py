"""Groups that became supergroups: Telegram gives them another chat id."""

from __future__ import annotations

from samobot.telegram.store.database import Database


class ChatMigrations:
    """The chat ids that were replaced."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, int] | None = None

    def add(self, old: int, new: int) -> None:
        """Save a migration and move what belongs to the old chat; in the caller's transaction."""
        self._known = None
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO chat_migrations (old_id, new_id) VALUES (?, ?)", (old, new)
            )
            for statement in (
                "UPDATE OR REPLACE limit_notices SET chat_id = ? WHERE chat_id = ?",
                "UPDATE session_topics SET chat_id = ? WHERE chat_id = ?",
                "UPDATE OR REPLACE prompts SET chat_id = ? WHERE chat_id = ?",
                "UPDATE OR REPLACE chat_projects SET chat_id = ? WHERE chat_id = ?",
            ):
                connection.execute(statement, (new, old))

    def all(self) -> dict[int, int]:
        """Return new ids by old ones."""
        if self._known is None:
            rows = self._database.rows("SELECT old_id, new_id FROM chat_migrations")
            known = {row["old_id"]: row["new_id"] for row in rows}
            if self._database.in_transaction:
                return known  # it may still be rolled back
            self._known = known
        return self._known

    def current(self, chat_id: int) -> int:
        """Return the id that a chat has now. A supergroup does not migrate again."""
        return self.all().get(chat_id, chat_id)
