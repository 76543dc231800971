"""A bot's queue of updates, with Telegram's offsets, long polls and conflicts."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.failure import ApiFailure

KINDS = frozenset(
    [
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "message_reaction",
        "message_reaction_count",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
    ]
)
_BY_DEFAULT = KINDS - {"chat_member", "message_reaction", "message_reaction_count"}
_CONFLICT = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    body: str
    expires: float


class UpdateQueue:
    """Updates that wait for one bot.

    Args:
        now: Wall clock, seconds since 1970; updates are forgotten after a day.
        first: The number of the first update.
    """

    def __init__(self, now: Callable[[], float], first: int) -> None:
        self._now = now
        self._next = first
        self._waiting: deque[_Waiting] = deque()
        self._allowed = _BY_DEFAULT
        self._wake = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def polled(self) -> bool:
        """Whether a long poll is waiting right now."""
        return self._poller is not None

    def add(self, kind: str, value: object) -> int | None:
        """Queue an update unless the bot does not want that kind.

        Returns:
            Its number, or None if it is not wanted.
        """
        if kind not in self._allowed:
            return None
        number = self._next
        self.add_raw(json.dumps({"update_id": number, kind: value}, ensure_ascii=False), number)
        return number

    def add_raw(self, body: str, number: int | None = None) -> None:
        """Queue the text of an update as it is: repeated, unknown or malformed ones too.

        Args:
            body: Goes into the answer's list as it stands.
            number: The number it counts as; by default the next.
        """
        number = self._next if number is None else number
        self._next = max(self._next, number + 1)
        self._waiting.append(_Waiting(number, body, self._now() + api_limits.UPDATE_LIFE_SECONDS))
        self._wake.set()

    def waiting(self) -> list[object]:
        """What has not been confirmed, decoded if it is JSON."""
        return [_decoded(waiting.body) for waiting in self._waiting]

    def clear(self) -> None:
        """Forget everything (`drop_pending_updates`)."""
        self._waiting.clear()

    def allow(self, kinds: Iterable[str]) -> None:
        """Set which kinds are wanted from now on; none known means the default."""
        self._allowed = frozenset(kinds) & KINDS or _BY_DEFAULT

    @property
    def allowed(self) -> frozenset[str] | None:
        """The kinds that were asked for; None for the default."""
        return None if self._allowed == _BY_DEFAULT else self._allowed

    async def poll(self, offset: int, limit: int, timeout: int) -> list[str]:
        """Carry out getUpdates.

        A positive offset confirms everything below it. A negative one, -n, forgets all but the newest n. Zero
        confirms nothing. A new poll ends one that is still waiting.

        Args:
            offset: As in the call.
            limit: 1 to 100; anything else counts as 100.
            timeout: Seconds to wait for an update, at most 50.

        Returns:
            The JSON text of each update.

        Raises:
            ApiFailure: 409, another poll has come.
        """
        self.interrupt()
        self._forget(offset)
        if not 1 <= limit <= api_limits.UPDATES_A_POLL:
            limit = api_limits.UPDATES_A_POLL
        if timeout > 0 and not self._waiting:
            await self._wait(min(timeout, api_limits.POLL_SECONDS))
            self._forget(0)
        return [waiting.body for _, waiting in zip(range(limit), self._waiting, strict=False)]

    def interrupt(self) -> None:
        """End a waiting poll with 409, as a second poller or a webhook does."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(ApiFailure(409, _CONFLICT))

    def _forget(self, offset: int) -> None:
        now = self._now()
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popleft()
        self._waiting = deque(
            waiting
            for waiting in self._waiting
            if waiting.expires > now and (offset <= 0 or waiting.number >= offset)
        )

    async def _woken(self) -> None:
        await self._wake.wait()

    async def _wait(self, timeout: int) -> None:
        self._wake.clear()
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller = ended
        woken = asyncio.create_task(self._woken())
        try:
            await asyncio.wait({ended, woken}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
        finally:
            woken.cancel()
            ended.cancel()
            if self._poller is ended:
                self._poller = None


def _decoded(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body
