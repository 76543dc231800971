from __future__ import annotations

import re
from pathlib import Path

import pytest

from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.pairing import LIFETIME_SECONDS, TRIES, Access
from tests.telegram.conftest import ManualClock


def test_a_code_works_once(store: Store) -> None:
    code = store.pairing.new_code()
    assert store.pairing.redeem(code.code)
    assert not store.pairing.redeem(code.code)


def test_a_code_may_be_typed_as_it_is_shown_or_in_lower_case(store: Store) -> None:
    assert store.pairing.redeem(store.pairing.new_code().shown.lower())


def test_a_code_ends_after_ten_minutes(store: Store, clock: ManualClock) -> None:
    code = store.pairing.new_code()
    clock.now += LIFETIME_SECONDS
    assert not store.pairing.redeem(code.code)


def test_five_wrong_tries_end_a_code_for_everybody(store: Store) -> None:
    code = store.pairing.new_code()
    assert not any(store.pairing.redeem(f"WRONG{n}") for n in range(TRIES))
    assert not store.pairing.redeem(code.code)


def test_four_wrong_tries_do_not(store: Store) -> None:
    code = store.pairing.new_code()
    assert not any(store.pairing.redeem(f"WRONG{n}") for n in range(TRIES - 1))
    assert store.pairing.redeem(code.code)


def test_a_new_code_ends_the_old_one(store: Store) -> None:
    old, new = store.pairing.new_code(), store.pairing.new_code()
    assert not store.pairing.redeem(old.code)
    assert store.pairing.redeem(new.code)


@pytest.mark.parametrize("guess", ["", "-", "\udc80", "é" * 1000, "0" * 10])
def test_nonsense_is_a_wrong_code(store: Store, guess: str) -> None:
    store.pairing.new_code()
    assert not store.pairing.redeem(guess)


def test_without_a_code_nobody_comes_in(store: Store) -> None:
    assert not store.pairing.redeem("ABCDEFGHJK")


def test_the_code_is_nowhere_on_disk(tmp_path: Path) -> None:
    store = Store(tmp_path)
    code = store.pairing.new_code()
    store.close()
    for path in tmp_path.iterdir():
        assert code.code.encode() not in path.read_bytes()


def test_the_deep_link_carries_what_telegram_allows(store: Store) -> None:
    link = store.pairing.new_code().link("demo_bot")
    assert re.fullmatch(r"https://t\.me/demo_bot\?start=[A-Za-z0-9_-]{1,64}", link)


def test_who_came_in_stays_in_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.people.add_user(11)
    store.people.add_group(-100)
    store.close()
    again = Store(tmp_path)
    assert again.people.access() == Access(frozenset({11}), frozenset({-100}))
    again.people.move_group(-100, -200)
    assert again.people.access().groups == {-200}
    assert again.people.access().users == {11}
