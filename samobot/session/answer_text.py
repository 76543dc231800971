"""Answers as users type them, in a chat or a terminal: `Q1: B⏎Q2: tools/`, `1b 2a`, `Q1 B and Q2 A`. Pure.

A text is split at the labels of questions. If it is not clear which part answers which question, the result is
`Ambiguous`: the user is asked before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from samobot.frozen import frozen
from samobot.look_alikes import plain_letters
from samobot.session import answer_patterns as patterns
from samobot.session.question import Question
from samobot.text import one_line

MAX_TEXT = 100_000
"""Characters of a text in which labels are looked for; a longer one is one answer."""

_SHORT_VALUE = 3
"""Length of an answer, in parts between spaces, after which a comma and a label begin the next one."""
_WINDOW = 80
"""Characters before a label that decide whether it begins another answer."""

_MAX_LABELS = 200


@frozen
class AnswerArguments:
    """What a text answers.

    Attributes:
        everything: Whether every suggestion is accepted.
        answers: Label of a question to its answer, if the text has labels.
        text: The answer to a question that has to be found.
    """

    everything: bool = False
    answers: dict[str | int, str] = field(default_factory=dict)
    text: str = ""


@frozen
class Ambiguous:
    """A text of which it is not clear which part answers which question; `message` asks the user."""

    message: str


class _Label(NamedTuple):
    start: int
    stop: int
    label: str
    is_line_start: bool


def parse_answers(text: str, questions: Sequence[Question] | None = None) -> AnswerArguments | Ambiguous:
    """Split what a user typed into answers. Linear in the text's length.

    Args:
        text: The text, without the session's name.
        questions: All questions of the session; None if they are not known, then any label is taken for one.
    """
    words = text.strip(" \t")
    plain = re.sub(r"\*\*|`", lambda found: " " * len(found[0]), plain_letters(words)).translate(
        patterns.ARROWS
    )
    plain = re.sub("(?<=[0-9])[.:](?=:)", " ", plain)  # “Q1.: B”
    if {each.strip().casefold().rstrip(".!") for each in (plain, words)} & patterns.ALL:
        return AnswerArguments(everything=True)
    if len(words) > MAX_TEXT:
        return AnswerArguments(text=words.strip("\n"))
    known = None if questions is None else {question.label for question in questions}
    waiting = 0 if questions is None else sum(1 for question in questions if question.answer is None)
    every = patterns.EVERY.fullmatch(plain.strip()) or patterns.EVERY.fullmatch(words.strip())
    if every is not None and questions is not None and waiting > 1:
        letter = every["letter"] or every["after"]
        return AnswerArguments(answers={each.label: letter for each in questions if each.answer is None})
    for pattern in (patterns.PAIR, patterns.REVERSED):
        pairs = _pairs(pattern, plain.strip(), known)
        if pairs is not None:
            return _answers(pairs)
    grouped = _grouped(words.strip(), plain.strip(), known)
    if grouped is not None:
        return grouped
    if waiting > 1 and patterns.REST.search(plain):
        return _ambiguous(words)
    labels = _labels(_without_code(words, plain), known, waiting)
    if isinstance(labels, Ambiguous):
        return labels
    if labels:
        split = _segments(words, plain, labels)
        is_clear = isinstance(split, Ambiguous) or not _answers_others(split.answers, questions or ())
        return split if is_clear else _ambiguous(words)
    if waiting > 1 and (
        patterns.LETTERS.fullmatch(patterns.BULLET.sub("", plain).strip())
        or _numbers_several(plain, known or set())
        or _spells_options(plain.strip().rstrip("."), questions or (), waiting)
        or _spreads_options(plain, waiting)
    ):
        return _ambiguous(words)
    return AnswerArguments(text=words.strip("\n"))


def parse_label(text: str) -> str | None:
    """Return the question's label if a text is nothing but one: `Q2`."""
    found = patterns.START.fullmatch(plain_letters(text.strip()[:100]))
    return f"Q{_canonical(found['q'])}" if found else None


