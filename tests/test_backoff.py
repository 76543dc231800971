from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.backoff import backoff


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (10**9, 600)]
)
def test_backoff_doubles_up_to_the_longest(attempt: int, seconds: float) -> None:
    assert backoff(attempt, 5, 600) == seconds


@given(st.integers(0, 10**12), st.floats(0, 1e6), st.floats(0, 1e6))
def test_backoff_never_exceeds_the_longest_nor_shrinks(attempt: int, first: float, longest: float) -> None:
    assert backoff(attempt, first, longest) <= longest
    assert backoff(attempt, first, longest) <= backoff(attempt + 1, first, longest)
