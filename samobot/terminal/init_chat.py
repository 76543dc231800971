"""`samobot init`, the third step: whose bot it is. A chat that can be reached, or the one that sends the code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from samobot.errors import SamobotError, UsageError
from samobot.setup.choices import Choices
from samobot.setup.telegram_check import BotApi, RefusedError
from samobot.terminal.init_bot import ChosenBot
from samobot.terminal.qr_code import show_qr_code
from samobot.text import one_line

_MOST_EXPLAINED = 5


def choose_chat(choices: Choices, bot: ChosenBot, api: BotApi) -> int:
    """Ask until the owner's chat is known; sets TELEGRAM_CHAT_ID and returns it.

    Raises:
        SamobotError: It is unknown and this is not interactive, or the code was not sent in time.
        click.Abort: The user quit.
    """
    chat_id = _known(choices, api)
    if chat_id is None:
        if choices.flags.yes:
            raise UsageError("It is not known yet whose bot this is: give your chat's number by --chat-id.")
        chat_id = _pair(choices, bot, api)
    choices.values["TELEGRAM_CHAT_ID"] = str(chat_id)
    return chat_id


def _known(choices: Choices, api: BotApi) -> int | None:
    """The chat that the flags or the settings name, if it can be reached and is kept."""
    named = choices.flags.chat_id
    chat_id = named if named is not None else choices.settings.telegram_chat_id
    if chat_id is None:
        return None
    unasked = named is not None or choices.flags.yes
    try:
        name = _chat_name(api.call("getChat", chat_id=chat_id))
    except RefusedError as error:
        words = f"The chat {chat_id} cannot be reached ({error.message}) Press Start in it first."
        if unasked:
            raise UsageError(words) from None
        click.echo(f"⚠️ {words}")
        return None
    if not unasked and not click.confirm(f"It is the chat with {name} ({chat_id}). Keep it", default=True):
        return None
    # A group's id is negative and admits no user.
    if chat_id < 0 and not choices.settings.telegram_allowed_users:
        raise UsageError(
            f"{chat_id} is a group, and no user is allowed to use the bot there: set "
            "TELEGRAM_ALLOWED_USERS to numeric ids first, or use your private chat with the bot."
        )
    click.echo(f"✅ {name} ({chat_id})")
    return chat_id


def _chat_name(chat: Mapping[str, Any]) -> str:
    return one_line(str(chat.get("title") or chat.get("first_name") or "somebody"), 60)


def _pair(choices: Choices, bot: ChosenBot, api: BotApi) -> int:
    # The Telegram library is loaded here, where it is needed.
    from samobot.setup.owner_pairing import FailedStart, invitation, wait_for_owner
    from samobot.telegram.inbound.token_lock import TokenLock, lock_folder

    lock = TokenLock(bot.token, lock_folder(choices.environ))
    try:
        with invitation() as invited:
            link = invited.code.link(bot.username)
            click.echo("So that the bot obeys only you, open this on your phone and press Start:")
            show_qr_code(link)
            click.echo(f"   {link}")
            click.echo(f"or send it yourself: /start {invited.code.shown}")
            click.echo("Waiting for it (ten minutes at most) …")
            shown: set[FailedStart] = set()

            def explain(failed: FailedStart) -> None:
                if failed in shown or len(shown) >= _MOST_EXPLAINED:
                    return
                shown.add(failed)
                what = "with a wrong code" if failed.with_code else "without the code"
                click.echo(
                    f"Somebody sent /start {what}: {failed.name}. If that was you, use the link above, "
                    f"or send: /start {invited.code.shown}"
                )

            owner = wait_for_owner(api, invited, choices.settings.samobot_state_dir, time.time, explain)
    finally:
        lock.release()
    click.echo(f"✅ {owner.name} ({owner.user_id})")
    if choices.flags.message:
        _confirm_in_chat(api, owner.user_id)
    return owner.user_id


def _confirm_in_chat(api: BotApi, chat_id: int) -> None:
    try:
        api.call(
            "sendMessage",
            chat_id=chat_id,
            text="👋 Paired: this bot obeys you alone. Finish the set-up in the terminal.",
        )
    except SamobotError as error:
        click.echo(f"⚠️ {error.message}")
