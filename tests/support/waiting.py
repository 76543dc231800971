"""Waiting for something another process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(condition: Callable[[], _T], seconds: float = 60) -> _T:
    """Look again and again until a condition is truthy, and return what it gave.

    A look that is expensive is repeated less often: it must not take the processor from what is waited for.

    Raises:
        AssertionError: It was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        before = time.thread_time()
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(max(0.01, 9 * (time.thread_time() - before)))
