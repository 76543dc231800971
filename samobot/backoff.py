"""Exponential backoff: how long to wait before another attempt. Pure."""

from __future__ import annotations


def backoff(attempt: int, first: float, longest: float) -> float:
    """Return the seconds before another attempt: `first`, doubled each time, at most `longest`.

    Args:
        attempt: Number of failed attempts so far, from 1.
        first: Seconds after the first failure.
        longest: Seconds at most.
    """
    # Past 2^60 the longest wait is reached long since, and a larger power would overflow.
    return min(first * 2.0 ** min(max(attempt - 1, 0), 60), longest)
