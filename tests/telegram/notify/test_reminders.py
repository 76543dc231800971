"""What waits is said again after an hour, after four, then daily; never in a flood, never against a person's wish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.config.settings import Settings
from samobot.fleet.models import SessionRef, SessionView
from samobot.sandbox.botapi.chat_messages import SandboxMessage
from samobot.sandbox.botapi.server import BotApiServer
from samobot.telegram.notify.reminders import due_at, times_due
from samobot.telegram.outbound.bot_client import build_bot
from samobot.telegram.store.bot_store import Store
from samobot.telegram.views.actions import Action, ActionKind
from tests.support.chat import FakeFleet, Phone
from tests.support.views import AT, REF, asking, blocked, question, session

TOKEN = "42:abcdefghijklmnopqrstuvwxyz"
HOUR = timedelta(hours=1)
TICK = timedelta(minutes=5)


@pytest.fixture
async def phone(store: Store) -> AsyncIterator[Phone]:
    async with BotApiServer() as server:
        server.add_bot(TOKEN)
        chat = server.private_chat(server.person())
        async with build_bot(TOKEN, server.url) as bot:
            yield Phone(server, chat, store, bot, FakeFleet(), Settings(telegram_chat_id=chat.id), AT)


async def wait(phone: Phone, how_long: timedelta) -> list[SandboxMessage]:
    """Let time pass with polls, and return what came."""
    found: list[SandboxMessage] = []
    end = phone.now + how_long
    while phone.now < end:
        found += await phone.look(after=min(TICK, end - phone.now))
    return found


def named(name: str) -> SessionView:
    view = asking(question(), updated=AT)
    return view.model_copy(update={"ref": SessionRef(project="demo", folder=name, name=name)})


@given(st.integers(0, 40), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40)))
def test_it_is_due_exactly_when_its_time_has_come(times: int, waited: timedelta) -> None:
    assert (times_due(AT, AT + waited) > times) == (AT + waited >= due_at(AT, times))


async def test_an_unanswered_gate_is_said_again_after_one_hour_four_and_then_daily(phone: Phone) -> None:
    await phone.look(asking(question(), updated=AT))
    assert not await wait(phone, HOUR - TICK)
    (first,) = await wait(phone, TICK)
    assert first.text == "❓ greet still waits for 1 answer, for 1 h"
    assert not first.silent
    assert not await wait(phone, 3 * HOUR - TICK)
    assert len(await wait(phone, TICK)) == 1
    assert len(await wait(phone, 20 * HOUR)) == 1
    assert len(await wait(phone, 24 * HOUR)) == 1


async def test_a_reminder_survives_a_restart_and_is_not_repeated_by_one(phone: Phone) -> None:
    await phone.look(asking(question(), updated=AT))
    await wait(phone, HOUR / 2)
    phone.start()
    assert len(await wait(phone, HOUR / 2 + TICK)) == 1
    phone.start()
    assert not await wait(phone, HOUR)


async def test_after_an_outage_reminders_come_later_and_together(phone: Phone) -> None:
    await phone.look(named("greet"), named("api"), named("docs"))
    phone.start()
    assert not await phone.look(after=timedelta(days=3))
    (message,) = await wait(phone, 4 * TICK)
    assert message.text.startswith("❓ 3 sessions still wait for you")
    assert message.labels == ["greet", "api", "docs"]


async def test_silenced_it_is_not_said_again_but_the_next_need_is(phone: Phone) -> None:
    await phone.look(asking(question(), updated=AT))
    (first,) = await wait(phone, HOUR)
    data = next(button.data for button in first.buttons if button.text.startswith("🔕"))
    tap = phone.store.callbacks.peek(data or "")
    assert tap is not None
    action = Action.model_validate(tap.action)
    assert action.do is ActionKind.SILENCE
    phone.notifier.silence(phone.chat.id, action.session or "", action.identity or "")
    assert not await wait(phone, 30 * HOUR)
    await phone.look(blocked(updated=AT + HOUR))
    assert not phone.store.chats.get(phone.chat.id).silenced
    assert len(await wait(phone, HOUR)) == 1


async def test_reminder_shows_when_it_is_no_longer_needed(phone: Phone) -> None:
    await phone.look(asking(question(), updated=AT))
    (first,) = await wait(phone, HOUR)
    await phone.look(session(questions=(question(answer="A) hello"),)))
    message = next(message for message in phone.messages if message.id == first.id)
    assert "→ Continues" in message.text
    assert not message.labels


async def test_nothing_is_repeated_once_it_continues(phone: Phone) -> None:
    await phone.look(asking(question(), updated=AT))
    await phone.look(session(ref=REF))
    assert not [message for message in await wait(phone, 5 * HOUR) if "still" in message.text]
