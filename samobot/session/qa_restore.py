"""Restores the user's answers after an agent has rewritten `_qa.md`. Pure.

How a question is recognized again: see `question_match`. An answered one is restored as the user saw it; one that is gone
is inserted again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from samobot.frozen import frozen
from samobot.session.blocks import newline, quote_mark, scan
from samobot.session.qa import clear_answer, parse_qa, set_answer
from samobot.session.qa_parser import QuestionBlock, find_blocks
from samobot.session.question import Question
from samobot.session.question_match import OPTION_ANSWER, is_compatible, is_translated_answer, match_questions
from samobot.session.question_starts import LABEL
from samobot.session.unread_questions import asks

_WORD = re.compile(r"[^\W_]+")
_NOTE = re.compile(r"\s\([^()\n]{0,80}\)\s{0,3}$|</?[a-zA-Z][^<>\n]{0,80}>|-->")
_REFERENCES = (["answered"], ["see", "above"], ["see", "below"], ["resolved"], ["done"])
"""What agents write in place of an answer that is elsewhere."""


class ChangeKind(StrEnum):
    """What an agent did to questions and answers."""

    ANSWERED = "answered"
    ANSWER_REMOVED = "answer_removed"
    QUESTION_REMOVED = "question_removed"


@frozen
class QaChange:
    """One change by the agent that was reverted, or that is to be reported.

    Attributes:
        kind: What happened.
        label: The question's label.
        written: The agent's answer, if it wrote one.
        restored: The user's answer that is there now; None if the question is open.
    """

    kind: ChangeKind
    label: str
    written: str | None = None
    restored: str | None = None


@frozen
class RestoredQa:
    """The file with the user's answers.

    Attributes:
        text: Its content.
        changes: What has to be reported; an edit that kept the meaning is not.
        keep_before: Whether questions of the file as it was are no longer in it in that form.
        keep_after: Whether text of the agent was replaced by a question as it was.
    """

    text: str
    changes: tuple[QaChange, ...]
    keep_before: bool
    keep_after: bool


def restore_answers(before: str, after: str, given: Mapping[str, str]) -> RestoredQa:
    """Return the agent's file with the user's answers, and only those.

    Args:
        before: The file before the iteration.
        after: The file as the agent left it.
        given: Fingerprint of a question to the answer that the user gave during the iteration.
    """
    old, new = parse_qa(before).questions, parse_qa(after).questions
    old_blocks = find_blocks(scan(before))
    pairs = match_questions(old, new)
    new_blocks = find_blocks(scan(after))
    changes: list[QaChange] = []
    noted = False
    blocks: dict[int, str] = {}
    answers: dict[int, str | None] = {}
    below: dict[int, str] = {}
    kept: set[int] = set()
    copied = {(each.round, each.identity): each.answer for each in old}
    for question in new:
        asked = old[pairs[question.index]] if question.index in pairs else None
        own = given.get(question.identity, copied.get((question.round, question.identity)))
        due = own
        if asked is not None:
            due = given.get(asked.identity, asked.answer) if own is None else own
            is_same = (
                due is None or asked.identity == question.identity or is_compatible(asked, question, due)
            )
            if is_same or question.answer is not None:
                kept.add(asked.index)
            # Else it is another question by now, and the answer stays with the one that it was given to.
            if not is_same:
                due = own
            elif due is not None and asked.identity != question.identity:
                blocks[question.index] = _block_text(before, old_blocks[asked.index], asked, due)
        if not is_same_answer(question.answer, due):
            answers[question.index] = due
            written = question.answer
            if due is None or written is None:
                changes.append(_change(question, due))
            elif added := _asked_below(written, due):
                below[question.index] = added
            elif _is_same_meaning(written, due) or (asked and is_translated_answer(asked, question, due)):
                noted = True
            else:
                changes.append(_change(question, due))
    missing = []
    for question in old:
        due = given.get(question.identity, question.answer)
        if question.index in kept:
            continue
        if due is None:
            changes.append(QaChange(ChangeKind.QUESTION_REMOVED, question.label))
        else:
            missing.append((question, _block_text(before, old_blocks[question.index], question, due)))
    if blocks or missing:
        # Below a heading `### Q1`, a numbered item is no longer parsed as a question.
        for question in new:
            if question.index not in blocks and not _is_labelled(after, new_blocks[question.index]):
                due = answers.get(question.index, question.answer)
                blocks[question.index] = _block_text(after, new_blocks[question.index], question, due)
    known = {question.identity for question in new}
    return RestoredQa(
        text=_with_missing(_edited(after, blocks, answers, below), missing),
        changes=tuple(changes),
        keep_before=any(question.identity not in known for question in old),
        keep_after=noted or bool(blocks),
    )


def is_same_answer(one: str | None, other: str | None) -> bool:
    """Return whether two answers are equal, except for white space that reading a file may change."""
    if one is None or other is None:
        return one is other
    return normalized(one) == normalized(other)


def normalized(answer: str) -> str:
    """Return an answer without the differences that reading a file may bring."""
    return "\n".join(line.rstrip() for line in answer.replace("\r\n", "\n").strip().split("\n"))


def _is_same_meaning(written: str, due: str) -> bool:
    """Return whether an agent's form of an answer only adds signs, or leaves out the option's letter or text."""
    said, meant = (_WORD.findall(_NOTE.sub("", each).casefold()) for each in (written, due))
    if (said and said == meant) or said in _REFERENCES:
        return True
    return OPTION_ANSWER.match(due) is not None and said in (meant[:1], meant[1:])


def _change(question: Question, due: str | None) -> QaChange:
    if question.answer is None:
        return QaChange(ChangeKind.ANSWER_REMOVED, question.label, None, due)
    return QaChange(ChangeKind.ANSWERED, question.label, question.answer, due)


def _edited(
    text: str, blocks: Mapping[int, str], answers: Mapping[int, str | None], below: Mapping[int, str]
) -> str:
    """Restore single answers, then whole questions, both from the last to the first: text below one may ask more."""
    for index, due in sorted(answers.items(), reverse=True):
        if index not in blocks:
            text = (
                clear_answer(text, index)
                if due is None
                else set_answer(text, index, due, below.get(index, ""))
            )
    found = find_blocks(scan(text))
    for index in sorted(blocks, reverse=True):
        first, last = found[index].lines[0], found[index].lines[-1]
        start = first.start - len(quote_mark(text, first.start))
        added = f"{newline(text) * 2}{below[index]}" if index in below else ""
        text = text[:start] + blocks[index].rstrip("\r\n") + added + last.end + text[last.stop :]
    return text


def _block_text(text: str, block: QuestionBlock, question: Question, due: str | None) -> str:
    """Return a question of a file with its answer, in a form that is parsed anywhere."""
    end = newline(text)
    if _is_labelled(text, block):
        raw = text[block.lines[0].start : block.lines[-1].stop]
    else:
        options = "".join(f"{option.letter}) {option.text}{end}" for option in question.options)
        reason = f" - {question.reason}" if question.suggestion and question.reason else ""
        suggestion = f"**Suggestion:** {question.suggested_answer}{reason}{end}{end}"
        parts = (options and options + end, suggestion if question.suggested_answer else "")
        raw = f"### {question.label}: {question.text}{end}{end}{''.join(parts)}**Answer:**{end}"
    if due is None or is_same_answer(parse_qa(raw).questions[0].answer, due):
        return raw
    return set_answer(raw, 0, due)


def _is_labelled(text: str, block: QuestionBlock) -> bool:
    first = block.lines[0]
    return bool(first.level and LABEL.fullmatch(first.title)) and not quote_mark(text, first.start)


def _with_missing(text: str, missing: Sequence[tuple[Question, str]]) -> str:
    """Insert questions above the first one of the file, below the headings of their rounds."""
    if not missing:
        return text
    end = newline(text)
    rounds = {line.title for line in scan(text) if line.level}
    parts = []
    for question, block in missing:
        if question.round and question.round not in rounds:
            rounds.add(question.round)
            parts.append(f"## {question.round}{end}{end}")
        parts.append(block.rstrip("\r\n") + end + end)
    blocks = find_blocks(scan(text))
    at = blocks[0].top - len(quote_mark(text, blocks[0].top)) if blocks else len(text)
    gap = "" if not at or text[:at].endswith("\n") else end
    return f"{text[:at]}{gap}{''.join(parts)}{text[at:]}"


def _asked_below(written: str, due: str) -> str:
    """Return what an agent has written below an answer if that asks something; else nothing."""
    written, due = normalized(written), normalized(due)
    rest = written[len(due) :].strip("\n") if written.startswith(f"{due}\n") else ""
    return rest if rest and asks(rest) else ""
