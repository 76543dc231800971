"""Methods that change what is already in a chat: edits, deletions, pins, reactions, answers to taps."""

from __future__ import annotations

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.bots import TapAnswer
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import ChatType, MemberStatus, SandboxChat
from samobot.sandbox.botapi.entities import Formatted, utf16_length
from samobot.sandbox.botapi.failure import bad_request
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.keyboards import Markup, MarkupKind, read_markup
from samobot.sandbox.botapi.methods import (
    Context,
    count_messages,
    message_of,
    method,
    read_message_text,
    read_text,
)
from samobot.sandbox.botapi.sending import read_preview

_TARGET = "business_connection_id chat_id message_id inline_message_id reply_markup "
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


@method("editMessageText", _TARGET + "text parse_mode entities link_preview_options")
def edit_message_text(context: Context) -> object:
    """Change a text and its buttons."""
    content = read_message_text(context, api_limits.TEXT)
    preview = read_preview(context)
    message, markup = _to_edit(context)
    if message.file is not None or message.service:
        raise bad_request("there is no text in the message to edit")
    return _edit(context, message, content, markup, preview)


@method("editMessageCaption", _TARGET + "caption parse_mode caption_entities show_caption_above_media")
def edit_message_caption(context: Context) -> object:
    """Change what stands below a file."""
    content = read_text(context, "caption", "caption_entities", api_limits.CAPTION)
    message, markup = _to_edit(context)
    if message.file is None:
        raise bad_request("there is no caption in the message to edit")
    return _edit(context, message, content, markup, None)


@method("editMessageReplyMarkup", _TARGET)
def edit_message_reply_markup(context: Context) -> object:
    """Change or remove the buttons."""
    message, markup = _to_edit(context)
    return _edit(context, message, message.content, markup, message.link_preview)


@method("deleteMessage", "chat_id message_id")
def delete_message(context: Context) -> object:
    """Remove a message."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    message = message_of(context, chat, "message to delete not found")
    if not _may_delete(context, message):
        raise bad_request("message can't be deleted for everyone")
    context.world.delete(message)
    return True


@method("deleteMessages", "chat_id message_ids")
def delete_messages(context: Context) -> object:
    """Remove several; those that cannot be are left out."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    numbers = context.arguments.json("message_ids")
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise bad_request("expected an Array of message identifiers")
    if not numbers:
        raise bad_request("message identifiers are not specified")
    if len(numbers) > api_limits.DELETE_AT_ONCE:
        raise bad_request("too many message identifiers specified")
    for number in numbers:
        message = chat.by_id.get(number)
        if message is not None and _may_delete(context, message):
            context.world.delete(message)
    return True


@method("answerCallbackQuery", "callback_query_id text show_alert url cache_time")
def answer_callback_query(context: Context) -> object:
    """End the clock on a tapped button, with a toast or an alert if there is a text."""
    arguments = context.arguments
    text = arguments.text("text")
    if utf16_length(text) > api_limits.CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = TapAnswer(text, arguments.flag("show_alert"), arguments.text("url"))
    context.world.answer_tap(context.bot, arguments.text("callback_query_id"), answer)
    return True


@method("setMessageReaction", "chat_id message_id reaction is_big")
def set_message_reaction(context: Context) -> object:
    """Put an emoji on a message, or take it off."""
    given = context.arguments.json("reaction", "reaction types")
    emoji = _emoji(given)
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    message = message_of(context, chat, "message to react not found")
    if message.service:
        raise bad_request("REACTION_INVALID")
    if emoji:
        message.reactions[context.bot.user.id] = emoji
    else:
        message.reactions.pop(context.bot.user.id, None)
    context.world.feed.publish(EventKind.REACTION, chat, message, user=context.bot.user.id, emoji=list(emoji))
    return True


@method("pinChatMessage", "business_connection_id chat_id message_id disable_notification")
def pin_chat_message(context: Context) -> object:
    """Pin a message; the chat gets a service message about it."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    _check_may_pin(context, chat)
    message = message_of(context, chat, "message to pin not found")
    if message.id in chat.pinned:
        return True
    chat.pinned.append(message.id)
    notice = SandboxMessage(
        chat, 0, 0, context.bot.user, silent=context.arguments.flag("disable_notification")
    )
    notice.service = {"pinned_message": message.api(with_reply=False)}
    context.world.post(notice)
    context.world.feed.publish(EventKind.PINNED, chat, message, pinned=True)
    return True


@method("unpinChatMessage", "business_connection_id chat_id message_id")
def unpin_chat_message(context: Context) -> object:
    """Unpin a message, the newest pinned one if none is named."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    _check_may_pin(context, chat)
    number = context.arguments.integer("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if number not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned.remove(number)
    context.world.feed.publish(EventKind.PINNED, chat, chat.by_id.get(number), pinned=False)
    return True


@method("unpinAllChatMessages", "chat_id")
def unpin_all_chat_messages(context: Context) -> object:
    """Unpin everything."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    _check_may_pin(context, chat)
    chat.pinned.clear()
    context.world.feed.publish(EventKind.PINNED, chat, pinned=False)
    return True


def _to_edit(context: Context) -> tuple[SandboxMessage, Markup | None]:
    arguments = context.arguments
    if arguments.text("inline_message_id") or arguments.text("business_connection_id"):
        raise bad_request("the sandbox does not play inline and business messages")
    markup = read_markup(arguments.json("reply_markup", "inline keyboard markup"))
    if markup is not None and markup.kind is not MarkupKind.INLINE:
        raise bad_request("inline keyboard expected")
    chat = context.world.chat_of(context.bot, arguments.text("chat_id"))
    message = message_of(context, chat, "message to edit not found")
    own = message.sender is context.bot.user or message.sender_chat is chat
    if not own or message.forward is not None or message.service:
        raise bad_request("message can't be edited")
    return message, markup


def _edit(
    context: Context,
    message: SandboxMessage,
    content: Formatted,
    markup: Markup | None,
    preview: dict[str, object] | None,
) -> object:
    before = message.markup if message.rows else None
    if content == message.content and markup == before and preview == message.link_preview:
        raise bad_request(_NOT_MODIFIED)
    count_messages(context, message.chat)
    if content != message.content:
        message.history.append(message.content)
    message.content, message.markup, message.link_preview = content, markup, preview
    message.edits += 1
    message.edit_date = int(context.world.wall())
    context.world.feed.publish(EventKind.EDITED, message.chat, message)
    return message.api()


def _may_delete(context: Context, message: SandboxMessage) -> bool:
    chat, bot = message.chat, context.bot.user
    old = context.world.wall() - message.date > api_limits.DELETE_SECONDS
    if chat.type is not ChatType.PRIVATE and chat.status(bot.id) is MemberStatus.ADMINISTRATOR:
        return True
    if old:
        return False
    return chat.type is ChatType.PRIVATE or message.sender is bot


def _check_may_pin(context: Context, chat: SandboxChat) -> None:
    if (
        chat.type is not ChatType.PRIVATE
        and chat.status(context.bot.user.id) is not MemberStatus.ADMINISTRATOR
    ):
        raise bad_request("not enough rights to manage pinned messages in the chat")


def _emoji(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise bad_request("can't parse reaction types: expected an Array of ReactionType")
    if len(given) > api_limits.REACTIONS_OF_A_BOT:
        raise bad_request("REACTIONS_TOO_MANY")
    emoji = tuple(str(item.get("emoji", "")) for item in given if item.get("type") == "emoji")
    if len(emoji) != len(given) or any(one not in api_limits.REACTIONS for one in emoji):
        raise bad_request("REACTION_INVALID")
    return emoji
