"""The queue of messages accepted and not yet delivered: it survives anything, and keeps a message's newest content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from samobot.telegram.store.attachments import OutboxFiles
from samobot.telegram.store.database import Database
from samobot.telegram.store.outbox_rows import Form, Op, OutboxRow, Post, Priority
from samobot.telegram.store.sent import MessageSubject

_BATCH = 50


class OutboxQueue:
    """The table of messages to be delivered, and the folder of their files.

    Args:
        database: Where the rows are.
        folder: Where attached files wait; made with mode 0700 when the first one comes.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._files = OutboxFiles(folder)

    def put(
        self,
        chat_id: int,
        op: Op,
        key: str,
        post: Post,
        *,
        about: MessageSubject,
        priority: Priority,
        ttl: float | None = None,
        data: bytes | None = None,
    ) -> None:
        """Queue a message; one with the same chat, key and operation is replaced in its place.

        An `EDIT` of a message that is itself still queued becomes that message's content.

        Args:
            chat_id: Where to.
            op: What to do.
            key: Names the message.
            post: The content.
            about: What it is about.
            priority: How urgent it is; `NEEDED` survives a power cut once this returns.
            ttl: Seconds after which it is dropped unsent; None: never.
            data: Content of the attached file.
        """
        durable = priority is Priority.NEEDED
        file = self._files.keep(data, durable=durable) if data is not None else None
        content = json.dumps({"post": _shallow(post), "about": about.as_json()})
        now = self._database.clock()
        try:
            with self._database.transaction(durable=durable) as connection:
                if (
                    op is Op.EDIT
                    and connection.execute(
                        "UPDATE outbox SET post = ?, version = version + 1, form = 0 "
                        "WHERE chat_id = ? AND key = ? AND op = ?",
                        (content, chat_id, key, Op.SEND),
                    ).rowcount
                ):
                    return
                replaced = None
                if op is Op.SEND:  # only these have files
                    replaced = connection.execute(
                        "SELECT file FROM outbox WHERE chat_id = ? AND key = ? AND op = ?", (chat_id, key, op)
                    ).fetchone()
                connection.execute(
                    "INSERT INTO outbox (chat_id, priority, op, key, post, file, created, expires) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chat_id, key, op) DO UPDATE SET "
                    "post = excluded.post, file = excluded.file, expires = excluded.expires, form = 0, "
                    "version = version + 1, priority = MIN(priority, excluded.priority)",
                    (chat_id, priority, op, key, content, file, now, now + ttl if ttl is not None else None),
                )
        except BaseException:
            if file is not None:
                self._files.remove(file)
            raise
        if replaced is not None and replaced["file"] != file:
            self._discard(replaced["file"])

    def chats(self) -> tuple[int, ...]:
        """List the chats that something waits for."""
        return tuple(row["chat_id"] for row in self._database.rows("SELECT DISTINCT chat_id FROM outbox"))

    def count(self, chat_id: int | None = None) -> int:
        """Count what waits, for one chat or for all."""
        row = self._database.row(
            "SELECT COUNT(*) AS n FROM outbox WHERE ? IS NULL OR chat_id = ?", (chat_id, chat_id)
        )
        return int(row["n"]) if row is not None else 0

    def waiting(self, chat_id: int, prefix: str = "") -> Iterator[OutboxRow]:
        """The next rows of a chat in the order in which they should go out, each decoded when it is taken.

        Args:
            chat_id: The chat.
            prefix: Only those whose keys begin like this.
        """
        rows = self._database.rows(
            "SELECT * FROM outbox WHERE chat_id = ?1 AND substr(key, 1, length(?2)) = ?2"
            " ORDER BY MAX(priority, ?4), id LIMIT ?3",
            (chat_id, prefix, _BATCH, Priority.EFFECT),
        )
        return map(self._row, rows)

    def has(self, chat_id: int, key: str, op: Op) -> bool:
        """Whether such a row waits."""
        return (
            self._database.row(
                "SELECT 1 FROM outbox WHERE chat_id = ? AND key = ? AND op = ?", (chat_id, key, op)
            )
            is not None
        )

    def done(self, row: OutboxRow) -> None:
        """Take a row out; if its content was replaced meanwhile, the new content stays queued.

        A `SEND` whose content was replaced while it was on its way stays as an `EDIT` of what was sent.
        """
        with self._database.transaction(durable=False) as connection:
            gone = connection.execute(
                "DELETE FROM outbox WHERE id = ? AND version = ?", (row.id, row.version)
            ).rowcount
            if not gone and row.op is Op.SEND:
                connection.execute(
                    "UPDATE OR REPLACE outbox SET op = ?, file = NULL WHERE id = ?", (Op.EDIT, row.id)
                )
        if gone or row.op is Op.SEND:
            self._discard(row.file.name if row.file is not None else None)

    def reduce(self, row: OutboxRow, form: Form) -> None:
        """Have a row tried in a reduced form from now on."""
        self._database.execute(
            "UPDATE outbox SET form = ? WHERE id = ? AND version = ?",
            (form, row.id, row.version),
            durable=False,
        )

    def drop(self, chat_id: int, key: str | None = None, *, spare: Priority | None = None) -> int:
        """Throw rows of a chat away.

        Args:
            chat_id: The chat.
            key: Only those of this key.
            spare: Keep those of this priority.

        Returns:
            How many there were.
        """
        with self._database.transaction(durable=False) as connection:
            rows = connection.execute(
                "DELETE FROM outbox WHERE chat_id = ?1 AND (?2 IS NULL OR key = ?2) "
                "AND (?3 IS NULL OR priority != ?3) RETURNING file",
                (chat_id, key, spare),
            ).fetchall()
        for row in rows:
            self._discard(row["file"])
        return len(rows)

    def move_chat(self, old: int, new: int) -> None:
        """Send what waits for a group to the chat that it became."""
        self._database.execute(
            "UPDATE OR REPLACE outbox SET chat_id = ? WHERE chat_id = ?", (new, old), durable=True
        )

    def prune(self) -> None:
        """Remove files that no row names: of a crash between the two."""
        rows = self._database.rows("SELECT file FROM outbox WHERE file IS NOT NULL")
        self._files.remove_others({row["file"] for row in rows})

    def _discard(self, name: str | None) -> None:
        """Remove a file once the deletion of the row that named it is committed."""
        if name is not None:
            self._database.after_commit(lambda: self._files.remove(name))

    def _row(self, row: Any) -> OutboxRow:
        content = json.loads(row["post"])
        return OutboxRow(
            row["id"],
            row["chat_id"],
            Priority(row["priority"]),
            Op(row["op"]),
            row["key"],
            row["version"],
            Post(**content["post"]),
            MessageSubject(**content["about"]),
            self._files.path(row["file"]) if row["file"] is not None else None,
            row["expires"],
            Form(row["form"]),
        )


def _shallow(value: Post) -> dict[str, Any]:
    """The fields by name; `asdict` would copy a keyboard that is only read."""
    return {each.name: getattr(value, each.name) for each in fields(value)}
