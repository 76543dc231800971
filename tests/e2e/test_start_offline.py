"""The real bot starts while Telegram is out of reach, or does not know its token."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest

from samobot.sandbox.agent import journeys
from samobot.sandbox.botapi.faults import FaultKind
from tests.support.chat_room import TOKEN, WAIT, ChatRoom, chat_room
from tests.support.scripted import scripted_shop
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def workers(room: ChatRoom) -> list[int]:
    return [each["pid"] for each in room.shop.journal("demo", "run_start")]


async def die_with_the_worker(room: ChatRoom) -> None:
    """Let a session run, and kill the bot and the session's worker."""
    await room.start()
    room.say("/run demo:demo go on for ever")
    await asyncio.to_thread(until, room.runs)
    await room.kill()
    with contextlib.suppress(ProcessLookupError):
        os.kill(workers(room)[0], signal.SIGKILL)


@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.BAD_GATEWAY, FaultKind.RATE_LIMIT])
async def test_a_dead_worker_is_started_again_before_telegram_answers_and_that_is_said_later(
    tmp_path: Path, fault: FaultKind
) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless(seconds=1000))) as room:
        await die_with_the_worker(room)
        room.server.fault(fault, "*", count=None, retry_after=1)
        before = room.server.calls.count
        await room.start(reached=False)
        await room.server.wait_until(lambda: room.server.calls.of("getMe", after=before), WAIT)
        await asyncio.to_thread(until, lambda: len(workers(room)) == 2)
        assert room.server.calls.of("getUpdates", after=before) == []
        later = room.say("/status")
        room.server.faults.clear()
        if fault is FaultKind.HANG:  # it would wait for twenty seconds
            assert await room.end() == 0
            await room.start()
        await room.see("its worker crashed", "restarted")
        await room.see("running", after=later)
        assert len(workers(room)) == 2
        assert await room.end() == 0


async def test_a_bot_whose_token_is_wrong_starts_nothing_before_it_ends(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.endless(seconds=1000))) as room:
        await die_with_the_worker(room)
        room.server.revoke(TOKEN)
        await room.start(reached=False)
        assert room.bot is not None
        assert await asyncio.to_thread(room.bot.wait, WAIT) == 78
        assert len(workers(room)) == 1
