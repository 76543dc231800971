"""Delivery to one chat: one task that takes the chat's rows in their order and at Telegram's pace.

So a slow, flooded or blocked chat delays no other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from telegram import Bot
from telegram.error import TelegramError

from samobot.backoff import backoff
from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.telegram.outbound.bot_client import error_text
from samobot.telegram.outbound.delivery import (
    ChatMoved,
    ChatUnavailable,
    Ignore,
    MessageGone,
    NotEditable,
    Rejected,
    RetryLater,
    Simplify,
    classify_error,
    deliver,
    is_thread_lost,
)
from samobot.telegram.outbound.rate_limit import RateLimiter
from samobot.telegram.outbound.unnoted_deliveries import UnnotedDeliveries
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow, Priority

log = logging.getLogger(__name__)

CLOSED_RETRY_SECONDS = 3600.0
"""How often a chat that the bot may not write in is tried again."""

_LONGEST_BACKOFF = 60.0
_DISK_BACKOFF = 5.0
_JITTER = random.SystemRandom()


@frozen
class SenderContext:
    """What all senders share.

    Attributes:
        bot: The bot.
        store: Where the rows are.
        pace: How fast Telegram may be written to.
        monotonic: A monotonic clock in seconds.
        backoff: Seconds after the first failure; each further one waits up to twice as long, at most 60.
        wake: Called with the number of a chat that something waits for now.
        on_thread_lost: Called with a chat and the number of a topic that takes no messages any longer.
    """

    bot: Bot
    store: Store
    pace: RateLimiter
    monotonic: Callable[[], float]
    backoff: float
    wake: Callable[[int], None]
    on_thread_lost: Callable[[int, int], None]


class ChatSender:
    """The delivery to one chat, for as long as something waits for it.

    Args:
        chat_id: The chat.
        tools: What all senders share.
    """

    def __init__(self, chat_id: int, tools: SenderContext) -> None:
        self.chat_id = chat_id
        self._tools = tools
        self._store = tools.store
        self._pace = tools.pace
        self._now = tools.monotonic
        self._wake = asyncio.Event()
        self._failures = 0
        self._delays: dict[int, tuple[int, float]] = {}
        """Rows that failed: how often, and the monotonic time before which they are not tried again."""
        self._unnoted = UnnotedDeliveries(tools.store)
        self._upload: tuple[OutboxRow, asyncio.Task[tuple[int, ...]]] | None = None
        """A file that the user asked for and that is on its way, maybe for minutes: what is more urgent does not wait
        for it."""
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Deliver what waits now; starts the task if it does not run."""
        self._wake.set()
        self._due = 0.0
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"outbox {self.chat_id}")

    def busy(self, until: float) -> asyncio.Task[None] | None:
        """The task, if it still has something to deliver before a monotonic time."""
        if self._task is None or self._task.done() or self._due > until:
            return None
        return self._task

    async def stop(self) -> None:
        """End the task; what it has not delivered stays queued."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Deliver until nothing waits."""
        try:
            await self._deliver_all()
        finally:
            if self._upload is not None:
                upload = self._upload[1]
                upload.cancel()
                await asyncio.gather(upload, return_exceptions=True)
                self._upload = None

    async def _deliver_all(self) -> None:
        while True:
            self._wake.clear()
            try:
                if self._upload is not None and self._upload[1].done():
                    (sent, upload), self._upload = self._upload, None
                    await self._finish(sent, upload)
                row, wait = self._next()
                if row is None and wait is None and self._upload is None:
                    return
                if row is not None:
                    self._due = 0.0
                    await self._deliver(row)
                    continue
            except StorageError as error:
                log.error("outbox of chat %d: %s", self.chat_id, error)
                wait = _DISK_BACKOFF
            except Exception:
                log.exception(
                    "outbox of chat %d", self.chat_id
                )  # an internal error must not end the delivery
                wait = _DISK_BACKOFF
            self._due = 0.0 if self._upload is not None else self._now() + (wait or 0.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    def _next(self) -> tuple[OutboxRow | None, float | None]:
        """Choose the row to deliver now; or say for how long none can be; or (None, None): nothing waits."""
        now = self._now()
        today = self._store.clock()
        soonest: float | None = None
        if self._unnoted.is_overdue:
            self._unnoted.note()
        for row in self._store.outbox.waiting(self.chat_id):
            if self._upload is not None and max(row.priority, Priority.EFFECT) >= self._upload[0].priority:
                break
            delivered = self._unnoted.version(row)
            if delivered == row.version:
                continue
            if delivered is not None:  # its content was replaced meanwhile
                self._unnoted.note()
                return self._next()
            if row.expires is not None and row.expires <= today:
                log.info("an outdated message to chat %d was dropped: %s", self.chat_id, row.key)
                self._store.outbox.done(row)
                continue
            wait = self._pace.wait(
                self.chat_id,
                now,
                edit=self._is_edit(row),
                messages=row.post.messages,
                background=row.priority >= Priority.NEWS,
            )
            _, not_before = self._delays.get(row.id, (0, 0.0))
            wait = max(wait, not_before - now)
            if wait <= 0:
                return row, None
            soonest = wait if soonest is None else min(soonest, wait)
        return self._next() if self._unnoted.note() else (None, soonest)

    async def _deliver(self, row: OutboxRow) -> None:
        sent = self._store.sent.by_key(row.chat_id, row.key)
        if row.op in (Op.EDIT, Op.SHOW) and sent is not None and sent.digest == row.post.digest:
            self._settle(row, (sent.message_id,))
            return
        if row.op in (Op.EDIT, Op.STRIP, Op.DELETE) and sent is None:
            self._store.outbox.done(row)
            return
        self._pace.spend(row.chat_id, self._now(), edit=self._is_edit(row), messages=row.post.messages)
        call = deliver(self._tools.bot, row, sent.message_id if sent is not None else None)
        if row.file is not None and row.priority > Priority.EFFECT:
            self._upload = row, asyncio.create_task(call)
            self._upload[1].add_done_callback(lambda _: self._wake.set())
        else:
            await self._finish(row, call)

    async def _finish(self, row: OutboxRow, call: Awaitable[tuple[int, ...]]) -> None:
        """Wait for a delivery, and act on its result."""
        try:
            numbers = await call
        except (TelegramError, TimeoutError) as error:
            self._not_delivered(row, error)
        except Exception:
            log.exception("a message to chat %d could not be put together: %s", row.chat_id, row.key)
            self._back_off(row, None)
        else:
            self._settle(row, numbers)

    def _settle(self, row: OutboxRow, numbers: tuple[int, ...]) -> None:
        self._delays.pop(row.id, None)
        self._failures = 0
        self._unnoted.add(row, numbers)
        if self._store.chats.unblock(row.chat_id):
            log.info("chat %d can be written to again", row.chat_id)

    def _not_delivered(self, row: OutboxRow, error: TelegramError | TimeoutError) -> None:
        queue, chat_id = self._store.outbox, row.chat_id
        self._unnoted.note()
        match classify_error(error, row):
            case Ignore():
                sent = self._store.sent.by_key(chat_id, row.key)
                edited = sent is not None and row.op in (Op.EDIT, Op.SHOW)
                self._settle(row, (sent.message_id,) if sent is not None and edited else ())
            case RetryLater(after):
                self._back_off(row, after)
                log.warning(
                    "a message to chat %d waits for another try (%s): %s", chat_id, row.key, error_text(error)
                )
            case MessageGone():
                self._store.sent.drop(chat_id, row.key)
                if row.op is not Op.SHOW:
                    queue.done(row)
                log.info("a message is gone from chat %d: %s", chat_id, row.key)
            case NotEditable():
                self._send_again(row)
                log.info("a message in chat %d cannot be edited and is sent again: %s", chat_id, row.key)
            case Simplify(form):
                log.warning("chat %d: %s is tried in a simpler form: %s", chat_id, row.key, error_text(error))
                queue.reduce(row, form)
                if row.post.thread_id is not None and is_thread_lost(error_text(error)):
                    self._tools.on_thread_lost(chat_id, row.post.thread_id)
            case ChatMoved(new):
                self._move(chat_id, new)
            case ChatUnavailable():
                self._close(chat_id, error)
            case Rejected():
                log.error(
                    "Telegram takes no form of a message to chat %d (%s): %s",
                    chat_id,
                    row.key,
                    error_text(error),
                )
                queue.done(row)

    def _send_again(self, row: OutboxRow) -> None:
        """Let a new message take the place of one that cannot be changed."""
        sent = self._store.sent.by_key(row.chat_id, row.key)
        thread_id = sent.thread_id if sent is not None else row.post.thread_id
        ttl = row.expires - self._store.clock() if row.expires is not None else None
        with self._store.transaction(durable=row.priority is Priority.NEEDED):
            self._store.sent.drop(row.chat_id, row.key)
            self._store.outbox.done(row)
            self._store.outbox.put(
                row.chat_id,
                Op.SEND,
                row.key,
                replace(row.post, silent=True, thread_id=thread_id),
                about=row.about,
                priority=row.priority,
                ttl=ttl,
            )

    def _back_off(self, row: OutboxRow, after: float | None) -> None:
        now = self._now()
        if after is not None:
            self._pace.flood(row.chat_id, now, after)
            return
        tries = self._delays.get(row.id, (0, 0.0))[0] + 1
        self._failures += 1
        self._delays[row.id] = (tries, now + self._backoff(tries))
        # The network is as likely to be down as this one message to be at fault: the others wait too, but
        # less and less as long as it may be this message alone.
        self._pace.hold(row.chat_id, now, min(self._backoff(self._failures), _LONGEST_BACKOFF / 2))

    def _close(self, chat_id: int, error: Exception) -> None:
        dropped = self._store.outbox.drop(chat_id, spare=Priority.NEEDED)
        if self._store.chats.block(chat_id):
            log.error(
                "The bot may not write in chat %d (%s). What is needed there waits until somebody allowed "
                "writes to the bot; %d other messages were dropped.",
                chat_id,
                error_text(error),
                dropped,
            )
        self._pace.hold(chat_id, self._now(), CLOSED_RETRY_SECONDS)

    def _move(self, old: int, new: int) -> None:
        log.warning("group %d has become chat %d", old, new)
        self._store.move_chat(old, new)
        self._tools.wake(new)

    def _is_edit(self, row: OutboxRow) -> bool:
        if row.op is Op.SHOW:
            return self._store.sent.has(row.chat_id, row.key)
        return row.op in (Op.EDIT, Op.STRIP, Op.DELETE)

    def _backoff(self, tries: int) -> float:
        return backoff(tries, self._tools.backoff, _LONGEST_BACKOFF) * _JITTER.uniform(0.5, 1.0)
