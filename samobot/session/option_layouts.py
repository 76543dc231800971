"""Options in layouts of their own: columns of a table, Roman numerals, a code block. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from samobot.regex import regex
from samobot.session.blocks import Line


class OptionLine(NamedTuple):
    """An option; `at` is the index of its first line in the body."""

    at: int
    letter: str
    text: str


def letter_of(number: int) -> str | None:
    """Return the letter of an option by its position, from 1; None above 26."""
    return chr(ord("A") + number - 1) if 1 <= number <= 26 else None


_ROMAN_KEY = r"x{0,2}(?:ix|iv|v?i{1,3}|v|(?<=x))"
_ROMAN = regex(
    rf"\s{{0,8}}(?:[-*+]\s{{1,4}})?(?P<bold>\*\*|__)?\(?(?P<key>{_ROMAN_KEY})(?P<close>\*\*|__)?[).:]"
    r"(?P<close2>\*\*|__)?\s{1,4}(?=\S)",
    re.IGNORECASE,
)
_ROMAN_VALUE = regex(
    rf"(?:option\s{{1,3}})?[*_`(\[“\"]{{0,3}}(?P<key>{_ROMAN_KEY})(?=[*_`).:,;\]”\"]|\s{{0,3}}[-–—(=]|\s{{0,3}}$)",
    re.IGNORECASE,
)
_ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ROW = regex(r"\s{0,3}\|(.+)\|\s{0,8}")
_RULE = regex(r"\s{0,3}\|?(?:\s{0,8}:?-{1,200}:?\s{0,8}\|){1,30}(?:\s{0,8}:?-{1,200}:?\s{0,8})?")
_COLUMN_KEY = regex(
    r"[*_`(\[]{0,3}(?:[Oo]ption\s|[Cc]hoice\s)?(?P<key>[A-Z]|[0-9]{1,2})[*_`).:\]]{0,4}(?:\s{1,3}(?:[-–—]\s)?(?P<rest>\S.*))?"
)
_LONGEST_ROW = 5_000


def find_roman(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read `i. x`, `(ii) y`: the first is an i, and none is left out."""
    found: list[OptionLine] = []
    for index, line in enumerate(body):
        seen = None if line.code or index in skipped else _ROMAN.match(line.text)
        letter = letter_of(len(found) + 1)
        if seen is None or letter is None or len(found) >= len(_ROMANS):
            continue
        if seen["key"].lower() == _ROMANS[len(found)]:
            text = line.text[seen.end() :].strip()
            is_open = bool(seen["bold"]) and not (seen["close"] or seen["close2"])
            found.append(OptionLine(index, letter, text.replace(seen["bold"], "", 1) if is_open else text))
    return found


def with_letter_for_roman(suggestion: str, body: Sequence[Line], options: Sequence[OptionLine]) -> str:
    """Return a suggestion such as `ii - why` with the letter of that option, if the options have Roman numerals."""
    if not options or _ROMAN.match(body[options[0].at].text) is None or options[0].letter != "A":
        return suggestion
    found = _ROMAN_VALUE.match(suggestion)
    numeral = found["key"].lower() if found is not None else ""
    if found is None or numeral not in _ROMANS[: len(options)]:
        return suggestion
    return f"{letter_of(_ROMANS.index(numeral) + 1)}{suggestion[found.end('key') :]}"


def find_columns(body: Sequence[Line], skipped: frozenset[int]) -> list[OptionLine]:
    """Read a table whose columns are options: `| | A | B |`."""
    for index, line in enumerate(body[:-1]):
        if index in skipped or line.code or not _RULE.fullmatch(body[index + 1].text[:_LONGEST_ROW]):
            continue
        head = _cells(line)
        first = 0 if head and _is_key(head[0], 1) else 1
        keys = [_COLUMN_KEY.fullmatch(cell) for cell in head[first:]]
        if len(keys) < 2 or not all(_is_key(cell, number) for number, cell in enumerate(head[first:], 1)):
            continue
        texts = [[key["rest"] or ""] if key is not None else [""] for key in keys]
        for row in range(index + 2, table_end(body, index)):
            cells = _cells(body[row])
            label = cells[0].strip("*_ ") if first and cells else ""
            for text, cell in zip(texts, cells[first:], strict=False):
                text.append(f"{label}: {cell}" if label and cell else cell)
        return [
            OptionLine(index, letter, "; ".join(part for part in text if part))
            for number, text in enumerate(texts, 1)
            if (letter := letter_of(number)) is not None
        ]
    return []


def _is_key(cell: str, number: int) -> bool:
    found = _COLUMN_KEY.fullmatch(cell)
    return found is not None and found["key"] in (letter_of(number), str(number))


def _cells(line: Line) -> list[str]:
    row = _ROW.fullmatch(line.text[:_LONGEST_ROW])
    return [cell.strip() for cell in row[1].split("|")] if row is not None else []


def table_end(body: Sequence[Line], index: int) -> int:
    """Return the place after the last row of the table that a line is in."""
    while index < len(body) and _ROW.fullmatch(body[index].text[:_LONGEST_ROW]):
        index += 1
    return index


def opened_fences(body: Sequence[Line]) -> list[Line]:
    """Return the lines with the contents of code blocks as plain text."""
    opened = list(body)
    for start, stop in _fences(body):
        opened[start + 1 : stop - 1] = [line._replace(code=False) for line in body[start + 1 : stop - 1]]
    return opened


def are_one_list(body: Sequence[Line], options: Sequence[OptionLine]) -> bool:
    """Return whether options are all that a code block holds, beside their further lines: it could be a program."""
    for start, stop in _fences(body):
        if start < options[0].at < stop:
            starts = {option.at for option in options}
            inner = [index for index in range(start + 1, stop - 1) if not body[index].blank]
            plain = [index for index in inner if index in starts or body[index].text[:1] in " \t"]
            return options[-1].at < stop and inner == plain and inner[:1] == [options[0].at]
    return False


def frame_of(body: Sequence[Line], options: Sequence[OptionLine]) -> frozenset[int]:
    """Return the places of lines that only frame the options: a table's head, rule and rows, or a code block's fences."""
    if not options:
        return frozenset()
    first = options[0].at
    if _ROW.fullmatch(body[first].text[:_LONGEST_ROW]):
        if len(options) > 1 and options[1].at == first:
            return frozenset(range(first + 1, table_end(body, first)))
        start = first
        while start > 0 and _ROW.fullmatch(body[start - 1].text[:_LONGEST_ROW]):
            start -= 1
        return frozenset(range(start, first))
    return frozenset(
        index for start, stop in _fences(body) if start < first < stop for index in (start, stop - 1)
    )


def _fences(body: Sequence[Line]) -> list[tuple[int, int]]:
    """Return start and stop of the code blocks, their fences included."""
    found: list[tuple[int, int]] = []
    index = 0
    while index < len(body):
        start = index
        while index < len(body) and body[index].code:
            index += 1
        if index - start > 2:
            found.append((start, index))
        index = max(index, start + 1)
    return found