def names_label(text: str) -> bool:
    """Return whether a text has a label such as `Q2` at the beginning of a line or after a sign."""
    return (
        re.search(rf"(?:^|[\s,;(*])[Qq]\s?#?{patterns.N}(?!\w)", plain_letters(text[:MAX_TEXT])) is not None
    )


def _canonical(number: str) -> str:
    whole, dot, part = number.partition(".")
    return f"{int(whole)}{dot}{part}"


def _numbers_several(plain: str, known: set[str]) -> bool:
    """Return whether a text numbers several questions: `1) yes 2) no`, `1 yes, 2 no`, `No 1: yes, No 2: no`."""
    for pattern in (patterns.NUMBERED, patterns.LISTED, patterns.NUMBERED_LINE):
        numbers = [f"Q{_canonical(found['q'])}" for found in pattern.finditer(plain)]
        is_first = pattern.match(plain.lstrip()) is not None
        if is_first and len(set(numbers) & known) > 1 and numbers[0] in known:
            return True
    for pattern in (patterns.NUMBERS_ONE, patterns.SPELLS_ONE):
        named = {next(filter(None, found.groups())).casefold() for found in pattern.finditer(plain)}
        if pattern is patterns.NUMBERS_ONE:
            named = {f"Q{_canonical(each)}" for each in named} & known
        if len(named) > 1:
            return True
    return False


def _spells_options(plain: str, questions: Sequence[Question], waiting: int) -> bool:
    """Return whether a text has one option letter for each open question: `bac`."""
    waits = [question for question in questions if question.answer is None]
    return len(plain) == waiting and all(
        char.upper() in {option.letter for option in question.options}
        for char, question in zip(plain, waits, strict=True)
    )


def _spreads_options(plain: str, waiting: int) -> bool:
    """Return whether a short text answers several questions in a way of its own: `the first B, the others A`."""
    if len(plain) > _WINDOW:
        return False
    verdicts = [word for word in re.findall(r"\w+", plain) if patterns.YES_OR_NO.fullmatch(word)]
    if len(verdicts) == waiting and len(re.findall(r"\w+", plain)) == waiting:
        return True
    if patterns.EXCEPT.search(plain):
        return True
    if patterns.NUMBERS_ONLY.fullmatch(plain.strip()) and len(re.findall(r"\d+", plain)) == waiting:
        return True
    letters = {found[0] for found in re.finditer(r"(?<![A-Za-z0-9])[A-H](?![A-Za-z0-9'’])", plain)}
    labels = set(re.findall(r"[Qq]([0-9]{1,4})", plain))
    return len(letters) > 1 and (len(labels) > 1 or patterns.SPREAD.search(plain) is not None)


def _without_code(words: str, plain: str) -> str:
    """Return the plain text with blanks in place of what is in code fences: no label there begins an answer."""
    lines, is_code = [], False
    for written, line in zip(words.split("\n"), plain.split("\n"), strict=True):
        is_fence = written.lstrip().startswith(("```", "~~~"))
        lines.append(" " * len(line) if is_code or is_fence else line)
        is_code = is_code != is_fence
    return plain if is_code else "\n".join(lines)


def _answers_others(answers: Mapping[str | int, str], questions: Sequence[Question]) -> bool:
    """Return whether a line below an answer looks like the answer to an open question without one: `Q1: B⏎then C`."""
    letters = {
        option.letter
        for question in questions
        if question.answer is None and question.label not in answers
        for option in question.options
    }
    if not letters:
        return False
    for value in answers.values():
        for line in _without_code(value, plain_letters(value)).split("\n")[1:]:
            found = patterns.NEXT_LETTER.fullmatch(line)
            if (found is not None and found["letter"].upper() in letters) or patterns.NEXT_SPELLED.search(
                line
            ):
                return True
    return False


