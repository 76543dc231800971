"""The senders of all chats: one task for each chat that something waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from samobot.telegram.outbound.chat_sender import ChatSender, SenderContext
from samobot.telegram.outbound.direct_calls import DirectCalls
from samobot.telegram.store.outbox_queue import OutboxQueue

_DRAIN_LOOK = 0.05


class SenderPool:
    """Starts a sender when something waits for its chat, and ends all of them.

    Args:
        queue: What waits.
        calls: Calls past the queue, which end with the senders.
        monotonic: A monotonic clock in seconds.

    Attributes:
        context: What every sender needs.
    """

    context: SenderContext

    def __init__(self, queue: OutboxQueue, calls: DirectCalls, monotonic: Callable[[], float]) -> None:
        self._queue = queue
        self._calls = calls
        self._now = monotonic
        self._senders: dict[int, ChatSender] = {}
        self._running = False

    def wake(self, chat_id: int) -> None:
        """Let the sender of a chat look at what waits."""
        if not self._running:
            return
        sender = self._senders.get(chat_id)
        if sender is None:
            sender = self._senders[chat_id] = ChatSender(chat_id, self.context)
        sender.start()

    async def run(self) -> None:
        """Deliver until cancelled; what is queued then stays queued."""
        self._running = True
        self._queue.prune()
        try:
            for chat_id in self._queue.chats():
                self.wake(chat_id)
            await asyncio.Event().wait()
        finally:
            self._running = False
            await asyncio.gather(
                self._calls.stop(),
                *(sender.stop() for sender in self._senders.values()),
                return_exceptions=True,
            )
            self._senders.clear()

    async def drain(self, timeout: float) -> bool:
        """Wait until everything that can be delivered now is, for a number of seconds; whether that was reached."""
        deadline = self._now() + timeout
        while True:
            senders = (sender.busy(deadline) for sender in self._senders.values())
            tasks = [*self._calls.pending, *(task for task in senders if task is not None)]
            left = deadline - self._now()
            if not tasks:
                return True
            if left <= 0:
                return False
            # Looked at again after a while: a sender may turn out to wait longer than there is time.
            await asyncio.wait(tasks, timeout=min(left, _DRAIN_LOOK))
