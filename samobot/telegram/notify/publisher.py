"""Posts and edits messages and cards, loud or silent as the chat prefers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from samobot.fleet.models import SessionRef
from samobot.session.gate import Person
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.markup.split import split_html
from samobot.telegram.notify.messages import closed
from samobot.telegram.notify.notification import Importance, Notification, NotificationInput, silence_key
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.state import LiveMessage, NotifiedState
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.buttons import MessageView, keyboard
from samobot.telegram.views.wording import Icon, Recipient, decided_by, headline, time_of

SCROLLED_AWAY = 12
"""Messages of ours below a card beyond which it is posted again when something happens."""

_PRIORITIES = {
    Importance.ALERT: Priority.NEEDED,
    Importance.ALERT_PART: Priority.NEEDED,
    Importance.INFO: Priority.EFFECT,
    Importance.PROGRESS: Priority.NEWS,
    Importance.DETAIL: Priority.NEWS,
}


class Publisher:
    """Puts messages into the outbox, with working buttons.

    Args:
        store: The meaning of buttons, and the messages that were sent.
        outbox: Delivers the messages.
    """

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox
        self._cards: dict[tuple[str, int], str] = {}

    def post(
        self,
        recipient: Recipient,
        key: str,
        shown: MessageView,
        about: MessageSubject,
        importance: Importance,
    ) -> None:
        """Post a message, in several parts if it is long; nothing if the chat does not want it."""
        if not importance.wanted(recipient.level):
            return
        priority = _PRIORITIES[importance]
        *parts, last = split_html(self._outbox.mask(shown.text)) or ("…",)
        for number, part in enumerate(parts):
            self._outbox.post(
                recipient.chat_id,
                part,
                key=f"{key}:part{number}",
                about=about,
                priority=priority,
                silent=True,
                thread_id=recipient.thread_id,
            )
        self._outbox.post(
            recipient.chat_id,
            last,
            key=key,
            about=about,
            priority=priority,
            markup=keyboard(self._store.callbacks, shown.buttons, scope_of(recipient.chat_id, key)),
            silent=importance.silent(recipient.level),
            thread_id=recipient.thread_id,
            attachment=shown.attachment,
        )

    def mask_json(self, value: Any) -> Any:
        """Mask the secrets in every text of a JSON value."""
        return self._outbox.secrets.mask_json(value)

    async def drain(self, timeout: float) -> None:
        """Wait until what can be delivered now is, for at most so many seconds."""
        await self._outbox.drain(timeout)

    def alert(self, recipient: Recipient, key: str, shown: MessageView) -> None:
        """Post a message with a sound that is about no session."""
        self.post(recipient, key, shown, MessageSubject(), Importance.ALERT)

    def edit(
        self,
        recipient: Recipient,
        key: str,
        shown: MessageView,
        about: MessageSubject,
        importance: Importance,
        *,
        decided: bool = False,
    ) -> None:
        """Change a message; one that was not delivered yet is delivered as it is now.

        Args:
            recipient: The chat.
            key: The key that it was posted with.
            shown: Its new content.
            about: Its new subject.
            importance: Its importance when it was posted.
            decided: Whether its earlier buttons are no longer of use.
        """
        scope = scope_of(recipient.chat_id, key)
        if decided:
            self._store.callbacks.retire(scope)
        if not self.is_sent(recipient, key):
            if self._store.outbox.has(recipient.chat_id, key, Op.SEND):
                self.post(recipient, key, shown, about, importance)
            return
        *_, last = split_html(self._outbox.mask(shown.text)) or ("…",)
        markup = keyboard(self._store.callbacks, shown.buttons, scope)
        self._outbox.edit(recipient.chat_id, last, key=key, about=about, markup=markup)

    def drop_superseded(self, recipient: Recipient, prefix: str, session: str) -> None:
        """Drop messages about a session that were not delivered yet and are outdated."""
        for row in self._store.outbox.waiting(recipient.chat_id, prefix):
            if row.op is Op.SEND and row.about.session == session:
                self._store.outbox.done(row)

    def show_card(
        self, recipient: Recipient, session: str, shown: MessageView, *, at_end: bool = False
    ) -> None:
        """Update a session's card; nothing is done if it shows this already.

        Args:
            recipient: The chat.
            session: The session's key.
            shown: What it shows.
            at_end: Whether it is posted again at the end of the chat if it has scrolled away.
        """
        digest, key = shown.digest, f"card:{session}"
        moved = at_end and self._outbox.replace_at_end(recipient.chat_id, key, SCROLLED_AWAY)
        if not moved and self._cards.get((session, recipient.chat_id)) == digest:
            return
        self._outbox.show(
            recipient.chat_id,
            split_html(self._outbox.mask(shown.text))[0],
            key=key,
            about=MessageSubject(session, "card"),
            markup=keyboard(self._store.callbacks, shown.buttons, scope_of(recipient.chat_id, key)),
            thread_id=recipient.thread_id,
        )
        self._cards[(session, recipient.chat_id)] = digest

    def release_card(self, recipient: Recipient, session: str) -> None:
        """Leave an earlier session's card as it is: the next one of this key is a new message."""
        key = f"card:{session}"
        sent = self._store.sent.by_key(recipient.chat_id, key)
        if sent is not None:
            self._store.sent.rename(sent, f"{key}:{sent.message_id}")
        self._cards.pop((session, recipient.chat_id), None)

    def forget_cards(self, session: str) -> None:
        """Render a session's cards again the next time: it is not certain that the last was accepted."""
        for key in [key for key in self._cards if key[0] == session]:
            del self._cards[key]

    def retire(self, recipient: Recipient, key: str) -> None:
        """Make the buttons of a message stale."""
        self._store.callbacks.retire(scope_of(recipient.chat_id, key))

    def strip(self, session: str) -> None:
        """Remove the buttons of all messages about this session alone."""
        for scope in self._store.callbacks.scopes_of(session):
            self._store.callbacks.retire(scope)
            chat, _, key = scope.partition(":")
            if chat.removeprefix("-").isdecimal():
                self._outbox.strip(int(chat), key)

    def is_sent(self, recipient: Recipient, key: str) -> bool:
        """Whether a message of this key is in the chat."""
        return self._store.sent.has(recipient.chat_id, key)

    def exists(self, recipient: Recipient, key: str) -> bool:
        """Whether there is a message of this key, in the chat or on its way."""
        return self.is_sent(recipient, key) or self._store.outbox.has(recipient.chat_id, key, Op.SEND)


