"""Answering the agent's questions: options by letter, and writing the answers. Part of `gate`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime

from samobot.errors import ConflictError, NotFoundError, UsageError
from samobot.frozen import frozen
from samobot.look_alikes import plain_letters
from samobot.phases import WaitingFor
from samobot.regex import regex
from samobot.session.answer_patterns import CYRILLIC
from samobot.session.decisions import Decision, DecisionKind, is_marked, record
from samobot.session.files import read_text, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import (
    Person,
    Settled,
    carry_out,
    journal_decisions,
    look_unless_done,
)
from samobot.session.gate_state import GateState, look_again, written_at
from samobot.session.journal import Journal
from samobot.session.lock import holder
from samobot.session.qa import parse_qa, set_answer
from samobot.session.question import Option, Question
from samobot.session.tamper import revert_and_log
from samobot.session.vault import edit_lock
from samobot.text import one_line, without_surrogates


@frozen
class Answered:
    """One answer as it was written: the question, the answer, and the answer before, if there was one."""

    question: Question
    answer: str
    before: str | None


@frozen
class Receipt:
    """What was answered, how many questions are still open, and which gate that opened."""

    answered: tuple[Answered, ...]
    open_questions: int
    settled: Settled


def answer(
    folder: SessionFolder,
    answers: Mapping[str | int, str],
    person: Person,
    now: datetime,
    key: bytes,
    *,
    expect: Mapping[int, str] | None = None,
    change: bool = True,
) -> Receipt:
    """Answer questions: all of them or, if one cannot be, none.

    A question is named by its label (`Q2`, `2`; of several, the newest open one) or by its index. A letter,
    number or text of an option takes that option, see `option_text`; anything else is written as it is.

    Args:
        folder: The session.
        answers: Question to answer.
        person: The user who answers.
        now: The time.
        key: Key of the marks.
        expect: Index to `identity` of the question that the user saw.
        change: Whether an answer that is there already may be changed.

    Raises:
        NotFoundError: No such question.
        UsageError: An answer is empty, or a letter is none of the options.
        ConflictError: The question has changed, has been answered meanwhile (where `change` is false), its
            answer has been taken up by an iteration, or the session is done.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        standing, known = look_unless_done(folder)
        text = read_text(folder.qa) or ""
        questions = parse_qa(text).questions
        done: list[Answered] = []
        for reference, words in answers.items():
            question = find_question(questions, reference)
            _check_seen(question, expect)
            written = option_text(question, words)
            if question.answer is not None and question.answer != written:
                _check_change(folder, question, standing, known, change=change)
            text = set_answer(text, question.index, written)
            done.append(Answered(question, written, question.answer))
        if not done:
            raise UsageError("Say which question is answered, and how: for example Q1=A.")
        _write_answers(folder, text, done, standing, known, person=person, now=now, key=key)
        return _receipt(folder, text, done, standing, known, now=now, key=key)


