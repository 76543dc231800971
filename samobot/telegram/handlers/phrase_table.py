"""Tables of phrases, and texts that consist of nothing but such phrases. Pure.

Case, accents, punctuation, repeated letters (`yesss`) and variants of emoji make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Generic, TypeVar

MOST_CHARACTERS = 2_000
"""A longer text has no tokens: nothing short is looked for in it."""

Value = TypeVar("Value")

_LONGEST_UNSPACED = 60
_DRAWN_OUT = re.compile(r"([^\W\d_])\1\1|([a-z])\2\b")
_FOLDED = ("LATIN", "GREEK", "ARABIC", "COMBIN")
_SAME = str.maketrans({"ё": "е", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "s", "ς": "σ"})


def tokens(text: str) -> list[str]:
    """Return the lower-case tokens and emoji of a short text, without punctuation and accents."""
    if len(text) > MOST_CHARACTERS:
        return []
    plain = unicodedata.normalize("NFKC", text).casefold().replace("+1", " lgtm ")
    plain = re.sub("[\u200b-\u200f\u2060\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]", "", plain)
    found: list[str] = []
    within = False
    for char in _fold(plain.translate(_SAME)):
        category = unicodedata.category(char)
        is_letter = category[0] in "LNM"
        if is_letter and within:
            found[-1] += char
        elif is_letter or category in ("So", "Sm"):
            found.append(char)
        within = is_letter
    return found


def _fold(text: str) -> str:
    """Return the text without the accents of alphabets in which people leave them out."""
    if text.isascii():
        return text
    folded = "".join(
        unicodedata.normalize("NFD", char) if unicodedata.name(char, "").startswith(_FOLDED) else char
        for char in text
    )
    return "".join(
        char
        for char in folded
        if unicodedata.category(char) != "Mn" or not unicodedata.name(char, "").startswith(_FOLDED)
    )


def split_phrases(text: str) -> frozenset[str]:
    """Return the phrases of a table's text, which has `|` between them, in the form that `tokens` gives."""
    return frozenset(" ".join(tokens(part)) for part in text.split("|")) - {""}


class PhraseTable(Generic[Value]):
    """Phrases, each with a value.

    Args:
        groups: Values with their phrases; of a phrase that stands twice, the first counts.
    """

    def __init__(self, groups: Iterable[tuple[Value, Iterable[str]]]) -> None:
        self._values: dict[str, Value] = {}
        for value, phrases in groups:
            for phrase in phrases:
                self._values.setdefault(phrase, value)
        self._longest = max(len(phrase.split()) for phrase in self._values)
        self._squeezed = {
            _squeezed(phrase): value for phrase, value in self._values.items() if not _is_unspaced(phrase[0])
        }
        self._unspaced = {phrase for phrase in self._values if " " not in phrase}

    def __contains__(self, phrase: str) -> bool:
        return phrase in self._values

    def get(self, phrase: str) -> Value | None:
        """Return the value of one phrase; None if it is none of the table's."""
        return self._values.get(phrase)

    def cover(self, words: list[str]) -> list[Value] | None:
        """Return the values of the phrases that make up the whole text; None if something is left over."""
        found, at = self._prefix(words)
        return found if at == len(words) else None

    def prefix(self, words: list[str]) -> list[Value]:
        """Return the values of the phrases that a text begins with."""
        return self._prefix(words)[0]

    def _prefix(self, words: list[str]) -> tuple[list[Value], int]:
        found: list[Value] = []
        at = 0
        while at < len(words):
            values, length = self._longest_at(words, at)
            if not length:
                break
            found += values
            at += length
        return found, at

    def _longest_at(self, words: list[str], at: int) -> tuple[list[Value], int]:
        for length in range(min(self._longest, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            if phrase in self._values:
                return [self._values[phrase]], length
            if _DRAWN_OUT.search(phrase) and _squeezed(phrase) in self._squeezed:
                return [self._squeezed[_squeezed(phrase)]], length
        values = self._segments(words[at])
        return (values, 1) if values else ([], 0)

    def _segments(self, word: str) -> list[Value]:
        """Return the values of the phrases that a text without spaces, as Chinese is written, consists of."""
        if len(word) > _LONGEST_UNSPACED or not any(_is_unspaced(char) for char in word):
            return []
        best: list[list[Value] | None] = [[], *[None] * len(word)]
        for stop in range(1, len(word) + 1):
            for start in range(stop):
                before, part = best[start], word[start:stop]
                if before is not None and part in self._unspaced and not (part.isascii() and len(part) < 2):
                    best[stop] = [*before, self._values[part]]
                    break
        return best[-1] or []


def begins_unspaced(word: str, phrases: Iterable[str]) -> bool:
    """Whether a text without spaces begins with one of the phrases, of at least two characters."""
    return _is_unspaced(word[:1]) and any(len(each) > 1 and word.startswith(each) for each in phrases)


def _squeezed(word: str) -> str:
    """Return a text with each run of one letter as one letter."""
    return re.sub(r"(.)\1+", r"\1", word)


def _is_unspaced(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff" or (
        "\u2e80" <= char <= "\U0002fa1f" and not "\uac00" <= char <= "\ud7a3"
    )
