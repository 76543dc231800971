"""What a button means: callback data is an opaque id, its action is kept here.

Telegram allows 64 bytes of callback data and shows them to anybody who inspects a message, so nothing but a
random id goes out. The same action in the same scope keeps its id while it is open: a card that is edited
every second makes no new rows, and its buttons stay the same.
"""

from __future__ import annotations

import json
import secrets
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.telegram.store.database import Database

LIFETIME_SECONDS = 30 * 86_400.0
"""How long a button that nobody presses keeps its meaning."""


class CallbackState(StrEnum):
    """Whether a tap may act."""

    FRESH = "fresh"
    USED = "used"
    EXPIRED = "expired"


@frozen
class CallbackPress:
    """A button that was pressed.

    Attributes:
        action: What it stands for, as given to `mint`.
        scope: What it belongs to, as given to `mint`.
        state: Only a `FRESH` one may act.
        used_by: The user who used it first, if it is used.
        once: Whether it may act only once.
    """

    action: dict[str, Any]
    scope: str
    state: CallbackState
    used_by: int | None = None
    once: bool = True


class CallbackIds:
    """The table of callback ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mint(self, action: dict[str, Any], *, scope: str, once: bool = True) -> str:
        """Give an action an id for `callback_data` (16 characters), for a lifetime that begins again after a tenth of it.

        Args:
            action: A JSON object, the handler's own business.
            scope: What the button belongs to (a question, a plan version, a card). Using one single-use
                button uses up all of its scope: after *Approve*, *Request changes* is stale too.
            once: Whether it may act only once.
        """
        now = self._database.clock()
        text = json.dumps(action, sort_keys=True)
        known = self._database.row(
            "SELECT id FROM callbacks WHERE scope = ? AND action = ? AND used IS NULL AND once = ? AND expires > ?",
            (scope, text, once, now + 0.9 * LIFETIME_SECONDS),
        )
        if known is not None:
            return str(known["id"])
        with self._database.transaction(durable=False) as connection:
            row = connection.execute(
                "INSERT INTO callbacks (id, scope, action, once, created, expires) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (scope, action) WHERE used IS NULL "
                "DO UPDATE SET expires = excluded.expires, once = excluded.once RETURNING id",
                (secrets.token_urlsafe(12), scope, text, once, now, now + LIFETIME_SECONDS),
            ).fetchone()
        return str(row["id"])

    def peek(self, identifier: str) -> CallbackPress | None:
        """Return what an id stands for without using it up; None if it is unknown or expired long ago."""
        row = self._database.row("SELECT * FROM callbacks WHERE id = ?", (identifier,))
        if row is None:
            return None
        state = CallbackState.FRESH
        if row["used"] is not None:
            state = CallbackState.USED
        elif row["expires"] <= self._database.clock():
            state = CallbackState.EXPIRED
        return CallbackPress(
            json.loads(row["action"]), row["scope"], state, row["used_by"], bool(row["once"])
        )

    def take(self, identifier: str, user_id: int) -> CallbackPress | None:
        """Use an id: of two taps at the same time exactly one gets `FRESH`.

        Args:
            identifier: The callback data.
            user_id: Who pressed.
        """
        with self._database.transaction(durable=True) as connection:
            tap = self.peek(identifier)
            if tap is not None and tap.state is CallbackState.FRESH:
                connection.execute(
                    "UPDATE callbacks SET used = ?, used_by = ? "
                    "WHERE used IS NULL AND once AND scope = "
                    "(SELECT scope FROM callbacks WHERE id = ? AND once)",
                    (self._database.clock(), user_id, identifier),
                )
        return tap

    def retire(self, scope: str) -> None:
        """Make every button of a scope stale: it was decided elsewhere."""
        self._database.execute(
            "UPDATE callbacks SET used = ? WHERE scope = ? AND used IS NULL",
            (self._database.clock(), scope),
            durable=False,
        )

    def scopes_under(self, prefix: str) -> dict[str, bool]:
        """The scopes of a message's answers, and whether a button of each was used.

        Args:
            prefix: What the scopes begin with, up to the number of the message: `11:reply:message5`.
        """
        rows = self._database.rows(
            "SELECT scope, MAX(used IS NOT NULL) AS used FROM callbacks "
            "WHERE substr(scope, 1, ?) = ? AND substr(scope, ?, 1) IN (':', 'e') GROUP BY scope",
            (len(prefix), prefix, len(prefix) + 1),
        )
        return {row["scope"]: bool(row["used"]) for row in rows}

    def scopes_of(self, session: str) -> tuple[str, ...]:
        """The scopes with buttons that still mean something, all of them about one session.

        Args:
            session: The session's key, as `session` of the actions.
        """
        rows = self._database.rows(
            "SELECT scope FROM callbacks WHERE used IS NULL GROUP BY scope "
            "HAVING MIN(COALESCE(json_extract(action, '$.session'), '') = ?)",
            (session,),
        )
        return tuple(row["scope"] for row in rows)

    def prune(self) -> None:
        """Forget ids that expired more than their lifetime ago; until then a stale tap gets an answer."""
        self._database.execute(
            "DELETE FROM callbacks WHERE expires < ?",
            (self._database.clock() - LIFETIME_SECONDS,),
            durable=False,
        )
