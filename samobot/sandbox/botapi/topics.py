"""Methods about the topics of forums, and of private chats with a bot that has them switched on."""

from __future__ import annotations

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.chats import TOPIC_ICONS, MemberStatus, SandboxChat, Topic
from samobot.sandbox.botapi.entities import utf16_length
from samobot.sandbox.botapi.failure import bad_request
from samobot.sandbox.botapi.methods import Context, may_manage_topics, method

_COLORS = frozenset({7322096, 16766590, 13338331, 9367192, 16749490, 16478047})


@method("createForumTopic", "chat_id name icon_color icon_custom_emoji_id")
def create_forum_topic(context: Context) -> object:
    """Open a topic."""
    chat = _forum(context, "not enough rights to create a topic")
    name = _name(context.arguments.text("name"))
    color = context.arguments.integer("icon_color", 7322096)
    if color not in _COLORS:
        raise bad_request("TOPIC_ICON_COLOR_INVALID")
    icon = _icon(context.arguments.text("icon_custom_emoji_id"))
    topic = context.world.add_topic(chat, name, context.bot.user, color, icon)
    body: dict[str, object] = {"message_thread_id": topic.id, "name": topic.name, "icon_color": color}
    return body | ({"icon_custom_emoji_id": icon} if icon else {})


@method("editForumTopic", "chat_id message_thread_id name icon_custom_emoji_id")
def edit_forum_topic(context: Context) -> object:
    """Change a topic's name or icon."""
    topic, chat = _topic(context)
    arguments = context.arguments
    name = _name(arguments.text("name")) if arguments.text("name") else topic.name
    given = "icon_custom_emoji_id" in arguments.names()
    icon = _icon(arguments.text("icon_custom_emoji_id")) if given else topic.icon
    if (name, icon) == (topic.name, topic.icon):
        raise bad_request("TOPIC_NOT_MODIFIED")
    changed: dict[str, object] = {"name": name} if name != topic.name else {}
    changed |= {"icon_custom_emoji_id": icon} if icon != topic.icon else {}
    topic.name, topic.icon = name, icon
    context.world.note_topic(chat, topic, context.bot.user, {"forum_topic_edited": changed})
    return True


@method("closeForumTopic", "chat_id message_thread_id")
def close_forum_topic(context: Context) -> object:
    """Close a topic: only those who may manage topics can write in it."""
    return _set_closed(context, closed=True)


@method("reopenForumTopic", "chat_id message_thread_id")
def reopen_forum_topic(context: Context) -> object:
    """Open a closed topic again."""
    return _set_closed(context, closed=False)


@method("deleteForumTopic", "chat_id message_thread_id")
def delete_forum_topic(context: Context) -> object:
    """Delete a topic with all of its messages."""
    topic, chat = _topic(context)
    context.world.delete_topic(chat, topic)
    return True


@method("getForumTopicIconStickers")
def get_forum_topic_icon_stickers(context: Context) -> object:
    """The emoji that anybody may use as a topic's icon."""
    return [
        {
            "file_id": f"sticker{number}", "file_unique_id": f"s{number}", "type": "custom_emoji", "width": 100,
            "height": 100, "is_animated": True, "is_video": False, "emoji": emoji, "custom_emoji_id": number,
        }
        for number, emoji in TOPIC_ICONS.items()
    ]  # fmt: skip


def _set_closed(context: Context, *, closed: bool) -> bool:
    topic, chat = _topic(context)
    if topic.closed is closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    service = "forum_topic_closed" if closed else "forum_topic_reopened"
    context.world.note_topic(chat, topic, context.bot.user, {service: {}})
    return True


def _forum(context: Context, refusal: str) -> SandboxChat:
    """The chat of a call, which has topics that the bot may manage.

    Raises:
        ApiFailure: It has none, or the bot may not.
    """
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    private = chat.user is not None
    if not (context.bot.has_topics if private else chat.is_forum):
        raise bad_request("the chat is not a forum")
    if not private and chat.status(context.bot.user.id) is MemberStatus.MEMBER:
        raise bad_request(refusal)
    return chat


def _topic(context: Context) -> tuple[Topic, SandboxChat]:
    chat = _forum(context, "not enough rights to manage topics")
    topic = chat.topics.get(context.arguments.integer("message_thread_id"))
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    assert may_manage_topics(context, chat)
    return topic, chat


def _name(text: str) -> str:
    name = text.strip()
    if not 1 <= utf16_length(name) <= api_limits.TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
    return name


def _icon(number: str) -> str:
    if number and number not in TOPIC_ICONS:
        raise bad_request("DOCUMENT_INVALID")
    return number
