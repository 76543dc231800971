"""The messages about one session in the chats that follow it: posted, edited, and closed once their need is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from samobot.fleet.models import SessionRef
from samobot.session.gate import Person
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.importance import Importance
from samobot.telegram.notify.messages import closed
from samobot.telegram.notify.notification import Notification, NotificationInput
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.reminders import silence_key
from samobot.telegram.notify.state import LiveMessage, NotifiedState
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.buttons import MessageView
from samobot.telegram.views.wording import Icon, Recipient, decided_by, headline, time_of

_CLOSED_IN_TIME = frozenset({"question", "paused", "budget", "ask"})
"""Kinds of messages without a need that are closed once their buttons are no longer of use."""


class SessionMessages:
    """Brings what is to be said about sessions to the chats; each call is part of its caller's transaction.

    Args:
        store: Remembers what was sent.
        publisher: Posts and edits messages.
        recipients: Which chats follow which session.
    """

    def __init__(self, store: Store, publisher: Publisher, recipients: Recipients) -> None:
        self._store = store
        self._publisher = publisher
        self._recipients = recipients

    def post_or_edit(
        self,
        recipient: Recipient,
        change: NotificationInput,
        message: Notification,
        record: LiveMessage | None,
    ) -> LiveMessage | None:
        """Post a message that is new to a chat, or edit it if it looks different; return the message as it is now."""
        chat, digest = recipient.chat_id, message.shown.digest
        there = record.digests.get(chat) if record is not None else None
        about = MessageSubject(change.view.ref.key, message.kind, message.detail)
        key = record.key if record is not None else self._new_key(change, message)
        if there is None:
            if not message.post:
                return record
            self._publisher.post(recipient, key, message.shown, about, message.importance)
        elif there != digest:
            self._publisher.edit(
                recipient, key, message.shown, about, message.importance, decided=message.decided
            )
        record = record or LiveMessage(key=key, kind=message.kind, at=change.now, need=message.need)
        keeps_text = bool(message.need) or message.kind in _CLOSED_IN_TIME
        return record.model_copy(
            update={
                "digests": {**record.digests, chat: digest},
                "texts": {**record.texts, chat: message.shown.text} if keeps_text else record.texts,
            }
        )

    def _new_key(self, change: NotificationInput, message: Notification) -> str:
        """Return the permanent key of a new message. A question that is asked again is another message."""
        session = change.view.ref.key
        key = f"{message.key}:{session}"
        if message.live and any(
            self._publisher.exists(recipient, key) for recipient in self._recipients.of(session)
        ):
            return f"{key}:{change.now:%Y%m%dT%H%M%S.%f}"
        return key

    def close(
        self,
        change: NotificationInput,
        record: LiveMessage,
        by: Person | None,
    ) -> None:
        """Remove the buttons of a message whose need is over, and add the outcome."""
        session = change.view.ref.key
        for recipient in self._recipients.of(session):
            if recipient.chat_id not in record.texts:
                continue
            about = MessageSubject(session, record.kind, {"need": record.need} if record.need else {})
            shown = MessageView(closed(change, record, recipient, by))
            self._publisher.edit(recipient, record.key, shown, about, Importance.ALERT_PART, decided=True)
            if record.need:
                chat = self._store.chats.get(recipient.chat_id)
                silenced = silence_key(session, record.need)
                if silenced in chat.silenced:
                    self._store.chats.put(replace(chat, silenced=chat.silenced - {silenced}))

    def close_all(
        self, ref: SessionRef, state: NotifiedState, sign: Icon, words: str, by: Person | None, now: datetime
    ) -> None:
        """Close every message and the card of a session that is no longer there.

        Args:
            ref: The session.
            state: What was sent about it.
            sign: The sign of what happened to it.
            words: What happened to it, after its name.
            by: Who did that, if somebody did.
            now: The time.
        """
        key = ref.key
        for recipient in self._recipients.of(key):
            when = (
                time_of(now, recipient, now)
                if by is None
                else decided_by(by.who, by.via, now, recipient, now)
            )
            if state.card:
                self._publisher.retire(recipient, f"card:{key}")
                shown = MessageView(f"{headline(sign, ref, words)}\n{escape(when)}")
                self._publisher.show_card(recipient, key, shown)
            for record in state.posted.values():
                if text := record.texts.get(recipient.chat_id):
                    about = MessageSubject(key, record.kind)
                    shown = MessageView(
                        f"{text}\n\n→ {sign} {escape(words.removeprefix('is ').capitalize())} · {escape(when)}"
                    )
                    self._publisher.edit(
                        recipient, record.key, shown, about, Importance.ALERT_PART, decided=True
                    )
        self._publisher.strip(key)
