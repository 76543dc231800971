"""The options of a question, in the forms in which models write them. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from samobot.look_alikes import plain_letters
from samobot.regex import regex
from samobot.session.blocks import Line
from samobot.session.option_layouts import (
    OptionLine,
    are_one_list,
    find_columns,
    find_roman,
    letter_of,
    opened_fences,
)
from samobot.session.option_phrases import BULLET, OPTIONS_KEY, find_inline, find_inline_numbers, find_listed

_MARK = r"\s{0,8}(?:[-*+]\s{1,4})?(?:\[[ xX]?\]\s{1,3})?"
_FIRM = regex(
    rf"{_MARK}(?P<bold>\*\*|__)?(?P<open>[(\[])?(?:[Oo]ption\s{{1,2}})?"
    r"(?P<key>[A-Za-z])(?P<sign>[)\]](?P<close>\*\*|__)?[:.]?|[.:](?P<close2>\*\*|__)|(?P<close3>\*\*|__)[).:]|\.)(?:\s|$)"
)
_INITIAL = regex(rf"{_MARK}[A-Z]\.\s")
_NAMED = regex(
    rf"{_MARK}(?:#{{1,6}}\s{{1,3}})?(?P<bold>\*\*|__)?(?:[Oo]ption|[Cc]hoice|[Aa]lternative|OPTION)\s{{1,2}}"
    r"(?P<key>[A-Za-z]|[0-9]{1,2})(?P<close>\*\*|__)?\s?(?:[).:]|[-–—](?=\s))?(?P<close2>\*\*|__)?(?:\s|$)"
)
_WEAK = regex(
    rf"{_MARK}(?P<bold>\*\*|__|`)?(?P<key>[A-Za-z])(?P<close>\*\*|__|`)?(?::|\s{{1,2}}[-–—=→]|(?<=[*_`])(?=\s))(?P<close2>\*\*|__)?(?:\s|$)"
)
_NUMBERED = regex(
    rf"{_MARK}(?P<bold>\*\*|__)?(?P<open>[(\[])?(?P<key>[0-9]{{1,2}})(?P<close>\*\*|__)?[).:\]](?P<close2>\*\*|__)?(?:\s|$)"
)
_BOX = regex(r"\s{0,8}[-*+]\s{1,4}\[[ xX]?\]\s{1,3}(?=\S)")
_HEADING = regex(r" {0,3}#{1,6}\s{1,3}")
_ROW = regex(r"\s{0,3}\|(.+)\|\s{0,8}")
_CELL_KEY = regex(
    r"[*_`(\[]{0,3}(?:[Oo]ption\s)?(?P<key>[A-Za-z]|[0-9]{1,2})[*_`).:\]]{0,4}(?:\s(?P<rest>\S.*))?"
)
_QUOTE = regex(r"\s{0,3}>\s?")
_KEYCAP = regex(
    r"^(?P<mark>\s{0,8}(?:[-*+]\s{1,4})?)(?:(?P<digit>[1-9])\ufe0f?\u20e3|(?P<sign>[🅰🅱①-⑳Ⓐ-Ⓩ🇦-🇿])\ufe0f?)\s{0,4}"
)
_POINTER = regex(
    r"^(\s{0,8}(?:[-*+]\s{1,4})?)(?:[👉➡★⭐▶🔹🔸🔵🟢⚪]\ufe0f?\s{1,3})(?=\*{0,2}[(\[]?[A-Za-z][).:\]])"
)
_OTHER_BULLET = regex(r"^(\s{0,8})[•◦▪●○◯‣]\s{1,4}(?=\S)")
_OTHER_BOX = regex(r"^(\s{0,8})(?:[-*+•]\s{1,4})?(?:[☐□⬜]\ufe0f?|\(\s?\)|\[\s?\])\s{1,4}(?=\S)")
_LETTERED = regex(r"^\W{0,10}[АВСЕＡ-Ｆ][\W_]|^\W{0,10}[A-Z][）．：、］]")
_CYRILLIC = regex(r"^(\W{0,10})([А-Ка-к])(?=[).:]\W|\*{0,2}\W{0,2}$|\*{0,2}\s[-–—=]\s)")
_CYRILLIC_SECOND = regex(r"^\W{0,10}[Бб][).:]\W")
_NESTED = regex(r"^(\s{0,8})[0-9]{1,2}[.)]\s{1,4}(?=\*{0,2}(?:[(\[]?[A-Z][).:\]]\s|Option\s[A-Z0-9]{1,2}\b))")
_ITALIC = regex(r"^(\s{0,8}(?:[-+]\s{1,4})?)\*(?!\*)\s?([A-Z][).:])\*\s{0,3}")
_ESCAPED = regex(r"^(\W{0,6}[A-Za-z0-9]{1,2})\\(?=[).])")
_UNSPACED = regex(r"^(\s{0,8}(?:[-*+]\s{1,4})?\*{0,2}[A-Z]\))(?=[^\W_])")
_FEWEST = 2
"""Options that the weaker forms need: a single one may be the beginning of a sentence."""


def find_options(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Return the options of a question in the first form of which there are enough; `skipped` lines are none.

    Lines of a block quote count only if no others are options: a quote may be somebody else's list. Those of a code
    block count only if it holds nothing else.
    """
    plain = _plain_lines(body)
    found = _find(plain, skipped)
    if not found and any(_QUOTE.match(line.text) for line in plain if not line.code):
        found = _find([line._replace(text=_QUOTE.sub("", line.text, count=1)) for line in plain], skipped)
    if not found and any(line.code for line in body):
        in_code = _find(opened_fences(plain), skipped)
        found = in_code if len(in_code) >= _FEWEST and are_one_list(body, in_code) else []
    return found


