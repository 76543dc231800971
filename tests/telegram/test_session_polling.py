"""When a change leads to a look at the sessions."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from samobot.telegram import session_polling
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.session_polling import SessionPolling

TURNS = 50
"""Turns of the event loop, more than a look takes here."""


class Changes:
    """A fleet whose changes are given out one by one: whether each is one that the user should hear of at once."""

    def __init__(self) -> None:
        self.given: deque[bool] = deque()

    async def wait_for_change(self) -> bool:
        while not self.given:
            await asyncio.sleep(0)
        return self.given.popleft()


class Polling(SessionPolling):
    looks = 0

    async def look(self) -> None:
        self.looks += 1
        self.last_look = asyncio.get_running_loop().time()


@pytest.fixture
def changes() -> Changes:
    return Changes()


async def looks_after(changes: Changes, polling: Polling, *needed: bool) -> int:
    changes.given.extend(needed)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return polling.looks


async def test_a_session_that_needs_the_user_is_looked_at_during_the_pause_but_not_twice_in_a_row(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_waits(_: float) -> bool:
        return False

    monkeypatch.setattr(session_polling, "_SHORTEST_REST", 1000.0)
    monkeypatch.setattr(session_polling, "_LONGEST_REST", 1000.0)
    context: Any = SimpleNamespace(fleet=changes)
    polling = Polling(cast(HandlerContext, context), 2.0)
    polling.last_look = asyncio.get_running_loop().time() - 2000.0
    following = asyncio.create_task(polling.follow_changes(nobody_waits))
    try:
        assert await looks_after(changes, polling, False) == 1
        assert await looks_after(changes, polling, False, False) == 1, "they wait until the pause is over"
        assert await looks_after(changes, polling, True) == 2
        assert await looks_after(changes, polling, True, True) == 2, "a host that flaps costs no processor"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
