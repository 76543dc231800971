"""What a message is about: the subject of what it replies to, else of its topic."""

from __future__ import annotations

from collections.abc import Callable

from telegram import Message

from samobot.telegram.handlers.chat_request import TOPIC, UNKNOWN
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind


class MessageSubjects:
    """Finds the subjects of messages.

    Args:
        store: The bot's state: what was sent, with which buttons, and which topics there are.
        is_me: Returns whether a username is the bot's.
    """

    def __init__(self, store: Store, is_me: Callable[[str], bool]) -> None:
        self._store = store
        self._is_me = is_me

    def of(self, message: Message) -> MessageSubject | None:
        """Return the subject of the bot's message that was replied to, else of the session's topic."""
        replied = message.reply_to_message
        if replied is not None:
            sent = self._store.sent.find(message.chat.id, replied.message_id)
            about = sent.about if sent is not None else self._by_buttons(replied)
            if about is not None:
                return about
            if self._is_ours(replied):
                return MessageSubject(kind=UNKNOWN, detail={"text": replied.text or replied.caption or ""})
        if not message.is_topic_message or message.message_thread_id is None:
            return None
        topic = self._store.session_topics.find(message.chat.id, message.message_thread_id)
        return MessageSubject(topic.session, TOPIC) if topic is not None else None

    def _is_ours(self, message: Message) -> bool:
        """Whether a message is one of the bot's texts; the head of a topic is none."""
        sender = message.from_user
        says = bool(message.text or message.caption)
        return says and sender is not None and sender.is_bot and self._is_me(sender.username or "")

    def _by_buttons(self, message: Message) -> MessageSubject | None:
        """The subject of a message whose id is unknown, from its buttons.

        Telegram may show a message without ever returning its id: then it is sent again, and the user may reply to
        the first one.
        """
        rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
        for button in (button for row in rows for button in row):
            data = button.callback_data
            tap = self._store.callbacks.peek(data) if isinstance(data, str) else None
            if tap is not None:
                return _subject(Action.model_validate(tap.action))
        return None


def _subject(action: Action) -> MessageSubject | None:
    """What the message of a button is about."""
    if action.session is None:
        return None
    match action.do:
        case ActionKind.ANSWER | ActionKind.OTHER_ANSWER:
            return MessageSubject(
                action.session, "question", {"index": action.question, "identity": action.identity}
            )
        case ActionKind.APPROVE | ActionKind.REQUEST_CHANGES:
            return MessageSubject(action.session, "plan", {"sha256": action.identity})
        case ActionKind.DENY_SAY:
            return MessageSubject(action.session, "permission", {"ask": action.identity})
        case _:
            return MessageSubject(action.session, "note")
