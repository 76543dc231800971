"""Times of schedules: as people write them, and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from samobot.errors import UsageError
from samobot.fleet.schedule_times import Timing, count_due, next_due, parse_timing
from tests.support.cases import for_each

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
"""A Saturday, 13:00 in Berlin."""


@for_each(
    ("text", "cron", "first", "rest"),
    [
        ("tomorrow 7:00 Update deps", None, "11-29 07:00", "Update deps"),
        ("tomorrow at 7 api: Fix", None, "11-29 07:00", "api: Fix"),
        ("Tomorrow at 7pm: x", None, "11-29 19:00", "x"),
        ("tomorrow fix it", None, "11-29 09:00", "fix it"),
        ("in 2 hours x", None, "11-28 15:00", "x"),
        ("in an hour x", None, "11-28 14:00", "x"),
        ("in 5 minutes: x", None, "11-28 13:05", "x"),
        ("in 3d x", None, "12-01 13:00", "x"),
        ("14:30, x", None, "11-28 14:30", "x"),
        ("7:00 x", None, "11-29 07:00", "x"),
        ("7am x", None, "11-29 07:00", "x"),
        ("12am x", None, "11-29 00:00", "x"),
        ("noon x", None, "11-29 12:00", "x"),
        ("tonight x", None, "11-28 22:00", "x"),
        ("monday 9:00 x", None, "11-30 09:00", "x"),
        ("next saturday 9 x", None, "12-05 09:00", "x"),
        ("saturday 12:00 x", None, "12-05 12:00", "x"),
        ("saturday 14:00 x", None, "11-28 14:00", "x"),
        ("2026-12-01 07:00 x", None, "12-01 07:00", "x"),
        ("2026-12-01T07:00 x", None, "12-01 07:00", "x"),
        ("Dec 3 at 18:00 x", None, "12-03 18:00", "x"),
        ("on 3rd december 6pm x", None, "12-03 18:00", "x"),
        ("every day at 7 x", "0 7 * * *", "11-29 07:00", "x"),
        ("daily 7:00 x", "0 7 * * *", "11-29 07:00", "x"),
        ("every weekday 8:30 x", "30 8 * * mon-fri", "11-30 08:30", "x"),
        ("weekdays x", "0 9 * * mon-fri", "11-30 09:00", "x"),
        ("every mon and thu 9:15 pm: go", "15 21 * * mon,thu", "11-30 21:15", "go"),
        ("every night x", "0 22 * * *", "11-28 22:00", "x"),
        ("hourly x", "0 */1 * * *", "11-28 14:00", "x"),
        ("every 2 hours x", "0 */2 * * *", "11-28 14:00", "x"),
        ("0 7 * * 1-5 x", "0 7 * * mon,tue,wed,thu,fri", "11-30 07:00", "x"),
        ("0 7 * * 0 x", "0 7 * * sun", "11-29 07:00", "x"),
        ("0 7 * * 7 x", "0 7 * * sun", "11-29 07:00", "x"),
        ("0 7 1 * * x", "0 7 1 * *", "12-01 07:00", "x"),
        # crontab(5): either day if both are given, and steps of */2 from Sunday
        ("0 7 1 * 5 x", "0 7 1 * fri", "12-01 07:00", "x"),
        ("0 7 13 * 5 x", "0 7 13 * fri", "12-04 07:00", "x"),
        ("0 7 * * */2 x", "0 7 * * */2", "11-29 07:00", "x"),
        ("0 7 1-9 * */6 x", "0 7 1-9 * */6", "12-05 07:00", "x"),
    ],
)
def test_time_is_read_from_the_beginning_of_a_text(
    text: str, cron: str | None, first: str, rest: str
) -> None:
    timing, left = parse_timing(text, NOW, BERLIN)
    due = next_due(timing, NOW, BERLIN)
    assert due is not None
    assert (timing.cron, f"{due.astimezone(BERLIN):%m-%d %H:%M}", left) == (cron, first, rest)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fix the bug", "No time was understood"),
        ("", "No time was understood"),
        ("today 7:00 x", "“today 7:00” is over"),
        ("2025-01-01 7:00 x", "is over"),
        ("25:00 x", "no time of day"),
        ("tomorrow 13pm x", "no time of day"),
        ("feb 30 9:00 x", "is no date"),
        ("* * * * * x", "too often"),
        ("0,5 7 * * * x", "too often"),
        ("0 7 32 * * x", "no cron expression"),
        ("0 7 * * 9 x", "no cron expression"),
        ("0 7 30 2 * x", "never due"),
    ],
)
def test_what_is_no_time_to_come_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        parse_timing(text, NOW, BERLIN)
    assert "\n" not in refused.value.message


def test_time_that_daylight_saving_skips_is_due_an_hour_later_and_once() -> None:
    timing = Timing("2:30", cron="30 2 * * *")
    at, seen = datetime(2027, 3, 27, 0, 0, tzinfo=UTC), []
    for _ in range(3):
        at = next_due(timing, at, BERLIN) or at
        seen.append(f"{at.astimezone(BERLIN):%d %H:%M %z}")
    assert seen == ["27 02:30 +0100", "28 03:30 +0200", "29 02:30 +0200"]


def test_time_that_comes_twice_is_due_the_first_time_only() -> None:
    timing = Timing("2:30", cron="30 2 * * *")
    at, seen = datetime(2027, 10, 30, 12, 0, tzinfo=UTC), []
    for _ in range(2):
        at = next_due(timing, at, BERLIN) or at
        seen.append(f"{at.astimezone(BERLIN):%d %H:%M %z}")
    assert seen == ["31 02:30 +0200", "01 02:30 +0100"]


def test_hourly_schedule_neither_stalls_nor_repeats_over_a_change() -> None:
    timing = Timing("hourly", cron="0 * * * *")
    for begin in (datetime(2027, 3, 27, 20, tzinfo=UTC), datetime(2027, 10, 30, 20, tzinfo=UTC)):
        at, seen = begin, []
        for _ in range(10):
            following = next_due(timing, at, BERLIN)
            assert following is not None
            assert following > at
            at = following
            seen.append(at)
        assert len(set(seen)) == 10


def test_missed_times_are_counted_up_to_a_limit() -> None:
    timing = Timing("daily 7:00", cron="0 7 * * *")
    first = datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert count_due(timing, first, NOW, BERLIN) == 7
    assert count_due(timing, first, NOW, BERLIN, most=3) == 3
    assert count_due(Timing("once", at=first), first, NOW, BERLIN) == 1
