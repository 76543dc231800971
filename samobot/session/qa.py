"""`_qa.md`: the agent's questions and the user's answers.

A question is a heading `### Q1: …`, its text, options `A) …`, `**Suggestion:** A - why` and a last line
`**Answer:** _waiting_`. The other forms that are accepted: see `qa_parser` and `qa_options`; what cannot be parsed is named
in `problems`. An edit changes the answer it is about and no other byte.

An answer of one plain line stands after `**Answer:**`. Any other answer becomes a block quote below it: in a
quote no line is parsed as a question, a fence or an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from samobot.errors import NotFoundError, UsageError
from samobot.frozen import frozen
from samobot.session.answer_span import AnswerSpan, answer_line, find_answer, is_placeholder
from samobot.session.blocks import PARSES_KEPT, Line, newline, quote, quote_mark, scan
from samobot.session.qa_options import read_offer, starts_offer
from samobot.session.qa_parser import QuestionBlock, find_blocks
from samobot.session.question import Question, fingerprint
from samobot.session.question_starts import UNDERLINE
from samobot.session.unread_questions import unread_lines
from samobot.text import has_control, one_line, without_surrogates

WAITING = "_waiting_"

_NAMED_LINES = 5
"""Unread lines that are named at most."""


@frozen
class Qa:
    """Content of `_qa.md`.

    Attributes:
        questions: In the order of the file.
        problems: Sentences with line numbers about what could not be parsed.
        unread: One sentence naming the lines that look like questions and are none; empty if there are none.
    """

    questions: tuple[Question, ...] = ()
    problems: tuple[str, ...] = ()
    unread: str = ""

    @property
    def open(self) -> tuple[Question, ...]:
        """The questions that have no answer yet."""
        return tuple(question for question in self.questions if question.answer is None)


@lru_cache(maxsize=PARSES_KEPT)
def parse_qa(text: str) -> Qa:
    """Parse `_qa.md`. Never fails; linear in the text's length.

    Args:
        text: The file as `read_text` returns it.
    """
    questions = []
    problems = []
    answers = []
    lines, blocks = scan(text), _blocks(text)
    for index, block in enumerate(blocks):
        at = answer_line(block.lines)
        span = None if at is None else find_answer(block.lines, at)
        answers.append((at, span))
        question = _read(index, block, at, span)
        if span is None:
            problems.append(f"_qa.md line {question.line}: {question.label} has no “**Answer:**” line.")
        elif span.below is not None and not starts_offer(span.below):
            problems.append(
                f"_qa.md line {span.below.number}: this text below the answer of {question.label} is not part "
                f"of the answer; write it behind “**Answer:**” in place of what is there if it should be."
            )
        questions.append(question)
    unread = _unread(unread_lines(lines, blocks, answers), len(questions) + 1)
    if unread:
        problems.append(unread)
    elif not questions and text.strip():
        problems.append(
            "_qa.md line 1: no question found; a question starts with a heading such as “### Q1: …”."
        )
    return Qa(tuple(questions), tuple(problems), unread)


@lru_cache(maxsize=1)  # an answer is written into what was parsed just before
def _blocks(text: str) -> Sequence[QuestionBlock]:
    return find_blocks(scan(text))


def _unread(lines: Sequence[Line], number: int) -> str:
    if not lines:
        return ""
    what = "this looks like a question but cannot be asked" if number > 1 else "no question found"
    shown = "; ".join(f"line {line.number} “{one_line(line.text, 80)}”" for line in lines[:_NAMED_LINES])
    more = f" and {len(lines) - _NAMED_LINES} more" if len(lines) > _NAMED_LINES else ""
    return (
        f"_qa.md {shown}{more}: {what}; write it as “### Q{number}: …” with a line “**Answer:** {WAITING}”."
    )


def set_answer(text: str, index: int, answer: str, below: str = "") -> str:
    """Return the file with one question answered, or with its answer changed; `parse_qa` returns the answer exactly.

    Args:
        text: The file as `read_text` returns it.
        index: The question's `index`.
        answer: The user's answer; lone surrogates become U+FFFD.
        below: Text to put below the answer, outside of it.

    Raises:
        NotFoundError: There is no such question.
        UsageError: The answer is empty.
    """
    answer = without_surrogates(answer)
    if not answer.strip():
        raise UsageError("An answer needs at least one word; nothing was saved.")
    block = _block(text, index)
    at = answer_line(block.lines)
    if at is None:
        last = block.lines[-1]
        mark = quote_mark(text, last.start)
        end = last.end or newline(text)
        head = f"{text[: last.stop]}{'' if last.end else end}{mark}{end}{mark}**Answer:**"
        place = AnswerSpan(last.stop, last.stop, end, None, None)
    else:
        mark = quote_mark(text, block.lines[at].start)
        place = find_answer(block.lines, at)
        head = text[: place.start]
    tail = text[place.stop :]
    if below:
        gap = newline(text)
        tail = f"{gap}{below}{gap}{tail}"
        place = replace(place, end=place.end or gap)
    if place.is_below:
        end = "\n" if "\r" in answer else newline(text)
        head = head if head.endswith(("\n", f"\n{mark}")) else head + end
        quoted = quote(answer, end + mark)
        gap = "" if tail[:1] in ("", "\r", "\n") else end
        return f"{head.removesuffix(mark)}{mark}{quoted}{end if place.end or tail else ''}{gap}{tail}"
    if place.below is None and not below and _is_plain(answer):
        return f"{head} {answer}{_kept_end(text, place)}{tail}"
    end = "\n" if "\r" in answer else _kept_end(text, place) or newline(text)
    last_end = end if place.end else ""
    # Two quotes without a blank line between them would be one.
    gap = end if tail.startswith(">") and not mark else ""
    return f"{head}{end}{mark}{quote(answer, end + mark)}{last_end}{gap}{tail}"


def clear_answer(text: str, index: int) -> str:
    """Return the file with one question open again; an open one is returned unchanged.

    Raises:
        NotFoundError: There is no such question.
    """
    block = _block(text, index)
    at = answer_line(block.lines)
    place = None if at is None else find_answer(block.lines, at)
    if place is None or place.answer is None:
        return text
    gap = "" if place.is_below else " "
    return f"{text[: place.start]}{gap}{WAITING}{_kept_end(text, place)}{text[place.stop :]}"


def _kept_end(text: str, place: AnswerSpan) -> str:
    """Return the line end to put after a new answer in place of the old one's."""
    # An old answer with carriage returns has line ends of its own; a new one takes those of the file.
    is_own = place.answer is not None and "\r" in place.answer
    return newline(text) if is_own and place.end else place.end


