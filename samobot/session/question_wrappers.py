"""Questions inside a code fence or a block quote, as plain lines. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.session.answer_span import answer_opening, is_empty_mark
from samobot.session.blocks import Line, heading_of
from samobot.session.question_starts import LABEL

_QUOTED = re.compile(r" {0,3}> ?")


def opened(lines: Sequence[Line]) -> tuple[Sequence[Line], frozenset[int]]:
    """Return the lines with such questions as plain lines, and the numbers of the fences' own lines.

    A line of a quote begins, as `start` gives it, after the mark of the quote.
    """
    return _open_fences(_open_quotes(lines))


def _open_quotes(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines with quoted questions as plain lines.

    A quote below an empty answer mark is the answer, whatever it looks like. One within a question is part of that.
    """
    if not any(line.text.lstrip(" ").startswith(">") and not line.code for line in lines):
        return lines
    result = list(lines)
    is_asking = is_answer = False
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.code or not _QUOTED.match(line.text):
            is_asking = _is_asking(line, before=is_asking)
            is_answer = is_empty_mark(line) or (is_answer and line.blank)
            index += 1
            continue
        stop = index
        while stop < len(lines) and not lines[stop].code and _QUOTED.match(lines[stop].text):
            stop += 1
        inner = [_unquoted(each) for each in lines[index:stop]]
        if not is_asking and not is_answer and _asks([*inner, *_next_line(lines, stop)]):
            result[index:stop] = inner
            # Its answer mark may stand below the quote, with a quote as its answer.
            is_asking = not any(answer_opening(each) is not None for each in inner)
        is_answer = False
        index = stop
    return result


def _is_asking(line: Line, *, before: bool) -> bool:
    if line.level:
        return LABEL.fullmatch(line.title) is not None or (before and line.level > 3)
    return before and (line.code or answer_opening(line) is None)


def _asks(lines: Sequence[Line]) -> bool:
    first = next((line for line in lines if not line.blank), None)
    if first is None or LABEL.fullmatch(first.title if first.level else first.text.strip()[:2_000]) is None:
        return False
    return any(answer_opening(line) is not None for line in lines)


def _next_line(lines: Sequence[Line], at: int) -> list[Line]:
    return [line for line in lines[at : at + 2] if not line.blank][:1]


def _unquoted(line: Line) -> Line:
    found = _QUOTED.match(line.text)
    mark = found.end() if found is not None else 0
    level, title = heading_of(line.text[mark:])
    return line._replace(start=line.start + mark, text=line.text[mark:], level=level, title=title)


def _open_fences(lines: Sequence[Line]) -> tuple[Sequence[Line], frozenset[int]]:
    """Return the lines with questions in code fences as plain lines, and the numbers of those fences' own lines.

    Code within a question, above its answer, stays code.
    """
    if not [line for line in lines if line.code]:
        return lines, frozenset()
    result: list[Line] = []
    borders: set[int] = set()
    is_asking = False
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.code:
            if line.level:
                label = LABEL.fullmatch(line.title)
                is_asking = label is not None or (is_asking and line.level > 3)
            elif is_asking and answer_opening(line) is not None:
                is_asking = False
            result.append(line)
            index += 1
            continue
        stop = index
        while stop < len(lines) and lines[stop].code:
            stop += 1
        inner = [_uncoded(each) for each in lines[index + 1 : stop - 1]]
        asks = next((at for at, each in enumerate(inner) if each.level and LABEL.fullmatch(each.title)), None)
        if is_asking or asks is None or not any(answer_opening(each) is not None for each in inner[asks:]):
            result += lines[index:stop]
        else:
            borders |= {lines[index].number, lines[stop - 1].number}
            result += [lines[index], *inner, lines[stop - 1]]
        index = stop
    return result, frozenset(borders)


def _uncoded(line: Line) -> Line:
    level, title = heading_of(line.text)
    return line._replace(code=False, level=level, title=title)
