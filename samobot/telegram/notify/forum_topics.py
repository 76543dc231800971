"""A forum topic for each session: opened with it, its icon by state, closed with the archive.

Topics are a convenience: whatever Telegram refuses (the right to manage topics, a topic that somebody has deleted), the
session's messages go to the chat itself, with one message about that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from telegram import Bot
from telegram.error import BadRequest, RetryAfter, TelegramError

from samobot.errors import SamobotError
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.session.status import SessionState
from samobot.telegram.outbound.bot_client import error_text, retry_seconds
from samobot.telegram.outbound.delivery import is_thread_lost
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.store.session_chats import SessionTopic
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import name_of
from samobot.text import one_line

log = logging.getLogger(__name__)

_CALL_SECONDS = 10.0
_PAUSE_SECONDS = 30.0
_NAME = 100

_NEEDS = {
    NeedKind.QUESTIONS: "❓",
    NeedKind.PLAN: "📝",
    NeedKind.PERMISSION: "❗️",
    NeedKind.ACTION: "❗️",
    NeedKind.BLOCK: "❗️",
    NeedKind.BUDGET: "💰",
    NeedKind.ITERATIONS: "❗️",
    NeedKind.FAILED: "❗️",
    NeedKind.LOST: "❗️",
}
_AT_WORK, _DONE, _AT_REST = "⚡️", "🏁", "💬"


class Archive(Protocol):
    """Where it is looked up whether a session was archived."""

    async def is_archived(self, ref: SessionRef) -> bool:
        """Whether a session that is gone is in the archive."""


def icon_of(view: SessionView) -> str:
    """The emoji of a session's state, of those that Telegram offers for topics."""
    need = need_of(view)
    if need is not None:
        return _NEEDS[need.kind]
    if view.state is SessionState.DONE:
        return _DONE
    at_rest = view.state in (SessionState.STOPPED, SessionState.IDLE) and not view.wanted
    return _AT_REST if at_rest else _AT_WORK