def scope_of(chat_id: int, key: str) -> str:
    """What the buttons of a message belong to."""
    return f"{chat_id}:{key}"


_CLOSED_IN_TIME = frozenset({"question", "paused", "budget", "permission"})
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
        recipients: Sequence[Recipient],
        recipient: Recipient,
        change: NotificationInput,
        message: Notification,
        record: LiveMessage | None,
    ) -> LiveMessage | None:
        """Post a message that is new to a chat, or edit it if it looks different.

        Args:
            recipients: All chats that follow the session.
            recipient: The chat.
            change: What has changed.
            message: The message.
            record: What is known of it, if it was posted.

        Returns:
            The message as it is now.
        """
        chat, digest = recipient.chat_id, message.shown.digest
        there = record.digests.get(chat) if record is not None else None
        about = MessageSubject(change.view.ref.key, message.kind, message.detail)
        key = record.key if record is not None else self._new_key(recipients, change, message)
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

    def _new_key(
        self, recipients: Sequence[Recipient], change: NotificationInput, message: Notification
    ) -> str:
        """Return the permanent key of a new message. A question that is asked again is another message."""
        session = change.view.ref.key
        key = f"{message.key}:{session}"
        if message.live and any(self._publisher.exists(recipient, key) for recipient in recipients):
            return f"{key}:{change.now:%Y%m%dT%H%M%S.%f}"
        return key

    def close(
        self,
        recipients: Sequence[Recipient],
        change: NotificationInput,
        record: LiveMessage,
        by: Person | None,
    ) -> None:
        """Remove the buttons of a message whose need is over, and add the outcome."""
        session = change.view.ref.key
        for recipient in recipients:
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
