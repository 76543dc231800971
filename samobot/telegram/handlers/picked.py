"""What was picked: a message whose buttons are used up says what was decided, by whom and when."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import MaybeInaccessibleMessage, Message

from samobot.telegram.handlers.context import Desk, Request
from samobot.telegram.handlers.status_handlers import place_of
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.callback_data import CallbackPress
from samobot.telegram.views.wording import decided_by

_SETTLED_HERE = ("reply:", "paused:", "news:", "budget:")
"""Messages that nobody else changes once what they offer is used up."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What a person saw and tapped.

    Attributes:
        text: The message, as Telegram HTML.
        label: The button.
    """

    text: str
    label: str


def read_picked(message: MaybeInaccessibleMessage, data: str) -> Picked | None:
    """What a person saw who tapped the button with this callback data; None where Telegram does not say."""
    if not isinstance(message, Message) or not message.text:
        return None
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
    labels = [button.text for row in rows for button in row if button.callback_data == data]
    return Picked(message.text_html, labels[0]) if labels else None


def say_picked(desk: Desk, request: Request, tap: CallbackPress, picked: Picked | None) -> None:
    """Have a message whose buttons are used up say what was decided, and take them off."""
    _, _, key = tap.scope.partition(":")
    if picked is None or not tap.once or not key.startswith(_SETTLED_HERE):
        return
    now, place = desk.now(), place_of(desk, request)
    by = decided_by(request.person.who, request.person.via, now, place, now)
    words = f"{picked.text}\n\n→ {escape(picked.label)} · {escape(by)}"
    desk.outbox.edit(request.chat_id, words, key=key)
