"""The whole way in the chat: the real bot, real workers, a strict Bot API server over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.sandbox import journeys
from tests.support.chat_room import WAIT, ChatRoom, chat_room
from tests.support.scripted import scripted_shop

pytestmark = pytest.mark.xdist_group("chat")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ChatRoom]:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting())) as room:
        yield room


async def test_from_pairing_to_done_with_a_thumb(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting(), remote=True), paired=False) as room:
        await room.start()
        shown = await asyncio.to_thread(room.shop.samobot, "bot", "--pair")
        assert shown.returncode == 0, shown.stderr
        code = next(line for line in shown.stdout.splitlines() if "https://t.me/samo_bot" in line).rpartition(
            "="
        )[2]
        room.ann.start(code)
        await room.see("Welcome", "Ann")

        said = room.say("/run demo add a greeting")
        card = await room.see("demo · demo", after=said)
        first = await room.see("Which greeting")
        answered = room.say("/answer Q1 b")
        await room.see("→ B", fits=lambda message: message.id == first.id)
        await room.server.wait_until(lambda: room.chat.by_id[answered].reactions, WAIT, "a receipt")
        second = await room.see("Whom does it greet")
        assert "world" in second.text
        room.ann.reply(second, "Ada Lovelace")
        await room.see("→ Ada Lovelace", fits=lambda message: message.id == second.id)
        third = await room.see("How much should be tested")
        await room.tap(third, "A")
        await room.see("has its answers")

        plan = await room.see("has a plan", fits=lambda message: bool(message.labels))
        assert "3 phases" in plan.text or "Script" in plan.text
        room.say("/approve")
        await room.see("→ Approved", fits=lambda message: message.id == plan.id)
        done = await room.see("is done")
        assert "3 tests" in done.text
        await room.see("🏁", fits=lambda message: message.id == card.id)

        greeting = room.shop.git("show", "demo:greet.py")
        assert "Good day" in greeting
        assert "Ada Lovelace" in greeting
        assert room.server.calls.rejected() == []
        assert await room.end() == 0
