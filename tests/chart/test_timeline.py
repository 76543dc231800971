"""Promises of the timeline: every second of a session is of one kind, whatever its journal went through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.chart.scale import TimeScale
from samobot.chart.timeline import LONGEST_PAUSE, PhaseSpan, SpanKind, Timeline, build, make_monotonic
from samobot.session.folder import SessionFolder
from samobot.session.journal import events
from samobot.session.journal_events import EventName, RunEndReason
from tests.support.run_journal import RunJournal

ZERO = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def journal() -> RunJournal:
    return RunJournal(ZERO)


def built(run: RunJournal, **options: Any) -> Timeline:
    timeline = build(run.events, **options)
    assert timeline is not None
    return timeline


def shape(timeline: Timeline) -> list[tuple[SpanKind, str, float]]:
    return [(span.kind, span.phase, round(span.seconds, 3)) for span in timeline.spans]


def test_rounds_begin_where_the_user_followed_up() -> None:
    run = journal()
    run.start("done")
    run.iterate("done", seconds=60)
    run.end("done")
    run.pass_time(minutes=5)
    run.log("phase", **{"from": "done", "to": "planning", "by": "person", "round": 2})
    began = run.now.timestamp()
    run.start("planning")
    run.iterate("planning", seconds=60)
    run.end("waiting")
    assert built(run).rounds == ((began, 2),)


def test_a_run_from_task_to_result() -> None:
    run = journal()
    run.start("requirements")
    run.iterate("requirements", seconds=60, usd=0.5)
    run.wait_for_person(minutes=10)
    run.start("requirements")
    run.iterate("requirements", seconds=30, usd=0.25)
    run.move("requirements", "planning")
    run.iterate("planning", seconds=90, usd=1.0)
    run.end("done")
    timeline = built(run, now=run.now + timedelta(days=3))
    assert shape(timeline) == [
        (SpanKind.WORK, "requirements", 60),
        (SpanKind.WAITING, "requirements", 600),
        (SpanKind.WORK, "requirements", 30),
        (SpanKind.WORK, "planning", 90),
    ]
    assert [(tick.phase, tick.end - tick.start) for tick in timeline.iterations] == [
        ("requirements", 60),
        ("requirements", 30),
        ("planning", 90),
    ]
    assert timeline.usd == 1.75
    assert timeline.phases == ("requirements", "planning")
    assert timeline.reason is RunEndReason.DONE
    assert timeline.end == run.now.timestamp()


def test_cost_rises_while_it_works_and_stays_while_it_waits() -> None:
    run = journal()
    run.start("planning")
    run.iterate("planning", seconds=60, usd=1.0)
    run.wait_for_person(minutes=10)
    run.iterate("planning", seconds=60, usd=1.0)
    zero = ZERO.timestamp()
    line = [(at - zero, usd) for at, usd in built(run).cost]
    assert line == [(0, 0), (0, 0), (60, 1), (660, 1), (720, 2), (720, 2)]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("waiting", SpanKind.WAITING),
        ("budget", SpanKind.WAITING),
        ("iterations", SpanKind.WAITING),
        ("blocked", SpanKind.BLOCKED),
        ("failed", SpanKind.BLOCKED),
        ("nonsense", SpanKind.BLOCKED),
        ("parked", SpanKind.PARKED),
        ("stopped", SpanKind.IDLE),
        ("paused", SpanKind.IDLE),
    ],
)
def test_idle_time_between_two_runs_shows_what_was_waited_for(reason: str, kind: SpanKind) -> None:
    run = journal()
    run.start("testing")
    run.iterate("testing", seconds=60)
    run.end(reason)
    run.pass_time(hours=2)
    run.start("testing")
    run.iterate("testing", seconds=60)
    assert shape(built(run))[1] == (kind, "testing", 7200)


def test_a_limit_lasts_until_it_is_lifted() -> None:
    run = journal()
    run.start("testing")
    run.iterate("testing", seconds=60)
    run.log("park", kind="five_hour", until=None, text="limit")
    run.pass_time(hours=3)
    run.log("unpark", by="reset")
    run.pass_time(seconds=5)
    run.iterate("testing", seconds=60)
    timeline = built(run)
    assert shape(timeline)[1] == (SpanKind.PARKED, "testing", 10800)
    assert timeline.seconds(SpanKind.WORK) == 125


def test_an_approval_does_not_move_the_wait_to_the_next_phase() -> None:
    run = journal()
    run.start("planning")
    run.iterate("planning", seconds=60)
    run.log("gate", **{"for": "plan_approval"})
    run.end("waiting")
    run.pass_time(minutes=1)
    run.move("planning", "implementation", by="person")
    run.pass_time(minutes=9)
    run.start("implementation")
    run.iterate("implementation", seconds=60)
    assert shape(built(run))[1:] == [
        (SpanKind.WAITING, "planning", 600),
        (SpanKind.WORK, "implementation", 60),
    ]


def test_what_is_not_over_lasts_until_now() -> None:
    run = journal()
    run.start("planning")
    run.log("iteration_start", n=1, phase="planning")
    now = run.now + timedelta(minutes=5)
    alive = built(run, now=now, alive=True)
    assert shape(alive) == [(SpanKind.WORK, "planning", 300)]
    assert len(alive.iterations) == 1
    assert alive.reason is None
    assert built(run, now=now, alive=False).spans == ()  # its worker is dead; nobody knows since when
    run.wait_for_person(minutes=0)
    assert shape(built(run, now=now)) == [(SpanKind.WAITING, "planning", 300)]


def test_a_killed_worker_s_time_ends_with_its_last_event() -> None:
    run = journal()
    run.start("planning")
    run.iterate("planning", seconds=60)
    run.log("iteration_start", n=2, phase="planning")
    run.pass_time(minutes=1)
    run.log("notice", text="busy")
    run.pass_time(hours=5)
    run.start("planning")
    run.iterate("planning", seconds=30)
    assert shape(built(run)) == [
        (SpanKind.WORK, "planning", 120),
        (SpanKind.IDLE, "planning", 18000),
        (SpanKind.WORK, "planning", 30),
    ]


def test_a_machine_that_slept_did_not_work() -> None:
    run = journal()
    run.start("planning")
    run.log("iteration_start", n=1, phase="planning")
    run.pass_time(hours=9)
    run.log("iteration_end", n=1, phase="planning", cost_usd=1, duration_s=300.0)
    run.pass_time(seconds=LONGEST_PAUSE + 60)
    run.iterate("planning", seconds=60)
    timeline = built(run)
    assert timeline.seconds(SpanKind.WORK) == 360
    assert [tick.end - tick.start for tick in timeline.iterations] == [300, 60]


def test_an_iteration_whose_beginning_is_lost_is_shown_by_its_end() -> None:
    run = journal()
    run.log("notice", text="first readable line")
    run.pass_time(minutes=10)
    run.log("iteration_end", n=4, phase="testing", cost_usd=2.0, duration_s=120.0)
    timeline = built(run)
    assert [(tick.phase, tick.end - tick.start, tick.usd) for tick in timeline.iterations] == [
        ("testing", 120, 2.0)
    ]
    assert shape(timeline)[-1] == (SpanKind.WORK, "testing", 120)


def test_a_clock_that_is_set_back_keeps_the_distances() -> None:
    assert make_monotonic([100, 110, 120, 50, 60]) == [30, 40, 50, 50, 60]
    assert make_monotonic([100, 110, 9999, 120, 130]) == [100, 110, 110, 120, 130]
    assert make_monotonic([7]) == [7]


@given(st.lists(st.floats(-1e11, 3e11), min_size=1, max_size=30))
def test_monotonic_times_never_fall_and_end_no_earlier(times: list[float]) -> None:
    shifted = make_monotonic(times)
    assert len(shifted) == len(times)
    assert shifted == sorted(shifted)
    assert shifted[-1] >= times[-1]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("planning")
EVENTS = st.fixed_dictionaries(
    {"at": st.datetimes(timezones=st.just(UTC)), "event": st.sampled_from([*EventName, "later"])},
    optional={
        key: VALUES | st.sampled_from([*RunEndReason])
        for key in ("phase", "to", "reason", "cost_usd", "duration_s", "n")
    },
)


@given(
    st.lists(EVENTS, min_size=1, max_size=25), st.none() | st.datetimes(timezones=st.just(UTC)), st.booleans()
)
def test_any_journal_becomes_time_without_gaps(
    records: list[dict[str, Any]], now: datetime | None, alive: bool
) -> None:
    timeline = build(records, now=now, alive=alive)
    assert timeline is not None
    edges = [timeline.start, *(span.end for span in timeline.spans)]
    assert [span.start for span in timeline.spans] == edges[:-1]
    assert edges[-1] == timeline.end
    assert all(span.seconds > 0 for span in timeline.spans)
    assert all(timeline.start <= tick.start <= tick.end <= timeline.end for tick in timeline.iterations)
    spent = [usd for _, usd in timeline.cost]
    assert spent == sorted(spent)
    if timeline.spans:
        scale = TimeScale(timeline.spans)
        places = [scale(edge) for edge in edges]
        assert places == sorted(places)
        assert (places[0], places[-1]) == (0.0, 1.0)
        labels = scale.labels(BERLIN)
        assert 1 <= len(labels) <= 14
        assert [label.place for label in labels] == sorted(label.place for label in labels)


def test_a_damaged_journal_is_still_drawn_from(tmp_path: Path) -> None:
    run = journal()
    run.start("planning")
    run.iterate("planning", seconds=60, usd=1.0)
    lines = [json.dumps(event | {"at": event["at"].isoformat()}) for event in run.events]
    folder = SessionFolder(tmp_path / "26-11-22-greet")
    folder.prepare()
    folder.journal.write_text(
        "\r\n".join(["garbage", *lines, '{"at": "2026-11-22T10:00', "[1]", '{"event": 7}'])
    )
    timeline = build(events(folder))
    assert timeline is not None
    assert shape(timeline) == [(SpanKind.WORK, "planning", 60)]
    assert build(events(SessionFolder(tmp_path / "none"))) is None


def spans(*lengths: tuple[SpanKind, float], start: datetime = ZERO) -> list[PhaseSpan]:
    found, at = [], start.timestamp()
    for kind, seconds in lengths:
        found.append(PhaseSpan(kind, "planning", at, at + seconds))
        at += seconds
    return found


def test_a_night_of_waiting_leaves_room_for_the_work() -> None:
    stretch = spans((SpanKind.WORK, 600), (SpanKind.WAITING, 36000), (SpanKind.WORK, 600))
    scale = TimeScale(stretch)
    assert [scale.is_cut(span) for span in stretch] == [False, True, False]
    assert scale(stretch[1].end) - scale(stretch[1].start) == pytest.approx(1.2 / 2.2)
    assert scale(stretch[0].end) == pytest.approx(0.5 / 2.2)


def test_short_waits_stay_as_long_as_they_are() -> None:
    stretch = spans((SpanKind.WORK, 600), (SpanKind.WAITING, 300), (SpanKind.WORK, 600))
    scale = TimeScale(stretch)
    assert not any(map(scale.is_cut, stretch))
    assert scale(stretch[1].start) == pytest.approx(0.4)
    only = spans((SpanKind.WAITING, 300))
    assert not TimeScale(only).is_cut(only[0])


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (60, ["10:00:00\nSun 22 Nov", "10:00:15", "10:00:30", "10:00:45", "10:01:00"]),
        (4320, ["10:00\nSun 22 Nov", "10:10", "10:20", "10:30", "10:40"]),
        (86400, ["12:00\nSun 22 Nov", "15:00", "18:00", "21:00", "00:00\nMon 23 Nov"]),
        (6 * 86400, ["Mon 23 Nov", "Wed 25 Nov", "Fri 27 Nov"]),
    ],
)
def test_labels_are_round_local_times(seconds: float, texts: list[str]) -> None:
    labels = TimeScale(spans((SpanKind.WORK, seconds))).labels(BERLIN)
    assert [label.text for label in labels][: len(texts)] == texts


def test_labels_stay_round_across_a_change_of_summer_time() -> None:
    start = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    labels = TimeScale(spans((SpanKind.WORK, 12 * 3600), start=start)).labels(BERLIN)
    assert all(":00" in label.text for label in labels)
    assert [label.at for label in labels] == sorted({label.at for label in labels})


def test_the_morning_after_a_night_has_a_label() -> None:
    stretch = spans((SpanKind.WORK, 3000), (SpanKind.WAITING, 40000), (SpanKind.WORK, 700))
    texts = [label.text for label in TimeScale(stretch).labels(BERLIN)]
    assert "21:56" in texts or "22:00" in texts
