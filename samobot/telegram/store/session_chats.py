"""Where sessions are in chats: the chat that one was started in, its forum topic, and a chat's last project."""

from __future__ import annotations

from samobot.frozen import frozen
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
        self._database.execute(
            "INSERT OR REPLACE INTO session_chats (session, chat_id, thread_id) VALUES (?, ?, ?)",
            (session, chat_id, thread_id),
            durable=True,
        )

    def drop(self, session: str, *, durable: bool = True) -> None:
        """Delete an entry: the session is gone, or belongs to the owner's chat again."""
        self._database.execute("DELETE FROM session_chats WHERE session = ?", (session,), durable=durable)


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
        self._database.execute(
            "INSERT OR REPLACE INTO chat_projects (chat_id, thread_id, project) VALUES (?, ?, ?)",
            (chat_id, thread_id or 0, project),
            durable=False,
        )


@frozen
class SessionTopic:
    """A topic.

    Attributes:
        session: The session's key.
        chat_id: The chat.
        thread_id: The topic's number there.
        icon: The emoji that it shows; empty before the first one.
        closed: Whether it is closed.
    """

    session: str
    chat_id: int
    thread_id: int
    icon: str = ""
    closed: bool = False


class SessionTopics:
    """The topics by session key. They are read once and kept in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        rows = database.rows("SELECT * FROM session_topics")
        self._topics = {
            row["session"]: SessionTopic(
                row["session"], row["chat_id"], row["thread_id"], row["icon"], bool(row["closed"])
            )
            for row in rows
        }

    def all(self) -> tuple[SessionTopic, ...]:
        """List them all."""
        return tuple(self._topics.values())

    def get(self, session: str) -> SessionTopic | None:
        """Return the topic of a session."""
        return self._topics.get(session)

    def find(self, chat_id: int, thread_id: int) -> SessionTopic | None:
        """Return what a number means in a chat; None if it is no session's topic."""
        place = (chat_id, thread_id)
        return next((each for each in self._topics.values() if (each.chat_id, each.thread_id) == place), None)

    def set(self, topic: SessionTopic) -> None:
        """Save a topic."""
        self._database.execute(
            "INSERT OR REPLACE INTO session_topics (session, chat_id, thread_id, icon, closed) "
            "VALUES (?, ?, ?, ?, ?)",
            (topic.session, topic.chat_id, topic.thread_id, topic.icon, topic.closed),
            durable=True,
        )
        self._topics[topic.session] = topic

    def drop(self, session: str) -> None:
        """Forget the topic of a session: it is gone."""
        self._database.execute("DELETE FROM session_topics WHERE session = ?", (session,), durable=True)
        self._topics.pop(session, None)
