"""What counts calls tells linear work from quadratic work."""

from __future__ import annotations

import pytest

from tests.support.calls import assert_linear, calls_of


def work(calls: int) -> None:
    for _ in range(calls):
        len("")


def test_calls_of_built_in_functions_count() -> None:
    assert 100 <= calls_of(work, 100) < 110


def test_work_that_grows_with_the_square_is_found() -> None:
    assert_linear(work)
    with pytest.raises(AssertionError):
        assert_linear(lambda size: work((size // 100) ** 2))
