"""Methods that put something into a chat: texts, files, actions, drafts."""

from __future__ import annotations

import json
from dataclasses import replace

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.calls import Arguments
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.chats import File, MediaKind, SandboxChat
from samobot.sandbox.botapi.entities import Formatted
from samobot.sandbox.botapi.failure import bad_request
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.keyboards import read_markup
from samobot.sandbox.botapi.methods import (
    Context,
    count_messages,
    may_manage_topics,
    method,
    read_message_text,
    read_text,
    topic_of,
)

_COMMON = (
    "business_connection_id chat_id message_thread_id direct_messages_topic_id disable_notification protect_content "
    "allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup parse_mode "
)
_PREVIEW = {"is_disabled", "url", "prefer_small_media", "prefer_large_media", "show_above_text"}
_REPLY = frozenset(
    [
        "message_id",
        "chat_id",
        "allow_sending_without_reply",
        "quote",
        "quote_parse_mode",
        "quote_entities",
        "quote_position",
        "checklist_task_id",
        "poll_option_id",
    ]
)
_ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
_UNPLAYED = (
    "business_connection_id", "direct_messages_topic_id", "message_effect_id", "suggested_post_parameters",
)  # fmt: skip


@method("sendMessage", _COMMON + "text entities link_preview_options")
def send_message(context: Context) -> object:
    """Send a text."""
    content = read_message_text(context, api_limits.TEXT)
    message = _new_message(context, content)
    message.link_preview = read_preview(context)
    return _post(context, message)


@method(
    "sendDocument", _COMMON + "document thumbnail caption caption_entities disable_content_type_detection"
)
def send_document(context: Context) -> object:
    """Send a file."""
    content = read_text(context, "caption", "caption_entities", api_limits.CAPTION)
    message = _new_message(context, content)
    message.file = _file(context, "document", photo=False)
    return _post(context, message)


@method("sendPhoto", _COMMON + "photo caption caption_entities show_caption_above_media has_spoiler")
def send_photo(context: Context) -> object:
    """Send a picture."""
    content = read_text(context, "caption", "caption_entities", api_limits.CAPTION)
    message = _new_message(context, content)
    message.file = _file(context, "photo", photo=True)
    message.media = MediaKind.PHOTO
    return _post(context, message)


@method(
    "sendMediaGroup",
    "business_connection_id chat_id message_thread_id direct_messages_topic_id media disable_notification protect_content "
    "allow_paid_broadcast message_effect_id reply_parameters",
)
def send_media_group(context: Context) -> object:
    """Send photos, or documents, as an album: several messages of one group, all of them or none."""
    given = context.arguments.json("media", "media")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise bad_request("can't parse media: array of InputMedia expected")
    if not 2 <= len(given) <= api_limits.ALBUM_ITEMS:
        raise bad_request("an album has 2 to 10 items (strict mode of the sandbox)")
    kinds = {each.get("type") for each in given}
    if not kinds <= {"photo", "document"}:
        raise bad_request("the sandbox plays only photos and documents in an album")
    if len(kinds) > 1:
        raise bad_request("document can't be mixed with other media types")
    messages = [_album_item(context, each, photo=each["type"] == "photo") for each in given]
    chat = messages[0].chat
    count_messages(context, chat, len(messages))
    group = str(13_000_000_000_000_000 + context.world.next_message_id(chat))
    for message in messages:
        message.media_group_id = group
        context.world.post(message)
    return [message.api() for message in messages]


@method("sendChatAction", "business_connection_id chat_id message_thread_id action")
def send_chat_action(context: Context) -> object:
    """Show that the bot is doing something."""
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    topic_of(context, chat)
    action = context.arguments.text("action").lower()
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    context.world.feed.publish(EventKind.ACTION, chat, action=action, bot=context.bot.username)
    return True


@method("sendMessageDraft", "chat_id message_thread_id draft_id text parse_mode entities")
def send_message_draft(context: Context) -> object:
    """Show a text that is still being written, in a private chat; an empty one removes it."""
    content = read_text(context, "text", "entities", api_limits.TEXT)
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    if chat.user is None:
        raise bad_request("the method is available only for private chats")
    topic_of(context, chat)
    draft = context.arguments.integer("draft_id")
    if not draft:
        raise bad_request("invalid draft identifier specified")
    context.world.feed.publish(
        EventKind.DRAFT, chat, draft=draft, text=content.text, bot=context.bot.username
    )
    return True


