"""Callback queries: the action of the tapped button is carried out if it is still valid; each query is answered at once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from telegram import MaybeInaccessibleMessage, Message

from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.handlers import (
    message_files,
    prompts,
)
from samobot.telegram.handlers.button_actions import carry_out
from samobot.telegram.handlers.chat_request import TAP, ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.expired_buttons import answer_expired
from samobot.telegram.handlers.status_handlers import place_of
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.downloads import FileDownloadError
from samobot.telegram.store.callback_data import CallbackPress, CallbackState
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.wording import decided_by

log = logging.getLogger(__name__)

TAP_WITH_FILES = "tap"
"""Name of the background task that carries out a tap with files."""

ANSWER_SECONDS = 1.0
"""After so long a tap is answered although what it asked for is not done yet."""


_SETTLED_HERE = ("reply:", "paused:", "news:", "budget:", "watch:", "lessons:", "trust:")
"""Messages that nobody else changes once what they offer is used up."""


@frozen
class TappedButton:
    """The button that was tapped, and its message.

    Attributes:
        text: The message, as Telegram HTML.
        label: The button.
    """

    text: str
    label: str


async def handle_callback(
    context: HandlerContext, request: ChatRequest, identifier: str, button: TappedButton | None = None
) -> None:
    """Carry out a tap.

    It is carried out first and used up then, so that a crash in between repeats it instead of losing it: the
    fleet's own conditions ensure that nothing is decided twice. Taps are handled one after another.

    Args:
        context: What handlers share.
        request: Who tapped, and on what.
        identifier: The callback data.
        button: The tapped button; None if Telegram no longer shows it.
    """
    tap = context.store.callbacks.peek(identifier)
    if tap is None:
        context.toast(request, "This button has expired. See /status.", alert=True)
        return
    action = Action.model_validate(tap.action)
    request = replace(request, about=MessageSubject(action.session, TAP) if action.session else request.about)
    if action.do is not ActionKind.ASIDE:
        prompts.close_prompt(context, request)  # a tap elsewhere means that the prompt is not being answered
    if tap.state is not CallbackState.FRESH:
        await answer_expired(context, request, action, tap)
        return
    if action.files:
        _use_up(context, request, identifier, tap, button)
        context.toast(request, "One moment…")
        carry_out_in_background(context, request.with_text(action.model_dump_json(exclude_none=True)))
        return
    patience = asyncio.get_running_loop().call_later(ANSWER_SECONDS, context.toast, request)
    try:
        await carry_out(context, request, action)
    finally:
        patience.cancel()
    _use_up(context, request, identifier, tap, button)


def carry_out_in_background(context: HandlerContext, request: ChatRequest) -> None:
    """Carry out a tap whose files have to be fetched first; the text of the request is the action as JSON."""
    action = Action.model_validate_json(request.text)
    work = _carry_out_with_files(context, replace(request, text="", files=action.files or ()), action)
    context.background.run(request, TAP_WITH_FILES, work)


async def _carry_out_with_files(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    try:
        await carry_out(context, request, action)
    except FileDownloadError as error:
        message_files.offer_again(context, request, error, action)


def _use_up(
    context: HandlerContext,
    request: ChatRequest,
    identifier: str,
    tap: CallbackPress,
    button: TappedButton | None,
) -> None:
    try:
        with context.store.transaction(durable=True):
            context.store.callbacks.take(identifier, request.user_id)
            _show_choice(context, request, tap, button)
    except StorageError as error:
        log.error("a tap was carried out, but not noted: %s", error)


def tapped_button(message: MaybeInaccessibleMessage, data: str) -> TappedButton | None:
    """The button with this callback data and its message; None if Telegram does not include them."""
    if not isinstance(message, Message) or not message.text:
        return None
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
    labels = [button.text for row in rows for button in row if button.callback_data == data]
    return TappedButton(message.text_html, labels[0]) if labels else None


def _show_choice(
    context: HandlerContext, request: ChatRequest, tap: CallbackPress, button: TappedButton | None
) -> None:
    """Show on a message whose buttons are used what was chosen, and remove them."""
    _, _, key = tap.scope.partition(":")
    if button is None or not tap.once or not key.startswith(_SETTLED_HERE):
        return
    now, place = context.now(), place_of(context, request)
    by = decided_by(request.person.who, request.person.via, now, place, now)
    words = f"{button.text}\n\n→ {escape(button.label)} · {escape(by)}"
    context.outbox.edit(request.chat_id, words, key=key)
