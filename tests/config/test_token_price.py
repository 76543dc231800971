"""What Codex's tokens cost, as the user sets it."""

from __future__ import annotations

import pytest

from samobot.config.settings_loader import load_settings
from samobot.config.token_price import TokenPrice
from samobot.errors import UsageError
from tests.support.cases import for_each


def test_price_is_that_of_a_million_tokens_and_the_cache_counts_apart() -> None:
    price = load_settings({"CODEX_PRICE": " 1.25, 0.125 ,10 "}).codex_price
    assert price == TokenPrice(1.25, 0.125, 10)
    assert price.cost(read=2_000_000, cached=4_000_000, written=100_000) == pytest.approx(2.5 + 0.5 + 1)


def test_without_a_price_there_is_none_and_the_user_can_do_without() -> None:
    assert load_settings({}).codex_price is None
    assert load_settings({"CODEX_PRICE": " none"}).codex_price == "none"


@for_each(
    "value",
    ["1", "1,2", "1,2,3,4", "a,b,c", "1,-1,2", "nan,1,1", "1,inf,1", "None", "1.25;0.1;10", "$1,$1,$1"],
)
def test_any_other_value_is_refused_with_the_form(value: str) -> None:
    with pytest.raises(
        UsageError, match=r"CODEX_PRICE in the environment cannot be used: .*1\.25,0\.125,10, or none"
    ):
        load_settings({"CODEX_PRICE": value})
