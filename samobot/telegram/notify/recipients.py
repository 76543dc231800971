"""Which chats follow which session: the owner's, or the one that it was started in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from samobot.config.settings import Settings
from samobot.fleet.models import SessionRef
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.wording import Recipient, zone_of


class Recipients:
    """The chats of sessions.

    Args:
        store: Preferences of chats, paired users, and which chat follows which session.
        settings: The owner's chat.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._followed = store.session_chats.all()
        # What came home is followed there to its end, so that no message there stays open.
        self._at_home: set[str] = set()
        self._expected: dict[tuple[str, str], tuple[int, int]] = {}

    def follow(self, session: str, chat_id: int, thread_id: int | None = None) -> None:
        """Send notifications about a session only to this chat from now on.

        Args:
            session: The session's key (`project:folder`).
            chat_id: The chat that it was started in.
            thread_id: The topic there.
        """
        if self._homes() == (chat_id,) and thread_id is None:
            if session in self._followed:
                self._store.session_chats.drop(session)
                del self._followed[session]
        elif self._followed.get(session) != (chat_id, thread_id):
            self._store.session_chats.set(session, chat_id, thread_id)
            self._followed[session] = (chat_id, thread_id)

    @contextlib.contextmanager
    def expecting(self, project: str, name: str, chat_id: int, thread_id: int) -> Iterator[None]:
        """Send what is found out about a session to a topic while that session is being created.

        Args:
            project: The project's name.
            name: The session's name.
            chat_id: The chat.
            thread_id: The topic there.
        """
        self._expected[project, name] = (chat_id, thread_id)
        try:
            yield
        finally:
            del self._expected[project, name]

    def _topic(self, session: str) -> tuple[int, int] | None:
        topic = self._store.session_topics.get(session)
        if topic is not None:
            return topic.chat_id, topic.thread_id
        if not self._expected:
            return None
        ref = SessionRef.from_key(session)
        return self._expected.get((ref.project, ref.name))

    def forget(self, session: str) -> None:
        """Forget the chat of a session that is gone."""
        self._at_home.discard(session)
        if session in self._followed:
            self._store.session_chats.drop(session, durable=False)
            del self._followed[session]

    def any(self, session: str) -> bool:
        """Whether any chat follows a session."""
        return bool(self._topic(session) or session in self._followed or self._homes())

    def of(self, session: str) -> tuple[Recipient, ...]:
        """The chats that follow a session: also the homes once its own takes no messages, as where the bot was removed."""
        chosen = self._topic(session) or self._followed.get(session)
        if chosen is None:
            return self.homes()
        place = self._place(*chosen)
        if self._is_closed(place.chat_id):
            self._at_home.add(session)
        return tuple(dict.fromkeys((place, *self.homes()))) if session in self._at_home else (place,)

    def asked_in(self, chat_id: int | None, thread_id: int | None) -> tuple[Recipient, ...]:
        """The chat that something was asked for in; what was asked for at a terminal is followed by the homes."""
        return self.homes() if chat_id is None else (self._place(chat_id, thread_id),)

    def homes(self) -> tuple[Recipient, ...]:
        """The chats that follow what was started in no other."""
        return tuple(self._place(chat_id) for chat_id in self._homes())

    def all(self) -> tuple[Recipient, ...]:
        """The chats that follow any session."""
        found = [self._place(chat_id) for chat_id in self._homes()]
        found += [self._place(*chosen) for chosen in self._followed.values()]
        topics = self._store.session_topics.all()
        found += [self._place(each.chat_id, each.thread_id) for each in topics if not each.closed]
        return tuple(dict.fromkeys(found))

    def _homes(self) -> tuple[int, ...]:
        owner = self._settings.telegram_chat_id
        if owner is not None:
            return (owner,)
        # Without an owner, the paired users: a private chat has its user's id.
        access = self._store.people.access()
        groups = tuple(sorted(access.groups))
        if groups and not all(self._is_closed(self._store.migrations.current(group)) for group in groups):
            return groups
        return (*groups, *sorted(access.users))

    def _is_closed(self, chat_id: int) -> bool:
        return self._store.chats.get(chat_id).blocked is not None

    def migrations(self) -> dict[int, int]:
        """Groups with a new id: the old one and the new one."""
        return self._store.migrations.all()

    def at(self, chat_id: int, thread_id: int | None = None) -> Recipient:
        """A chat as the texts for it need it."""
        chat = self._store.chats.get(chat_id)
        # Whoever else may decide, in whichever chat, is not the “you” of this one.
        people = self._settings.allowed_users | self._store.people.access().users
        return Recipient(chat_id, thread_id, chat.level, zone_of(chat.timezone), alone=people == {chat_id})

    def _place(self, chat_id: int, thread_id: int | None = None) -> Recipient:
        return self.at(self._store.migrations.current(chat_id), thread_id)
