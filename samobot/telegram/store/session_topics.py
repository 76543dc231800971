"""The forum topic that each session has to itself."""

from __future__ import annotations

from dataclasses import dataclass

from samobot.telegram.store.database import Database


@dataclass(frozen=True, slots=True)
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
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO session_topics (session, chat_id, thread_id, icon, closed) "
                "VALUES (?, ?, ?, ?, ?)",
                (topic.session, topic.chat_id, topic.thread_id, topic.icon, topic.closed),
            )
        self._topics[topic.session] = topic

    def drop(self, session: str) -> None:
        """Forget the topic of a session: it is gone."""
        with self._database.transaction(durable=True) as connection:
            connection.execute("DELETE FROM session_topics WHERE session = ?", (session,))
        self._topics.pop(session, None)
