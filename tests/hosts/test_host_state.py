from __future__ import annotations

from datetime import UTC, datetime

from samobot.fleet.models import PastSession
from samobot.hosts.host_state import AWAY_SECONDS, HostState
from samobot.hosts.hub_messages import Beat, SessionSnapshot
from tests.support.views import session

NOW = datetime(2026, 1, 15, 14, 5, tzinfo=UTC)
VIEW = session()
KEY = VIEW.ref.key


def beat(boot: str = "one", **values: object) -> Beat:
    return Beat.model_validate({"host": "laptop", "boot": boot, "at": NOW} | values)


def snapshot(n: int, boot: str = "one", *, iteration: int = 6, key: str = KEY) -> SessionSnapshot:
    return SessionSnapshot(boot=boot, n=n, key=key, view=session(iteration=iteration))


def test_a_host_is_online_for_as_long_as_its_beats_are_fresh() -> None:
    state = HostState("laptop")
    assert not state.is_online(0.0)
    state.note_beat(beat(), 100.0, NOW)
    assert state.is_online(100.0 + AWAY_SECONDS)
    assert not state.is_online(100.1 + AWAY_SECONDS)


def test_a_host_that_ends_is_away_at_once_until_it_starts_again() -> None:
    state = HostState("laptop")
    state.note_beat(beat(), 100.0, NOW)
    state.note_beat(beat(is_last=True), 101.0, NOW)
    assert not state.is_online(101.0)
    state.note_beat(beat("two"), 102.0, NOW)
    assert state.is_online(102.0)


def test_a_beat_read_from_disk_is_never_fresh_whatever_the_clocks() -> None:
    state = HostState("laptop")
    state.restore(beat(), NOW, [snapshot(1)])
    assert not state.is_online(0.0)
    assert state.sessions() == [VIEW]
    assert state.heard == NOW


def test_an_older_snapshot_of_the_same_run_is_left_out() -> None:
    state = HostState("laptop")
    state.note_beat(beat(), 0.0, NOW)
    assert state.note(snapshot(5, iteration=7), watched=False)
    assert not state.note(snapshot(4), watched=True)
    assert [view.iteration for view in state.sessions()] == [7]


def test_a_receipt_of_an_earlier_run_brings_no_old_snapshot() -> None:
    state = HostState("laptop")
    state.note_beat(beat("two"), 0.0, NOW)
    state.note(snapshot(1, "two", iteration=9), watched=True)
    assert not state.note(snapshot(40, "one"), watched=False)
    assert [view.iteration for view in state.sessions()] == [9]


def test_a_new_run_begins_its_numbers_anew() -> None:
    state = HostState("laptop")
    state.note_beat(beat(n=40), 0.0, NOW)
    state.note(snapshot(40), watched=True)
    state.note_beat(beat("two", n=1), 1.0, NOW)
    assert state.is_behind
    assert state.note(snapshot(1, "two", iteration=7), watched=True)
    assert not state.is_behind


def test_what_a_new_run_does_not_have_is_gone_once_it_has_published_all() -> None:
    state = HostState("laptop")
    state.note_beat(beat(), 0.0, NOW)
    state.note(snapshot(1), watched=True)
    state.note(snapshot(2, key="demo:26-01-15-other"), watched=True)
    state.take_changes()
    state.note_beat(beat("two", n=1), 1.0, NOW)
    state.note(snapshot(1, "two"), watched=True)
    assert len(state.sessions()) == 2
    state.note_beat(beat("two", n=1, is_whole=True), 2.0, NOW)
    assert len(state.sessions()) == 1
    changed, gone = state.take_changes()
    assert ([each.key for each in changed], gone) == ([KEY], ["demo:26-01-15-other"])


def test_lists_are_the_same_objects_until_something_changes() -> None:
    state = HostState("laptop")
    state.note(snapshot(1), watched=True)
    state.note(
        SessionSnapshot(boot="one", n=2, key="demo:26-01-01-old", past=PastSession("demo:26-01-01-old", NOW)),
        watched=True,
    )
    before, past = state.sessions(), state.past()
    assert state.sessions() is before
    assert state.past() is past
    state.note(SessionSnapshot(boot="one", n=3, key=KEY), watched=True)
    assert state.sessions() == []
    assert state.past() is past  # the chat need not look at all of them for another session's change
    assert before[0].ref.key == KEY


def test_the_names_of_projects_are_read_from_a_beat_once() -> None:
    state = HostState("laptop")
    assert state.project_names == frozenset()
    state.note_beat(beat(projects=[{"name": "demo", "repository": "/r"}]), 0.0, NOW)
    assert state.project_names == {"demo"}
    assert state.project_names is state.project_names
    state.note_beat(beat(), 1.0, NOW)
    assert state.project_names == frozenset()
