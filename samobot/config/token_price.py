"""What a model costs by token, for a program that reports tokens only."""

from __future__ import annotations

import math

from samobot.frozen import frozen

NO_PRICE = "none"
"""The value with which the user accepts that no budget counts what the program costs."""

_MILLION = 1_000_000


@frozen
class TokenPrice:
    """US dollars for a million tokens.

    Attributes:
        input: Read by the model, and not from its cache.
        cached: Read from its cache.
        output: Written by it, its reasoning included.
    """

    input: float
    cached: float
    output: float

    def cost(self, *, read: int, cached: int, written: int) -> float:
        """Return what numbers of tokens cost, in US dollars."""
        return (read * self.input + cached * self.cached + written * self.output) / _MILLION


def parse_token_price(value: object) -> object:
    """Turn a setting such as `1.25,0.125,10` into a price, for pydantic; `none` stays as it is.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(value, str) or value.strip() == NO_PRICE:
        return value.strip() if isinstance(value, str) else value
    try:
        read, cached, written = (float(part) for part in value.split(","))
        price = TokenPrice(read, cached, written)
    except ValueError:
        price = None
    if price is None or not all(0 <= part < math.inf for part in (price.input, price.cached, price.output)):
        raise ValueError(
            f"it should be US dollars for a million input, cached and output tokens, such as 1.25,0.125,10, or {NO_PRICE}"
        )
    return price
