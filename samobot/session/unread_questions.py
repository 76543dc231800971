"""Lines of `_qa.md` that look like a question and belong to none: in tables, data formats, lists, prose. Pure.

Whoever wrote them is asked once for the usual form: guessing what a cell or a key means could put an answer into the wrong
one. Linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.regex import regex
from samobot.session.answer_span import AnswerSpan, answer_opening
from samobot.session.blocks import Line, scan
from samobot.session.option_lines import firm_option
from samobot.session.qa_options import starts_offer
from samobot.session.qa_parser import QuestionBlock, opened
from samobot.session.question_starts import LABEL, QUESTION_NAMES

_LONGEST_LINE = 2_000
_KNOWN = 200
"""Questions whose text and label are looked for, so that a summary of them is not taken for new ones."""

_ASKS = ("?", "？", "؟")
_END_MARKS = "*_ `)\"'”»,;|]}"
_FRAME = " \t-=~`<>{}[]|"
_CLOSING_TAGS = regex(r"(?:\s{0,3}(?:</[a-zA-Z][a-zA-Z0-9]{0,20}>|<br\s?/?>)){1,6}\s{0,3}$")
_MARKED = regex(
    r"(?:[-*+•] |[0-9]{1,3}[.):] |[0-9]\ufe0f?\u20e3|Q[0-9]|\*\*|__|<[a-zA-Z]|[\[{\"']|[\w ]{1,20}\s?[:=]\s)"
)
_ASKED_KEY = regex(
    rf"(?:^|[{{,]\s{{0,3}})[\s{{\[;-]{{0,12}}[\"'*]{{0,3}}(?:{QUESTION_NAMES}|prompt)[\"'*]{{0,3}}\s{{0,3}}[:：=]\s{{0,3}}[\"'\w¿«“*]",
    re.IGNORECASE,
)
_ROW = regex(r"\s{0,3}\|(.+)\|\s{0,8}")
_MIDDLE = regex(r"\w[*_`)\"”]{0,3}[?？؟](?:\s|$)|[？؟]")


def asks(text: str) -> bool:
    """Return whether a text below an answer asks something."""
    return any(_looks_asked(line, in_prose=True) for line in scan(text))


def unread_lines(
    lines: Sequence[Line],
    blocks: Sequence[QuestionBlock],
    answers: Sequence[tuple[int | None, AnswerSpan | None]],
) -> list[Line]:
    """Return the lines outside of all questions that look like a question or the answer of one.

    Prose counts only if no question is open: then nothing would be asked, however clear it is to a reader.

    Args:
        lines: The file.
        blocks: Its questions.
        answers: For each of them, the index of its answer's line and where the answer is.
    """
    lines, borders = opened(lines)
    owned, doubled = _owned(blocks, answers)
    left = [line for line in lines if line.number not in owned and line.number not in borders]
    known = _known(blocks)
    needs_any = all(span is not None and span.answer is not None for _, span in answers)
    found = [line for line in left if _looks_asked(line, in_prose=needs_any) and not _names(line, known)]
    if not blocks and not found:
        found = [
            line for line in left if line.level != 1 and line.text.strip(_FRAME) and "```" not in line.text
        ][:1]
    return sorted({line.number: line for line in [*found, *doubled]}.values(), key=lambda line: line.number)


def _owned(
    blocks: Sequence[QuestionBlock], answers: Sequence[tuple[int | None, AnswerSpan | None]]
) -> tuple[set[int], list[Line]]:
    """Return the numbers of the lines of all questions, and second answer marks within them."""
    owned: set[int] = set()
    doubled: list[Line] = []
    for block, (at, span) in zip(blocks, answers, strict=True):
        is_all = span is None or (span.below is not None and starts_offer(span.below))
        last = block.lines[-1].stop if is_all or span is None else span.stop
        for index, line in enumerate(block.lines):
            if line.start < last:
                owned.add(line.number)
            if at is not None and index > at and not line.code and span is not None and span.answer is None:
                opening = answer_opening(line)
                if opening is not None and "**" in opening and line.start >= span.stop:
                    doubled.append(line)
    return owned, doubled


def _known(blocks: Sequence[QuestionBlock]) -> list[str]:
    return [text for block in blocks[:_KNOWN] if len(text := _plain(block.title)) > 3]


def _names(line: Line, known: Sequence[str]) -> bool:
    text = _plain(line.text)
    return any(each in text for each in known)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`]", "", text[:_LONGEST_LINE]).casefold().split())


def _looks_asked(line: Line, *, in_prose: bool) -> bool:
    if line.blank or len(line.text) > _LONGEST_LINE:
        return False
    text = line.text.strip()
    if row := _ROW.fullmatch(line.text):
        cells = [cell.strip(_END_MARKS) for cell in row[1].split("|")]
        return any(cell.endswith(_ASKS) for cell in cells) or LABEL.fullmatch(cells[0]) is not None
    if _ASKED_KEY.search(text) is not None:
        return True
    if answer_opening(line) is not None:
        return not line.code
    is_asking = _CLOSING_TAGS.sub("", text).rstrip(_END_MARKS).endswith(_ASKS)
    if in_prose and (line.level == 1 or not line.code):
        return is_asking or _MIDDLE.search(text) is not None or _is_first_option(line)
    if line.level == 1:
        return False
    return (is_asking and (line.level > 0 or _MARKED.match(text) is not None)) or _is_first_option(line)


def _is_first_option(line: Line) -> bool:
    if line.code or line.level:
        return False
    seen = firm_option(line.text)
    return seen is not None and seen[0] == "A" and ")" in line.text[:12]
