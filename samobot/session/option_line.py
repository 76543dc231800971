"""One option of a question with its place among the lines."""

from __future__ import annotations

from typing import NamedTuple


class OptionLine(NamedTuple):
    """An option; `at` is the index of its first line in the body."""

    at: int
    letter: str
    text: str


def letter_of(number: int) -> str | None:
    """Return the letter of an option by its position, from 1; None above 26."""
    return chr(ord("A") + number - 1) if 1 <= number <= 26 else None
