"""How long the loop waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.worker.run import RetryPolicy

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_a_service_at_fault_is_tried_from_half_a_minute_to_every_ten_minutes() -> None:
    waits = [RetryPolicy().before_next_try(attempt) for attempt in range(1, 8)]
    assert waits == [30, 60, 120, 240, 480, 600, 600]


@given(attempt=st.integers(1, 10**6))
def test_no_wait_grows_without_end(attempt: int) -> None:
    retry_policy = RetryPolicy(retry_delay=5)
    assert retry_policy.before_next_try(attempt) <= 600
    assert retry_policy.before_retry(attempt) <= 600


@given(hours=st.floats(-100, 100), spread=st.floats(0, 60))
def test_a_run_wakes_one_to_two_minutes_after_the_reset_and_never_in_the_past(
    hours: float, spread: float
) -> None:
    reset = NOW + timedelta(hours=hours)
    wake = RetryPolicy().wake_at(reset, "seven_day", NOW, spread)
    assert timedelta(seconds=60) <= wake - max(reset, NOW) <= timedelta(seconds=120)


def test_a_limit_that_does_not_say_when_is_tried_again_in_half_an_hour() -> None:
    assert RetryPolicy().wake_at(None, "", NOW, 0) == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("kind", "longest"),
    [
        ("five_hour", timedelta(hours=5, minutes=31)),
        ("seven_day", timedelta(days=7, minutes=31)),
        ("seven_day_opus", timedelta(days=7, minutes=31)),
        ("overage", timedelta(days=31, minutes=31)),
        ("", timedelta(days=31, minutes=31)),
    ],
)
@pytest.mark.parametrize("year", [2027, 2100, 9999])
def test_retry_policy_never_waits_longer_than_a_limit_can_last(
    kind: str, longest: timedelta, year: int
) -> None:
    reset = datetime(year, 1, 1, tzinfo=UTC)
    assert RetryPolicy().wake_at(reset, kind, NOW, 0) == NOW + longest
