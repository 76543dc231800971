"""The bot's messages in chats: what each is about, and which message a key became.

With it a reply addresses a session, a card is edited instead of sent again, and a message that was already
delivered is not delivered once more after a crash.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.database import Database

KEEP_SECONDS = 90 * 86_400.0
"""How long a message can be replied to."""


@frozen
class MessageSubject:
    """What a message is about.

    Attributes:
        session: The session's key (`project:name`), or None for one about everything or nothing.
        kind: What sort of message: `card`, `question`, `plan`, … The notifier's own words.
        detail: More, as a JSON object: the index of a question, the digest of a plan.
    """

    session: str | None = None
    kind: str = "note"
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"session": self.session, "kind": self.kind, "detail": self.detail}


@frozen
class SentMessage:
    """One message of the bot in a chat.

    Attributes:
        chat_id: The chat.
        message_id: Telegram's number of it there.
        key: The key it was enqueued with.
        about: What it is about.
        thread_id: The topic it is in, or None.
        digest: Hash of its current content.
        at: When it was sent or last edited, epoch seconds.
    """

    chat_id: int
    message_id: int
    key: str
    about: MessageSubject
    thread_id: int | None
    digest: str
    at: float


class SentMessages:
    """The table of messages in chats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, message: SentMessage) -> None:
        """Record a message, or its new content."""
        about = message.about
        self._database.execute(
            "INSERT OR REPLACE INTO sent (chat_id, message_id, key, session, kind, detail, thread_id, digest, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.chat_id,
                message.message_id,
                message.key,
                about.session,
                about.kind,
                json.dumps(about.detail),
                message.thread_id,
                message.digest,
                message.at,
            ),
            durable=False,
        )

    def find(self, chat_id: int, message_id: int) -> SentMessage | None:
        """Return a message by its number in a chat."""
        row = self._database.row(
            "SELECT * FROM sent WHERE chat_id = ? AND message_id = ?", (chat_id, message_id)
        )
        return _message(row) if row is not None else None

    def by_key(self, chat_id: int, key: str) -> SentMessage | None:
        """Find the newest message of a key in a chat."""
        row = self._database.row(
            "SELECT * FROM sent WHERE key = ? AND chat_id = ? ORDER BY message_id DESC LIMIT 1",
            (key, chat_id),
        )
        return _message(row) if row is not None else None

    def has(self, chat_id: int, key: str) -> bool:
        """Whether a message of a key is in a chat."""
        row = self._database.row("SELECT 1 FROM sent WHERE key = ? AND chat_id = ? LIMIT 1", (key, chat_id))
        return row is not None

    def count_below(self, message: SentMessage) -> int:
        """How many of the bot's messages are below this one, in its chat and topic.

        Cards are not counted: among many sessions each new one would push another out of sight, forever.
        """
        row = self._database.row(
            "SELECT COUNT(*) AS below FROM sent WHERE chat_id = ? AND message_id > ? AND thread_id IS ? "
            "AND kind IS NOT 'card'",
            (message.chat_id, message.message_id, message.thread_id),
        )
        return int(row["below"]) if row is not None else 0

    def rename(self, message: SentMessage, key: str) -> None:
        """Give a message another key, so that its old one is free for a new message."""
        self._database.execute(
            "UPDATE sent SET key = ? WHERE chat_id = ? AND message_id = ?",
            (key, message.chat_id, message.message_id),
            durable=False,
        )

    def drop(self, chat_id: int, key: str) -> None:
        """Forget the messages of a key: they are gone from the chat, or must no longer be edited."""
        self._database.execute(
            "DELETE FROM sent WHERE key = ? AND chat_id = ?", (key, chat_id), durable=False
        )

    def move_chat(self, old: int, new: int) -> None:
        """Forget the messages of a group that became another chat: their numbers mean nothing there."""
        self._database.execute("DELETE FROM sent WHERE chat_id IN (?, ?)", (old, new), durable=False)

    def prune(self) -> None:
        """Forget messages from long ago."""
        self._database.execute(
            "DELETE FROM sent WHERE at < ?", (self._database.clock() - KEEP_SECONDS,), durable=False
        )


def _message(row: Any) -> SentMessage:
    return SentMessage(
        row["chat_id"],
        row["message_id"],
        row["key"],
        MessageSubject(row["session"], row["kind"], json.loads(row["detail"])),
        row["thread_id"],
        row["digest"],
        row["at"],
    )
