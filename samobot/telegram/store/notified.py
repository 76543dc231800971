"""What the chats were last notified of: about sessions, usage limits, restarts and plans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.database import Database


class NotifiedStates:
    """What the chats were last notified of, by session key; the notifier sends the difference to the current state.

    Write it in the same transaction as the messages themselves:

        with store.transaction(durable=True):
            outbox.post(...)
            store.notified.set(session, state)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, session: str) -> dict[str, Any] | None:
        """Return the state of a session, None if nothing was sent about it."""
        row = self._database.row("SELECT told FROM told WHERE session = ?", (session,))
        return dict(json.loads(row["told"])) if row is not None else None

    def set(self, session: str, state: dict[str, Any]) -> None:
        """Save the state of a session."""
        self._database.execute(
            "INSERT OR REPLACE INTO told (session, told, at) VALUES (?, ?, ?)",
            (session, json.dumps(state), self._database.clock()),
            durable=False,
        )

    def drop(self, session: str) -> None:
        """Delete the state of a session that is gone."""
        self._database.execute("DELETE FROM told WHERE session = ?", (session,), durable=False)

    def sessions(self) -> Iterator[str]:
        """Read the keys of all sessions that the chats were notified of."""
        return (row["session"] for row in self._database.by_session("told", "at"))


class ShownPlans:
    """The text of the plan that was shown last, by session key: the next version is compared with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, session: str) -> str | None:
        """Return the plan of a session, None if none was shown."""
        row = self._database.row("SELECT text FROM shown_plans WHERE session = ?", (session,))
        return row["text"] if row is not None else None

    def set(self, session: str, text: str) -> None:
        """Save the plan that is shown now."""
        self._database.execute(
            "INSERT OR REPLACE INTO shown_plans (session, text) VALUES (?, ?)", (session, text), durable=False
        )

    def drop(self, session: str) -> None:
        """Delete the plan of a session that is gone."""
        self._database.execute("DELETE FROM shown_plans WHERE session = ?", (session,), durable=False)


@frozen
class RestartNotice:
    """The message that counts how often a session's worker was restarted in a row.

    Attributes:
        message_key: The outbox key of the message.
        times: Restarts so far.
        at: Time of the last one.
    """

    message_key: str
    times: int
    at: datetime


class RestartNotices:
    """The restart notices, by session key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, session: str) -> RestartNotice | None:
        """Return the notice of a session."""
        row = self._database.row("SELECT * FROM restart_notices WHERE session = ?", (session,))
        return RestartNotice(row["message_key"], row["times"], _time(row["at"])) if row is not None else None

    def set(self, session: str, notice: RestartNotice) -> None:
        """Save the notice of a session."""
        self._database.execute(
            "INSERT OR REPLACE INTO restart_notices (session, message_key, times, at) VALUES (?, ?, ?, ?)",
            (session, notice.message_key, notice.times, notice.at.timestamp()),
            durable=False,
        )


@frozen
class LimitNotice:
    """The open message of a chat about the sessions that wait for a usage limit.

    Attributes:
        message_key: The outbox key of the message.
        since: When it was posted.
        until: When the last of the sessions is expected to resume.
        sessions: Keys of the sessions.
        text: The message as HTML.
        digest: Fingerprint of its content.
    """

    message_key: str
    since: datetime
    until: datetime
    sessions: tuple[str, ...]
    text: str
    digest: str


class LimitNoticeTable:
    """The open limit notices, at most one a chat and topic; topic 0 is the chat itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, chat_id: int, thread_id: int) -> LimitNotice | None:
        """Return the open notice of a topic."""
        row = self._database.row(
            "SELECT * FROM limit_notices WHERE chat_id = ? AND thread_id = ?", (chat_id, thread_id)
        )
        if row is None:
            return None
        sessions = tuple(json.loads(row["sessions"]))
        since, until = _time(row["since"]), _time(row["until"])
        return LimitNotice(row["message_key"], since, until, sessions, row["text"], row["digest"])

    def set(self, chat_id: int, thread_id: int, notice: LimitNotice) -> None:
        """Save the open notice of a topic."""
        self._database.execute(
            "INSERT OR REPLACE INTO limit_notices "
            "(chat_id, thread_id, message_key, since, until, sessions, text, digest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chat_id,
                thread_id,
                notice.message_key,
                notice.since.timestamp(),
                notice.until.timestamp(),
                json.dumps(notice.sessions),
                notice.text,
                notice.digest,
            ),
            durable=True,
        )

    def drop(self, chat_id: int, thread_id: int) -> None:
        """Delete the notice of a topic: the limit is over."""
        self._database.execute(
            "DELETE FROM limit_notices WHERE chat_id = ? AND thread_id = ?",
            (chat_id, thread_id),
            durable=True,
        )


class LastPoll:
    """When all sessions were last compared with what the chats know."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> datetime | None:
        """Return the time, None before the first poll."""
        row = self._database.row("SELECT at FROM last_poll")
        return _time(row["at"]) if row is not None else None

    def set(self, at: datetime) -> None:
        """Save the time of a poll."""
        self._database.execute(
            "INSERT OR REPLACE INTO last_poll (one, at) VALUES (1, ?)", (at.timestamp(),), durable=False
        )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
