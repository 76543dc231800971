"""Where the questions of `_qa.md` and their answers stand. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from samobot.session.blocks import Line, match_key, quote_length, unquote

_QUESTION = re.compile(
    r"\*{0,2}Q(?:uestion)?\s{0,3}#?([0-9]{1,6})\*{0,2}\s{0,3}(?:[:.)–—-]\*{0,2}(.*))?", re.I | re.S
)
_WAITING = re.compile(
    r"[_*`(\[<]{0,3}\s?waiting\s?[.…]{0,3}\s?[_*`)\]>]{0,3}[.…]?|_waiting\b[^_]{0,80}_", re.I
)
_BREAK = re.compile(r" {0,3}(?:-[ \t]{0,3}){3,40}|(?:\*[ \t]{0,3}){3,40}|_{3,80}")


@dataclass(frozen=True, slots=True)
class QuestionBlock:
    """A question as found.

    Attributes:
        lines: From the heading to the last that is neither blank nor a separator.
        number: As written in the heading.
        title: What the heading says behind the number.
        round: Title of the round that it belongs to, if any.
    """

    lines: Sequence[Line]
    number: int
    title: str
    round: str | None


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """Where an answer is.

    Attributes:
        start: Offset behind the mark `**Answer:**`.
        stop: Offset behind the answer's last line.
        end: Line end of that line.
        answer: The answer, or None.
        below: The first line of other text below it in the same question, or None.
    """

    start: int
    stop: int
    end: str
    answer: str | None
    below: Line | None


def is_waiting(text: str) -> bool:
    """Whether a text stands for an answer that is not there yet."""
    return _WAITING.fullmatch(text) is not None


def find_blocks(lines: Sequence[Line]) -> list[QuestionBlock]:
    """Find the questions, in their order."""
    blocks: list[QuestionBlock] = []
    current: tuple[int, re.Match[str], str | None] | None = None
    above: Line | None = None

    def close(stop: int) -> None:
        if current is None:
            return
        first, found, round_title = current
        while stop > first + 1 and (lines[stop - 1].blank or _BREAK.fullmatch(lines[stop - 1].text)):
            stop -= 1
        blocks.append(QuestionBlock(lines[first:stop], int(found[1]), (found[2] or "").strip(), round_title))

    for index, line in enumerate(lines):
        if not line.level:
            continue
        found = _QUESTION.fullmatch(line.title)
        if found is None and current is not None and line.level > lines[current[0]].level:
            continue
        close(index)
        current = None
        if found is None:
            above = line
            continue
        in_round = above is not None and 2 <= above.level < line.level
        current = (index, found, above.title if above is not None and in_round else None)
    close(len(lines))
    return blocks


def answer_line(block: QuestionBlock) -> int | None:
    """Return which line of a question holds the mark of its answer: the first bold one, else the first plain one."""
    plain = None
    for index, line in enumerate(block.lines):
        key = None if line.code or index == 0 else match_key(line.text)
        if key is not None and key.name == "answer":
            if "**" in key.opening or "__" in key.opening:
                return index
            plain = index if plain is None else plain
    return plain


def find_answer(block: QuestionBlock, at: int) -> AnswerSpan:
    """Find the answer behind and below its mark.

    Args:
        block: The question.
        at: Index of the line with the mark, see `answer_line`.
    """
    line = block.lines[at]
    rest = block.lines[at + 1 :]
    key = match_key(line.text)
    assert key is not None
    start = line.start + len(key.opening)

    def place(answer: str | None, count: int) -> AnswerSpan:
        last = rest[count - 1] if count else line
        below = next((other for other in rest[count:] if not other.blank), None)
        return AnswerSpan(start, last.stop, last.end, answer, below)

    if key.value:
        if is_waiting(key.value):
            return place(None, 0)
        return place("\n".join([key.value, *(other.text for other in rest)]).strip(), len(rest))
    if quoted := quote_length(rest):
        answer = unquote(rest[:quoted], crlf=line.end == "\r\n")
        return place(answer if answer.strip() else None, quoted)
    first = next((index for index, other in enumerate(rest) if not other.blank), None)
    if first is None:
        return place(None, 0)
    if is_waiting(rest[first].text.strip()):
        return place(None, first + 1)
    return place("\n".join(other.text for other in rest).strip(), len(rest))
