"""What a person decides, whoever they say it to: the one way in which answers and approvals get on disk.

Every decision is on disk before its function returns. Each may be repeated after a crash at any point: what
is there already is not written twice. `settle` then carries out what the decisions have made true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from samobot.errors import ConflictError, NotFoundError, UsageError
from samobot.phases import GateFacts, Phase, SignalStatus, WaitingFor
from samobot.session.decisions import (
    Decision,
    DecisionKind,
    is_marked,
    parse_decisions,
    question_id,
    record,
    verdict,
)
from samobot.session.files import edit_lock, read_text, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.forgery import saved
from samobot.session.guidance import add_guidance, parse_guidance
from samobot.session.lock import holder
from samobot.session.plan import Plan
from samobot.session.qa import Question, parse_qa, set_answer
from samobot.session.settling import (
    Settled,
    carry_out,
    journal_decisions,
    lift,
    lift_approved,
    lift_rejected,
    look_closely,
)
from samobot.session.signal import Signal
from samobot.session.standing import Standing
from samobot.text import one_line, without_surrogates

__all__ = [
    "Answered",
    "Person",
    "Receipt",
    "Settled",
    "Verdict",
    "action_done",
    "answer",
    "answer_suggestions",
    "approve",
    "facts",
    "find_question",
    "open_gate",
    "option_text",
    "reject",
    "retry",
    "settle",
    "tell",
]


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and where they said so.

    Attributes:
        who: As a person would be named.
        via: `telegram`, `terminal`, ….
    """

    who: str
    via: str


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as it was written: the question, the words, and the answer before, if there was one."""

    question: Question
    answer: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was answered, how many questions are still open, and what that has settled."""

    answered: tuple[Answered, ...]
    open_questions: int
    settled: Settled


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision on a plan; `repeated` when the same had been decided before."""

    plan: Plan
    repeated: bool
    settled: Settled


def facts(folder: SessionFolder) -> GateFacts:
    """Return the facts that the phase table asks for.

    Raises:
        StorageError: A file cannot be read.
    """
    return look_closely(folder).facts


def open_gate(folder: SessionFolder) -> WaitingFor | None:
    """Return what a person still has to do before the session can go on, or None.

    Raises:
        StorageError: A file cannot be read.
    """
    return look_closely(folder).open_gate


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

    A question is named by its label (`Q2`, `2`; of several, the newest open one) or by its index. A letter
    takes that option, and its words are written with it; anything else is written as it is.

    Args:
        folder: The session.
        answers: Question to answer.
        person: Who answers.
        now: When.
        key: The key of the marks.
        expect: Index to `question_id` of the question that the person saw.
        change: Whether an answer that is there already may be changed.

    Raises:
        NotFoundError: No such question.
        UsageError: An answer is empty, or a letter is none of the options.
        ConflictError: The question has changed, has been answered meanwhile (where `change` is false), or
            its answer has been taken up by a running iteration.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        text = read_text(folder.qa) or ""
        questions = parse_qa(text).questions
        held = holder(folder)
        taken_up = held is not None and held.claude_pid is not None
        done: list[Answered] = []
        for reference, words in answers.items():
            question = find_question(questions, reference)
            _check_seen(question, expect)
            written = option_text(question, words)
            if question.answer is not None and question.answer != written:
                _check_change(question, change=change, taken_up=taken_up)
            text = set_answer(text, question.index, written)
            done.append(Answered(question, written, question.answer))
        if not done:
            raise UsageError("Say which question is answered, and how: for example Q1=A.")
        return _write_answers(folder, text, done, person=person, now=now, key=key)


def answer_suggestions(folder: SessionFolder, person: Person, now: datetime, key: bytes) -> Receipt:
    """Answer every open question with what the agent suggests; those without a suggestion stay open.

    Raises:
        ConflictError: No question is open.
        UsageError: None of the open ones has a suggestion.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        text = read_text(folder.qa) or ""
        waiting = parse_qa(text).open
        if not waiting:
            raise ConflictError(f"{folder.name} has no open question.")
        done = []
        for question in waiting:
            suggestion = question.suggestion or question.suggestion_text
            if suggestion:
                written = option_text(question, suggestion)
                text = set_answer(text, question.index, written)
                done.append(Answered(question, written, None))
        if not done:
            raise UsageError("None of the open questions comes with a suggestion; answer them one by one.")
        return _write_answers(folder, text, done, person=person, now=now, key=key)


