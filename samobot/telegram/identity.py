"""The bot's own account: its username, and its menu and descriptions."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable

from telegram import Bot, BotCommand
from telegram.error import InvalidToken, RetryAfter, TelegramError

from samobot.errors import SamobotError
from samobot.telegram.handlers.command_table import menu
from samobot.telegram.markup.html import code
from samobot.telegram.outbound.bot_client import TokenRejectedError, error_text, retry_seconds
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_account import BotAccounts

log = logging.getLogger(__name__)

_FIRST_RETRY, _LONGEST_RETRY = 1.0, 30.0
_ANSWER_SECONDS = 30.0
_FIRST_WORD_SECONDS = 2.0

_DESCRIPTION = (
    "Runs Claude Code sessions on your machine and asks you when you are needed. "
    "It answers only the people it was paired with."
)
_SHORT_DESCRIPTION = "Claude Code sessions, from your phone"


class BotAccount:
    """Who the bot is. It is remembered, as what was begun before a start is ended without waiting for Telegram.

    Args:
        bot: The bot.
        accounts: What Telegram returned last.
        sleep: Waits for so many seconds.

    Attributes:
        tried: Set once Telegram has accepted the token or could not be reached for the first time.
    """

    def __init__(
        self, bot: Bot, accounts: BotAccounts, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._bot = bot
        self._accounts = accounts
        self._sleep = sleep
        self._number = bot.token.partition(":")[0]
        self._username = accounts.username(self._number)
        self.tried = asyncio.Event()

    @property
    def username(self) -> str | None:
        """The username without `@`, from this start or an earlier one; None if it was never received."""
        return self._username

    @property
    def is_new(self) -> bool:
        """Whether the bot has never been introduced from this machine."""
        return self._accounts.profile(self._number) is None

    async def learn(self) -> None:
        """Ask Telegram who we are, for as long as the network takes.

        Raises:
            TokenRejectedError: Telegram does not know the token.
        """
        delay = _FIRST_RETRY
        while True:
            wait = delay
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._bot.initialize()
            except InvalidToken:
                raise TokenRejectedError from None
            except RetryAfter as error:
                wait = retry_seconds(error)
                log.warning("Telegram wants nothing for %.0f s", wait)
            except (TelegramError, TimeoutError) as error:
                log.warning("Telegram cannot be reached, next try in %.0f s: %s", wait, error_text(error))
                delay = min(2 * delay, _LONGEST_RETRY)
            else:
                self._remember(self._bot.username)
                self.tried.set()
                return
            self.tried.set()
            await self._sleep(wait)

    async def until_tried(self, learning: asyncio.Task[None]) -> None:
        """Wait for Telegram's first response about the token, but not for long.

        Args:
            learning: `learn`, under way.

        Raises:
            TokenRejectedError: Telegram does not know the token.
        """
        tried = asyncio.create_task(self.tried.wait(), name="tried")
        try:
            await asyncio.wait(
                (learning, tried), timeout=_FIRST_WORD_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if learning.done():
                await learning
        finally:
            tried.cancel()

    def _remember(self, username: str) -> None:
        if username == self._username:
            return
        self._username = username
        try:
            self._accounts.set_username(self._number, username)
        except SamobotError as error:
            log.warning("the bot's name is not remembered: %s", error)

    async def introduce(self) -> None:
        """Set the menu and descriptions if they have changed; to be called after `learn`."""
        content = json.dumps([menu(), _DESCRIPTION, _SHORT_DESCRIPTION])
        digest = hashlib.sha256(f"{self._bot.id} {content}".encode()).hexdigest()
        if self._accounts.profile(self._number) == digest:
            return
        try:
            await self._bot.set_my_commands([BotCommand(name, text) for name, text in menu()])
            await self._bot.set_my_description(_DESCRIPTION)
            await self._bot.set_my_short_description(_SHORT_DESCRIPTION)
            self._accounts.set_profile(self._number, digest)
        except (TelegramError, TimeoutError, SamobotError) as error:
            log.warning("the menu could not be set, the next start tries again: %s", error)


def announce_first_start(account: BotAccount, outbox: Outbox, chat_id: int | None) -> None:
    """Report to the owner's chat that the bot is up, when it runs here for the first time."""
    if chat_id is None or not account.is_new:
        return
    text = f"👋 The bot is up. Send it a task in your own words, such as {code('Add a greeting script')}"
    try:
        outbox.post(chat_id, text, key=f"first start of {account.username}", silent=True)
    except SamobotError as error:
        log.warning("the owner is not notified of the first start: %s", error)
