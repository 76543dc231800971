"""What Telegram knows about the bot's own account."""

from __future__ import annotations

from samobot.telegram.store.database import Database


class BotAccounts:
    """User name and profile of the bot, by the id that its token begins with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def username(self, bot_id: str) -> str | None:
        """Return the user name without `@`, None if Telegram has not been asked yet."""
        row = self._database.row("SELECT username FROM bot_accounts WHERE bot_id = ?", (bot_id,))
        return row["username"] if row is not None else None

    def set_username(self, bot_id: str, username: str) -> None:
        """Save the user name."""
        self._database.execute(
            "INSERT INTO bot_accounts (bot_id, username) VALUES (?, ?) "
            "ON CONFLICT (bot_id) DO UPDATE SET username = excluded.username",
            (bot_id, username),
            durable=False,
        )

    def profile(self, bot_id: str) -> str | None:
        """Return the digest of the menu and descriptions that were set last."""
        row = self._database.row("SELECT profile FROM bot_accounts WHERE bot_id = ?", (bot_id,))
        return row["profile"] if row is not None else None

    def set_profile(self, bot_id: str, digest: str) -> None:
        """Save the digest of the menu and descriptions."""
        self._database.execute(
            "INSERT INTO bot_accounts (bot_id, profile) VALUES (?, ?) "
            "ON CONFLICT (bot_id) DO UPDATE SET profile = excluded.profile",
            (bot_id, digest),
            durable=False,
        )