def approve(
    folder: SessionFolder, person: Person, now: datetime, key: bytes, *, expected: str | None = None
) -> Verdict:
    """Approve the plan as it is now; the session moves on to implementation at once, unless it is running.

    Args:
        folder: The session.
        person: Who approves.
        now: When.
        key: The key of the marks.
        expected: The `sha256` of the plan that the person was shown; None takes the plan as it is.

    Raises:
        NotFoundError: There is no plan.
        ConflictError: The plan is not the one that was shown.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        standing = look_closely(folder)
        plan = _shown_plan(folder, standing, expected)
        last = verdict(_on_record(folder, key), plan)
        if last is None or last.kind is not DecisionKind.APPROVAL:
            _decide_plan(folder, DecisionKind.APPROVAL, plan, None, person=person, now=now, key=key)
        journal_decisions(folder, now, key)
        settled = carry_out(folder, now, held_by_us=False)
        standing_now = look_closely(folder)
        idle = standing_now.overview.phase is Phase.PLANNING and standing_now.block is None
        word = standing_now.verdict
        if idle and word is not None and standing_now.plan_approved and holder(folder) is None:
            # It was approved before the agent asked: that is an approval all the same.
            lift_approved(folder, standing_now, word, plan, now)
            settled = Settled.APPROVED
        return Verdict(plan, standing.plan_approved, settled)


def reject(
    folder: SessionFolder,
    feedback: str,
    person: Person,
    now: datetime,
    key: bytes,
    *,
    expected: str | None = None,
) -> Verdict:
    """Ask for another plan; the feedback becomes guidance, word for word, and planning can go on.

    Args:
        folder: The session.
        feedback: What should be different.
        person: Who rejects.
        now: When.
        key: The key of the marks.
        expected: The `sha256` of the plan that the person was shown; None takes the plan as it is.

    Raises:
        UsageError: The feedback is empty.
        NotFoundError: There is no plan.
        ConflictError: The plan is not the one that was shown, or it is being carried out already.
        StorageError: The disk refused.
    """
    feedback = without_surrogates(feedback)
    if not feedback.strip():
        raise UsageError("Say what should be different; without that the next plan would be the same.")
    with edit_lock(folder.path):
        standing = look_closely(folder)
        plan = _shown_plan(folder, standing, expected)
        if standing.plan_approved and standing.overview.phase is not Phase.PLANNING:
            raise ConflictError(
                f"The plan {plan.name} was approved and is being carried out; tell the agent what should be "
                "different, or stop it."
            )
        last = verdict(_on_record(folder, key), plan)
        repeated = last is not None and last.kind is DecisionKind.REJECTION and last.text == feedback
        if not repeated:
            # The agent must get the words even if we die in between; asking again adds nothing.
            _add_guidance(folder, person.who, feedback, now, once=True)
            _decide_plan(folder, DecisionKind.REJECTION, plan, feedback, person=person, now=now, key=key)
        journal_decisions(folder, now, key)
        settled = carry_out(folder, now, held_by_us=False)
        if (
            standing.awaited is WaitingFor.PLAN_APPROVAL
            and settled is Settled.NOTHING
            and holder(folder) is None
        ):
            # Nothing was left to carry out: the same plan is shown again after an earlier rejection.
            lift_rejected(folder, person.who, plan, now)
            settled = Settled.REJECTED
        return Verdict(plan, repeated, settled)


def tell(folder: SessionFolder, words: str, who: str, now: datetime) -> None:
    """Leave guidance for the next iteration.

    Raises:
        UsageError: There are no words.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        _add_guidance(folder, who, words, now, once=False)


