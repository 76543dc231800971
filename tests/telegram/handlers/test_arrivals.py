"""Who comes in by a code is greeted as who came in: a person, or a group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.telegram.inbound.access import AccessGate
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.pairing import Access
from tests.support.phone import CHAT, Phone, open_phone

TEAM = -5
BEN = {"id": 12, "is_bot": False, "first_name": "Ben"}


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    """A phone before the gate, which lets Ann in."""
    gate = AccessGate(Access(frozenset({CHAT})), store)
    async for made in open_phone(tmp_path, store, monkeypatch):
        monkeypatch.setattr(made.front, "on_update", gate.guard(made.front.on_update))
        yield made


async def test_admitted_group_is_confirmed_by_its_name(phone: Phone) -> None:
    code = phone.store.pairing.new_code().code
    assert await phone.say("/status", group=TEAM) == []
    said = await phone.say(f"/start {code}", group=TEAM)
    assert said[0] == "✅ This group, Team, is paired: people who may use me can do so here now."
    assert await phone.say("/status", group=TEAM)
    assert await phone.say("/status", group=TEAM, user=BEN) == []


async def test_greeting_that_comes_again_after_a_crash_sends_the_same(phone: Phone) -> None:
    code = phone.store.pairing.new_code().code
    (first, *_) = await phone.say(f"/start {code}", group=TEAM)
    for row in phone.store.outbox.waiting(TEAM):
        phone.store.outbox.done(row)
    phone.number -= 1
    assert (await phone.say(f"/start {code}", group=TEAM))[0] == first


async def test_a_code_that_let_nobody_in_greets_nobody(phone: Phone) -> None:
    code = phone.store.pairing.new_code().code
    assert (await phone.say(f"/start {code}"))[0] == "You are paired already; the code is used up."
    assert (await phone.say(f"/start {code}"))[0] == "You are paired already; no code is needed."
    phone.store.people.add_group(TEAM)
    assert (await phone.say(f"/start {code}", group=TEAM))[
        0
    ] == "This group is paired already; no code is needed."
