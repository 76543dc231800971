"""Deliveries of a forge's webhook that were taken: none counts twice."""

from __future__ import annotations

from samobot.telegram.store.database import Database

_KEPT = 20_000


class WebhookDeliveries:
    """What names a delivery: its id, and its signature, which a replay under another id shares."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, *names: str) -> bool:
        """Note a delivery by everything that names it; whether none of that was known."""
        with self._database.transaction(durable=True) as connection:
            marks = ", ".join("?" for _ in names)
            known = connection.execute(
                f"SELECT 1 FROM webhook_deliveries WHERE name IN ({marks}) LIMIT 1",  # noqa: S608
                names,
            ).fetchone()
            if known is not None:
                return False
            for name in names:
                connection.execute(
                    "INSERT OR IGNORE INTO webhook_deliveries (name, at) VALUES (?, ?)",
                    (name, self._database.clock()),
                )
        return True

    def prune(self) -> None:
        """Forget all but the newest."""
        self._database.execute(
            "DELETE FROM webhook_deliveries WHERE name NOT IN "
            "(SELECT name FROM webhook_deliveries ORDER BY at DESC LIMIT ?)",
            (_KEPT,),
            durable=False,
        )
