from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.telegram.outbound.rate_limit import RateLimiter, RateLimits


def sent_times(
    pace: RateLimiter, chat_id: int, count: int, *, edit: bool = False, background: bool = False
) -> list[float]:
    now, times = 0.0, []
    for _ in range(count):
        now += pace.wait(chat_id, now, edit=edit, background=background)
        pace.spend(chat_id, now, edit=edit)
        times.append(now)
    return times


def test_a_short_burst_goes_at_once_and_then_one_a_second() -> None:
    assert sent_times(RateLimiter(RateLimits(burst=3)), 7, 6) == [0, 0, 0, 1, 2, 3]


def test_edits_in_the_background_never_burst() -> None:
    assert sent_times(RateLimiter(RateLimits()), 7, 4, edit=True, background=True) == [0, 1, 2, 3]


@pytest.mark.parametrize("edit", [False, True])
def test_background_leaves_room_for_what_a_user_waits_for(edit: bool) -> None:
    pace = RateLimiter(RateLimits())
    *_, last = sent_times(pace, 7, 20, edit=edit, background=True)
    assert pace.wait(7, last, edit=edit) == 0.0
    pace.spend(7, last, edit=edit)
    assert pace.wait(7, last, edit=edit, background=True) > 1.0


def test_background_leaves_room_in_a_group() -> None:
    pace = RateLimiter(RateLimits())
    assert sent_times(pace, -7, 15, background=True) == [0, *range(14)]
    assert pace.wait(-7, 20.0, edit=False, background=True) == 40.0
    assert [pace.wait(-7, 20.0, edit=False, messages=each) for each in (5, 6)] == [0.0, 40.0]


def test_background_goes_out_where_the_burst_is_no_larger_than_its_reserve() -> None:
    pace = RateLimiter(RateLimits(burst=1, edit_burst=1))
    assert sent_times(pace, 7, 3, background=True) == [0, 1, 2]


def test_edits_do_not_hold_up_messages() -> None:
    pace = RateLimiter(RateLimits())
    pace.spend(7, 0.0, edit=True)
    pace.spend(7, 0.0, edit=True)
    assert pace.wait(7, 0.0, edit=True) == 1.0
    assert pace.wait(7, 0.0, edit=False) == 0.0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=80))
def test_no_minute_of_a_group_sees_more_than_twenty(steps: list[tuple[float, bool]]) -> None:
    pace, now, times = RateLimiter(RateLimits()), 0.0, []
    for step, edit in steps:
        now += step
        now += pace.wait(-7, now, edit=edit)
        pace.spend(-7, now, edit=edit)
        times.append(now)
    for start in times:
        assert sum(start <= time < start + 59.999 for time in times) <= 20


def test_an_album_is_one_call_but_counts_in_a_group_by_its_pictures() -> None:
    pace = RateLimiter(RateLimits())
    for chat_id in (7, -7):
        pace.spend(chat_id, 0.0, edit=False, messages=10)
        pace.spend(chat_id, 30.0, edit=False, messages=8)
    assert [pace.wait(chat_id, 35.0, edit=False, messages=10) for chat_id in (7, -7)] == [0.0, 25.0]
    assert pace.wait(-7, 35.0, edit=False, messages=2) == 0.0


def test_thirty_a_second_over_all_chats() -> None:
    pace, now = RateLimiter(RateLimits()), 0.0
    for chat_id in range(1, 31):
        assert pace.wait(chat_id, now, edit=False) == 0
        pace.spend(chat_id, now, edit=False)
    assert pace.wait(31, now, edit=False) == 1.0


def test_a_flooded_chat_waits_alone() -> None:
    pace = RateLimiter(RateLimits())
    pace.flood(7, 0.0, 30.0)
    assert pace.wait(7, 10.0, edit=False) == 20.0
    assert pace.wait(8, 10.0, edit=False) == 0.0


def test_two_flooded_chats_mean_the_whole_bot() -> None:
    pace = RateLimiter(RateLimits())
    pace.flood(7, 0.0, 30.0)
    pace.flood(8, 1.0, 10.0)
    assert pace.wait(9, 1.0, edit=False) == 10.0


def test_a_flood_that_is_over_does_not_count_as_the_first_of_two() -> None:
    pace = RateLimiter(RateLimits())
    pace.flood(7, 0.0, 5.0)
    pace.flood(8, 6.0, 10.0)
    assert pace.wait(9, 6.0, edit=False) == 0.0


def test_a_hold_of_our_own_can_be_taken_back() -> None:
    pace = RateLimiter(RateLimits())
    pace.hold(7, 0.0, 3600.0)
    pace.flood(7, 0.0, 5.0)
    pace.release(7)
    assert pace.wait(7, 0.0, edit=False) == 5.0
