"""A group that becomes a supergroup takes with it what is told there and who may speak there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from telegram import Bot
from telegram.error import ChatMigrated

from samobot.config.settings import Settings
from samobot.session.status import SessionState
from samobot.telegram.inbound.access import AccessGate
from samobot.telegram.notify.limit_notices import LimitNotices
from samobot.telegram.notify.notification import silence_key
from samobot.telegram.notify.publisher import Publisher
from samobot.telegram.notify.recipients import Recipients
from samobot.telegram.notify.reminders import PendingNeed, Reminders
from samobot.telegram.notify.state import LiveMessage, NotifiedState
from samobot.telegram.outbound.outbox import Outbox
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.outbox_rows import OutboxRow
from samobot.telegram.store.pairing import Access
from samobot.telegram.views.pending import need_of
from tests.support.views import AT, asking, at_rest, question, session

OLD, NEW = -5, -100_500
BOT = Bot("42:token-for-tests")


def test_sessions_that_were_sent_to_a_group_are_sent_to_its_supergroup(store: Store) -> None:
    places = Recipients(store, Settings(telegram_chat_id=OLD))
    places.follow("demo:followed", -7, 3)
    store.migrations.add(OLD, NEW)
    store.migrations.add(-7, -100_700)
    assert [place.chat_id for place in places.of("demo:greet")] == [NEW]
    assert [(place.chat_id, place.thread_id) for place in places.of("demo:followed")] == [(-100_700, 3)]
    assert {place.chat_id for place in Recipients(store, Settings(telegram_chat_id=OLD)).all()} == {
        NEW,
        -100_700,
    }


def test_who_may_in_the_group_of_the_settings_may_in_what_it_has_become(store: Store) -> None:
    gate = AccessGate(Access(frozenset({11}), frozenset({OLD})), store)
    assert gate.access.groups == {OLD}
    store.migrations.add(OLD, NEW)
    assert gate.access == Access(frozenset({11}), frozenset({NEW}))


def test_messages_that_may_still_change_are_remembered_under_the_new_number() -> None:
    posted = LiveMessage(key="k", kind="block", at=AT, digests={OLD: "d", 11: "e"}, texts={OLD: "text"})
    memory = NotifiedState(
        posted={"need:1": posted}, seen_pictures={f"{OLD}:3": ("a.png:1",), "11:": ("b.png:2",)}
    )
    migrated = memory.migrated({OLD: NEW})
    assert migrated.seen_pictures == {f"{NEW}:3": ("a.png:1",), "11:": ("b.png:2",)}
    assert migrated.migrated({OLD: NEW}) is migrated
    moved = migrated.posted["need:1"]
    assert (moved.digests, moved.texts) == ({NEW: "d", 11: "e"}, {NEW: "text"})
    assert memory.migrated({}) is memory
    assert memory.migrated({-9: -100_900}) is memory


async def test_limit_notice_and_silences_of_a_group_are_not_repeated_in_its_supergroup(
    store: Store, move: Callable[[], Awaitable[None]]
) -> None:
    places = Recipients(store, Settings(telegram_chat_id=OLD))
    outbox = Outbox(BOT, store)
    board = LimitNotices(store, Publisher(store, outbox), places)
    reminders = Reminders(store, Publisher(store, outbox), places)
    asks = asking(question())
    rests = at_rest(SessionState.PARKED, wanted=True, parked_until=AT + timedelta(hours=1))
    need = need_of(asks)
    assert need is not None
    board.update({rests.ref.key: rests}, AT)
    (told,) = store.outbox.waiting(OLD)
    store.outbox.done(told)
    store.chats.put(replace(store.chats.get(OLD), silenced=frozenset({silence_key(asks.ref.key, need.name)})))
    await move()
    board.update({rests.ref.key: rests}, AT)
    reminders.post([PendingNeed(asks, need, AT, 0)], AT + timedelta(hours=1))
    assert store.outbox.count() == 0
    board.update({rests.ref.key: session()}, AT + timedelta(hours=2))
    (over,) = store.outbox.waiting(NEW)
    assert "the limit is over" in over.post.text
    board.update({rests.ref.key: session()}, AT + timedelta(hours=2))
    assert store.outbox.count() == 1


async def test_an_answer_to_what_was_asked_before_a_group_moved_is_taken_in_what_it_has_become(
    store: Store, move: Callable[[], Awaitable[None]]
) -> None:
    prompts = store.prompts
    for chat in (OLD, -51, 5):
        prompts.set(chat, 11, {"in": chat}, "ask")
    await move()
    found = {chat: prompts.get(chat, 11) for chat in (NEW, OLD, -51, 5)}
    assert found[OLD] is None
    assert {chat: prompt.action for chat, prompt in found.items() if prompt is not None} == {
        NEW: {"in": OLD},
        -51: {"in": -51},
        5: {"in": 5},
    }


@pytest.fixture
def move(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Lets Telegram refuse a message to the group because it has become another chat."""

    async def deliver(_bot: Bot, row: OutboxRow, _message_id: int | None) -> tuple[int, ...]:
        if row.chat_id == OLD:
            raise ChatMigrated(NEW)
        return (1,)

    async def happen() -> None:
        monkeypatch.setattr("samobot.telegram.outbound.chat_sender.deliver", deliver)
        outbox = Outbox(BOT, store)
        outbox.post(OLD, "Anything", key="anything")
        delivering = asyncio.create_task(outbox.run())
        await asyncio.sleep(0)
        assert await outbox.drain(10)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)

    return happen
