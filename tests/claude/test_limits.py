"""Usage limits in prose: read where the CLI writes them, and only there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude.errors_text import classify_failure, is_disguised_failure
from samobot.claude.limits import is_account_problem, usage_limit
from samobot.claude.outcome_kinds import OutcomeKind
from samobot.claude.reset_time import reset_time
from tests.support.cases import for_each

NOW = datetime(2026, 7, 14, 10, 0, tzinfo=UTC)
VILNIUS = ZoneInfo("Europe/Vilnius")


@for_each(
    ("text", "kind", "resets"),
    [
        ("You've hit your session limit · resets 8:34pm (UTC)", "five_hour", "2026-07-14T20:34"),
        ("You've hit your session limit · resets Jan 1, 2030, 12am (UTC)", "five_hour", "2030-01-01T00:00"),
        ("You've hit your limit · resets 5pm (Europe/Vilnius)", "", "2026-07-14T14:00"),
        ("You’ve hit your limit · resets 5pm (Europe/Vilnius)", "", "2026-07-14T14:00"),
        (
            "You've hit your weekly limit · resets Jul 15 at 12am (Europe/Vilnius)",
            "seven_day",
            "2026-07-14T21:00",
        ),
        ("You've hit your Opus limit · resets Jul 16, 9:30am (UTC)", "seven_day_opus", "2026-07-16T09:30"),
        ("5-hour limit reached ∙ resets 12pm", "five_hour", "2026-07-14T12:00"),
        ("Weekly limit reached ∙ resets Thu 9am", "seven_day", "2026-07-16T09:00"),
        ("Opus weekly limit reached ∙ resets Oct 6, 1pm", "seven_day_opus", "2026-10-06T13:00"),
        ("Claude AI usage limit reached|1784034000", "", "2026-07-14T13:00"),
        ("limit reached|1784034000", "", "2026-07-14T13:00"),
        ("You're out of extra usage · resets 9pm", "overage", "2026-07-14T21:00"),
        ("You're now out of extra usage · resets in 2h 30m", "overage", "2026-07-14T12:30"),
        ("API Error: You've hit your limit · resets 17:05 (UTC)", "", "2026-07-14T17:05"),
        ("You've reached your usage limit · resets at 2026-07-14T18:00:00Z", "", "2026-07-14T18:00"),
        ("You've reached your usage limit · resets at 2026-07-14 18:00", "", "2026-07-14T18:00"),
        ("You've reached your usage limit · resets at 2026-13-45 18:00", "", None),
        (
            "You've hit your monthly spend limit · your session limit resets 2:40pm (Asia/Jakarta)",
            "five_hour",
            "2026-07-15T07:40",
        ),
        ("Spending cap reached resets 9pm", "", "2026-07-14T21:00"),
        ("You've reached your spend limit · resets in 3h", "", "2026-07-14T13:00"),
        (
            "Your organization's monthly usage limit is reached · resets Aug 1, 12am (UTC)",
            "",
            "2026-08-01T00:00",
        ),
        ("You've hit your limit. Resets at: 3pm (UTC)", "", "2026-07-14T15:00"),
        ("You've hit your limit; wait until 3pm (UTC)", "", "2026-07-14T15:00"),
        ("You've hit your limit. Reset time: 2026-07-14 15:00 UTC", "", "2026-07-14T15:00"),
        ("You've hit your limit. Access is restored at 3pm (UTC)", "", "2026-07-14T15:00"),
        ("You've hit your limit, retry after 90 minutes", "", "2026-07-14T11:30"),
        ("You've hit your limit", "", None),
        ("You've hit your limit · resets soon", "", None),
        ("You've hit your limit · resets Jul 14", "", None),
        ("You've hit your limit · resets Feb 31", "", None),
    ],
)
def test_every_known_wording_is_a_limit_with_its_reset(text: str, kind: str, resets: str | None) -> None:
    found = usage_limit(text, NOW, local=UTC)
    assert found is not None
    assert found.kind == kind
    assert found.resets_at == (None if resets is None else datetime.fromisoformat(resets).replace(tzinfo=UTC))


@for_each(
    ("text", "kind", "resets"),
    [
        ("Claude usage limit reached. Your limit will reset at 3pm (America/Los_Angeles).", "", "14T22:00"),
        ("You've hit your usage limit. Try again at 5pm (UTC).", "", "14T17:00"),
        ("You've hit your usage limit. Please try again in 2 hours 30 minutes.", "", "14T12:30"),
        ("You've reached your usage limit for this period. It resets in 3h20m", "", "14T13:20"),
        ("You have hit your session limit · resets 3pm (UTC)", "five_hour", "14T15:00"),
        ("You've used up your weekly limit · resets tomorrow at 3am (UTC)", "seven_day", "15T03:00"),
        ("You've exceeded your Sonnet limit · resets tomorrow, 9 AM UTC", "seven_day_sonnet", "15T09:00"),
        ("You've hit your limit · resets today at 3pm (UTC)", "", "14T15:00"),
        ("You've hit your limit · resets at 15:00 UTC", "", "14T15:00"),
        ("You've hit your limit · resets 15:00 (UTC+2)", "", "14T13:00"),
        ("You've hit your limit · resets 15:00 (UTC-07:00)", "", "14T22:00"),
        ("You've hit your limit · resets 15:00 +05:30", "", "15T09:30"),
        ("You've hit your limit · resets 3pm EST", "", "14T19:00"),
        ("You've hit your limit · resets 3:15 p.m. PT.", "", "14T22:15"),
        ("You've hit your limit · resets 3 pm (GMT)", "", "14T15:00"),
        ("You've hit your limit · resets 11am CEST", "", "15T09:00"),
        ("You've hit your limit · resets noon (UTC)", "", "14T12:00"),
        ("You've hit your limit · resets at midnight (UTC)", "", "15T00:00"),
        ("You've hit your limit · resets on July 16, 2026 at 3:00 PM UTC", "", "16T15:00"),
        ("You've hit your limit · resets 16 Jul 3pm (UTC)", "", "16T15:00"),
        ("You've hit your limit · resets 2026-07-16 15:00 UTC", "", "16T15:00"),
        ("You've hit your limit · resets 2026-07-16T15:00:00+02:00", "", "16T13:00"),
        ("You've hit your limit · resets Thursday at 3pm (UTC)", "", "16T15:00"),
        ("You’ve hit your weekly limit ∙ resets Fri 10am (Australia/Sydney)", "seven_day", "17T00:00"),
        ("You've hit your limit · resets in an hour", "", "14T11:00"),
        ("You've hit your limit · resets at 3:00 PM on Thursday", "", "16T15:00"),
        ("You've hit your limit · resets 3pm (UTC) on Jul 18", "", "18T15:00"),
        ("You've hit your limit · resets Jul 18", "", "18T00:00"),
        ("You've hit your limit · resets on 2026-07-18", "", "18T00:00"),
        ("You've hit your limit · resets in <1m", "", "14T10:01"),
        ("You've hit your limit · resets after 3600s", "", "14T11:00"),
        ("You've hit your limit. Retry-After: 120", "", "14T10:02"),
        ("You've hit your limit · resets in about 2 hours", "", "14T12:00"),
        ("You've hit your limit · resets in 1 day, 2 hours and 5 minutes", "", "15T12:05"),
        ("Your account's 7-day limit reached · resets Jul 18 3pm (UTC)", "seven_day", "18T15:00"),
        ("Daily limit reached · resets 3pm (UTC)", "", "14T15:00"),
        ("API Error: 429 You've hit your limit · resets 3pm (UTC)", "", "14T15:00"),
        (
            "You've hit your monthly spend limit · your weekly limit resets Jul 18, 3pm (UTC)",
            "seven_day",
            "18T15:00",
        ),
    ],
)
def test_other_wordings_of_the_same_limits(text: str, kind: str, resets: str) -> None:
    found = usage_limit(text, NOW, local=UTC)
    assert found is not None
    assert (found.kind, found.resets_at) == (kind, datetime.fromisoformat(f"2026-07-{resets}+00:00"))


@pytest.mark.parametrize(
    ("now", "text", "resets"),
    [
        # Clocks go forward in the night: the day has 23 hours, and half past two does not exist.
        ("2026-03-07T23:00-05:00", "resets 9am (America/New_York)", "2026-03-08T13:00+00:00"),
        ("2026-03-08T01:00-05:00", "resets 2:30am (America/New_York)", "2026-03-08T07:30+00:00"),
        ("2026-03-28T20:00+00:00", "resets tomorrow at 8am (Europe/Berlin)", "2026-03-29T06:00+00:00"),
        # They go back: half past one comes twice.
        ("2026-10-31T23:00-04:00", "resets 9am ET", "2026-11-01T14:00+00:00"),
        ("2026-11-01T01:45-04:00", "resets 1:50am (America/New_York)", "2026-11-01T05:50+00:00"),
        ("2026-11-01T01:45-05:00", "resets 1:50am (America/New_York)", "2026-11-01T06:50+00:00"),
        ("2026-10-24T20:00+00:00", "resets Sun 8am (Europe/London)", "2026-10-25T08:00+00:00"),
    ],
)
def test_a_reset_around_a_change_of_the_clocks(now: str, text: str, resets: str) -> None:
    assert reset_time(text, datetime.fromisoformat(now)) == datetime.fromisoformat(resets)


@pytest.mark.parametrize(
    ("now", "text", "resets"),
    [
        # Israel, Ireland and India: Kolkata is the first of them at which it is nine.
        ("2026-07-14T10:00+00:00", "resets 9pm (IST)", "2026-07-14T15:30+00:00"),
        ("2026-07-14T16:00+00:00", "resets 9pm IST", "2026-07-14T18:00+00:00"),
        ("2026-07-14T10:00+00:00", "resets 9pm (CST)", "2026-07-14T13:00+00:00"),
        # Nothing is known of it: some zone has that time within the hour.
        ("2026-07-14T10:20+00:00", "resets 9pm (XYZT)", "2026-07-14T11:00+00:00"),
        ("2026-07-14T10:20+00:00", "resets 9pm SGT", "2026-07-14T11:00+00:00"),
    ],
)
def test_an_ambiguous_zone_means_the_earliest_reset(now: str, text: str, resets: str) -> None:
    found = reset_time(text, datetime.fromisoformat(now), ZoneInfo("America/Los_Angeles"))
    assert found == datetime.fromisoformat(resets)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Done. I made the parser say “You've hit your limit · resets 5pm” when the quota is used up.",
        "The retry limit reached by the worker is now configurable.",
        "You've hit your limit · resets 5pm. " + "And then I went on to write the tests for it. " * 20,
        "You've hit your org's monthly usage limit",
        "Credit balance is too low",
    ],
)
def test_an_agent_that_talks_about_limits_has_met_none(text: str) -> None:
    assert usage_limit(text, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "Credit balance is too low",
        "Spending cap reached",
        "You've hit your org's monthly usage limit",
        "You’ve hit your organization’s monthly spend limit · resets Aug 1",
        "Your usage allocation has been disabled by your admin",
        "Your organization has been disabled",
        "Your account does not have access to Claude. Please login again or contact your administrator.",
    ],
)
def test_money_and_administrators_are_not_cured_by_waiting(text: str) -> None:
    assert is_account_problem(text)
    assert usage_limit(text, NOW) is None


def test_a_time_just_gone_by_is_meant_for_today() -> None:
    now = datetime(2026, 7, 14, 17, 0, 20, tzinfo=UTC)
    assert reset_time("resets 5pm (UTC)", now) == datetime(2026, 7, 14, 17, tzinfo=UTC)
    assert reset_time("resets 4pm (UTC)", now) == datetime(2026, 7, 15, 16, tzinfo=UTC)


def test_a_date_without_a_year_is_the_nearest_one() -> None:
    new_year = datetime(2026, 12, 31, 20, tzinfo=UTC)
    assert reset_time("resets Jan 2 at 3am (UTC)", new_year) == datetime(2027, 1, 2, 3, tzinfo=UTC)
    after = datetime(2027, 1, 1, 2, tzinfo=UTC)
    assert reset_time("resets Dec 31 at 11pm (UTC)", after) == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert reset_time("resets Feb 29 at 1am (UTC)", datetime(2028, 2, 20, tzinfo=UTC)) == datetime(
        2028, 2, 29, 1, tzinfo=UTC
    )


def test_a_zone_nobody_knows_is_this_machines() -> None:
    for zone in ("Nowhere/Land", "Europe", "../etc/passwd", "/etc"):
        assert reset_time(f"resets 5pm ({zone})", NOW, local=VILNIUS) == datetime(2026, 7, 14, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["resets 25pm", "resets 13:75", "resets Feb 30 at 1am", "resets 7", "resets Jun 31 3am"]
)
def test_a_time_that_does_not_exist_is_no_time(text: str) -> None:
    assert reset_time(text, NOW, local=UTC) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_is_the_next_one_in_its_zone(moment: datetime, hour: int, minute: int) -> None:
    now = moment.replace(tzinfo=UTC)
    reset = reset_time(f"resets {hour}:{minute:02} (Europe/Vilnius)", now)
    assert reset is not None
    assert timedelta(minutes=-71) <= reset - now <= timedelta(hours=25)
    local = reset.astimezone(VILNIUS)
    # In the night when clocks go forward, a time that does not exist is an hour later.
    assert (local.hour, local.minute) in {(hour, minute), (hour + 1, minute)}


@given(st.text() | st.from_regex(r"resets? [a-z0-9 :,()/]{0,40}"))
def test_no_text_is_too_strange(text: str) -> None:
    reset_time(text, NOW)
    usage_limit(f"You've hit your limit · {text}", NOW)


def test_wordings_of_the_newest_cli_without_a_reset_are_for_the_account_and_with_one_are_limits() -> None:
    moment = datetime(2026, 11, 29, 18, tzinfo=UTC)
    for text in (
        "You're out of usage credits. Run /usage-credits to keep using Claude",
        "Your organization is out of usage credits. Contact your admin to add more.",
        "You've hit your channel's monthly spend limit.",
    ):
        assert is_account_problem(text), text
        assert usage_limit(text, moment) is None, text
        assert is_disguised_failure(text), text
    for text in (
        "You're out of usage credits · resets 9pm",
        "Fable limit reached · resets 9pm",
        "Usage credit limit reached · resets 9pm",
    ):
        found = usage_limit(text, moment, UTC)
        assert found is not None, text
        assert found.resets_at == moment.replace(hour=21), text
    kinds = [
        classify_failure(None, text).kind
        for text in (
            "Server is temporarily limiting requests (not your usage limit)",
            "Selected model is at capacity.",
        )
    ]
    assert kinds == [OutcomeKind.RATE_LIMITED, OutcomeKind.OVERLOADED]