def answer_suggestions(
    folder: SessionFolder,
    person: Person,
    now: datetime,
    key: bytes,
    *,
    expected: Collection[str] | None = None,
) -> Receipt:
    """Answer every open question with what the agent suggests; those without a suggestion stay open.

    Args:
        folder: The session.
        person: Who answers.
        now: When.
        key: The key of the marks.
        expected: Fingerprints of the questions that were shown; None takes them as they are.

    Raises:
        ConflictError: No question is open, one was not shown, or the session is done.
        UsageError: None of the open ones has a suggestion.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        revert_and_log(folder, now)
        standing, known = look_unless_done(folder)
        text = read_text(folder.qa) or ""
        waiting = parse_qa(text).open
        if not waiting:
            raise ConflictError(f"{folder.name} has no open question.")
        new = [each for each in waiting if expected is not None and each.identity not in expected]
        if new:
            raise ConflictError(f"{new[0].label} has changed since it was shown; look at it again.")
        done = []
        for question in waiting:
            if question.suggested_answer:
                written = option_text(question, question.suggested_answer)
                text = set_answer(text, question.index, written)
                done.append(Answered(question, written, None))
        if not done:
            raise UsageError("None of the open questions comes with a suggestion; answer them one by one.")
        _write_answers(folder, text, done, standing, known, person=person, now=now, key=key)
        return _receipt(folder, text, done, standing, known, now=now, key=key)


def find_question(questions: tuple[Question, ...], reference: str | int) -> Question:
    """Return the question of a label such as `Q2` or `2`, or of an index.

    Raises:
        NotFoundError: There is none.
    """
    if isinstance(reference, int):
        found = [question for question in questions if question.index == reference]
    else:
        label = re.fullmatch(r"[qQ]?\s{0,4}0{0,5}([0-9][0-9.]{0,20}[a-z]?)", plain_letters(reference.strip()))
        found = [question for question in questions if label and question.label == f"Q{label[1]}"]
    waiting = [question for question in found if question.answer is None]
    if not found:
        labels = ", ".join(question.label for question in questions)
        shown = f"number {reference + 1}" if isinstance(reference, int) else f"“{one_line(reference, 40)}”"
        others = f"; there are: {labels}" if labels else ": nothing was asked"
        raise NotFoundError(f"There is no question {shown}{others}.")
    return (waiting or found)[-1]


_LETTER = regex(
    r"(?:(?:yes|ok|okay|ja|please)\W{1,3})?(?:(?:i(?:'d|’d|'ll|’ll| would)? (?:pick|choose|take|prefer|go (?:with|for))"
    r"|(?:let's |let’s )?(?:go (?:with|for)|pick|choose|take|use))\s)?"
    r"(?:option|answer|choice|letter)?\s{0,3}[(\[*_`\"“]{0,3}([A-Za-z])[)\]*_`\"”.:,!]{0,4}"
    r"(?:\s?(?:it is|please|pls|plz|thanks|thank you|thx|bitte|danke)[.!]{0,3})?",
    re.IGNORECASE,
)
_AROUND = frozenset(("So", "Sk", "Cf", "Mn", "Zs"))
"""Categories of emoji, their parts, and spaces."""
_DOUBTS = frozenset("👎❌🚫⛔✖🙅❎✗✘❓❔🤔🤷")
_NUMBER = regex(
    r"(?:option|answer|choice|nr\.?|no\.?|#)?\s{0,3}[(\[]?([0-9]{1,2})[)\].:,!]{0,3}", re.IGNORECASE
)


def option_text(question: Question, words: str) -> str:
    """Return what is written for an answer: for a letter, number or text of an option, that option; else the text itself.

    Raises:
        UsageError: It is empty, a letter of no option, or a number that could mean two options.
    """
    words = without_surrogates(words)
    if not words.strip():
        raise UsageError(f"The answer to {question.label} is empty.")
    if not question.options:
        return words
    short = _without_emoji(plain_letters(words.strip()[:200])).strip()
    said = one_line(words).casefold()
    for option in question.options:
        written = _written(option)
        if said in (written.casefold(), one_line(option.text).casefold()):
            return written
    by_place = CYRILLIC.get(short.upper())
    if by_place in {option.letter for option in question.options}:
        short = by_place or short
    if letter := _LETTER.fullmatch(short):
        for option in question.options:
            if option.letter.upper() == letter[1].upper():
                return _written(option)
        letters = ", ".join(option.letter for option in question.options)
        raise UsageError(f"{question.label} has no option {letter[1].upper()}; it has {letters}.")
    if (number := _NUMBER.fullmatch(short)) and 1 <= int(number[1]) <= len(question.options):
        chosen = question.options[int(number[1]) - 1]
        named = [option for option in question.options if _begins_with_number(option, int(number[1]))]
        if named and named != [chosen]:
            raise UsageError(
                f"“{one_line(words, 20)}” could be option {chosen.letter} of {question.label} or the text of another one; "
                "answer with a letter."
            )
        return _written(chosen)
    return words


def _without_emoji(text: str) -> str:
    """Return a text without the emoji around it, unless it consists of them: `B 👍`."""
    if not _DOUBTS.isdisjoint(text):
        return text
    start, stop = 0, len(text)
    while start < stop and unicodedata.category(text[start]) in _AROUND:
        start += 1
    while stop > start and unicodedata.category(text[stop - 1]) in _AROUND:
        stop -= 1
    return text[start:stop] or text


def _written(option: Option) -> str:
    return f"{option.letter}) {one_line(option.text)}".strip()


def _begins_with_number(option: Option, number: int) -> bool:
    found = re.match(r"\W{0,3}([0-9]{1,9})(?![0-9.,])", option.text)
    return found is not None and int(found[1]) == number


def _check_seen(question: Question, expect: Mapping[int, str] | None) -> None:
    seen = (expect or {}).get(question.index)
    if seen is not None and seen != question.identity:
        raise ConflictError(f"{question.label} has changed since it was shown; look at it again.")


def _check_change(
    folder: SessionFolder, question: Question, standing: GateState, known: Journal, *, change: bool
) -> None:
    if not change:
        raise ConflictError(
            f"{question.label} has been answered meanwhile: “{one_line(question.answer or '', 80)}”."
        )
    if _is_taken_up(folder, question, standing, known):
        raise ConflictError(
            f"The agent is already working with the answer to {question.label}; send it guidance instead."
        )


def _is_taken_up(folder: SessionFolder, question: Question, standing: GateState, known: Journal) -> bool:
    """Return whether an iteration works with an answer, or has: then another one would have no effect.

    At the gate of the questions itself, answers of an earlier round may be changed: the next iteration is given
    the new ones.
    """
    held = holder(folder)
    if held is not None and held.claude_pid is not None:
        return True
    if standing.awaited is WaitingFor.QA_ANSWERS:
        return False
    worked = _last_began(known)
    asked = question.identity
    said = [each.at for each in standing.decisions.decisions if each.asked == asked and each.at is not None]
    answered = max(said, default=None) or written_at(folder.qa)  # by hand: no later than the file was written
    return worked is not None and answered is not None and answered <= worked


def _last_began(known: Journal) -> datetime | None:
    return known.iteration.started if known.iteration is not None else known.last_iteration_began


def _write_answers(
    folder: SessionFolder,
    text: str,
    done: list[Answered],
    standing: GateState,
    known: Journal,
    *,
    person: Person,
    now: datetime,
    key: bytes,
) -> None:
    """Record the answers, then write them: a crash or a full disk in between leaves none that seems to be by hand.

    Repeated after that, an answer is not recorded a second time; nor is one that stands, also while an iteration works
    with it: what an agent wrote has been reverted by now.
    """
    said = [each for each in standing.decisions.decisions if each.kind is DecisionKind.ANSWER]
    newest = {each.asked: each for each in said if is_marked(folder, each, key)}
    worked = _last_began(known)
    for each in done:
        asked = each.question.identity
        earlier = newest.get(asked)
        if earlier is not None and earlier.text == each.answer:
            asked_since = worked is not None and earlier.at is not None and earlier.at <= worked
            if each.before == each.answer or not asked_since:
                continue
        decision = Decision(
            at=now,
            who=person.who,
            via=person.via,
            kind=DecisionKind.ANSWER,
            question=each.question.label,
            asked=asked,
            text=each.answer,
            file=folder.qa.name,
        )
        record(folder, decision, key)
    if any(each.before != each.answer for each in done):
        write_atomic(folder.qa, text)


def _receipt(
    folder: SessionFolder,
    text: str,
    done: list[Answered],
    before: GateState,
    known: Journal,
    *,
    now: datetime,
    key: bytes,
) -> Receipt:
    """Carry out what the recorded answers allow, and report it."""
    standing = look_again(folder, before)
    journal_decisions(folder, now, key, standing=standing, known=known)
    left = len(parse_qa(text).open)
    return Receipt(tuple(done), left, carry_out(folder, now, held_by_us=False, standing=standing))
