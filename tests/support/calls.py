"""How much work a function does, as a number that is the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def calls_of(function: Callable[[int], object], size: int) -> int:
    """Return how many functions, built-in ones included, are called while `function` works on something of that size."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(size)
    finally:
        sys.setprofile(before)
    return count


def assert_linear(function: Callable[[int], object]) -> None:
    """Fail if twice the size takes far more than twice the calls.

    What a regular expression does is no call: what grows much faster than the square of the size would hang instead.
    """
    function(10_000)
    assert calls_of(function, 4_000) < 2.5 * calls_of(function, 2_000)
