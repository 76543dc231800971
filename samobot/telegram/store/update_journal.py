"""The journal of updates, on disk before they are acknowledged to Telegram, and which messages were acted on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.database import Database

KEEP_SECONDS = 3 * 86_400.0
"""How long a finished update is remembered. Telegram hands one over again for at most 24 hours, and may
start its ids over after a week without updates, so it has to be between the two."""


class UpdateState(StrEnum):
    """How far an update has come."""

    PENDING = "pending"
    DONE = "done"
    QUARANTINED = "quarantined"


@frozen
class JournaledUpdate:
    """One update as Telegram sent it.

    Attributes:
        update_id: Telegram's number of it.
        raw: The whole JSON object.
        tries: How many times its handling was started.
        begun: Whether the last of these tries is still to be made.
    """

    update_id: int
    raw: dict[str, Any]
    tries: int = 0
    begun: bool = False


class UpdateJournal:
    """The table of updates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, raws: Sequence[dict[str, Any]], *, begin: bool = False) -> tuple[JournaledUpdate, ...]:
        """Record updates durably, and return those that are new.

        Args:
            raws: Updates as getUpdates returned them, each with an integer `update_id`.
            begin: Whether the first new one is handled at once, so that `begin` is not called for it.
        """
        now = self._database.clock()
        new: list[JournaledUpdate] = []
        with self._database.transaction(durable=True) as connection:
            for raw in raws:
                begun = begin and not new
                cursor = connection.execute(
                    "INSERT INTO updates (update_id, raw, received, state, tries) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (update_id) DO NOTHING",
                    (raw["update_id"], json.dumps(raw), now, UpdateState.PENDING, int(begun)),
                )
                if cursor.rowcount:
                    new.append(JournaledUpdate(raw["update_id"], raw, int(begun), begun))
        return tuple(new)

    def begin(self, update_id: int) -> int:
        """Record that handling starts; returns how many times it was started, including this one.

        One that could not be written when it came is not in the journal: this counts as its first start.
        """
        with self._database.transaction(durable=False) as connection:
            row = connection.execute(
                "UPDATE updates SET tries = tries + 1 WHERE update_id = ? RETURNING tries", (update_id,)
            ).fetchone()
        return int(row["tries"]) if row is not None else 1

    def revert(self, update_id: int) -> None:
        """Note that handling was interrupted by an orderly end, which is not the update's fault."""
        self._database.execute(
            "UPDATE updates SET tries = tries - 1 WHERE update_id = ? AND state = ?",
            (update_id, UpdateState.PENDING),
            durable=False,
        )

    def done(self, update_id: int) -> None:
        """Note that an update needs nothing more."""
        self._settle(update_id, UpdateState.DONE, None)

    def quarantine(self, update_id: int, reason: str) -> None:
        """Set an update aside permanently, with the reason as text."""
        self._settle(update_id, UpdateState.QUARANTINED, reason)

    def unfinished(self) -> tuple[JournaledUpdate, ...]:
        """List the pending updates in the order in which they came."""
        rows = self._database.rows(
            "SELECT update_id, raw, tries FROM updates WHERE state = ? ORDER BY received, update_id",
            (UpdateState.PENDING,),
        )
        return tuple(JournaledUpdate(row["update_id"], json.loads(row["raw"]), row["tries"]) for row in rows)

    def text_before(self, update_id: int, chat_id: int, message_id: int) -> str | None:
        """Return a message's text or caption before an edit; None if no update about it is kept.

        Args:
            update_id: The update that brought the edit.
            chat_id: The chat.
            message_id: The message.
        """
        row = self._database.row(
            "SELECT COALESCE(json_extract(m, '$.text'), json_extract(m, '$.caption'), '') AS text FROM ("
            "SELECT update_id, COALESCE(json_extract(raw, '$.edited_message'), json_extract(raw, '$.message')) AS m "
            "FROM updates WHERE update_id != ? AND state = ?) "
            "WHERE json_extract(m, '$.message_id') = ? AND json_extract(m, '$.chat.id') = ? "
            "ORDER BY update_id DESC LIMIT 1",
            (update_id, UpdateState.DONE, message_id, chat_id),
        )
        return str(row["text"]) if row is not None else None

    def prune(self) -> None:
        """Forget what was finished long ago."""
        self._database.execute(
            "DELETE FROM updates WHERE state != ? AND received < ?",
            (UpdateState.PENDING, self._database.clock() - KEEP_SECONDS),
            durable=False,
        )

    def _settle(self, update_id: int, state: UpdateState, reason: str | None) -> None:
        self._database.execute(
            "UPDATE updates SET state = ?, reason = ? WHERE update_id = ?",
            (state, reason, update_id),
            durable=False,
        )


class ActedMessages:
    """The table of these messages; they are kept for as long as their updates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, chat_id: int, message_id: int, session: str | None) -> None:
        """Note that a message was acted on, for a session or for none."""
        self._database.execute(
            "INSERT OR REPLACE INTO acted_messages (chat_id, message_id, session, at) VALUES (?, ?, ?, ?)",
            (chat_id, message_id, session, self._database.clock()),
            durable=False,
        )

    def find(self, chat_id: int, message_id: int) -> tuple[bool, str | None]:
        """Return whether a message was acted on, and for which session."""
        row = self._database.row(
            "SELECT session FROM acted_messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id)
        )
        return row is not None, row["session"] if row is not None else None

    def prune(self) -> None:
        """Forget what was long ago."""
        self._database.execute(
            "DELETE FROM acted_messages WHERE at < ?", (self._database.clock() - KEEP_SECONDS,), durable=False
        )
