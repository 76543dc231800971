"""Where the answer of a question is: its mark `**Answer:**` in all usual forms, and the text after it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from samobot.session.blocks import Line, quote_length, unquote
from samobot.session.placeholder import is_placeholder

_NAMES = (
    r"(?:(?:your|user|user's|users|my|owner|owner's|human|final|the|q[0-9]{1,4})\s)?answers?(?:\s(?:to\s|for\s)?q?[0-9]{1,4})?"
    r"|(?:deine |ihre )?antwort|r[ée]ponse|respuesta|resposta|risposta|ответ|odpowied[źz]|答案|回答"
)
_BOLD_NAMES = r"(?:(?:your|user|user's)\s)?(?:response|reply|decision|choice|selection)|ans"
_ANSWER = re.compile(
    rf"[ \t]{{0,8}}(?:[-*+][ \t]{{1,8}})?(?:[^\w\s*_>#`\[(]{{1,3}}[ \t]{{1,2}})?"
    rf"(?:(?P<bold>\*\*|__|\*|_)(?:[^\w\s*_>#`\[(]{{1,3}}[ \t]{{1,2}})?(?:{_NAMES}|{_BOLD_NAMES})(?:[ \t]?\([^()\n]{{0,60}}\))?[ \t]{{0,8}}"
    rf"(?:[:：](?P=bold)|(?P=bold)[ \t]{{0,8}}[:：]|(?P=bold)(?<=\*\*|__)(?:[ \t]{{1,3}}[-–—])?(?=[ \t]|$))"
    rf"|(?:{_NAMES})(?:[ \t]?\([^()\n]{{0,60}}\))?[ \t]{{0,8}}[:：])",
    re.IGNORECASE,
)
_ANSWER_HEADING = re.compile(
    rf" {{0,3}}#{{1,6}}[ \t]{{1,4}}(?:[^\w\s*_#]{{1,3}}[ \t])?\*{{0,2}}(?:{_NAMES}|{_BOLD_NAMES})\*{{0,2}}"
    r"(?P<colon>[ \t]{0,4}:\*{0,2})?",
    re.IGNORECASE,
)
_SHORT_ANSWER = re.compile(r"\s{0,3}(?:[-*+]\s{1,3})?(?P<bold>\*\*)?A[0-9]{0,6}(?(bold)(?::\*\*|\*\*:)|:)")
_SHORT_B = re.compile(r"\s{0,3}(?:[-*+]\s{1,3})?(?:\*\*)?B(?::\*\*|\*\*:|:)")


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """Where an answer is.

    Attributes:
        start: Offset after the mark `**Answer:**`, or of the answer's first line below a heading.
        stop: Offset after the answer's last line.
        end: Line end of that line.
        answer: The answer, or None.
        below: The first line of other text below it in the same question, or None.
        is_below: Whether the answer has to stand on lines of its own, below a heading.
    """

    start: int
    stop: int
    end: str
    answer: str | None
    below: Line | None
    is_below: bool = False


def answer_opening(line: Line) -> str | None:
    """Return what stands before an answer: `**Answer:**`; None for a line without such a mark."""
    found = _ANSWER_HEADING.match(line.text) if line.level else _ANSWER.match(line.text)
    if found is None:
        return None
    if line.level and not found["colon"] and line.text[found.end() :].strip(" \t#*"):
        return None
    return found[0]


def is_empty_mark(line: Line) -> bool:
    """Return whether a line is the mark of an answer that can only stand below it."""
    if line.code:
        return False
    opening = answer_opening(line)
    short = _SHORT_ANSWER.match(line.text) if opening is None else None
    mark = opening if opening is not None else short[0] if short is not None else None
    return mark is not None and not line.text[len(mark) :].strip()


def answer_line(lines: Sequence[Line]) -> int | None:
    """Return the index of the line with the mark of a question's answer: the first bold one, else the first plain one."""
    plain = short = None
    has_b = False
    for index, line in enumerate(lines):
        if line.code or index == 0:
            continue
        opening = answer_opening(line)
        if opening is not None:
            if line.level or "**" in opening or "__" in opening:
                return index
            plain = index if plain is None else plain
        elif _SHORT_ANSWER.match(line.text):
            short = index
        elif _SHORT_B.match(line.text):
            has_b = True
    return plain if plain is not None else None if has_b else short


def find_answer(lines: Sequence[Line], at: int) -> AnswerSpan:
    """Find the answer after and below its mark.

    Args:
        lines: The lines of the question.
        at: Index of the line with the mark, see `answer_line`.
    """
    line = lines[at]
    rest = lines[at + 1 :]
    opening = answer_opening(line)
    if opening is None:
        short = _SHORT_ANSWER.match(line.text)
        opening = short[0] if short else ""
    value = line.text[len(opening) :].strip()
    start = line.start + len(opening)
    first = next((index for index, other in enumerate(rest) if not other.blank), None)
    is_below = line.level > 0 and not value and not opening.rstrip("* \t").endswith(":")
    if is_below:
        start = line.stop if first is None else rest[first].start

    def span(answer: str | None, count: int) -> AnswerSpan:
        last = rest[count - 1] if count else line
        below = next((other for other in rest[count:] if not other.blank), None)
        return AnswerSpan(start, last.stop, last.end, answer, below, is_below)

    if value:
        if is_placeholder(value):
            return span(None, 0)
        return span("\n".join([value, *(other.text for other in rest)]).strip(), len(rest))
    above = first if is_below and first is not None else 0
    if quoted := quote_length(rest[above:]):
        crlf = (rest[above - 1] if above else line).end == "\r\n"
        answer = unquote(rest[above : above + quoted], crlf=crlf)
        return span(answer if answer.strip() else None, above + quoted)
    if first is None:
        return AnswerSpan(start, line.stop, line.end, None, None, is_below)
    words = "\n".join(other.text for other in rest).strip()
    if is_placeholder(words):
        return span(None, max(index for index, other in enumerate(rest) if not other.blank) + 1)
    if is_placeholder(rest[first].text):
        return span(None, first + 1)
    return span(words, len(rest))
