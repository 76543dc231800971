from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.callback_data import LIFETIME_SECONDS, CallbackState
from samobot.telegram.store.chat_settings import ChatSettings, NotifyLevel
from samobot.telegram.store.past_rows import PastRow
from samobot.telegram.store.sent import KEEP_SECONDS as KEEP_SENT
from samobot.telegram.store.sent import MessageSubject, SentMessage
from samobot.telegram.store.update_journal import KEEP_SECONDS as KEEP_UPDATES
from tests.telegram.conftest import ManualClock


def test_an_update_seen_before_is_not_new(store: Store) -> None:
    assert [u.update_id for u in store.updates.record([{"update_id": 1}, {"update_id": 2}])] == [1, 2]
    assert [u.update_id for u in store.updates.record([{"update_id": 2}, {"update_id": 3}])] == [3]


def test_unfinished_updates_come_back_in_the_order_of_their_arrival(store: Store, clock: ManualClock) -> None:
    store.updates.record([{"update_id": 900}, {"update_id": 901}])
    clock.now += 1
    store.updates.record([{"update_id": 5}])  # Telegram starts its numbers anew after a quiet week
    store.updates.done(900)
    assert [update.update_id for update in store.updates.unfinished()] == [901, 5]


def test_finished_updates_are_forgotten_and_unfinished_ones_never(store: Store, clock: ManualClock) -> None:
    store.updates.record([{"update_id": 1}, {"update_id": 2}])
    store.updates.done(1)
    clock.now += KEEP_UPDATES + 1
    store.prune()
    assert [u.update_id for u in store.updates.record([{"update_id": 1}, {"update_id": 2}])] == [1]


def test_an_orderly_end_does_not_count_against_an_update(store: Store) -> None:
    store.updates.record([{"update_id": 1}])
    assert store.updates.begin(1) == 1
    store.updates.revert(1)
    assert store.updates.begin(1) == 1
    assert store.updates.begin(1) == 2


def test_the_same_button_keeps_its_id_while_it_is_open(store: Store) -> None:
    first = store.callbacks.mint({"do": "stop"}, scope="card:demo:greet")
    assert store.callbacks.mint({"do": "stop"}, scope="card:demo:greet") == first
    assert store.callbacks.mint({"do": "pause"}, scope="card:demo:greet") != first
    assert len(first.encode()) <= 64


