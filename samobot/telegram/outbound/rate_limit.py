"""How fast Telegram may be written to: pure bookkeeping over times that are passed in.

What a user waits for may use the whole allowance. What no user waits for, such as cards, leaves a part of it, so that
the reply to the next command goes out at once however much is to be shown.
"""

from __future__ import annotations

from collections import deque

from samobot.frozen import frozen


@frozen
class RateLimits:
    """Telegram's limits (its FAQ; it tolerates short bursts in one chat).

    Attributes:
        sends_per_second: New messages a second in one chat, on average.
        burst: New messages in one chat that may go out at once after a quiet time.
        reserve: How many of these the background leaves.
        edits_per_second: Edits a second in one chat, on average.
        edit_burst: Edits in one chat that may go out at once after a quiet time.
        edit_reserve: How many of these the background leaves.
        group_per_minute: Messages and edits in any 60 s in one group.
        group_reserve: How many of these the background leaves.
        overall_per_second: Calls in any second over all chats.
    """

    sends_per_second: float = 1.0
    burst: int = 3
    reserve: int = 1
    edits_per_second: float = 1.0
    edit_burst: int = 2
    edit_reserve: int = 1
    group_per_minute: int = 20
    group_reserve: int = 5
    overall_per_second: int = 30


class RateLimiter:
    """Computes how long to wait before the next call for a chat.

    Args:
        limits: The limits to keep.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._overall = _Window(limits.overall_per_second, 1.0)
        self._sends: dict[int, _Bucket] = {}
        self._edits: dict[int, _Bucket] = {}
        self._groups: dict[int, _Window] = {}
        self._holds: dict[int, float] = {}
        self._flooded: dict[int, float] = {}
        self._flooded_all = 0.0

    def wait(
        self, chat_id: int, now: float, *, edit: bool, messages: int = 1, background: bool = False
    ) -> float:
        """Seconds until a call for a chat may be made; 0 means now.

        Args:
            chat_id: The chat; a negative one is a group's.
            now: A monotonic time in seconds.
            edit: Whether it is an edit, which has its own limit.
            messages: How many messages it makes: an album is one call, but several messages of a group.
            background: Whether no user waits for it.
        """
        limits = self._limits
        reserve, group_reserve = 0, 0
        if background:
            reserve = limits.edit_reserve if edit else limits.reserve
            group_reserve = limits.group_reserve
        waits = [
            self._flooded_all - now,
            self._flooded.get(chat_id, 0.0) - now,
            self._holds.get(chat_id, 0.0) - now,
            self._overall.wait(now),
            self._bucket(chat_id, edit).wait(now, reserve),
        ]
        if chat_id < 0:
            waits.append(self._group(chat_id).wait(now, messages + group_reserve))
        return max(0.0, *waits)

    def spend(self, chat_id: int, now: float, *, edit: bool, messages: int = 1) -> None:
        """Count a call that is made now."""
        self._overall.spend(now)
        self._bucket(chat_id, edit).spend(now)
        for _ in range(messages if chat_id < 0 else 0):
            self._group(chat_id).spend(now)

    def flood(self, chat_id: int, now: float, seconds: float) -> None:
        """Note that Telegram wants no call for a chat for a while (429).

        It does not state whether it means the chat or the whole bot: a second chat that gets one while the first one
        still waits means the bot.
        """
        if any(until > now for other, until in self._flooded.items() if other != chat_id):
            self._flooded_all = max(self._flooded_all, now + seconds)
        self._flooded[chat_id] = max(self._flooded.get(chat_id, 0.0), now + seconds)

    def hold(self, chat_id: int, now: float, seconds: float) -> None:
        """Make no call for a chat for a while, by our own choice."""
        self._holds[chat_id] = now + seconds

    def release(self, chat_id: int) -> None:
        """Take `hold` back."""
        self._holds.pop(chat_id, None)

    def _bucket(self, chat_id: int, edit: bool) -> _Bucket:
        buckets = self._edits if edit else self._sends
        bucket = buckets.get(chat_id)
        if bucket is None:
            limits = self._limits
            bucket = buckets[chat_id] = (
                _Bucket(limits.edit_burst, limits.edits_per_second)
                if edit
                else _Bucket(limits.burst, limits.sends_per_second)
            )
        return bucket

    def _group(self, chat_id: int) -> _Window:
        return self._groups.setdefault(chat_id, _Window(self._limits.group_per_minute, 60.0))


class _Bucket:
    """So many at once, and then so many a second."""

    def __init__(self, capacity: int, rate: float) -> None:
        self._capacity = capacity
        self._rate = rate
        self._left = float(capacity)
        self._at: float | None = None

    def wait(self, now: float, reserve: int) -> float:
        self._fill(now)
        needed = min(1 + reserve, self._capacity)
        return max(0.0, (needed - self._left) / self._rate)

    def spend(self, now: float) -> None:
        self._fill(now)
        self._left -= 1.0

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._left = min(float(self._capacity), self._left + (now - self._at) * self._rate)
        self._at = now


class _Window:
    """So many in any stretch of so many seconds."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=limit)

    def wait(self, now: float, count: int = 1) -> float:
        excess = min(len(self._times) + count - self._limit, len(self._times))
        return max(0.0, self._times[excess - 1] + self._seconds - now) if excess > 0 else 0.0

    def spend(self, now: float) -> None:
        self._times.append(now)
