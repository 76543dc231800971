"""What happens in the chats, as a stream: for a page that shows them, and for waiting without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from samobot.sandbox.botapi.failure import SandboxTimeout

if TYPE_CHECKING:
    from samobot.sandbox.botapi.chat_messages import SandboxMessage
    from samobot.sandbox.botapi.chats import SandboxChat

_T = TypeVar("_T")


class EventKind(StrEnum):
    """What happened."""

    MESSAGE = "message"
    EDITED = "edited"
    DELETED = "deleted"
    REACTION = "reaction"
    PINNED = "pinned"
    TAP = "tap"
    TAP_ANSWERED = "tap_answered"
    ACTION = "action"
    DRAFT = "draft"
    MEMBER = "member"
    COMMANDS = "commands"
    CALL = "call"
    """A bot's call has come in (`status` is None), or has been answered."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    Args:
        number: 1, 2, 3 … without gaps.
        at: Wall time, seconds since 1970.
        kind: What happened.
        chat: Where, if in a chat.
        message: The message as it is now, if it is about one.
        detail: What more there is to say, as JSON values.
    """

    number: int
    at: float
    kind: EventKind
    chat: SandboxChat | None = None
    message: SandboxMessage | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class Subscription:
    """A listener's own copy of the stream, made by `Feed.subscribe`."""

    def __init__(self, listeners: set[asyncio.Queue[Event]]) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._listeners = listeners
        listeners.add(self._queue)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        return await self._queue.get()

    def close(self) -> None:
        """Stop listening."""
        self._listeners.discard(self._queue)


class Feed:
    """Publishes events to all subscribers.

    Args:
        now: Wall clock, seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._count = 0
        self._queues: set[asyncio.Queue[Event]] = set()
        self._changed = asyncio.Event()

    def publish(
        self,
        kind: EventKind,
        chat: SandboxChat | None = None,
        message: SandboxMessage | None = None,
        **detail: object,
    ) -> None:
        """Say that something has happened."""
        self._count += 1
        event = Event(self._count, self._now(), kind, chat, message, detail)
        for queue in self._queues:
            queue.put_nowait(event)
        self._changed.set()
        self._changed = asyncio.Event()

    def subscribe(self) -> Subscription:
        """Every event from now on, in order: `async for event in subscription`, and `close()` at the end."""
        return Subscription(self._queues)

    async def wait_for(self, look: Callable[[], _T | None], timeout: float, what: Callable[[], str]) -> _T:
        """Look now and after every event until `look` returns something true.

        Args:
            look: What is waited for; anything false means not yet.
            timeout: Seconds.
            what: The sentence of the error, made only when needed.

        Raises:
            SandboxTimeout: It did not come about in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (found := look()):
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise SandboxTimeout(what()) from None
