"""The questions of `_qa.md` with their lines, also those in code fences. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.frozen import frozen
from samobot.session.answer_span import ANSWER_SIGN, answer_opening, is_empty_mark
from samobot.session.blocks import Line, heading_of
from samobot.session.question_starts import BREAK, LABEL, QuestionStart, choose_starts, find_starts

_QUOTED = re.compile(r" {0,3}> ?")
_CALLOUT = re.compile(r"\[![A-Za-z]{1,20}\][+-]?\s{0,9}")
_FARTHEST = 200
"""Lines below a quote in which the answer mark of its question is looked for."""


def opened(lines: Sequence[Line]) -> tuple[Sequence[Line], frozenset[int]]:
    """Return the lines with such questions as plain lines, and the numbers of the fences' own lines.

    A line of a quote begins, as `start` gives it, after the mark of the quote.
    """
    if not [line for line in lines if line.code or line.text.lstrip(" ").startswith(">")]:
        return lines, frozenset()
    return _open_fences(_open_quotes(lines))


def _open_quotes(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines with quoted questions as plain lines.

    A quote below an empty answer mark is the answer, whatever it looks like. One within a question is part of that, but
    below a heading it may be the whole question with its empty answer mark.
    """
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
        below = _next_line(lines, stop)
        is_body = (
            is_asking and not is_answer and _has_mark(inner) and not _has_mark(_rest_of_question(lines, stop))
        )
        if is_body or (not is_asking and not is_answer and _asks([*inner, *below])):
            result[index:stop] = inner
            # Its answer mark may stand below the quote, with a quote as its answer.
            is_asking = not _has_mark(inner)
        is_answer = False
        index = stop
    return result


def _is_asking(line: Line, *, before: bool) -> bool:
    if line.level:
        return LABEL.fullmatch(line.title) is not None or (before and line.level > 3)
    return before and (line.code or answer_opening(line) is None)


def _asks(lines: Sequence[Line]) -> bool:
    first = next((line for line in lines if not line.blank and not _CALLOUT.fullmatch(line.text[:100])), None)
    if first is None or LABEL.fullmatch(first.title if first.level else first.text.strip()[:2_000]) is None:
        return False
    return _has_mark(lines)


def _next_line(lines: Sequence[Line], at: int) -> list[Line]:
    return [line for line in lines[at : at + 2] if not line.blank][:1]


def _has_mark(lines: Sequence[Line]) -> bool:
    return any(answer_opening(line) is not None for line in lines)


def _rest_of_question(lines: Sequence[Line], at: int) -> Sequence[Line]:
    found = lines[at : at + _FARTHEST]
    return found[: next((number for number, line in enumerate(found) if line.level), len(found))]


def _unquoted(line: Line) -> Line:
    found = _QUOTED.match(line.text)
    mark = found.end() if found is not None else 0
    level, title = heading_of(line.text[mark:])
    return line._replace(start=line.start + mark, text=line.text[mark:], level=level, title=title)


def _open_fences(lines: Sequence[Line]) -> tuple[Sequence[Line], frozenset[int]]:
    """Return the lines with questions in code fences as plain lines, and the numbers of those fences' own lines.

    Code within a question, above its answer, stays code.
    """
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


_CLOSING_TAGS = re.compile(r"(?:\s{0,8}</[a-zA-Z][a-zA-Z0-9]{0,20}>){1,6}\s{0,8}")
_PARTS = frozenset(
    [
        "options",
        "option",
        "choices",
        "suggestion",
        "suggested answer",
        "recommendation",
        "recommended",
        "context",
        "background",
        "rationale",
        "why",
        "question",
        "details",
        "notes",
        "trade-offs",
        "tradeoffs",
        "reason",
    ]
)


@frozen
class QuestionBlock:
    """A question with its lines.

    Attributes:
        lines: From the heading to the last line that is neither blank nor a separator.
        number: As written, else counted.
        label: `Q1`, or `Q1.2`.
        title: Text of the heading after the number.
        round: Title of the round that it belongs to, if any.
        top: Offset at which the block starts, the heading of its round included if it is the first in it.
    """

    lines: Sequence[Line]
    number: int
    label: str
    title: str
    round: str | None
    top: int


def find_blocks(lines: Sequence[Line]) -> list[QuestionBlock]:
    """Find the questions, in their order."""
    lines, borders = opened(lines)
    marks = [
        not line.code
        and (line.level > 0 or ANSWER_SIGN.search(line.text) is not None)
        and answer_opening(line) is not None
        for line in lines
    ]
    starts = choose_starts(lines, marks, find_starts(lines, marks), borders)
    return _blocks(lines, starts, borders)


def _blocks(
    lines: Sequence[Line], starts: Sequence[QuestionStart], borders: frozenset[int]
) -> list[QuestionBlock]:
    blocks: list[QuestionBlock] = []
    by_index = {start.at: start for start in starts}
    current: QuestionStart | None = None
    round_line: Line | None = None
    top: int | None = None
    taken = {start.number for start in starts}
    count = 0

    def close(stop: int) -> None:
        nonlocal count
        if current is None:
            return
        first = current.at
        while stop > first + 1 and _is_end(lines[stop - 1]):
            stop -= 1
        number = current.number
        if number is None:
            count += 1
            while count in taken:
                count += 1
            number = count
        level = lines[first].level or 6
        in_round = round_line is not None and 2 <= round_line.level < level
        blocks.append(
            QuestionBlock(
                lines[first:stop],
                number,
                f"Q{number}{current.part}",
                current.title,
                round_line.title if round_line is not None and in_round else None,
                lines[first].start if top is None or not in_round else top,
            )
        )

    for index, line in enumerate(lines):
        start = by_index.get(index)
        is_part = not line.level or (current is not None and _belongs(lines, current, line))
        if start is None and is_part and line.number not in borders:
            continue
        close(index)
        if current is not None:
            top = None
        current = start
        if start is None and line.level:
            round_line, top = line, line.start
    close(len(lines))
    return blocks


def _is_end(line: Line) -> bool:
    """Return whether a line below a question ends it: blank, a separator, or the end of HTML around it."""
    return (
        line.blank or BREAK.fullmatch(line.text) is not None or _CLOSING_TAGS.fullmatch(line.text) is not None
    )


def _belongs(lines: Sequence[Line], current: QuestionStart, line: Line) -> bool:
    """Return whether a heading belongs to the question above it."""
    if answer_opening(line) is not None or line.title.strip("*: ").casefold() in _PARTS:
        return True
    return line.level > (lines[current.at].level or 2)
