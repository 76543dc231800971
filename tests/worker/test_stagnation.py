from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samobot.worker.stagnation import STAGNATION_AFTER, Stagnation


@given(changed=st.lists(st.booleans(), max_size=60))
def test_stagnation_is_exactly_five_unchanged_iterations_in_a_row(changed: list[bool]) -> None:
    stagnation = Stagnation()
    for end, each in enumerate(changed, start=1):
        run = changed[:end]
        expected = len(run) >= STAGNATION_AFTER and not any(run[-STAGNATION_AFTER:])
        assert stagnation.count(changed=each) == expected
