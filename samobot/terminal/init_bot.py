"""`samobot init`, the second step: the bot's token, from a file or typed without being shown."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from samobot.errors import UsageError
from samobot.frozen import frozen
from samobot.setup.choices import Choices
from samobot.setup.telegram_check import BotApi, TokenError, UnreachableError, clean_token


@frozen
class ChosenBot:
    """A bot whose token Telegram takes.

    Attributes:
        token: Its token.
        username: Its name, without the @.
    """

    token: str
    username: str


def choose_bot(choices: Choices) -> ChosenBot:
    """Ask until there is a token that Telegram accepts; sets TELEGRAM_BOT_TOKEN if it is a new one.

    Raises:
        SamobotError: There is none, and this is not interactive.
        click.Abort: The user quit.
    """
    flags, current = choices.flags, choices.settings.telegram_bot_token
    if flags.token_file is not None:
        return _take(choices, _read(flags.token_file))
    if current:
        bot = _still_good(choices, current)
        if bot is not None and (flags.yes or click.confirm(f"It is @{bot.username}. Keep it", default=True)):
            click.echo(f"✅ @{bot.username}")
            return bot
    if flags.yes:
        raise UsageError("There is no bot token yet: give it by --token-file FILE, or - for stdin.")
    click.echo(
        "In Telegram, open @BotFather, send /newbot, and choose a name and a username ending in “bot”."
    )
    click.echo("It answers with a token like 123456789:AAE…: paste that here; it is not shown.")
    while True:
        try:
            return _take(choices, click.prompt("Token", hide_input=True))
        except (UsageError, TokenError, UnreachableError) as error:
            click.echo(f"❌ {error.message}")


def _still_good(choices: Choices, token: str) -> ChosenBot | None:
    """The bot of the configured token; None if the token is no longer valid and another can be asked for."""
    try:
        return _verified(choices, token)
    except (UsageError, TokenError) as error:
        if choices.flags.yes:
            raise
        click.echo(f"❌ The token that is set: {error.message}")
        return None


def _take(choices: Choices, words: str) -> ChosenBot:
    bot = _verified(choices, words)
    click.echo(f"✅ @{bot.username}")
    choices.values["TELEGRAM_BOT_TOKEN"] = bot.token
    return bot


def _verified(choices: Choices, words: str) -> ChosenBot:
    token = clean_token(words)
    with BotApi(token, choices.settings.telegram_api_url) as api:
        return ChosenBot(token, api.call("getMe")["username"])


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.readline()
    try:
        return Path(source).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token's file {source} cannot be read: {error}.") from None