def test_a_button_that_is_shown_again_is_not_written_again(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    button = store.callbacks.mint({"do": "stop"}, scope="card:demo:greet")
    with monkeypatch.context() as patch:
        patch.delattr("samobot.telegram.store.database.Database.transaction")
        assert store.callbacks.mint({"do": "stop"}, scope="card:demo:greet") == button
    clock.now += LIFETIME_SECONDS / 2
    assert store.callbacks.mint({"do": "stop"}, scope="card:demo:greet") == button
    clock.now += LIFETIME_SECONDS - 1
    press = store.callbacks.peek(button)
    assert press is not None
    assert press.state is CallbackState.FRESH


def test_of_two_taps_only_the_first_acts(store: Store) -> None:
    identifier = store.callbacks.mint({"do": "approve"}, scope="plan:1")
    first, second = store.callbacks.take(identifier, 11), store.callbacks.take(identifier, 12)
    assert first is not None
    assert first.state is CallbackState.FRESH
    assert first.action == {"do": "approve"}
    assert second is not None
    assert second.state is CallbackState.USED
    assert second.used_by == 11


def test_one_decision_uses_up_the_other_buttons_of_its_scope(store: Store) -> None:
    approve = store.callbacks.mint({"do": "approve"}, scope="plan:1")
    reject = store.callbacks.mint({"do": "reject"}, scope="plan:1")
    other = store.callbacks.mint({"do": "approve"}, scope="plan:2")
    look = store.callbacks.mint({"do": "log"}, scope="plan:1", once=False)
    store.callbacks.take(approve, 11)
    states = [tap.state for tap in map(store.callbacks.peek, (reject, other, look)) if tap]
    assert states == [CallbackState.USED, CallbackState.FRESH, CallbackState.FRESH]


def test_a_button_that_only_looks_can_be_pressed_again_and_decides_nothing(store: Store) -> None:
    look = store.callbacks.mint({"do": "log"}, scope="plan:1", once=False)
    approve = store.callbacks.mint({"do": "approve"}, scope="plan:1")
    taps = [store.callbacks.take(look, 11), store.callbacks.take(look, 11), store.callbacks.peek(approve)]
    assert [tap.state for tap in taps if tap] == [CallbackState.FRESH] * 3


def test_a_decision_that_was_not_carried_out_when_the_bot_died_can_be_made_again(
    store: Store, clock: ManualClock
) -> None:
    approve = store.callbacks.mint({"do": "approve"}, scope="plan:1")
    begun = store.callbacks.peek(approve)
    assert begun is not None
    store.close()
    with contextlib.closing(Store(store.state_dir, clock)) as next_life:
        again = next_life.callbacks.take(approve, 11)
        assert again is not None
        assert (begun.state, again.state) == (CallbackState.FRESH, CallbackState.FRESH)


def test_an_old_button_is_stale_and_at_last_unknown(store: Store, clock: ManualClock) -> None:
    identifier = store.callbacks.mint({"do": "stop"}, scope="card")
    clock.now += LIFETIME_SECONDS
    stale = store.callbacks.take(identifier, 11)
    assert stale is not None
    assert stale.state is CallbackState.EXPIRED
    clock.now += LIFETIME_SECONDS + 1
    store.prune()
    assert store.callbacks.take(identifier, 11) is None


def test_what_was_decided_elsewhere_makes_its_buttons_stale(store: Store) -> None:
    identifier = store.callbacks.mint({"answer": "A"}, scope="question:1")
    store.callbacks.retire("question:1")
    tap = store.callbacks.take(identifier, 11)
    assert tap is not None
    assert tap.state is CallbackState.USED
    assert store.callbacks.mint({"answer": "A"}, scope="question:1") != identifier


def test_the_open_buttons_about_one_session_alone_are_found(store: Store) -> None:
    ours, theirs = {"do": "log", "session": "demo:greet"}, {"do": "log", "session": "demo:api"}
    scopes: dict[str, list[dict[str, str]]] = {
        "one": [ours],
        "both": [ours, theirs],
        "other": [theirs],
        "none": [{}],
    }
    for scope, actions in scopes.items():
        for action in actions:
            store.callbacks.mint(action, scope=scope)
    store.callbacks.mint(ours, scope="used")
    store.callbacks.retire("used")
    assert store.callbacks.scopes_of("demo:greet") == ("one",)


@pytest.mark.parametrize("data", ["", "x", "'; DROP TABLE callbacks; --", "é" * 60])
def test_a_made_up_id_means_nothing(store: Store, data: str) -> None:
    assert store.callbacks.take(data, 11) is None


def test_a_reply_finds_the_session_of_the_message(store: Store, clock: ManualClock) -> None:
    about = MessageSubject("demo:greet", "question", {"index": 2})
    store.sent.put(SentMessage(7, 100, "q:greet:2", about, None, "d", clock.now))
    found = store.sent.find(7, 100)
    assert found is not None
    assert found.about == about
    assert store.sent.find(8, 100) is None


def test_messages_from_long_ago_are_forgotten(store: Store, clock: ManualClock) -> None:
    store.sent.put(SentMessage(7, 100, "k", MessageSubject(), None, "d", clock.now))
    clock.now += KEEP_SENT + 1
    store.prune()
    assert store.sent.find(7, 100) is None


def test_store_keeps_states_and_typed_values_over_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.notified.set("demo:greet", {"phase": "testing", "questions": [1]})
    store.notified.set("demo:api", {})
    store.notified.drop("demo:api")
    store.phase_limits.set("demo:greet", "testing")
    store.session_chats.set("demo:greet", -5, 3)
    store.close()
    again = Store(tmp_path)
    assert list(again.notified.sessions()) == ["demo:greet"]
    assert again.notified.get("demo:greet") == {"phase": "testing", "questions": [1]}
    assert again.notified.get("demo:none") is None
    assert again.session_chats.all() == {"demo:greet": (-5, 3)}
    assert again.phase_limits.all().get("demo:greet") == "testing"
    again.phase_limits.drop("demo:greet")
    assert again.phase_limits.all().get("demo:greet") is None


def test_preferences_have_defaults_and_are_kept(store: Store) -> None:
    assert store.chats.get(7) == ChatSettings(7)
    wanted = ChatSettings(7, NotifyLevel.QUIET, "Europe/Berlin", frozenset({"reminder:demo:greet"}))
    store.chats.put(wanted)
    assert store.chats.get(7) == wanted


def test_a_blocked_chat_is_news_once(store: Store, clock: ManualClock) -> None:
    assert store.chats.block(7)
    assert not store.chats.block(7)
    assert store.chats.get(7).blocked == clock.now
    assert store.chats.unblock(7)
    assert not store.chats.unblock(7)


def test_legacy_runs_are_returned_in_order_until_forgotten(store: Store) -> None:
    with store.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO wanted (session, options, since, place) VALUES ('demo:b', '{}', 2, 1)"
        )
        connection.execute(
            "INSERT INTO wanted (session, options, since) VALUES ('demo:a', '{\"auto\": true}', 1)"
        )
    assert store.legacy_runs() == [("demo:a", '{"auto": true}'), ("demo:b", "{}")]
    store.forget_legacy_runs()
    assert store.legacy_runs() == []


def test_all_past_sessions_are_read_although_they_are_many(store: Store) -> None:
    rows = [PastRow(f"demo:{number:04}", None, "done", number) for number in range(1001)]
    store.past.put(rows)
    assert list(store.past.all()) == rows
