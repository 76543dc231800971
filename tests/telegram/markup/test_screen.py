"""How much of a text a phone's screen shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samobot.telegram.markup.rich_text import RichText, utf16_units
from samobot.telegram.markup.screen import PHONE_LINE, beginning


def test_long_lines_take_several_lines_of_the_screen() -> None:
    assert beginning(RichText("x" * 1000), 3) == 3 * PHONE_LINE
    assert beginning(RichText("a\n" * 10), 3) == len("a\na\na\n")
    assert beginning(RichText("x" * (PHONE_LINE + 1) + "\nb\nc"), 3) == PHONE_LINE + 4


def test_an_emoji_counts_as_telegram_counts_it() -> None:
    assert beginning(RichText("😀"), 1) == 2


@given(st.text(alphabet="a\n😀"), st.integers(1, 12))
def test_it_is_a_beginning_and_never_more_than_the_screen_holds(text: str, most: int) -> None:
    units = beginning(RichText(text), most)
    assert 0 <= units <= utf16_units(text)
    if len(text) <= PHONE_LINE and "\n" not in text:
        assert units == utf16_units(text)
