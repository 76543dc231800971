"""`_qa.md`: what the agent asks and what a person answers.

A question is a heading `### Q1: …`, its text, options `A) …`, `**Suggestion:** A - why` and a last line
`**Answer:** _waiting_`. Agents and people write all of this in many ways; reading accepts what is clear and
names the rest in `problems`. An edit changes the answer it is about and no other byte.

An answer of one plain line stands behind `**Answer:**`. Any other answer becomes a block quote below it: in a
quote no line can be taken for a question, a fence or an answer, wherever in the file it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from samobot.errors import NotFoundError, UsageError
from samobot.session.blocks import PARSES_KEPT, Line, match_key, newline, quote, scan
from samobot.session.qa_parser import (
    AnswerSpan,
    QuestionBlock,
    answer_line,
    find_answer,
    find_blocks,
    is_waiting,
)
from samobot.session.question import Option, Question, fingerprint
from samobot.text import has_control, without_surrogates

WAITING = "_waiting_"

_OPTION = re.compile(r"(\s{0,8}(?:[-*+]\s{1,4})?)(\*\*|\()?([A-Za-z])([).:]\*\*|\*\*[).:]|[).])(?:\s|$)")
_SUGGESTED = re.compile(
    r"(?:[Oo]ption\s{1,3})?[*_`(]{0,3}([A-Z])(?:[*_`).:,;]|\s{0,3}[-–—(]|\s{1,3}because\b|$)"
)


@dataclass(frozen=True, slots=True)
class Qa:
    """All that `_qa.md` says.

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
    """Read `_qa.md`. Never fails; linear in the text's length.

    Args:
        text: The file as `read_text` returns it.
    """
    questions = []
    problems = []
    blocks = find_blocks(scan(text))
    for index, block in enumerate(blocks):
        at = answer_line(block)
        place = None if at is None else find_answer(block, at)
        body = block.lines[1:] if at is None else block.lines[1:at]
        question = _read(index, block, body)
        if place is None:
            problems.append(f"_qa.md line {question.line}: {question.label} has no “**Answer:**” line.")
        else:
            question = replace(question, answer=place.answer)
            if place.below is not None:
                problems.append(
                    f"_qa.md line {place.below.number}: this text below the answer of {question.label} is not part "
                    f"of the answer; write it behind “**Answer:**” in place of what is there if it should be."
                )
        questions.append(question)
    if not questions and text.strip():
        problems.append(
            "_qa.md line 1: no question found; a question starts with a heading such as “### Q1: …”."
        )
    return Qa(tuple(questions), tuple(problems))


def set_answer(text: str, index: int, answer: str) -> str:
    """Return the file with one question answered, or with its answer changed; `parse_qa` gives the answer back exactly.

    Args:
        text: The file as `read_text` returns it.
        index: The question's `index`.
        answer: The person's words; lone surrogates become U+FFFD.

    Raises:
        NotFoundError: There is no such question (any more).
        UsageError: The answer has no words.
    """
    answer = without_surrogates(answer)
    if not answer.strip():
        raise UsageError("An answer needs at least one word; nothing was saved.")
    block = _block(text, index)
    at = answer_line(block)
    if at is None:
        last = block.lines[-1]
        end = last.end or newline(text)
        head = text[: last.stop] + ("" if last.end else end) + end + "**Answer:**"
        place = AnswerSpan(last.stop, last.stop, end, None, None)
    else:
        place = find_answer(block, at)
        head = text[: place.start]
    tail = text[place.stop :]
    if place.below is None and _is_plain(answer):
        return f"{head} {answer}{_kept_end(text, place)}{tail}"
    end = "\n" if "\r" in answer else _kept_end(text, place) or newline(text)
    last_end = end if place.end else ""
    # Two quotes without a blank line between them would be one.
    gap = end if tail.startswith(">") else ""
    return f"{head}{end}{quote(answer, end)}{last_end}{gap}{tail}"


def clear_answer(text: str, index: int) -> str:
    """Return the file with one question open again; one that is open already is left as it is.

    Raises:
        NotFoundError: There is no such question (any more).
    """
    block = _block(text, index)
    at = answer_line(block)
    place = None if at is None else find_answer(block, at)
    if place is None or place.answer is None:
        return text
    return f"{text[: place.start]} {WAITING}{_kept_end(text, place)}{text[place.stop :]}"


def _kept_end(text: str, place: AnswerSpan) -> str:
    """Return the line end to put behind a new answer in place of the old one's."""
    # An old answer with carriage returns has line ends of its own; a new one takes those of the file.
    is_own = place.answer is not None and "\r" in place.answer
    return newline(text) if is_own and place.end else place.end


def _is_plain(answer: str) -> bool:
    """Say whether an answer can stand behind the mark and be read back as it is."""
    return answer == answer.strip() and not has_control(answer) and not is_waiting(answer)


def _block(text: str, index: int) -> QuestionBlock:
    blocks = find_blocks(scan(text))
    if not 0 <= index < len(blocks):
        raise NotFoundError(
            f"_qa.md has {len(blocks)} questions and none at place {index + 1}; look at it again."
        )
    return blocks[index]


def _read(index: int, block: QuestionBlock, body: Sequence[Line]) -> Question:
    """Sort a question's lines, heading and answer left out, into text, options and suggestion."""
    text = [block.title]
    options: list[tuple[str, list[str]]] = []
    suggestion: list[str] | None = None
    into = text
    after_blank = False
    for line in body:
        if not line.code:
            option = _option(line.text, options[-1][0] if options else None)
            key = match_key(line.text)
            if key is not None and key.name == "suggestion":
                suggestion = into = [key.value]
                after_blank = False
                continue
            if option is not None and suggestion is None:
                letter, words = option
                into = [words]
                options.append((letter, into))
                after_blank = False
                continue
            if after_blank and not line.blank and not line.text.startswith((" ", "\t")):
                if into is not text:
                    text.append("")
                into = text
        into.append(line.text)
        after_blank = line.blank and not line.code
    offered = tuple(Option(letter, "\n".join(words).strip()) for letter, words in options)
    suggested, reason = _suggestion("\n".join(suggestion or ()).strip(), {letter for letter, _ in options})
    label, words = f"Q{block.number}", "\n".join(text).strip()
    return Question(
        index=index,
        number=block.number,
        label=label,
        identity=fingerprint(label, words, offered),
        text=words,
        options=offered,
        suggestion=suggested,
        reason=reason,
        round=block.round,
        line=block.lines[0].number,
    )


def _option(line: str, last: str | None) -> tuple[str, str] | None:
    """Read the first line of an option; `last` is the letter of the one before it."""
    found = _OPTION.match(line)
    if found is None:
        return None
    letter = found[3].upper()
    due = "A" if last is None else chr(ord(last) + 1)
    # “A. Miller” in a sentence looks like an option, so only “B)” may leave a letter out.
    is_firm = ")" in found[4] and found[3].isupper()
    if letter != due and not (is_firm and letter > due):
        return None
    return letter, line[found.end() :].strip()


def _suggestion(value: str, letters: Collection[str]) -> tuple[str | None, str]:
    """Split a suggestion into a letter that is among the options and the reason; without one it is all reason."""
    found = _SUGGESTED.match(value)
    if found is None or found[1] not in letters:
        return None, value
    return found[1], value[found.end(1) :].lstrip("*_`).:,;-–— \t")
