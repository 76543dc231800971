"""A group that becomes a supergroup takes with it what is told there and who may speak there."""

from __future__ import annotations

from samobot.bot.gate import Gate
from samobot.bot.memory import Memory, Posted
from samobot.bot.moves import Moves
from samobot.bot.pairing import Access
from samobot.bot.places import Places
from samobot.bot.store import Store
from samobot.settings import Settings
from tests.support.views import AT

OLD, NEW = -5, -100_500


def test_sessions_that_were_told_in_a_group_are_told_in_what_it_has_become(store: Store) -> None:
    places = Places(store, Settings(telegram_chat_id=OLD))
    places.follow("demo:followed", -7, 3)
    Moves(store.facts).note(OLD, NEW)
    Moves(store.facts).note(-7, -100_700)
    assert [place.chat_id for place in places.of("demo:greet")] == [NEW]
    assert [(place.chat_id, place.thread_id) for place in places.of("demo:followed")] == [(-100_700, 3)]
    assert {place.chat_id for place in Places(store, Settings(telegram_chat_id=OLD)).all()} == {NEW, -100_700}


def test_who_may_in_the_group_of_the_settings_may_in_what_it_has_become(store: Store) -> None:
    gate = Gate(Access(frozenset({11}), frozenset({OLD})), store)
    assert gate.access.groups == {OLD}
    Moves(store.facts).note(OLD, NEW)
    assert gate.access == Access(frozenset({11}), frozenset({NEW}))


def test_messages_that_may_still_change_are_remembered_under_the_new_number() -> None:
    posted = Posted(key="k", kind="block", at=AT, digests={OLD: "d", 11: "e"}, texts={OLD: "text"})
    memory = Memory(posted={"need:1": posted})
    moved = memory.moved({OLD: NEW}).posted["need:1"]
    assert (moved.digests, moved.texts) == ({NEW: "d", 11: "e"}, {NEW: "text"})
    assert memory.moved({}) is memory
    assert memory.moved({-9: -100_900}) is memory
