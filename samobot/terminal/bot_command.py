"""`samobot bot`: runs the Telegram bot until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import click

from samobot.config.environment import BOT_SECRETS
from samobot.config.settings import Settings
from samobot.config.settings_loader import load_settings
from samobot.errors import BusyError
from samobot.sandbox.demo.watchdog import MARK
from samobot.system.logs import setup_logging
from samobot.system.platform.current import platform
from samobot.system.process_secrets import forbid_inspection, forget_variable
from samobot.telegram.app import BotApp
from samobot.telegram.inbound.token_lock import TokenLock, lock_folder
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.pairing import LIFETIME_SECONDS, PairingCode
from samobot.terminal.qr_code import show_qr_code

LOG_NAME = "bot.log"


@click.command(name="bot")
@click.option("--pair", is_flag=True, help="Show a code that admits one user or group, for ten minutes.")
@click.option("--no-watch", is_flag=True, help="Find changes by polling alone, without watching files.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def bot_command(*, pair: bool, no_watch: bool, verbose: bool) -> int:
    """Run the Telegram bot until it is stopped (Ctrl-C, SIGTERM). Sessions continue without it.

    With --pair and a bot that runs already, only the code is shown.
    """
    platform().return_memory()
    settings = load_settings()
    token = settings.require_token()
    _hide_from_other_processes()
    setup_logging(
        logging.DEBUG if verbose else logging.INFO,
        file=settings.samobot_state_dir / LOG_NAME,
        secrets=[token, settings.samobot_transcribe_key, settings.samobot_webhook_secret],
    )
    if pair:
        _show_code(settings, token)
        if _is_running(token):
            return 0
    asyncio.run(BotApp(settings, os.environ, watch_files=not no_watch).run())
    return 0


def _hide_from_other_processes() -> None:
    """Keep the token from what agents start: they run as the same user."""
    for name in BOT_SECRETS:
        forget_variable(name)
    if MARK not in os.environ:  # a demo's watchdog finds its bot by the environment
        forbid_inspection()


def _show_code(settings: Settings, token: str) -> None:
    store = Store(settings.samobot_state_dir)
    try:
        code = store.pairing.new_code()
    finally:
        store.close()
    name = asyncio.run(_username(settings, token))
    minutes = int(LIFETIME_SECONDS // 60)
    click.echo(f"Send this to the bot within {minutes} minutes:\n\n    /start {code.shown}\n")
    if name is not None:
        link = _link(code, name)
        click.echo(f"or open {link}\n")
        show_qr_code(link)
    click.echo("It admits one user or, sent in a group by an allowed user, that group.")
    sys.stdout.flush()


def _link(code: PairingCode, name: str) -> str:
    return code.link(name)


async def _username(settings: Settings, token: str) -> str | None:
    """The bot's name; None if Telegram cannot be reached just now."""
    from telegram.error import TelegramError

    try:
        async with asyncio.timeout(10), build_bot(token, settings.telegram_api_url) as bot:
            return bot.username
    except (TelegramError, TimeoutError):
        return None


def _is_running(token: str) -> bool:
    try:
        TokenLock(token, lock_folder(os.environ)).release()
    except BusyError:
        return True
    return False