def without_sign(text: str) -> str:
    """Return a line with the usual form of an option in place of an unusual one: `1️⃣ x`, `А） x`, `☐ x`, `• x`, `A)x`."""
    if not text.isascii():
        if (found := _KEYCAP.match(text)) is not None:
            return f"{found['mark']}{_key(found['digit'] or found['sign'])}) {text[found.end() :]}"
        text = _POINTER.sub(r"\1", text, count=1)
        if (head := _LETTERED.match(text)) is not None:
            text = plain_letters(head[0].replace("、", ")")) + text[head.end() :]
            text = re.sub(r"^(\W{0,10}[A-Z][):.])(?=\w)", r"\1 ", text)
    text = _OTHER_BOX.sub(r"\1- [ ] ", text, count=1)
    if not text.isascii():
        text = _OTHER_BULLET.sub(r"\1- ", text, count=1)
    for pattern, usual in ((_NESTED, r"\1"), (_ITALIC, r"\1\2 "), (_ESCAPED, r"\1"), (_UNSPACED, r"\1 ")):
        text = pattern.sub(usual, text, count=1)
    return text


def _plain_lines(body: Sequence[Line]) -> list[Line]:
    """The lines with the signs and letters of options in their plain forms."""
    is_latin = not is_cyrillic(body)
    return [
        line._replace(text=without_sign(line.text if is_latin else latin_letter(line.text))) for line in body
    ]


def is_cyrillic(body: Sequence[Line]) -> bool:
    """Whether the options are lettered А, Б, В: the third looks like a B."""
    return any(map(_CYRILLIC_SECOND.match, [line.text for line in body]))


def latin_letter(text: str) -> str:
    """Return a text that begins with a Cyrillic letter with the Latin one of the same place; й is not counted."""
    return _CYRILLIC.sub(
        lambda found: found[1] + "ABCDEFGHIXJ"[ord(found[2].casefold()) - ord("а")], text, count=1
    )


def _key(sign: str) -> str:
    if sign in "🅰🅱":
        return "A" if sign == "🅰" else "B"
    for first, base in (("Ⓐ", "A"), ("🇦", "A"), ("①", "1")):
        if 0 <= ord(sign) - ord(first) < 26:
            number = ord(sign) - ord(first)
            return chr(ord(base) + number) if base == "A" else str(number + 1)
    return sign


