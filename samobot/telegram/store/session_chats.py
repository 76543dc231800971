"""Which chat a session was started in, and the project that was used last in a chat."""

from __future__ import annotations

from samobot.telegram.store.database import Database


class SessionChats:
    """The chat and topic that gets a session's notifications, by session key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, tuple[int, int | None]]:
        """Return chat id and topic id by session key."""
        rows = self._database.rows("SELECT session, chat_id, thread_id FROM session_chats")
        return {row["session"]: (row["chat_id"], row["thread_id"]) for row in rows}

    def set(self, session: str, chat_id: int, thread_id: int | None) -> None:
        """Save where a session's notifications go."""
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO session_chats (session, chat_id, thread_id) VALUES (?, ?, ?)",
                (session, chat_id, thread_id),
            )

    def drop(self, session: str, *, durable: bool = True) -> None:
        """Delete an entry: the session is gone, or belongs to the owner's chat again."""
        with self._database.transaction(durable=durable) as connection:
            connection.execute("DELETE FROM session_chats WHERE session = ?", (session,))


class ChatProjects:
    """The project of the last session that was started in a chat or topic."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, chat_id: int, thread_id: int | None) -> str | None:
        """Return the project's name, None if nothing was started there."""
        row = self._database.row(
            "SELECT project FROM chat_projects WHERE chat_id = ? AND thread_id = ?", (chat_id, thread_id or 0)
        )
        return str(row["project"]) if row is not None else None

    def set(self, chat_id: int, thread_id: int | None, project: str) -> None:
        """Save the project that was used."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO chat_projects (chat_id, thread_id, project) VALUES (?, ?, ?)",
                (chat_id, thread_id or 0, project),
            )
