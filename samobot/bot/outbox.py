"""The way out: everything the bot says goes through here, and nothing it accepted is lost.

A call of `post`, `edit` or `show` writes a row and returns; a *lane*, one task for each chat that something
waits for, delivers. So a slow or blocked chat holds up nobody else, and nobody waits for the network.

What is promised: a `NEEDED` message is delivered at least once, whatever crashes; a kill between Telegram's
taking it and our noting it repeats it, at most once a kill. Only Telegram's final refusal of every form of a message ends it undelivered,
and that is said through `on_failed`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telegram import Bot, ForceReply, InlineKeyboardMarkup
from telegram.error import TelegramError

from samobot.bot.delivery import (
    Closed,
    Fine,
    Gone,
    Moved,
    Reduce,
    Refused,
    Retry,
    deliver,
    meaning,
)
from samobot.bot.pace import Limits, Pace
from samobot.bot.queue import Op, OutboxRow, Post, Priority
from samobot.bot.sent import About, SentMessage
from samobot.bot.store import Store
from samobot.errors import StorageError

log = logging.getLogger(__name__)

RECEIPT_SECONDS = 600.0
"""A receipt that could not be delivered for so long is news no more."""

ANSWER_SECONDS = 5.0
"""How long an answer to a tap is tried; after about 15 s Telegram takes none anyway."""

CLOSED_RETRY_SECONDS = 3600.0
"""How often a chat that the bot may not write in is tried again."""

_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 60.0
_DISK_BACKOFF = 5.0
_DRAIN_LOOK = 0.05
_JITTER = random.SystemRandom()

Markup = InlineKeyboardMarkup | ForceReply | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Attributes:
        name: Its name as the person sees it.
        data: Its content, at most 50 MB.
        photo: Whether it is shown as a picture.
    """

    name: str
    data: bytes
    photo: bool = False


@dataclass(slots=True)
class _Lane:
    """The delivery for one chat."""

    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0
    delays: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Rows that failed: how often, and the monotonic time before which they are not tried again."""
    unsettled: dict[int, tuple[OutboxRow, int | None]] = field(default_factory=dict)
    """Rows that were delivered, with their message's number, where the disk refused to note it."""
    due: float = 0.0
    """Monotonic time of the next try, as far as is known."""