def _find(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    for reader, fewest in (
        (firm_option, 1),
        (_named, _FEWEST),
        (_weak, _FEWEST),
    ):
        found = _lettered(body, skipped, reader)
        if [option.letter for option in found] == ["I"]:
            continue  # a Roman one
        if len(found) == fewest == 1 and (
            # “A. Miller decides.” is a sentence.
            find_inline(body, skipped) or _INITIAL.match(body[found[0].at].text)
        ):
            continue
        if len(found) >= fewest:
            return found
    for search in (
        find_columns,
        find_inline,
        _table,
        _numbered,
        find_roman,
        _boxes,
        _listed,
        find_inline_numbers,
        find_listed,
    ):
        found = search(body, skipped)
        if len(found) >= _FEWEST:
            return found
    return []


def _lettered(
    body: Sequence[Line], skipped: frozenset[int], reader: Callable[[str], tuple[str, str, bool] | None]
) -> list[OptionLine]:
    found: list[OptionLine] = []
    for index, line in enumerate(body):
        if line.code or index in skipped:
            continue
        seen = reader(line.text)
        if seen is None:
            continue
        letter, text, is_firm = seen
        due = chr(ord(found[-1].letter) + 1) if found else "A"
        # “A. Miller” in a sentence looks like an option, so only “B)” may leave a letter out.
        if letter == due or (is_firm and letter > due):
            found.append(OptionLine(index, letter, text))
    return found


def firm_option(text: str) -> tuple[str, str, bool] | None:
    """Return letter, text and whether letters may be left out, for a line such as `A) x`; None for any other line."""
    body = _without_heading(text)
    found = _FIRM.match(body)
    if found is None:
        return None
    if found["open"] == "[" and not found["sign"].startswith("]"):
        return None
    is_closed = any(found.group("close", "close2", "close3"))
    words = _unbold(body[found.end() :], is_open=bool(found["bold"]) and not is_closed)
    is_firm = (found["sign"][:1] in ")]" and found["key"].isupper()) or found["sign"].endswith(")")
    return found["key"].upper(), words, is_firm and found["key"].isupper()


def _named(text: str) -> tuple[str, str, bool] | None:
    found = _NAMED.match(text)
    if found is None:
        return None
    key = found["key"].upper()
    letter = key if key.isalpha() else letter_of(int(key))
    is_open = bool(found["bold"]) and not (found["close"] or found["close2"])
    return (letter, _unbold(text[found.end() :], is_open=is_open), False) if letter else None


def _weak(text: str) -> tuple[str, str, bool] | None:
    body = _without_heading(text)
    found = _WEAK.match(body)
    if found is None:
        return None
    is_open = found["bold"] in ("**", "__") and not (found["close"] or found["close2"])
    return found["key"].upper(), _unbold(body[found.end() :], is_open=is_open), False


def _numbered(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    found: list[OptionLine] = []
    indent = 0
    for index, line in enumerate(body):
        seen = None if line.code or index in skipped else _NUMBERED.match(line.text)
        if seen is None:
            continue
        depth = len(line.text) - len(line.text.lstrip())
        letter = letter_of(len(found) + 1)
        if int(seen["key"]) != len(found) + 1 or letter is None or (found and depth > indent + 1):
            continue
        indent = depth if not found else indent
        is_open = bool(seen["bold"]) and not (seen["close"] or seen["close2"])
        found.append(OptionLine(index, letter, _unbold(line.text[seen.end() :], is_open=is_open)))
    return found


def _table(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    found: list[OptionLine] = []
    for index, line in enumerate(body):
        row = None if line.code or index in skipped else _ROW.fullmatch(line.text[:5_000])
        if row is None:
            continue
        cells = [cell.strip() for cell in row[1].split("|")]
        key = _CELL_KEY.fullmatch(cells[0])
        letter = letter_of(len(found) + 1)
        if key is None or letter is None:
            continue
        written = key["key"].upper()
        if written not in (letter, str(len(found) + 1)):
            continue
        words = [key["rest"] or "", *cells[1:]]
        found.append(OptionLine(index, letter, " - ".join(word for word in words if word)))
    return found


def _boxes(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    return _in_order(body, skipped, _BOX, range(len(body)))


def _listed(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read the bullets below a line `Options:`."""
    for index, line in enumerate(body):
        key = None if line.code or index in skipped else OPTIONS_KEY.fullmatch(line.text[:500])
        if key is not None and not key["value"].strip():
            stop = index + 1
            while stop < len(body) and (
                body[stop].blank or BULLET.match(body[stop].text) or body[stop].text[:1] in " \t"
            ):
                stop += 1
            return _in_order(body, skipped, BULLET, range(index + 1, stop))
    return []


def bulleted(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Return the bullets of a question, which are its options if the suggestion names one of them by a letter."""
    plain = _plain_lines(body)
    return _in_order(plain, skipped, BULLET, range(len(body)))


def _in_order(
    body: Sequence[Line], skipped: frozenset[int], pattern: re.Pattern[str], places: range
) -> list[OptionLine]:
    found: list[OptionLine] = []
    for index in places:
        line = body[index]
        seen = None if line.code or index in skipped else pattern.match(line.text)
        letter = letter_of(len(found) + 1)
        if seen is not None and letter is not None:
            found.append(OptionLine(index, letter, line.text[seen.end() :].strip()))
    return found


def _without_heading(text: str) -> str:
    found = _HEADING.match(text)
    return text[found.end() :] if found else text


def _unbold(words: str, *, is_open: bool) -> str:
    """Return an option's text without the end of the bold marks that its letter began."""
    words = re.sub(r"(?:<br\s?/?>|\\)$", "", words.strip())
    return (words.replace("**", "", 1) if "**" in words else words.replace("__", "", 1)) if is_open else words
