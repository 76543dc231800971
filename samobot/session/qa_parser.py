"""The questions of `_qa.md` with their lines, also those in code fences. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from samobot.session.answer_span import answer_line, answer_opening, find_answer
from samobot.session.blocks import Line
from samobot.session.question_starts import BREAK, QuestionStart, choose_starts, find_starts
from samobot.session.question_wrappers import opened

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


@dataclass(frozen=True, slots=True)
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
    marks = [not line.code and answer_opening(line) is not None for line in lines]
    starts = choose_starts(lines, marks, find_starts(lines, marks), borders)
    return _blocks(lines, starts, borders)


def unread_lines(lines: Sequence[Line], blocks: Sequence[QuestionBlock]) -> list[Line]:
    """Return the lines outside of all questions that look like a question or the answer of one."""
    lines, borders = opened(lines)
    owned: set[int] = set()
    doubled: list[Line] = []
    for block in blocks:
        at = answer_line(block.lines)
        span = None if at is None else find_answer(block.lines, at)
        last = block.lines[-1].stop if span is None else span.stop
        for index, line in enumerate(block.lines):
            if line.start < last or (span is not None and span.answer is not None):
                owned.add(line.number)
            if at is not None and index > at and not line.code:
                opening = answer_opening(line)
                if opening is not None and "**" in opening and line.number not in owned:
                    doubled.append(line)
    found = [
        line
        for line in lines
        if line.number not in owned and line.number not in borders and _looks_asked(line)
    ]
    return sorted({line.number: line for line in [*found, *doubled]}.values(), key=lambda line: line.number)


def _looks_asked(line: Line) -> bool:
    if line.code or line.blank or line.level == 1 or len(line.text) > 2_000:
        return False
    if answer_opening(line) is not None:
        return True
    text = line.text.strip()
    marked = line.level or text.startswith(("**", "__")) or re.match(r"[-*+] |[0-9]{1,3}[.)] |Q[0-9]", text)
    return bool(marked) and text.rstrip("*_ `)").endswith(("?", "？", "؟"))


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
        while stop > first + 1 and (lines[stop - 1].blank or BREAK.fullmatch(lines[stop - 1].text)):
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


def _belongs(lines: Sequence[Line], current: QuestionStart, line: Line) -> bool:
    """Return whether a heading belongs to the question above it."""
    if answer_opening(line) is not None or line.title.strip("*: ").casefold() in _PARTS:
        return True
    return line.level > (lines[current.at].level or 2)
