"""A long text in overlapping windows: one search of a large file would stop the whole bot for seconds. Pure."""

from __future__ import annotations

from collections.abc import Iterator

WINDOW = 128 * 1024
"""Characters of a window; a text that is no longer is one."""

_OVERLAP = 16 * 1024
"""Characters that two windows share: what the end of one divides is whole in the next."""


def windows(text: str) -> Iterator[tuple[int, str]]:
    """Yield the windows of a text with where each begins: at a line, where one begins early in the overlap."""
    start = 0
    while True:
        end = start + WINDOW
        yield start, text[start:end]
        if end >= len(text):
            return
        line = text.find("\n", end - _OVERLAP, end - _OVERLAP // 2) + 1
        start = line or end - _OVERLAP
