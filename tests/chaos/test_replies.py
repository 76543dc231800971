"""Replies to messages whose number the bot was never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.sandbox.agent import journeys
from samobot.sandbox.botapi.faults import Fault, FaultKind
from tests.support.chat_room import WAIT, chat_room
from tests.support.scripted import scripted_shop

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("chat")]


async def test_a_reply_to_the_first_of_two_copies_is_an_answer_all_the_same(tmp_path: Path) -> None:
    async with chat_room(scripted_shop(tmp_path, journeys.greeting())) as room:
        lost = Fault(
            FaultKind.DROP_AFTER_DOING,
            "sendMessage",
            when=lambda call: "Which greeting" in call.arguments.values.get("text", ""),
        )
        room.server.faults.add(lost)
        await room.start()
        room.say('/run greet --task "Add a greeting"')

        def copies() -> list[int]:
            return [each.id for each in room.chat.from_bot() if "Which greeting" in each.text]

        first, _ = await room.server.wait_until(
            lambda: copies() if len(copies()) == 2 else None, WAIT, "the question, twice"
        )
        room.ann.reply(room.chat.by_id[first], "B")
        await room.see("→ B")
        assert not [each for each in room.chat.from_bot() if "For which session" in each.text]
