"""Posts and edits messages and cards, loud or silent as the chat prefers."""

from __future__ import annotations

from typing import Any

from samobot.telegram.markup.split import split_html
from samobot.telegram.notify.importance import Importance
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.buttons import MessageView, keyboard
from samobot.telegram.views.wording import Recipient

SCROLLED_AWAY = 12
"""Messages of ours below a card beyond which it is posted again when something happens."""


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
        needed = importance in (Importance.ALERT, Importance.ALERT_PART)
        priority = Priority.NEEDED if needed else Priority.NEWS
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
        for row in self._store.outbox.waiting(recipient.chat_id):
            if row.op is Op.SEND and row.about.session == session and row.key.startswith(prefix):
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
        """Leave an earlier session's card as it is: the next one of this key is sent anew."""
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
        return self._store.sent.by_key(recipient.chat_id, key) is not None

    def exists(self, recipient: Recipient, key: str) -> bool:
        """Whether there is a message of this key, in the chat or on its way."""
        return self.is_sent(recipient, key) or self._store.outbox.has(recipient.chat_id, key, Op.SEND)


def scope_of(chat_id: int, key: str) -> str:
    """What the buttons of a message belong to."""
    return f"{chat_id}:{key}"
