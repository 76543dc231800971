"""The outbox: everything the bot sends goes through here, and nothing it accepted is lost.

A call of `post`, `edit` or `show` writes a row and returns; a task for each chat with queued rows delivers them. So a slow
or blocked chat delays no other one, and no caller waits for the network.

A `NEEDED` message is delivered at least once, whatever crashes; a kill between Telegram's acceptance and our note of it
repeats it, at most once a kill. Only Telegram's final refusal of every form of a message ends it undelivered, and that is
logged as an error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from telegram import Bot

from samobot.errors import StorageError
from samobot.telegram.markup.rich_text import clean
from samobot.telegram.outbound.chat_sender import SenderContext
from samobot.telegram.outbound.delivery import deliver
from samobot.telegram.outbound.direct_calls import DirectCalls
from samobot.telegram.outbound.post_content import Attachment, Markup, PostContent
from samobot.telegram.outbound.rate_limit import RateLimiter, RateLimits
from samobot.telegram.outbound.secret_filter import SecretFilter
from samobot.telegram.outbound.sender_pool import SenderPool
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import Op, OutboxRow, Post, Priority
from samobot.telegram.store.sent import MessageSubject

log = logging.getLogger(__name__)

RECEIPT_SECONDS = 600.0
"""A receipt that could not be delivered for so long is outdated."""

_FIRST_BACKOFF = 1.0


class Outbox:
    """Sends what is queued, at Telegram's pace.

    Args:
        bot: The bot, initialised.
        store: Where the queue is.
        limits: How fast Telegram may be written to.
        monotonic: A monotonic clock in seconds.
        backoff: Seconds after the first failed call; each further one waits up to twice as long, at most 60.
        secrets: Masks secrets in everything that is sent.

    Attributes:
        on_thread_lost: Called with a chat and the number of a topic that takes no messages any longer.
    """

    def __init__(
        self,
        bot: Bot,
        store: Store,
        *,
        limits: RateLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        backoff: float = _FIRST_BACKOFF,
        secrets: SecretFilter | None = None,
    ) -> None:
        self.secrets = secrets or SecretFilter()
        self._content = PostContent(self.secrets)
        self._bot = bot
        self._store = store
        self._pace = RateLimiter(limits or RateLimits())
        self._calls = DirectCalls()
        self._senders = SenderPool(store.outbox, self._calls, monotonic)
        self._senders.context = SenderContext(
            bot,
            store,
            self._pace,
            monotonic,
            backoff,
            self._senders.wake,
            self._lose_thread,
        )
        self.on_thread_lost: Callable[[int, int], None] | None = None

    def post(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: MessageSubject | None = None,
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
            text: Telegram HTML; the caption if there is an attachment.
            key: Names the message permanently, across restarts: what was sent under it before is not sent
                again, what waits under it is replaced.
            about: What it is about, so that a reply to it finds its session.
            priority: `NEEDED` is safely on disk when this returns, and kept for as long as it takes;
                a `RECEIPT` is dropped after ten minutes, unless it asks for a reply or has buttons.
            markup: Buttons, or a forced reply.
            silent: Whether it comes without a sound.
            thread_id: The topic it goes to.
            reply_to: Number of the message it replies to.
            attachment: A file that goes with it.

        Returns:
            Whether there is something to send; False if it was sent before.

        Raises:
            StorageError: The disk refused, and nothing was accepted; not for a receipt, which is then sent once
                past the queue.
        """
        if self._store.sent.has(chat_id, key):
            return False
        attachment, note = self._content.attachment(attachment)
        post = self._content.post(
            f"{text}\n\n{note}" if note else text,
            markup,
            silent=silent,
            thread_id=thread_id,
            reply_to=reply_to,
            **(self._content.file_fields(attachment) if attachment else {}),
        )
        about = about or MessageSubject()
        # What asks something and is dropped, as when the clock is set forward, leaves a command or a tap without an
        # effect that anybody saw.
        is_kept = priority is Priority.NEEDED or markup is not None
        try:
            self._queue(
                chat_id,
                Op.SEND,
                key,
                post,
                about=about,
                priority=priority,
                ttl=None if is_kept else RECEIPT_SECONDS,
                data=attachment.data if attachment else None,
            )
        except StorageError as error:
            if priority is Priority.NEEDED or attachment is not None:
                raise
            # What a full disk keeps us from queueing can still be said, once: `/stop` must not seem dead.
            log.error("a receipt for chat %d is sent past the queue: %s", chat_id, error)
            row = OutboxRow(0, chat_id, priority, Op.SEND, key, 1, post, about)
            self._calls.make(deliver(self._bot, row, None))
        return True

    def edit(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: MessageSubject | None = None,
        markup: Markup = None,
    ) -> bool:
        """Change the message of a key, or what is still queued under it; of many edits the newest goes out.

        Args:
            chat_id: The chat.
            text: Telegram HTML.
            key: The key that the message was posted with.
            about: What it is about now; None leaves it.
            markup: The buttons from now on; None takes them away.

        Returns:
            Whether there is such a message.
        """
        sent = self._store.sent.by_key(chat_id, key)
        if sent is None and not self._store.outbox.has(chat_id, key, Op.SEND):
            return False
        if about is None:
            known = sent or self._queued(chat_id, key)
            about = known.about if known is not None else None
        self._queue(chat_id, Op.EDIT, key, self._content.post(text, markup), about=about)
        return True

    def show(
        self,
        chat_id: int,
        text: str,
        *,
        key: str,
        about: MessageSubject | None = None,
        markup: Markup = None,
        thread_id: int | None = None,
    ) -> None:
        """Keep one message showing the newest content: a card.

        It is edited in place if it is in the chat, sent silently if it is not (yet, or no longer); nothing
        is done if it shows that already.

        Args:
            chat_id: The chat.
            text: Telegram HTML.
            key: Names the card: `card:<session>`.
            about: What it is about.
            markup: Its buttons.
            thread_id: The topic it goes to.
        """
        post = self._content.post(text, markup, silent=True, thread_id=thread_id)
        sent = self._store.sent.by_key(chat_id, key)
        unchanged = sent is not None and sent.digest == post.digest
        if unchanged and not self._store.outbox.has(chat_id, key, Op.SHOW):
            return
        self._queue(chat_id, Op.SHOW, key, post, about=about, priority=Priority.CARD)

    def react(
        self, chat_id: int, message_id: int, emoji: str, *, priority: Priority = Priority.RECEIPT
    ) -> None:
        """Put a reaction on a user's message: a silent receipt. An empty emoji removes it."""
        post = Post(text=emoji, reply_to=message_id)
        self._queue(chat_id, Op.REACT, f"react:{message_id}", post, priority=priority, ttl=RECEIPT_SECONDS)

    def strip(self, chat_id: int, key: str) -> None:
        """Remove the buttons of the message of a key, or of what is still queued under it; its text stays."""
        queued = self._queued(chat_id, key)
        if queued is not None:
            bare = replace(queued.post, markup=None)
            self._queue(chat_id, Op.EDIT, key, bare, about=queued.about, priority=queued.priority)
        elif self._store.sent.has(chat_id, key):
            self._queue(chat_id, Op.STRIP, key, Post())

    def delete(self, chat_id: int, key: str, priority: Priority = Priority.RECEIPT) -> None:
        """Take the message of a key out of the chat, or what is still queued under it out of the queue."""
        with self._store.transaction(durable=False):
            self._store.outbox.drop(chat_id, key)
            self._queue(chat_id, Op.DELETE, key, Post(), priority=priority, ttl=RECEIPT_SECONDS)

    def replace_at_end(self, chat_id: int, key: str, most_below: int) -> bool:
        """Delete the message of a key if more than so many of ours, cards aside, stand below it; `show` then sends it again.

        Returns:
            Whether it is deleted.
        """
        sent = self._store.sent.by_key(chat_id, key)
        if sent is None or self._store.sent.count_below(sent) <= most_below:
            return False
        with self._store.transaction(durable=False):
            old = f"{key}:{sent.message_id}"
            self._store.sent.rename(sent, old)
            self.delete(chat_id, old, Priority.CARD)
        return True

    def answer(
        self,
        query_id: str,
        text: str = "",
        *,
        alert: bool = False,
        missed: Callable[[], None] | None = None,
    ) -> None:
        """Answer a tap at once, past the queue; given up after five seconds, never an error.

        Args:
            query_id: The callback query's id.
            text: Up to 200 characters shown at the top of the chat; empty only stops the button's spinner.
            alert: Whether the text is a dialog to be closed.
            missed: Called if Telegram no longer takes an answer: the tap was answered before, or long ago.
        """
        self._calls.make(
            self._bot.answer_callback_query(
                query_id, clean(self.secrets.mask(text)) or None, show_alert=alert
            ),
            missed,
        )

    def revive(self, chat_id: int) -> None:
        """Note that a chat is alive: somebody allowed wrote there. What waited for it goes out."""
        try:
            news = self._store.chats.unblock(chat_id)
        except StorageError as error:
            log.error("chat %d: %s", chat_id, error)  # the next delivery records it; the caller continues
            news = True
        if news:
            log.info("chat %d can be written to again", chat_id)
            self._pace.release(chat_id)
            self._senders.wake(chat_id)

    @property
    def backlog(self) -> int:
        """How many messages wait."""
        return self._store.outbox.count()

    async def run(self) -> None:
        """Deliver until cancelled; what is queued then stays queued."""
        await self._senders.run()

    async def drain(self, timeout: float) -> bool:
        """Wait until everything that can be delivered now is; call it before ending `run`.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether that was reached; what is left waits for the next start.
        """
        return await self._senders.drain(timeout)

    def mask(self, text: str) -> str:
        """Mask the secrets of a text in Telegram's HTML, with a note; before it is split into messages."""
        return self._content.mask(text)

    def _lose_thread(self, chat_id: int, thread_id: int) -> None:
        if self.on_thread_lost is not None:
            self.on_thread_lost(chat_id, thread_id)

    def _queue(
        self,
        chat_id: int,
        op: Op,
        key: str,
        post: Post,
        *,
        about: MessageSubject | None = None,
        priority: Priority = Priority.RECEIPT,
        ttl: float | None = None,
        data: bytes | None = None,
    ) -> None:
        self._store.outbox.put(
            chat_id, op, key, post, about=about or MessageSubject(), priority=priority, ttl=ttl, data=data
        )
        self._senders.wake(chat_id)

    def _queued(self, chat_id: int, key: str) -> OutboxRow | None:
        """The new message of a key that waits to be sent."""
        rows = self._store.outbox.waiting(chat_id)
        return next((row for row in rows if row.key == key and row.op is Op.SEND), None)
