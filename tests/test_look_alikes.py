"""Letters that look like Latin ones."""

from __future__ import annotations

from samobot.look_alikes import LIKE_LATIN, plain_letters
from tests.support.cases import for_each


@for_each("letter", sorted(LIKE_LATIN))
def test_a_look_alike_becomes_a_latin_letter(letter: str) -> None:
    plain = plain_letters(letter)
    assert not letter.isascii()
    assert plain.isascii()
    assert plain.isalpha()
    assert len(plain) == 1


@for_each(
    ("text", "plain"),
    [
        ("", ""),
        ("Q1 B", "Q1 B"),
        ("А", "A"),
        ("Ｂ：２", "B:2"),
        ("ⓑ ①", "b 1"),
        ("❷ ٢ 🇧", "2 2 B"),
        ("1\ufe0f\u20e3", "1  "),
        ("жé漢…", "жé漢…"),
    ],
)
def test_other_letters_stay(text: str, plain: str) -> None:
    assert plain_letters(text) == plain
