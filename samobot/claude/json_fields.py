"""Fields of a program's JSON lines: taken only if they have the expected type, and clipped. Nothing here raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_LIST_LIMIT = 200
"""Items of a list that are looked at."""


def object_of(value: object) -> Mapping[str, Any]:
    """An object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def items_of(value: object) -> list[Any]:
    """The first items of a list; none in place of anything else."""
    return value[:_LIST_LIMIT] if isinstance(value, list) else []


def text_of(value: object, limit: int) -> str:
    """The beginning of a string, without lone surrogates, which JSON can hold but files and chats cannot."""
    if not isinstance(value, str):
        return ""
    text = value[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def number_of(value: object) -> float | None:
    """A finite number; None in place of anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def integer_of(value: object) -> int | None:
    """A number without its fraction; None in place of anything else."""
    number = number_of(value)
    return None if number is None else int(number)


def count_of(value: object) -> int:
    """A count from 0; 0 in place of anything else."""
    return max(0, integer_of(value) or 0)


def amount_of(value: object) -> float | None:
    """A number from 0; None in place of anything else."""
    number = number_of(value)
    return number if number is not None and number >= 0 else None
