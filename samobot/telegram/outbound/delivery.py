"""One message, one call: how a row of the outbox is put to Telegram, and what an error means for it.

The texts of errors are Telegram's own (`facts`: measured on a Bot API server); it has no codes for them.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
from collections.abc import Sequence
from typing import Any

from telegram import (
    Bot,
    InputFile,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import MessageLimit, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from samobot.frozen import frozen
from samobot.telegram.outbound.albums import album_media
from samobot.telegram.outbound.bot_client import FILE_SECONDS, retry_seconds
from samobot.telegram.store.outbox_rows import Form, Op, OutboxRow

log = logging.getLogger(__name__)

TEXT_SECONDS = 30.0

_QUOTE = re.compile(r"<blockquote[^<>]*>(.*?)</blockquote>", re.DOTALL)
_NO_PHOTO = ("photo_invalid_dimensions", "image_process_failed", "too big for a photo")
_MEDIA_WITHOUT_TEXT = "there is no text in the message to edit"


@frozen
class RetryLater:
    """It may work later. `after` is what Telegram asked for, in seconds; None: back off."""

    after: float | None = None


@frozen
class Ignore:
    """There is nothing to do: the chat shows it already, or the message to change is no longer wanted."""


@frozen
class MessageGone:
    """The message that was to be edited is gone."""


@frozen
class NotEditable:
    """The message exists, but Telegram no longer lets it be edited: its content needs a new message."""


@frozen
class ChatUnavailable:
    """The bot may not write in this chat."""


@frozen
class ChatMoved:
    """The group has become another chat."""

    chat_id: int


@frozen
class Simplify:
    """Telegram does not take it like this; it may take it in this form."""

    form: Form


@frozen
class Rejected:
    """No form of it is taken."""


ErrorAction = (
    RetryLater | Ignore | MessageGone | NotEditable | ChatUnavailable | ChatMoved | Simplify | Rejected
)


async def deliver(bot: Bot, row: OutboxRow, message_id: int | None) -> tuple[int, ...]:
    """Put a row to Telegram.

    Args:
        bot: The bot.
        row: What to do.
        message_id: The message to edit or delete; None sends a new one.

    Returns:
        The number of the new or edited message, of an album those of its messages; empty if there is none.

    Raises:
        TelegramError: See `meaning`.
        TimeoutError: No answer within 30 s (with a file: 180 s).
    """
    limit = FILE_SECONDS if row.file is not None or row.form & Form.DOCUMENT else TEXT_SECONDS
    async with asyncio.timeout(limit):
        match row.op:
            case Op.REACT:
                await bot.set_message_reaction(row.chat_id, row.post.reply_to or 0, row.post.text or None)
                return ()
            case Op.DELETE:
                if message_id is not None:
                    await bot.delete_message(row.chat_id, message_id)
                return ()
            case Op.STRIP:
                if message_id is not None:
                    await bot.edit_message_reply_markup(row.chat_id, message_id)
                return ()
            case Op.SEND | Op.EDIT | Op.SHOW if message_id is not None:
                await _edit(bot, row, message_id)
                return (message_id,)
            case Op.SEND | Op.EDIT | Op.SHOW:
                return tuple(message.message_id for message in await _send(bot, row))


def classify_error(error: TelegramError | TimeoutError, row: OutboxRow) -> ErrorAction:
    """Return what an error means for a row; pure.

    Args:
        error: What `deliver` raised.
        row: The row it was raised for, in the form it was tried in.
    """
    match error:
        case RetryAfter():
            return RetryLater(retry_seconds(error))
        case ChatMigrated():
            return ChatMoved(error.new_chat_id)
        case Forbidden():
            return ChatUnavailable()
        case InvalidToken():
            return RetryLater()  # polling ends the bot over this; what is queued waits for the right token
        case BadRequest():
            return _refusal(error.message.lower(), row)
        case _ if "(413)" in str(error) or "too large" in str(error).lower():
            return Rejected()
        case _:
            return RetryLater()


def is_thread_lost(message: str) -> bool:
    """Whether an error text means that a topic is gone, or that the bot may not write in it."""
    lost = ("thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
    return any(words in message.lower() for words in lost)


def plain_text(markup: str) -> str:
    """Turn Telegram HTML into its visible text, with `> ` before each line of a quote."""
    quoted = _QUOTE.sub(lambda found: "> " + found[1].replace("\n", "\n> "), markup)
    return html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", quoted))


def _refusal(text: str, row: OutboxRow) -> ErrorAction:
    if "message is not modified" in text:
        return Ignore()
    if row.op in (Op.STRIP, Op.REACT, Op.DELETE):
        return (
            ChatUnavailable() if _closed(text) else Ignore()
        )  # a receipt or a tidying up that cannot be is not missed
    if row.op in (Op.EDIT, Op.SHOW):
        if "message to edit not found" in text or "message_id_invalid" in text:
            return MessageGone()
        if "message can't be edited" in text:
            return NotEditable()
    if _closed(text):
        return ChatUnavailable()
    form = row.form
    if "can't parse entities" in text or "can't parse caption entities" in text:
        form |= Form.PLAIN
    elif is_thread_lost(text):
        form |= Form.NO_THREAD
    elif "caption is too long" in text:
        form |= Form.PLAIN
    elif "too long" in text:
        form |= Form.DOCUMENT | Form.PLAIN
    elif "button" in text or "reply markup" in text:
        form |= Form.NO_MARKUP
    elif any(words in text for words in _NO_PHOTO):
        form |= Form.DOCUMENT
    if form == row.form:
        # An unexpected refusal: the text matters more than its formatting.
        form |= Form.PLAIN if not form & Form.PLAIN else Form.NO_MARKUP | Form.NO_THREAD
    return Rejected() if form == row.form else Simplify(form)


def _closed(text: str) -> bool:
    return any(
        words in text
        for words in (
            "chat not found",
            "user is deactivated",
            "not enough rights to send",
            "chat_write_forbidden",
        )
    )


async def _send(bot: Bot, row: OutboxRow) -> Sequence[Message]:
    post, form = row.post, row.form
    reply = ReplyParameters(post.reply_to, allow_sending_without_reply=True) if post.reply_to else None
    thread_id = None if form & Form.NO_THREAD else post.thread_id
    markup = _markup(row)
    lost = row.file is not None and not row.file.exists()
    if lost:
        log.error("the file of %s is no longer in %s; its text is sent alone", row.key, row.file)
    if (row.file is None or lost) and not form & Form.DOCUMENT:
        message = await bot.send_message(
            row.chat_id,
            _text(row, MessageLimit.MAX_TEXT_LENGTH),
            parse_mode=_parse_mode(row),
            reply_markup=markup,
            disable_notification=post.silent,
            message_thread_id=thread_id,
            reply_parameters=reply,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return (message,)
    if row.file is not None and not lost:
        data = await asyncio.to_thread(row.file.read_bytes)
    else:
        data = plain_text(post.text).encode("utf-8", "replace")
    caption = _text(row, MessageLimit.CAPTION_LENGTH)
    if post.album and not lost:
        return await bot.send_media_group(
            row.chat_id,
            list(album_media(post, data, caption, _parse_mode(row), photos=not form & Form.DOCUMENT)),
            disable_notification=post.silent,
            message_thread_id=thread_id,
            reply_parameters=reply,
        )
    file = InputFile(data, filename=post.file_name or "message.md")
    send = bot.send_photo if post.photo and not form & Form.DOCUMENT else bot.send_document
    message = await send(
        row.chat_id,
        file,
        caption=caption,
        parse_mode=_parse_mode(row),
        reply_markup=markup,
        disable_notification=post.silent,
        message_thread_id=thread_id,
        reply_parameters=reply,
    )
    return (message,)


async def _edit(bot: Bot, row: OutboxRow, message_id: int) -> None:
    markup = _markup(row)
    keyboard = markup if markup is not None and "inline_keyboard" in markup else None
    try:
        await bot.edit_message_text(
            _text(row, MessageLimit.MAX_TEXT_LENGTH),
            row.chat_id,
            message_id,
            parse_mode=_parse_mode(row),
            reply_markup=keyboard,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
    except BadRequest as error:
        if _MEDIA_WITHOUT_TEXT not in error.message.lower():
            raise
        # It went out as a document, being too long; its caption is what can be changed.
        caption = cut(plain_text(row.post.text), MessageLimit.CAPTION_LENGTH)
        await bot.edit_message_caption(row.chat_id, message_id, caption=caption, reply_markup=keyboard)


def _markup(row: OutboxRow) -> Any:
    """The buttons as they are stored, which is as Telegram takes them: the library's objects would only be read back."""
    return None if row.form & Form.NO_MARKUP else row.post.markup


def _parse_mode(row: OutboxRow) -> str | None:
    return None if row.form & Form.PLAIN else ParseMode.HTML


def _text(row: OutboxRow, limit: int) -> str:
    """The text in the row's form; only plain text may be cut, as a cut through markup breaks it."""
    if row.form & Form.PLAIN:
        return cut(plain_text(row.post.text), limit)
    return row.post.text


def cut(text: str, limit: int) -> str:
    """Cut a text to so many UTF-16 units, which is how Telegram counts, with `…` where it was cut."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * limit:
        return text
    # A pair cut in two would leave a lone surrogate, which JSON can carry and Telegram refuses.
    return encoded[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"