def action_done(folder: SessionFolder, person: Person, now: datetime, key: bytes) -> None:
    """Say that what the agent asked a person to do is done; the session can go on.

    Raises:
        ConflictError: It does not wait for that.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        standing = look_closely(folder)
        if standing.open_gate not in (WaitingFor.HUMAN_ACTION, WaitingFor.FILE_UPDATE):
            raise ConflictError(f"{folder.name} does not wait for something to be done by a person.")
        _refuse_if_running(folder)
        about = standing.signal.needs or standing.signal.reason if isinstance(standing.signal, Signal) else ""
        record(
            folder, Decision(now, person.who, person.via, DecisionKind.ACTION_DONE, text=about or None), key
        )
        journal_decisions(folder, now, key)
        lift(folder, f"{person.who} has done what was asked", now)


def retry(folder: SessionFolder, person: Person, now: datetime, key: bytes) -> None:
    """Let a blocked, stopped or failed session try again: the block is lifted, and a used-up visit starts anew.

    Raises:
        ConflictError: It is running, or done, or waits for answers or a decision on its plan.
        StorageError: The disk refused.
    """
    with edit_lock(folder.path):
        _refuse_if_running(folder)
        standing = look_closely(folder)
        if _is_finished(standing):
            raise ConflictError(f"{folder.name} is done; start a session of another name for what is next.")
        if standing.open_gate in (WaitingFor.QA_ANSWERS, WaitingFor.PLAN_APPROVAL):
            what = "an answer" if standing.open_gate is WaitingFor.QA_ANSWERS else "a decision on its plan"
            raise ConflictError(f"{folder.name} waits for {what}; without that it cannot go on.")
        record(folder, Decision(now, person.who, person.via, DecisionKind.RETRY, text=standing.block), key)
        journal_decisions(folder, now, key)
        lift(folder, f"{person.who} asked to try again", now)


def settle(folder: SessionFolder, now: datetime, *, held_by_us: bool = False) -> Settled:
    """Carry out what decisions have made true at the gate the session waits at. Safe to repeat.

    All answered: no longer blocked, in the same phase. Plan approved: on to implementation. Plan rejected:
    no longer blocked, planning goes on.

    Args:
        folder: The session.
        now: The time.
        held_by_us: Set by the worker that holds the run lock; everybody else leaves a running session alone.

    Raises:
        StorageError: A file cannot be read or written.
    """
    with edit_lock(folder.path):
        return carry_out(folder, now, held_by_us=held_by_us)


def find_question(questions: tuple[Question, ...], reference: str | int) -> Question:
    """Return the question that a person means by a label such as `Q2` or `2`, or the one of an index.

    Raises:
        NotFoundError: There is none.
    """
    if isinstance(reference, int):
        found = [question for question in questions if question.index == reference]
    else:
        number = re.fullmatch(r"[qQ]?\s*([0-9]{1,6})", reference.strip())
        found = [question for question in questions if number and question.number == int(number[1])]
    waiting = [question for question in found if question.answer is None]
    if not found:
        labels = ", ".join(question.label for question in questions) or "there is none"
        shown = f"number {reference + 1}" if isinstance(reference, int) else f"“{one_line(reference, 40)}”"
        raise NotFoundError(f"There is no question {shown}; the questions: {labels}.")
    return (waiting or found)[-1]


def option_text(question: Question, words: str) -> str:
    """Return what is written for an answer: for a letter, the option with its words; else the words themselves.

    Raises:
        UsageError: It is empty, or a letter that is none of the options.
    """
    words = without_surrogates(words)
    if not words.strip():
        raise UsageError(f"The answer to {question.label} is empty.")
    letter = re.fullmatch(r"\(?([A-Za-z])[).:]?", words.strip())
    if letter is None or not question.options:
        return words
    for option in question.options:
        if option.letter.upper() == letter[1].upper():
            return f"{option.letter}) {one_line(option.text)}".strip()
    letters = ", ".join(option.letter for option in question.options)
    raise UsageError(f"{question.label} has no option {letter[1].upper()}; it has {letters}.")


def _check_seen(question: Question, expect: Mapping[int, str] | None) -> None:
    seen = (expect or {}).get(question.index)
    if seen is not None and seen != question_id(question):
        raise ConflictError(f"{question.label} has changed since it was shown; look at it again.")


def _check_change(question: Question, *, change: bool, taken_up: bool) -> None:
    if not change:
        raise ConflictError(
            f"{question.label} has been answered meanwhile: “{one_line(question.answer or '', 80)}”."
        )
    if taken_up:
        raise ConflictError(
            f"The agent is already working with the answer to {question.label}; tell it what has changed instead."
        )


def _write_answers(
    folder: SessionFolder, text: str, done: list[Answered], *, person: Person, now: datetime, key: bytes
) -> Receipt:
    """Write the answers first: if we die before they are recorded, they count as written by hand."""
    if any(each.before != each.answer for each in done):
        write_atomic(folder.qa, text)
    known: dict[str | None, str | None] = {
        decision.asked: decision.text
        for decision in _on_record(folder, key)
        if decision.kind is DecisionKind.ANSWER
    }
    for each in done:
        asked = question_id(each.question)
        if each.before == each.answer and known.get(asked) == each.answer:
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
    journal_decisions(folder, now, key)
    left = len(parse_qa(text).open)
    return Receipt(tuple(done), left, carry_out(folder, now, held_by_us=False))


def _on_record(folder: SessionFolder, key: bytes) -> list[Decision]:
    """Return the decisions that will still be there after a running iteration has been checked.

    While one runs, what is in the file may be its forgery, and an old decision no proof of a new one: somebody
    who then says what seems to be there already must be recorded all the same.
    """
    baseline = saved(folder)
    before = parse_decisions((baseline.decisions or b"").decode("utf-8", "replace")) if baseline else None
    old = {decision.id for decision in before.decisions} if before else set()
    decisions = look_closely(folder).decisions.decisions
    return [each for each in decisions if each.id not in old and is_marked(folder, each, key)]


def _shown_plan(folder: SessionFolder, standing: Standing, expected: str | None) -> Plan:
    if standing.plan is None:
        raise NotFoundError(f"{folder.name} has no plan yet.")
    if expected is not None and expected != standing.plan.sha256:
        raise ConflictError(
            f"The plan has changed since it was shown ({standing.plan.name}); look at it again."
        )
    return standing.plan


def _decide_plan(
    folder: SessionFolder,
    kind: DecisionKind,
    plan: Plan,
    text: str | None,
    *,
    person: Person,
    now: datetime,
    key: bytes,
) -> None:
    decision = Decision(
        at=now,
        who=person.who,
        via=person.via,
        kind=kind,
        text=text,
        file=plan.name,
        sha256=plan.sha256,
    )
    record(folder, decision, key)


def _add_guidance(folder: SessionFolder, who: str, words: str, now: datetime, *, once: bool) -> None:
    text = read_text(folder.guidance) or ""
    if once and any(not item.done and item.text == words for item in parse_guidance(text)):
        return
    write_atomic(folder.guidance, add_guidance(text, who, words, now.astimezone()))


def _is_finished(standing: Standing) -> bool:
    """Whether the agent has said that it is done and nothing has been held against that."""
    said = isinstance(standing.signal, Signal) and standing.signal.status is SignalStatus.DONE
    return said and standing.overview.phase is Phase.DONE and standing.block is None


def _refuse_if_running(folder: SessionFolder) -> None:
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running ({held.describe()}).")
