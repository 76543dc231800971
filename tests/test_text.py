"""Promises of the text helpers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.text import (
    clip,
    has_control,
    human_duration,
    human_money,
    human_size,
    nearest,
    one_line,
    without_surrogates,
)


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_clean_line_of_the_length_asked_for(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert not has_control(line)
    assert line == line.strip()
    assert line.encode().decode() == line


def test_one_line_joins_what_white_space_and_control_characters_part() -> None:
    assert one_line(" a\r\n\tb\0c\u2028d \x1b e ") == "a b c d e"


@given(st.text())
def test_text_without_surrogates_can_be_encoded(text: str) -> None:
    clean = without_surrogates(text)
    assert clean.encode().decode() == clean
    assert len(clean) == len(text)


@pytest.mark.parametrize(("limit", "clipped"), [(5, "abcde"), (4, "abc…"), (1, "…")])
def test_clip_shows_that_something_is_missing(limit: int, clipped: str) -> None:
    assert clip("abcde", limit) == clipped


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (14 * 60 + 59, "14 min"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (86400, "1 d"),
        (97200, "1 d 3 h"),
    ],
)
def test_durations_are_shown_in_everyday_form(seconds: float, said: str) -> None:
    assert human_duration(seconds) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0, "$0.00"), (0.004, "<$0.01"), (0.42, "$0.42"), (12.3, "$12.30"), (1234.5, "$1,234.50")],
)
def test_money_is_shown_in_everyday_form(usd: float, said: str) -> None:
    assert human_money(usd) == said


@pytest.mark.parametrize("usd", [0.0, 0.004, 1.5])
def test_a_sum_of_which_a_part_has_no_price_is_said_to_be_at_least_that(usd: float) -> None:
    assert human_money(usd, unpriced=2) == f"at least ${usd:.2f}"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1200, "1.2 kB"),
        (999_960, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (2_000_000_000, "2.0 GB"),
    ],
)
def test_sizes_are_shown_in_everyday_form(count: int, said: str) -> None:
    assert human_size(count) == said


def test_the_nearest_choice_is_what_was_probably_meant() -> None:
    assert nearest("Implementaton", ["planning", "implementation"]) == "implementation"
    assert nearest("xyz", ["planning", "implementation"]) is None
