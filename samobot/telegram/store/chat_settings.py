"""A chat's preferences, whether it can be reached, and which id it has now."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum

from samobot.frozen import frozen
from samobot.telegram.store.database import Database


class NotifyLevel(StrEnum):
    """What makes a sound or a message."""

    QUIET = "quiet"
    NORMAL = "normal"
    ALL = "all"


@frozen
class ChatSettings:
    """What is known about a chat.

    Attributes:
        chat_id: Telegram's number of it.
        level: What makes a sound or a message there.
        timezone: IANA name of the zone its times are shown in; None: the machine's.
        silenced: Keys of reminders that it does not want again.
        blocked: When Telegram first refused a message of the bot there, epoch seconds; None if it may write.
    """

    chat_id: int
    level: NotifyLevel = NotifyLevel.NORMAL
    timezone: str | None = None
    silenced: frozenset[str] = frozenset()
    blocked: float | None = None


class ChatSettingsTable:
    """The table of chats; one that is not in it has the defaults.

    Attributes:
        reach_changes: How often a chat has become reachable or unreachable since the start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, ChatSettings] = {}
        self.reach_changes = 0

    def get(self, chat_id: int) -> ChatSettings:
        """Return what is known about a chat; read once, as only this process changes it."""
        known = self._known.get(chat_id)
        if known is None:
            known = self._read(chat_id)
            if not self._database.in_transaction:  # otherwise it may still be rolled back
                self._known[chat_id] = known
        return known

    def _read(self, chat_id: int) -> ChatSettings:
        row = self._database.row("SELECT * FROM chats WHERE chat_id = ?", (chat_id,))
        if row is None:
            return ChatSettings(chat_id)
        return ChatSettings(
            chat_id,
            NotifyLevel(row["level"]),
            row["timezone"],
            frozenset(json.loads(row["silenced"])),
            row["blocked"],
        )

    def put(self, chat: ChatSettings) -> None:
        """Keep what is known about a chat."""
        self._known.pop(chat.chat_id, None)
        self._database.execute(
            "INSERT OR REPLACE INTO chats (chat_id, level, timezone, silenced, blocked) VALUES (?, ?, ?, ?, ?)",
            (chat.chat_id, chat.level, chat.timezone, json.dumps(sorted(chat.silenced)), chat.blocked),
            durable=True,
        )

    def block(self, chat_id: int) -> bool:
        """Record that the bot may not write there; return whether that is new."""
        chat = self.get(chat_id)
        if chat.blocked is not None:
            return False
        self.put(replace(chat, blocked=self._database.clock()))
        self.reach_changes += 1
        return True

    def unblock(self, chat_id: int) -> bool:
        """Record that the bot may write there again; return whether that is new."""
        chat = self.get(chat_id)
        if chat.blocked is None:
            return False
        self.put(replace(chat, blocked=None))
        self.reach_changes += 1
        return True

    def move(self, old: int, new: int) -> None:
        """Take preferences along when a group becomes a supergroup with a new number."""
        self._known.clear()
        self._database.execute(
            "UPDATE OR REPLACE chats SET chat_id = ? WHERE chat_id = ?", (new, old), durable=True
        )


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
