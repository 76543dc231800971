"""Who may use the bot besides those in the settings, and the code by which they are admitted.

The terminal shows a code; the user who sends it to the bot in time is admitted. One code at a time, for one user,
ten minutes, five wrong tries over all people; only a salted hash of it is on disk.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from samobot.frozen import frozen
from samobot.telegram.store.database import Database

LIFETIME_SECONDS = 600.0
TRIES = 5

_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_LENGTH = 10


@frozen
class PairingCode:
    """A code to be shown once.

    Attributes:
        code: Ten letters and digits without look-alikes; 49 bits.
        expires: When it stops working, epoch seconds.
    """

    code: str
    expires: float

    @property
    def shown(self) -> str:
        """The code in two halves, easier to type; `redeem` takes both forms."""
        return f"{self.code[:5]}-{self.code[5:]}"

    def link(self, bot_name: str) -> str:
        """The deep link that sends the code with one tap.

        Args:
            bot_name: The bot's user name without `@`.
        """
        return f"https://t.me/{bot_name}?start={self.code}"


class Pairing:
    """The table of the one open code."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new_code(self) -> PairingCode:
        """Make a code; an older one stops working."""
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        salt = secrets.token_bytes(16)
        expires = self._database.clock() + LIFETIME_SECONDS
        self._database.execute(
            "INSERT OR REPLACE INTO pairing (one, salt, digest, expires, tries) VALUES (1, ?, ?, ?, 0)",
            (salt, _digest(salt, code), expires),
            durable=True,
        )
        return PairingCode(code, expires)

    def redeem(self, code: str) -> bool:
        """Try a code: true exactly once, for the right one, in time, before the fifth wrong try.

        Args:
            code: What was sent; case, spaces and dashes do not matter.
        """
        with self._database.transaction(durable=True) as connection:
            row = self._database.row("SELECT * FROM pairing")
            if row is None or row["expires"] <= self._database.clock() or row["tries"] >= TRIES:
                return False
            right = hmac.compare_digest(_digest(row["salt"], _normal(code)), row["digest"])
            if right:
                connection.execute("DELETE FROM pairing")
            else:
                connection.execute("UPDATE pairing SET tries = tries + 1")
        return right


@frozen
class Access:
    """Who may use the bot, and in which groups.

    Attributes:
        users: Numeric user ids; empty means nobody.
        groups: Numeric ids of group chats; a private chat needs none.
    """

    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()

    def __or__(self, other: Access) -> Access:
        return Access(self.users | other.users, self.groups | other.groups)


class PairedPeople:
    """The table of people and groups that were admitted by a code."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._access: Access | None = None

    def access(self) -> Access:
        """Return who was admitted; read once and then cached, as only this process adds people."""
        if self._access is None:
            rows = self._database.rows("SELECT kind, id FROM people")
            self._access = Access(
                frozenset(row["id"] for row in rows if row["kind"] == "user"),
                frozenset(row["id"] for row in rows if row["kind"] == "group"),
            )
        return self._access

    def add_user(self, user_id: int) -> None:
        """Admit a user permanently."""
        self._add("user", user_id)

    def add_group(self, chat_id: int) -> None:
        """Let allowed people use the bot in a group."""
        self._add("group", chat_id)

    def move_group(self, old: int, new: int) -> None:
        """Follow a group that got a new number."""
        self._database.execute(
            "UPDATE OR REPLACE people SET id = ? WHERE kind = 'group' AND id = ?", (new, old), durable=True
        )
        self._access = None

    def _add(self, kind: str, identifier: int) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO people (kind, id, at) VALUES (?, ?, ?)",
            (kind, identifier, self._database.clock()),
            durable=True,
        )
        self._access = None


@frozen
class PairedBy:
    """Who was admitted by a message.

    Attributes:
        title: The title of the group; empty for a user.
    """

    title: str


class LastPairing:
    """The message whose code admitted a user last, so that a repeat of it after a crash gets the same reply."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, chat_id: int, message_id: int, title: str) -> None:
        """Save the message; in the caller's transaction."""
        self._database.execute(
            "INSERT OR REPLACE INTO last_pairing (one, chat_id, message_id, title) VALUES (1, ?, ?, ?)",
            (chat_id, message_id, title),
            durable=True,
        )

    def find(self, chat_id: int, message_id: int) -> PairedBy | None:
        """Return who was admitted by a message, None if nobody was."""
        row = self._database.row(
            "SELECT title FROM last_pairing WHERE chat_id = ? AND message_id = ?", (chat_id, message_id)
        )
        return PairedBy(row["title"]) if row is not None else None


def _normal(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


def _digest(salt: bytes, code: str) -> bytes:
    return hashlib.sha256(salt + code.encode("utf-8", "surrogatepass")).digest()
