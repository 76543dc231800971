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