class Topics:
    """The topics of sessions.

    Args:
        bot: The bot.
        store: Which session has which topic.
        outbox: For the one message about why there is no topic.
        archive: Where archived sessions are.
        enabled: Whether topics are used.
        monotonic: A monotonic clock in seconds.
    """

    def __init__(
        self,
        bot: Bot,
        store: Store,
        outbox: Outbox,
        archive: Archive,
        *,
        enabled: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._store = store
        self._outbox = outbox
        self._archive = archive
        self._enabled = enabled
        self._monotonic = monotonic
        self._icons: dict[str, str] | None = None
        self._seen: tuple[object, object, object] | None = None
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None
        outbox.on_thread_lost = self.lost

    def wanted(self, chat_id: int, *, forum: bool) -> bool:
        """Whether a session that is started in a chat gets a topic of its own.

        Args:
            chat_id: The chat.
            forum: Whether it is a group with topics.
        """
        if not self._enabled:
            return False
        return forum if chat_id < 0 else self._are_private_on()

    def _are_private_on(self) -> bool:
        try:
            return bool(self._bot.bot.has_topics_enabled)
        except RuntimeError:
            return False  # Telegram has not answered yet

    async def open(self, chat_id: int, name: str) -> int | None:
        """Open a topic; None if Telegram refuses, which is said once."""
        icons = await self._known_icons()
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                topic = await self._bot.create_forum_topic(
                    chat_id,
                    one_line(self._outbox.secrets.mask(name), _NAME),
                    icon_custom_emoji_id=icons.get(_AT_WORK),
                )
        except (TelegramError, TimeoutError) as error:
            log.warning("no topic for %s in chat %d: %s", name, chat_id, error_text(error))
            if isinstance(error, BadRequest):
                self._outbox.post(
                    chat_id,
                    "Sessions get no topic of their own here: I may not manage topics. "
                    "Make me an admin with that right, or set SAMOBOT_TOPICS=off.",
                    key="topics-refused",
                    priority=Priority.NEWS,
                    silent=True,
                )
            return None
        return topic.message_thread_id

    def bind(self, session: str, chat_id: int, thread_id: int) -> None:
        """Let a session have a topic that was opened for it."""
        self._store.session_topics.set(SessionTopic(session, chat_id, thread_id, _AT_WORK))

    async def discard(self, chat_id: int, thread_id: int) -> None:
        """Delete a topic whose session was not started after all."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await self._bot.delete_forum_topic(chat_id, thread_id)
        except (TelegramError, TimeoutError) as error:
            log.info("an empty topic stays in chat %d: %s", chat_id, error_text(error))

    def lost(self, chat_id: int, thread_id: int) -> None:
        """Send a session's messages to the chat itself: its topic is gone, or closed to the bot."""
        topic = self._store.session_topics.find(chat_id, thread_id)
        if topic is None:
            return
        ref = SessionRef.from_key(topic.session)
        try:
            self._store.session_topics.drop(topic.session)
            self._outbox.post(
                chat_id,
                f"The topic of {name_of(ref)} is gone or closed. Its messages come here now.",
                key=f"topic-lost:{thread_id}",
                about=MessageSubject(topic.session, "note"),
                priority=Priority.NEWS,
                silent=True,
            )
        except SamobotError as error:
            log.error("the topic of %s stays noted: %s", topic.session, error.message)

    async def update(self, views: Sequence[SessionView], past: Sequence[PastSession]) -> None:
        """Bring icons up to date, close the topics of archived sessions, reopen those of restored ones.

        Called on every poll; the calls to Telegram are made in the background.
        """
        topics = self._store.session_topics.all()
        if not topics or self._is_busy() or self._monotonic() < self._not_before:
            return
        seen = (views, past, topics)
        if (
            self._seen is not None
            and self._seen[0] is views
            and self._seen[1] is past
            and self._seen[2] == topics
        ):
            return
        known = {view.ref.key: view for view in views}
        resting = {each.key for each in past}
        changes = []
        for topic in topics:
            view = known.get(topic.session)
            if view is not None:
                wanted = replace(topic, icon=icon_of(view), closed=False)
            elif topic.session in resting:
                wanted = replace(topic, closed=False)
            elif not topic.closed and await self._archive.is_archived(SessionRef.from_key(topic.session)):
                wanted = replace(topic, closed=True)
            else:
                continue
            if wanted != topic:
                changes.append((topic, wanted))
        self._seen = None if changes else seen
        if changes:
            self._task = asyncio.create_task(self._make(changes), name="topics")

    async def finish(self) -> None:
        """Wait for the calls that are being made."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _make(self, changes: Sequence[tuple[SessionTopic, SessionTopic]]) -> None:
        for topic, wanted in changes:
            try:
                await self._change(topic, wanted)
            except SamobotError as error:
                log.error("the topic of %s: %s", topic.session, error.message)

    async def _change(self, topic: SessionTopic, wanted: SessionTopic) -> None:
        """Make a topic what it should be; what Telegram refuses permanently is not tried again."""
        place = (topic.chat_id, topic.thread_id)
        icons = await self._known_icons()
        steps: list[Callable[[], Awaitable[object]]] = []
        if topic.closed and not wanted.closed:
            steps.append(lambda: self._bot.reopen_forum_topic(*place))
        if wanted.icon != topic.icon and wanted.icon in icons:
            steps.append(lambda: self._bot.edit_forum_topic(*place, icon_custom_emoji_id=icons[wanted.icon]))
        if wanted.closed and not topic.closed:
            steps.append(lambda: self._bot.close_forum_topic(*place))
        for step in steps:
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    await step()
            except BadRequest as error:
                if is_thread_lost(error.message):
                    self.lost(*place)
                    return
                if "not_modified" not in error.message.lower():
                    log.warning("the topic of %s stays as it is: %s", topic.session, error.message)
            except (TelegramError, TimeoutError) as error:
                log.info("the topic of %s is tried again later: %s", topic.session, error_text(error))
                pause = retry_seconds(error) if isinstance(error, RetryAfter) else _PAUSE_SECONDS
                self._not_before = self._monotonic() + pause
                return
        if self._store.session_topics.get(topic.session) == topic:
            self._store.session_topics.set(wanted)

    async def _known_icons(self) -> dict[str, str]:
        """Numbers of the emoji that any topic may have as its icon, by emoji; asked for once."""
        if self._icons is None:
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    stickers = await self._bot.get_forum_topic_icon_stickers()
            except (TelegramError, TimeoutError) as error:
                log.info("topics get no icons for now: %s", error_text(error))
                return {}
            self._icons = {
                each.emoji: each.custom_emoji_id for each in stickers if each.emoji and each.custom_emoji_id
            }
        return self._icons
