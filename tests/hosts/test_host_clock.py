"""A host whose clock is wrong: its times are shown by the hub's clock, and change with the clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from samobot.fleet.models import PastSession, RemarkView
from samobot.hosts.decision_sender import ended_event
from samobot.hosts.host_clock import HostClock, clock_words, corrected
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_messages import Beat, CallOutcome, DecisionReceipt, HostDecision, SessionSnapshot
from samobot.hosts.hub_store import HubStore, StoredDecision
from samobot.session.journal import RunEndReason
from tests.support.views import blocked, ended, session

NOW = datetime(2026, 1, 15, 14, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
VIEW = session(updated=NOW + HOUR)


def clock_after(*beats: tuple[timedelta, float], ahead: timedelta | None = None) -> HostClock:
    """A clock after beats that were so far ahead, at these monotonic seconds."""
    clock = HostClock(ahead)
    for found, monotonic in beats:
        clock.note(NOW + found, NOW, monotonic)
    return clock


def snapshot(n: int, iteration: int = 6) -> SessionSnapshot:
    view = session(updated=NOW + HOUR, iteration=iteration)
    return SessionSnapshot(boot="one", n=n, key=view.ref.key, view=view)


def test_clocks_that_agree_are_left_alone() -> None:
    for late in (0, 20, 60, 89):
        assert clock_after((-timedelta(seconds=late), 0.0)).ahead == timedelta()
    assert corrected(VIEW, timedelta()) is VIEW


def test_the_difference_is_in_whole_minutes_and_does_not_follow_each_beat() -> None:
    first = HOUR + timedelta(seconds=12)
    assert clock_after((first, 0.0)).ahead == HOUR
    for later in (50, -80):
        assert clock_after((first, 0.0), (HOUR + timedelta(seconds=later), 100.0)).ahead == HOUR
    assert clock_after((-HOUR, 0.0)).ahead == -HOUR


def test_another_difference_is_believed_once_it_lasts() -> None:
    assert clock_after((-HOUR, 0.0), (-HOUR, 0.1), (-HOUR, 10.0), ahead=timedelta()).ahead == timedelta()
    assert (
        clock_after((-HOUR, 0.0), (timedelta(), 10.0), (-HOUR, 20.0), ahead=timedelta()).ahead == timedelta()
    )
    assert clock_after((-HOUR, 0.0), (-HOUR, 10.0), (-HOUR, 20.0), ahead=timedelta()).ahead == -HOUR
    assert clock_after((timedelta(), 0.0), (timedelta(), 20.0), ahead=HOUR).ahead == timedelta(), "it was set"


def test_every_time_in_a_session_is_corrected_and_nothing_else() -> None:
    remark = RemarkView(at=NOW, kind="notice", text="x")
    view = blocked("why").model_copy(
        update={"updated": NOW, "remarks": (remark,), "end": ended(RunEndReason.FAILED, at=NOW)}
    )
    shown = corrected(view, HOUR)
    assert shown.updated == shown.remarks[0].at == NOW - HOUR
    assert shown.end is not None
    assert shown.end.at == NOW - HOUR
    assert corrected(shown, -HOUR) == view
    assert corrected([PastSession("demo:x", NOW, mark=3)], HOUR) == [
        PastSession("demo:x", NOW - HOUR, mark=3)
    ]
    never = datetime.min.replace(tzinfo=UTC)
    assert corrected(never, HOUR) == never


def test_a_hosts_sessions_are_the_same_objects_until_its_clock_or_they_change() -> None:
    state = HostState("laptop")
    state.note(snapshot(1), watched=True)
    assert state.note_beat(Beat(host="laptop", boot="one", at=NOW + HOUR, n=1), 0.0, NOW)
    (first,) = state.sessions()
    assert first.updated == NOW
    assert state.view(first.ref.key) is first
    state.note_beat(Beat(host="laptop", boot="one", at=NOW + HOUR, n=1), 10.0, NOW)
    assert state.sessions()[0] is first
    state.note(snapshot(2, iteration=7), watched=True)
    assert (state.sessions()[0].iteration, state.sessions()[0].updated) == (7, NOW)


def test_what_was_measured_is_known_after_a_restart_until_the_host_is_removed(tmp_path: Path) -> None:
    store = HubStore(tmp_path)
    assert store.clock_of("laptop") is None
    store.set_clock("laptop", -HOUR)
    assert HubStore(tmp_path).clock_of("laptop") == -HOUR
    store.forget_host("laptop", NOW)
    assert store.clock_of("laptop") is None


def test_the_end_of_a_saved_decision_has_the_hubs_time() -> None:
    receipt = DecisionReceipt(id="a", at=NOW + HOUR, outcome=CallOutcome())
    decision = HostDecision(id="a", call="approve", about="demo:26-01-15-greet", at=NOW)
    text = ended_event(StoredDecision("laptop", decision, "", receipt), HOUR).text
    assert f"on laptop {NOW.astimezone():%H:%M}:" in text


def test_a_difference_is_said_in_words() -> None:
    assert [clock_words(each) for each in (timedelta(), HOUR, -HOUR / 12)] == [
        "",
        "1 h ahead",
        "5 min behind",
    ]
