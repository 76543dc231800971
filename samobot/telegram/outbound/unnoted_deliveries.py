"""Deliveries that the database does not hold yet: each is noted at once, or with the next one if that does no harm."""

from __future__ import annotations

from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow, Priority
from samobot.telegram.store.sent import SentMessage

_REPEATABLE = frozenset({Op.EDIT, Op.REACT, Op.STRIP})
"""What leaves the chat as it is when it is done twice."""


class UnnotedDeliveries:
    """What was delivered to one chat since the last note.

    Args:
        store: Where it is noted: the rows go, the messages' numbers stay.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[int, tuple[OutboxRow, tuple[int, ...]]] = {}

    @property
    def is_overdue(self) -> bool:
        """Whether the disk has refused a note that a crash must not undo."""
        return any(row.op not in _REPEATABLE for row, _ in self._rows.values())

    def version(self, row: OutboxRow) -> int | None:
        """The version of a row that was delivered; None if it is noted, or was not delivered."""
        delivered = self._rows.get(row.id)
        return None if delivered is None else delivered[0].version

    def add(self, row: OutboxRow, numbers: tuple[int, ...]) -> None:
        """Take in a delivery, with the numbers of its messages.

        Raises:
            StorageError: The disk refused the note; it is tried again with the next one.
        """
        self._rows[row.id] = (row, numbers)
        if row.op not in _REPEATABLE:
            self.note()

    def note(self) -> bool:
        """Note all of them in one transaction; returns whether there was one.

        Raises:
            StorageError: The disk refused.
        """
        if not self._rows:
            return False
        delivered = tuple(self._rows.values())
        with self._store.transaction(durable=any(row.priority is Priority.NEEDED for row, _ in delivered)):
            for row, numbers in delivered:
                self._store.outbox.done(row)
                if row.op is Op.DELETE:
                    self._store.sent.drop(row.chat_id, row.key)
                for message_id in numbers:
                    self._store.sent.put(
                        SentMessage(
                            row.chat_id,
                            message_id,
                            row.key,
                            row.about,
                            row.post.thread_id,
                            row.post.digest,
                            self._store.clock(),
                        )
                    )
        self._rows.clear()
        return True