def read_preview(context: Context) -> dict[str, object] | None:
    """The `link_preview_options` of a call.

    Raises:
        ApiFailure: Not such an object.
    """
    given = context.arguments.json("link_preview_options", "link preview options")
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - _PREVIEW:
        raise bad_request("can't parse link preview options: object of type LinkPreviewOptions expected")
    return given or None


def _new_message(context: Context, content: Formatted) -> SandboxMessage:
    arguments, world = context.arguments, context.world
    for name in _UNPLAYED:
        if arguments.text(name) not in {"", "0"}:
            raise bad_request(f'the sandbox does not play "{name}"')
    markup = read_markup(arguments.json("reply_markup", "reply keyboard markup"))
    chat = world.chat_of(context.bot, arguments.text("chat_id"))
    topic = topic_of(context, chat)
    if topic is not None and topic.closed and not may_manage_topics(context, chat):
        raise bad_request("TOPIC_CLOSED")
    reply_to, quote = _reply(context, chat)
    return SandboxMessage(
        chat,
        id=0,
        date=0,
        sender=None if chat.type == "channel" else context.bot.user,
        sender_chat=chat if chat.type == "channel" else None,
        content=content,
        silent=arguments.flag("disable_notification"),
        protected=arguments.flag("protect_content"),
        thread_id=topic.id if topic is not None else None,
        reply_to=reply_to,
        quote=quote,
        markup=markup,
    )


_ITEM = (
    "type media thumbnail caption parse_mode caption_entities show_caption_above_media has_spoiler "
    "disable_content_type_detection"
)


def _album_item(context: Context, item: dict[str, object], *, photo: bool) -> SandboxMessage:
    """One message of an album, not posted yet; the item's fields take the place of a call's."""
    if unknown := sorted(set(item) - set(_ITEM.split())):
        raise bad_request(f'unknown field "{unknown[0]}" of InputMedia (strict mode of the sandbox)')
    given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in item.items()}
    common = {name: value for name, value in context.arguments.values.items() if name != "media"}
    part = replace(context, arguments=Arguments(common | given, context.arguments.uploads))
    message = _new_message(part, read_text(part, "caption", "caption_entities", api_limits.CAPTION))
    message.file = _file(part, "media", photo=photo)
    message.media = MediaKind.PHOTO if photo else MediaKind.DOCUMENT
    return message


def _post(context: Context, message: SandboxMessage) -> object:
    count_messages(context, message.chat)
    return context.world.post(message).api()


def _reply(context: Context, chat: SandboxChat) -> tuple[SandboxMessage | None, str | None]:
    given = context.arguments.json("reply_parameters", "reply parameters")
    if given is None:
        return None, None
    if not isinstance(given, dict) or set(given) - _REPLY:
        raise bad_request("can't parse reply parameters: object of type ReplyParameters expected")
    number = given.get("message_id")
    if not isinstance(number, int):
        raise bad_request("can't parse reply parameters: Can't find field \"message_id\"")
    if str(given.get("chat_id", chat.id)) != str(chat.id):
        raise bad_request("the sandbox does not play replies to other chats")
    target = chat.by_id.get(number)
    if target is None and given.get("allow_sending_without_reply") is not True:
        raise bad_request("message to be replied not found")
    quote = given.get("quote")
    if quote is None or target is None:
        return target, None
    if not isinstance(quote, str) or quote not in target.text:
        raise bad_request("QUOTE_TEXT_INVALID")
    return target, quote


def _file(context: Context, name: str, *, photo: bool) -> File:
    arguments, files = context.arguments, context.world.files
    if name in arguments.uploads:
        return files.add(arguments.uploads[name], photo=photo)
    given = arguments.text(name)
    if given.startswith("attach://"):
        upload = arguments.uploads.get(given.removeprefix("attach://"))
        if upload is not None:
            return files.add(upload, photo=photo)
    if given.lower().startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    if not given or given.startswith("attach://"):
        raise bad_request(f"there is no {name} in the request")
    file = files.by_id(given)
    if photo and file.sides is None:
        raise bad_request("can't use file of type Document as Photo")
    return file