def _pairs(pattern: re.Pattern[str], plain: str, known: set[str] | None) -> list[tuple[str, str]] | None:
    """Read `Q1=A, 2 B` if the whole text consists of such pairs."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(plain):
        found = pattern.match(plain, at)
        if found is None:
            if pairs and patterns.COURTESY.fullmatch(plain, at):
                break
            return None
        label = f"Q{_canonical(found['q'])}"
        is_bare = not found[0].lstrip("(")[:1].isalpha() and pattern is patterns.PAIR
        if is_bare and known is not None and label not in known:
            return None
        pairs.append((label, found["letter"]))
        at = found.end()
    return pairs or None


def _grouped(words: str, plain: str, known: set[str] | None) -> AnswerArguments | Ambiguous | None:
    """Read `Q1 and Q2: A`, one answer to several questions."""
    found = patterns.GROUP.fullmatch(plain)
    if found is None:
        return None
    value = words[found.start("value") :]
    if not re.search("[:=]", found["sep"]) and (
        not patterns.ONE_LETTER.match(found["value"]) or not re.search("[Qq]", plain[: found.start("sep")])
    ):
        return None
    numbered = patterns.INNER_NUMBER.finditer(plain, found.start("value"))
    others = any(known is None or f"Q{_canonical(each['q'])}" in known for each in numbered)
    if others or patterns.INNER.search(plain, found.start("value")) or "\nQ" in found["value"]:
        return _ambiguous(words)
    head = plain[: found.start("sep")]
    numbers = [_canonical(each) for each in patterns.NUMBER.findall(head)]
    if re.search(r"[-–]", head):
        if not re.search("[Qq]", head) and known is not None and f"Q{numbers[0]}" not in known:
            return None
        if len(numbers) != 2 or "." in "".join(numbers) or not 0 < int(numbers[1]) - int(numbers[0]) < 100:
            return _ambiguous(words)
        numbers = [str(number) for number in range(int(numbers[0]), int(numbers[1]) + 1)]
    labels = [f"Q{number}" for number in numbers]
    is_bare = re.search(r"[Qq]", head) is None
    if is_bare and ((known is not None and not set(labels) <= known) or not re.search("[:=]", found["sep"])):
        return None
    if known is not None and not set(labels) <= known:
        return _ambiguous(words)
    return AnswerArguments(answers={label: value.strip() for label in labels})


def _labels(plain: str, known: set[str] | None, waiting: int) -> list[_Label] | Ambiguous:
    """Find the labels at which the text is split; none if it is one answer."""
    numbered = _is_numbered(plain, known, waiting)
    found: list[_Label] = []
    at = 0
    for line in plain.split("\n"):
        start = patterns.START.match(line) or (patterns.START_NUMBER.match(line) if numbered else None)
        inner_from = 0
        if start is not None and (label := f"Q{_canonical(start['q'])}"):
            is_label = (
                known is None or label in known or not found or ":" in start["sep"] or "=" in start["sep"]
            )
            has_end = start["sep"] != "" or start.end() == len(line)
            if is_label and has_end:
                found.append(_Label(at + start.start(), at + start.end(), label, is_line_start=True))
                inner_from = max(start.end() - 1, 0)
        for pattern in (patterns.INNER, patterns.INNER_NUMBER) if numbered else (patterns.INNER,):
            for inner in pattern.finditer(line, inner_from):
                verdict = _inner_label(line, inner, found[-1].stop - at if found else None, known)
                if verdict is None:
                    return _ambiguous(plain)
                if verdict:
                    label = f"Q{_canonical(inner['q'])}"
                    found.append(_Label(at + inner.start(), at + inner.end(), label, is_line_start=False))
        at += len(line) + 1
        if len(found) > _MAX_LABELS:
            return _ambiguous(plain)
    found.sort()
    if found and plain[: found[0].start].strip():
        intro = plain[: found[0].start].strip()
        if not (found[0].is_line_start and len(intro) <= 80 and intro.endswith(":")):
            return _ambiguous(plain)
    return found


def _is_numbered(plain: str, known: set[str] | None, waiting: int) -> bool:
    """Return whether numbers at the beginnings of lines are labels: `1: B`, or a list that fits the questions."""
    first = patterns.START_NUMBER.match(plain)
    if first is None or known is None or f"Q{_canonical(first['q'])}" not in known:
        return False
    if first["sep"].strip() in (":", "="):
        return True
    starts = [found for line in plain.split("\n") if (found := patterns.START_NUMBER.match(line))]
    return waiting > 1 and len(starts) > 1 and all(f"Q{_canonical(found['q'])}" in known for found in starts)


def _inner_label(
    line: str, found: re.Match[str], value_from: int | None, known: set[str] | None
) -> bool | None:
    """Return whether a label within a line begins another answer; None if that is not clear."""
    label = f"Q{_canonical(found['q'])}"
    is_known = known is None or label in known
    value = line[max(value_from or 0, found.start() - _WINDOW, 0) : found.start() + 1]
    above = patterns.CONNECTOR.sub("", value)
    is_strong = found["sep"].strip() in (":", "=", ":=", "->", "=>", "→")
    after_letter = value_from is not None and patterns.ONE_LETTER.match(above) is not None
    follows_letter = re.match(rf"{patterns.LETTER}(?=[\s,;.!)]|\Z)", line[found.end() :]) is not None
    if is_known and patterns.ENDS_WITH_LABEL.search(above):
        return None
    if is_strong:
        if not is_known:
            return False
        return None if patterns.REFERS.search(above) else True
    if not is_known or found.end() == len(line):
        return None if after_letter and is_known and found.end() == len(line) else False
    if after_letter:
        return True
    connected = above.rstrip() != value.rstrip()
    if follows_letter and not patterns.REFERS.search(above) and value_from is not None:
        return True if connected and not re.search(r"\w\s+\Z", value) else None
    if value_from is None or patterns.REFERS.search(above):
        return None if connected and follows_letter else False
    has_comma = re.search(r"[,;|/]\s*\Z", value) is not None
    return True if has_comma and len(above.split()) <= _SHORT_VALUE else None


def _segments(words: str, plain: str, labels: list[_Label]) -> AnswerArguments | Ambiguous:
    pairs = []
    stops = [*(label.start for label in labels), len(words)][1:]
    for label, stop, following in zip(labels, stops, [*labels, None][1:], strict=True):
        value = words[label.stop : stop]
        if following is not None and not following.is_line_start:
            tail = max(label.stop, stop - _WINDOW)
            connector = patterns.CONNECTOR.search(plain[tail:stop])
            value = words[label.stop : tail + connector.start()] if connector else value
            value = value.removesuffix("**")
        pairs.append((label.label, value.strip("\n") if len(labels) == 1 else value.strip()))
    if len(pairs) == 1 and not pairs[0][1].strip():
        return AnswerArguments(text="")
    return _answers(pairs)


def _answers(pairs: Sequence[tuple[str, str]]) -> AnswerArguments | Ambiguous:
    answers: dict[str | int, str] = {}
    for label, value in pairs:
        if label in answers:
            return Ambiguous(f"There are two answers to {label}; send one. Nothing was saved.")
        if not value.strip():
            return Ambiguous(f"The answer to {label} is missing; send them all again. Nothing was saved.")
        polite = patterns.POLITE_LETTER.fullmatch(value)
        answers[label] = polite["letter"] if polite is not None else value
    return AnswerArguments(answers=answers)


def _ambiguous(words: str) -> Ambiguous:
    return Ambiguous(
        f"It is not clear which part of “{one_line(words, 60)}” answers which question. Write each answer on a line of "
        "its own, such as “Q1: B”. Nothing was saved."
    )
