"""Edited messages: replaced while they are only offered, and answered when they were used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.session.overview import parse_overview
from tests.support.decision_room import WAIT, DecisionRoom, decision_room
from tests.telegram.handlers.test_message_files import guidance, session, shown


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DecisionRoom]:
    async with decision_room(tmp_path, monkeypatch) as made:
        yield made


async def test_a_task_that_is_edited_before_it_is_used_is_replaced(room: DecisionRoom) -> None:
    await room.start()
    said = room.ann.say("Add drak mode to the settings")
    offer = await shown(room, "drak mode")
    room.ann.edit(said, "Add dark mode to the settings")
    again = await shown(room, "dark mode", after=offer.id)
    assert offer.deleted
    room.ann.tap(again, "▶️ New session")
    await room.settled()
    (folder,) = room.sessions.glob("*-add-dark-mode-settings")
    assert parse_overview((folder / "_overview.md").read_text()).task == "Add dark mode to the settings"
    assert len(room.started) == 1


async def test_edit_of_a_used_message_reports_that_and_offers_the_new_text(room: DecisionRoom) -> None:
    folder = session(room)
    await room.start()
    card = await shown(room, "greet")
    said = room.ann.reply(card, "use the mokc")
    await room.settled()
    assert guidance(folder) == ["use the mokc"]
    room.ann.edit(said, "use the mock")
    late = await shown(room, "Too late to edit")
    assert guidance(folder) == ["use the mokc"]
    room.ann.tap(late, "💬 Guidance for greet")
    await room.settled()
    assert guidance(folder) == ["use the mokc", "use the mock"]


async def test_an_edit_of_a_started_task_starts_nothing(room: DecisionRoom) -> None:
    await room.start()
    said = room.ann.say("/run greet: Add a greeting")
    await room.settled()
    room.ann.edit(said, "/run greet: Add two greetings")
    late = await shown(room, "Too late to edit")
    assert late.labels == ["💬 Guidance for greet"]
    assert len(room.started) == 1


async def test_an_edit_of_a_stop_stops_nothing_else(room: DecisionRoom) -> None:
    session(room)
    session(room, "other")
    await room.start()
    said = room.ann.say("/stop nobody")
    await room.settled()
    room.ann.edit(said, "/stop greet")
    assert "Send it as a new message" in (await shown(room, "Too late to edit")).text


async def test_a_command_that_did_nothing_is_carried_out_once_it_is_corrected(room: DecisionRoom) -> None:
    session(room)
    await room.start()
    said = room.ann.say("/statsu")
    await shown(room, "There is no /statsu")
    room.ann.edit(said, "/status")
    assert await shown(room, "waits for you")


async def test_a_prompt_goes_with_the_message_that_led_to_it(room: DecisionRoom) -> None:
    await room.start()
    said = room.ann.say("/run")
    asked = await room.chat.wait_for(lambda message: "What should be done" in message.text, WAIT)
    room.ann.edit(said, "/run Add a greeting script")
    await room.settled()
    assert asked.deleted
    assert len(room.started) == 1


async def test_an_edit_that_changes_no_text_is_no_edit(room: DecisionRoom) -> None:
    await room.start()
    said = room.ann.say("Add dark mode, see https://example.org")
    offer = await shown(room, "dark mode")
    room.ann.edit(said, "Add dark mode, see https://example.org")
    await room.settled()
    assert not offer.deleted
    assert len(room.said()) == 1


async def test_a_part_that_is_edited_while_more_may_come_is_replaced(room: DecisionRoom) -> None:
    await room.start()
    first = room.ann.say("/run long: " + "x" * 4050)
    await room.server.wait_until(lambda: (room.bot and room.bot.store.tasks.all()) or None)
    room.ann.edit(first, "/run long: " + "y" * 4050)
    await room.settled()
    (folder,) = room.sessions.glob("*-long")
    assert parse_overview((folder / "_overview.md").read_text()).task == "y" * 4050