def _is_plain(answer: str) -> bool:
    """Return whether an answer can stand after the mark and be read back as it is."""
    return answer == answer.strip() and not has_control(answer) and not is_placeholder(answer)


def _block(text: str, index: int) -> QuestionBlock:
    blocks = _blocks(text)
    if not 0 <= index < len(blocks):
        raise NotFoundError(
            f"_qa.md has {len(blocks)} questions and none at place {index + 1}; look at it again."
        )
    return blocks[index]


def _read(index: int, block: QuestionBlock, at: int | None, span: AnswerSpan | None) -> Question:
    first = 2 if len(block.lines) > 1 and UNDERLINE.fullmatch(block.lines[1].text[:300]) else 1
    body = block.lines[first:] if at is None else block.lines[first:at]
    if span is not None and span.below is not None and starts_offer(span.below):
        body = [*body, *(line for line in block.lines if line.start >= span.below.start)]
    offer = read_offer(block.title, body)
    return Question(
        number=block.number,
        text=offer.text,
        options=offer.options,
        suggestion=offer.suggestion,
        answer=None if span is None else span.answer,
        index=index,
        label=block.label,
        identity=fingerprint(block.label, offer.text, offer.options),
        reason=offer.reason,
        round=block.round,
        line=block.lines[0].number,
    )