class Outbox:
    """Sends what is queued, at Telegram's pace.

    Args:
        bot: The bot, initialised.
        store: Where the queue is.
        limits: How fast Telegram may be written to.
        on_failed: Called with a row that Telegram refused in every form, and its words.
        monotonic: A monotonic clock in seconds.
    """

    def __init__(
        self,
        bot: Bot,
        store: Store,
        *,
        limits: Limits | None = None,
        on_failed: Callable[[OutboxRow, str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._store = store
        self._on_failed = on_failed
        self._now = monotonic
        self._pace = Pace(limits or Limits())
        self._lanes: dict[int, _Lane] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._running = False

    # What the rest of the bot calls -------------------------------------------------------------------------

    def post(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: About | None = None,
        priority: Priority = Priority.NEEDED,
        markup: Markup = None,
        silent: bool = False,
        thread_id: int | None = None,
        reply_to: int | None = None,
        attachment: Attachment | None = None,
    ) -> bool:
        """Send a new message.

        Args:
            chat_id: Where to.
            text: Telegram HTML; the caption where there is an attachment.
            key: Names the message for good, across restarts: what was sent under it before is not sent
                again, what waits under it is replaced.
            about: What it is about, so that a reply to it finds its session.
            priority: `NEEDED` is on disk for good when this returns, and kept for as long as it takes;
                a `RECEIPT` is dropped after ten minutes.
            markup: Buttons, or a forced reply.
            silent: Whether it comes without a sound.
            thread_id: The topic it goes to.
            reply_to: Number of the message it replies to.
            attachment: A file that goes with it.

        Returns:
            Whether there is something to send; False where it was sent before.

        Raises:
            StorageError: The disk refused; nothing was accepted.
        """
        if self._store.sent.by_key(chat_id, key) is not None:
            return False
        post = _post(
            text,
            markup,
            silent=silent,
            thread_id=thread_id,
            reply_to=reply_to,
            file_name=attachment.name if attachment else None,
            photo=bool(attachment and attachment.photo),
        )
        self._store.outbox.put(
            chat_id,
            Op.SEND,
            key,
            post,
            about=about or About(),
            priority=priority,
            ttl=None if priority is Priority.NEEDED else RECEIPT_SECONDS,
            data=attachment.data if attachment else None,
        )
        self._wake(chat_id)
        return True

    def edit(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: About | None = None,
        markup: InlineKeyboardMarkup | None = None,
        priority: Priority = Priority.RECEIPT,
    ) -> bool:
        """Change the message of a key, or what is still queued under it; of many edits only the newest goes out.

        Args:
            chat_id: The chat.
            text: Telegram HTML.
            key: The key that the message was posted with.
            about: What it is about now; None leaves it.
            markup: The buttons from now on; None takes them away.
            priority: How urgent it is.

        Returns:
            Whether there is such a message.
        """
        sent = self._store.sent.by_key(chat_id, key)
        queued = self._store.outbox.has(chat_id, key, Op.SEND)
        if sent is None and not queued:
            return False
        if about is None:
            about = sent.about if sent is not None else self._about_queued(chat_id, key)
        self._store.outbox.put(chat_id, Op.EDIT, key, _post(text, markup), about=about, priority=priority)
        self._wake(chat_id)
        return True

    def show(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: About | None = None,
        markup: InlineKeyboardMarkup | None = None,
        thread_id: int | None = None,
        priority: Priority = Priority.CARD,
    ) -> None:
        """Keep one message showing the newest content: a card.

        It is edited in place where it is in the chat, sent silently where it is not (yet, or any more); nothing is done
        where it shows that already.

        Args:
            chat_id: The chat.
            text: Telegram HTML.
            key: Names the card: `card:<session>`.
            about: What it is about.
            markup: Its buttons.
            thread_id: The topic it goes to.
            priority: How urgent it is.
        """
        post = _post(text, markup, silent=True, thread_id=thread_id)
        sent = self._store.sent.by_key(chat_id, key)
        unchanged = sent is not None and sent.digest == post.digest
        if unchanged and not self._store.outbox.has(chat_id, key, Op.SHOW):
            return
        self._store.outbox.put(chat_id, Op.SHOW, key, post, about=about or About(), priority=priority)
        self._wake(chat_id)

    def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """Put a reaction on a person's message: a silent receipt. An empty emoji takes it away."""
        self._store.outbox.put(
            chat_id,
            Op.REACT,
            f"react:{message_id}",
            Post(text=emoji, reply_to=message_id),
            about=About(),
            priority=Priority.RECEIPT,
            ttl=RECEIPT_SECONDS,
        )
        self._wake(chat_id)

    def delete(self, chat_id: int, key: str) -> None:
        """Take the message of a key out of the chat, or what is still queued under it out of the queue."""
        with self._store.transaction(durable=False):
            self._store.outbox.drop(chat_id, key)
            self._store.outbox.put(
                chat_id, Op.DELETE, key, Post(), about=About(), priority=Priority.RECEIPT, ttl=RECEIPT_SECONDS
            )
        self._wake(chat_id)

    def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> None:
        """Answer a tap at once, past the queue; given up after five seconds, never an error.

        Args:
            query_id: The callback query's id.
            text: Up to 200 characters shown at the top of the chat; empty only stops the button's spinner.
            alert: Whether the text is a dialog to be closed.
        """
        task = asyncio.create_task(self._answer(query_id, text, alert))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    def revive(self, chat_id: int) -> None:
        """Note that a chat is alive: somebody allowed wrote there. What waited for it goes out."""
        if self._store.chats.unblock(chat_id):
            log.info("chat %d can be written to again", chat_id)
            self._pace.release(chat_id)
            self._wake(chat_id)

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return self._store.outbox.count()

    async def run(self) -> None:
        """Deliver until cancelled; what is queued then stays queued."""
        self._running = True
        self._store.outbox.prune()
        try:
            for chat_id in self._store.outbox.chats():
                self._wake(chat_id)
            await asyncio.Event().wait()
        finally:
            self._running = False
            tasks = [lane.task for lane in self._lanes.values() if lane.task] + list(self._answers)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._lanes.clear()

    async def drain(self, timeout: float) -> bool:
        """Wait until everything that can be delivered now is; call it before ending `run`.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether that was reached; what is left waits for the next start.
        """
        deadline = self._now() + timeout
        while True:
            tasks = [*self._answers]
            for lane in self._lanes.values():
                if lane.task is not None and not lane.task.done() and lane.due <= deadline:
                    tasks.append(lane.task)
            left = deadline - self._now()
            if not tasks:
                return True
            if left <= 0:
                return False
            # Looked at anew now and then: a lane may turn out to wait longer than there is time.
            await asyncio.wait(tasks, timeout=min(left, _DRAIN_LOOK))

    # Lanes -----------------------------------------------------------------------------------------------

    def _wake(self, chat_id: int) -> None:
        if not self._running:
            return
        lane = self._lanes.setdefault(chat_id, _Lane())
        lane.wake.set()
        if lane.task is None or lane.task.done():
            lane.task = asyncio.create_task(self._run_lane(chat_id, lane), name=f"outbox {chat_id}")

    async def _run_lane(self, chat_id: int, lane: _Lane) -> None:
        """Deliver to one chat until nothing waits for it."""
        while True:
            lane.wake.clear()
            try:
                row, wait = self._next(chat_id, lane)
                if row is None and wait is None:
                    return
                if row is not None:
                    lane.due = 0.0
                    await self._deliver(row, lane)
                    continue
            except StorageError as error:
                log.error("outbox of chat %d: %s", chat_id, error)
                wait = _DISK_BACKOFF
            except Exception:
                log.exception("outbox of chat %d", chat_id)  # the lane must outlive any fault of ours
                wait = _DISK_BACKOFF
            lane.due = self._now() + (wait or 0.0)
            try:
                await asyncio.wait_for(lane.wake.wait(), wait)
            except TimeoutError:
                continue

    def _next(self, chat_id: int, lane: _Lane) -> tuple[OutboxRow | None, float | None]:
        """Choose the row to deliver now; or say for how long none can be; or (None, None): nothing waits."""
        now = self._now()
        today = self._store.clock()
        soonest: float | None = None
        for row in self._store.outbox.waiting(chat_id):
            if row.id in lane.unsettled:
                delivered, message_id = lane.unsettled[row.id]
                self._settle(delivered, lane, message_id)
                return self._next(chat_id, lane)
            if row.expires is not None and row.expires <= today:
                log.info("a message to chat %d is news no more and was dropped: %s", chat_id, row.key)
                self._store.outbox.done(row)
                continue
            wait = self._pace.wait(chat_id, now, edit=self._is_edit(row))
            _, not_before = lane.delays.get(row.id, (0, 0.0))
            wait = max(wait, not_before - now)
            if wait <= 0:
                return row, None
            soonest = wait if soonest is None else min(soonest, wait)
        return None, soonest

    async def _deliver(self, row: OutboxRow, lane: _Lane) -> None:
        sent = self._store.sent.by_key(row.chat_id, row.key)
        if row.op in (Op.EDIT, Op.SHOW) and sent is not None and sent.digest == row.post.digest:
            self._settle(row, lane, sent.message_id)
            return
        if row.op in (Op.EDIT, Op.DELETE) and sent is None:
            self._store.outbox.done(row)
            return
        self._pace.spend(row.chat_id, self._now(), edit=self._is_edit(row))
        try:
            message_id = await deliver(self._bot, row, sent.message_id if sent is not None else None)
        except (TelegramError, TimeoutError) as error:
            self._not_delivered(row, lane, error)
        except Exception:
            log.exception("a message to chat %d could not be put together: %s", row.chat_id, row.key)
            self._back_off(row, lane, None)
        else:
            self._settle(row, lane, message_id)

    def _settle(self, row: OutboxRow, lane: _Lane, message_id: int | None) -> None:
        """Note a delivery: the row goes, the message's number stays, in one transaction."""
        lane.unsettled[row.id] = (row, message_id)
        with self._store.transaction(durable=row.priority is Priority.NEEDED):
            self._store.outbox.done(row)
            if row.op is Op.DELETE:
                self._store.sent.drop(row.chat_id, row.key)
            elif message_id is not None:
                self._store.sent.put(
                    SentMessage(
                        row.chat_id,
                        message_id,
                        row.key,
                        row.about,
                        row.post.thread_id,
                        row.post.digest,
                        self._store.clock(),
                    )
                )
        del lane.unsettled[row.id]
        lane.delays.pop(row.id, None)
        lane.failures = 0
        if self._store.chats.unblock(row.chat_id):
            log.info("chat %d can be written to again", row.chat_id)

    def _not_delivered(self, row: OutboxRow, lane: _Lane, error: TelegramError | TimeoutError) -> None:
        queue, chat_id = self._store.outbox, row.chat_id
        match meaning(error, row):
            case Fine():
                sent = self._store.sent.by_key(chat_id, row.key)
                self._settle(row, lane, sent.message_id if sent is not None else None)
            case Retry(after):
                self._back_off(row, lane, after)
                log.warning(
                    "a message to chat %d waits for another try (%s): %s", chat_id, row.key, _words(error)
                )
            case Gone():
                self._store.sent.drop(chat_id, row.key)
                if row.op is not Op.SHOW:
                    queue.done(row)
                log.info("a message is gone from chat %d: %s", chat_id, row.key)
            case Reduce(form):
                log.warning("chat %d: %s is tried in a simpler form: %s", chat_id, row.key, _words(error))
                queue.reduce(row, form)
            case Moved(new):
                self._move(chat_id, new)
            case Closed():
                self._close(chat_id, error)
            case Refused():
                log.error(
                    "Telegram takes no form of a message to chat %d (%s): %s", chat_id, row.key, _words(error)
                )
                queue.done(row)
                if self._on_failed is not None:
                    self._on_failed(row, _words(error))

    def _back_off(self, row: OutboxRow, lane: _Lane, after: float | None) -> None:
        now = self._now()
        if after is not None:
            self._pace.flood(row.chat_id, now, after)
            return
        tries = lane.delays.get(row.id, (0, 0.0))[0] + 1
        lane.failures += 1
        lane.delays[row.id] = (tries, now + _backoff(tries))
        # The network is as likely to be down as this one message to be at fault: the others wait too, but
        # less and less as long as it may be this message alone.
        self._pace.hold(row.chat_id, now, min(_backoff(lane.failures), _LONGEST_BACKOFF / 2))

    def _close(self, chat_id: int, error: Exception) -> None:
        dropped = self._store.outbox.drop(chat_id, spare=Priority.NEEDED)
        if self._store.chats.block(chat_id):
            log.error(
                "The bot may not write in chat %d (%s). What is needed there waits until somebody allowed "
                "writes to the bot; %d other messages were dropped.",
                chat_id,
                _words(error),
                dropped,
            )
        self._pace.hold(chat_id, self._now(), CLOSED_RETRY_SECONDS)

    def _move(self, old: int, new: int) -> None:
        log.warning("group %d has become chat %d", old, new)
        with self._store.transaction(durable=True):
            self._store.outbox.move_chat(old, new)
            self._store.sent.move_chat(old, new)
            self._store.chats.move(old, new)
            self._store.people.move_group(old, new)
        self._wake(new)

    async def _answer(self, query_id: str, text: str, alert: bool) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._bot.answer_callback_query(query_id, text or None, show_alert=alert)
        except (TelegramError, TimeoutError) as error:
            log.info("a tap could not be answered: %s", _words(error))

    def _is_edit(self, row: OutboxRow) -> bool:
        if row.op is Op.SHOW:
            return self._store.sent.by_key(row.chat_id, row.key) is not None
        return row.op is Op.EDIT

    def _about_queued(self, chat_id: int, key: str) -> About:
        rows = self._store.outbox.waiting(chat_id)
        return next((row.about for row in rows if row.key == key and row.op is Op.SEND), About())


def _post(text: str, markup: Markup, **more: Any) -> Post:
    return Post(text=_clean(text), markup=_clean(markup.to_dict()) if markup is not None else None, **more)


def _clean(value: Any) -> Any:
    """Replace lone surrogates, which cannot be encoded: such a message could never be sent."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case Mapping():
            return {name: _clean(item) for name, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return value


def _backoff(tries: int) -> float:
    longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(tries - 1, 10))
    return longest * _JITTER.uniform(0.5, 1.0)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
