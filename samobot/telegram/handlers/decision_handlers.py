"""Decisions of the user: answers, the plan, guidance; typed or tapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from samobot.errors import ConflictError, UsageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import AnswerReceipt, QuestionAnswer
from samobot.phases import WaitingFor
from samobot.session.answer_text import Ambiguous, parse_answers, parse_label
from samobot.session.decisions import DecisionKind
from samobot.session.question import Question
from samobot.session.status import SessionState
from samobot.telegram.handlers import ask
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.decision_checks import (
    check_not_sent_back,
    has_open_questions,
    has_plan_for,
    is_unfinished,
    no_plan,
)
from samobot.telegram.handlers.message_files import save_files, text_with_files, with_quote
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.completion import was_decided
from samobot.telegram.views.questions import question_key
from samobot.telegram.views.wording import name_of, spoken_answer

# Commands -----------------------------------------------------------------------------------------------------


async def answer(context: HandlerContext, request: ChatRequest) -> None:
    """`/answer [name] [Qn] text`."""
    target = await find_target(
        context, request, "answer", has_open_questions, words=True, question="Whose question is it?"
    )
    if target is None:
        return
    view, words = target.view, parse_answers(target.rest, target.view.questions)
    if isinstance(words, Ambiguous):
        raise UsageError(words.message)
    if words.everything:
        await _check_shown(context, view, view.open_questions)
        await accept_suggestions(context, request, view)
        return
    if words.answers:
        await answer_labelled(context, request, view, words.answers)
        return
    label = parse_label(target.rest)
    question = _replied_question(request, view) or _labelled(view, label) or _only_open(view)
    if question is None and is_unfinished(view, DecisionKind.ANSWER):
        question = _last_answered(view)
    if question is None and not view.open_questions:
        raise ConflictError(f"{view.ref.name} has no open question.")
    if question is None:
        ask.which_question(context, request, view, words.text)
    elif not words.text and not request.files:
        ask.ask_answer(context, request, view.ref, question)
    else:
        await _check_shown(context, view, [question])
        await answer_question(context, request, view.ref, question.index, question.identity, words.text)


async def approve(context: HandlerContext, request: ChatRequest) -> None:
    """`/approve [name]`."""
    fits = partial(has_plan_for, request=request, verdict=DecisionKind.APPROVAL)
    target = await find_target(context, request, "approve", fits, question="Which plan?")
    if target is None:
        return
    view = target.view
    if view.plan is None or not fits(view):
        raise ConflictError(no_plan(view))
    await approve_plan(context, request, view.ref, _shown_plan(context, request, view) or view.plan.sha256)


async def reject(context: HandlerContext, request: ChatRequest) -> None:
    """`/reject [name] feedback`."""
    fits = partial(has_plan_for, request=request, verdict=DecisionKind.REJECTION)
    target = await find_target(context, request, "reject", fits, words=True, question="Which plan?")
    if target is None:
        return
    view, feedback = target.view, target.rest
    if view.plan is None or not fits(view):
        raise ConflictError(no_plan(view))
    sha256 = _shown_plan(context, request, view) or view.plan.sha256
    if feedback.strip() or request.files:
        await reject_plan(context, request, view.ref, sha256, feedback)
    else:
        ask.ask_feedback(context, request, view.ref, sha256)


# What they, the buttons and replies come to -----------------------------------------------------------------------


async def answer_question(
    context: HandlerContext,
    request: ChatRequest,
    ref: SessionRef,
    index: int,
    identity: str | None,
    text: str,
    *,
    change: bool = True,
) -> None:
    """Answer one question, as it was shown.

    Args:
        context: What handlers have.
        request: Who answers.
        ref: The session.
        index: The question's place in the file.
        identity: Fingerprint of the question that was shown.
        text: The answer; a letter takes an option.
        change: Whether an answer that is there may be changed.

    Raises:
        ConflictError: It has changed, was answered by somebody meanwhile, or is being worked with.
    """
    text = await text_with_files(context, request, ref, with_quote(request, text), "the answer to a question")
    request = request.without_files()
    answer = QuestionAnswer(index=index, text=text, identity=identity)
    receipt = await context.fleet.answer(ref, [answer], request.person, change=change)
    await _answered(context, request, ref, receipt)


async def answer_labelled(
    context: HandlerContext, request: ChatRequest, view: SessionView, answers: Mapping[str | int, str]
) -> None:
    """Answer the questions of these labels, all or none.

    Raises:
        ConflictError: One was not shown yet, or is being worked with.
    """
    await _check_shown(context, view, [each for each in view.open_questions if each.label in answers])
    named = [
        QuestionAnswer(index=question, text=text)
        if isinstance(question, int)
        else QuestionAnswer(label=question, text=text)
        for question, text in answers.items()
    ]
    if request.files:
        await save_files(context, request, view.ref, f"For the answers to {', '.join(map(str, answers))}")
        request = request.without_files()
    receipt = await context.fleet.answer(view.ref, named, request.person)
    await _answered(context, request, view.ref, receipt)


async def accept_suggestions(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    """Take the suggestions of all open questions that the view has.

    Raises:
        ConflictError: Another one has been asked since.
    """
    ref, shown = view.ref, [question.identity for question in view.open_questions]
    if request.files:
        await save_files(context, request, ref)
        request = request.without_files()
    receipt = await context.fleet.accept_suggestions(ref, request.person, expected=shown)
    await _answered(context, request, ref, receipt)
    if receipt.open:
        context.reply(
            request,
            f"{_open_count(receipt.open)} of {name_of(ref)} has no suggestion and is still open.",
            about=about_session(ref),
            part="left",
        )


async def approve_plan(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, sha256: str | None
) -> None:
    """Approve the plan that was shown.

    Raises:
        ConflictError: The plan is another one by now.
    """
    if request.files:
        await save_files(context, request, ref)
        request = request.without_files()
    shown = await context.fleet.view(ref)
    before = shown.plan
    if before is not None and before.sha256 == sha256:
        check_not_sent_back(shown)
    try:
        await context.fleet.approve(ref, request.person, expected=sha256)
    finally:
        after = await context.notifier.refresh(ref)  # a plan that changed is shown again
    view = after or await context.fleet.view(ref)
    # Approving again does no harm, and completes what a crash may have interrupted; only the text differs.
    repeated = before is not None and before.verdict == "approval" and before.by != request.person.who
    if repeated and before is not None:
        context.receipt(request, "👍", f"It was approved by {before.by or 'somebody'} already.")
    else:
        stopped = view.state is SessionState.STOPPED
        context.receipt(request, "👍", "Approved." if stopped else "Approved; it continues.")
    reply_if_stopped(context, request, view)


async def reject_plan(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, sha256: str | None, feedback: str
) -> None:
    """Return the plan, with the user's feedback verbatim.

    Raises:
        ConflictError: The plan is another one by now.
    """
    feedback = await text_with_files(
        context, request, ref, with_quote(request, feedback), "the feedback on the plan"
    )
    request = request.without_files()
    try:
        await context.fleet.reject(ref, feedback, request.person, expected=sha256)
    finally:
        after = await context.notifier.refresh(ref)
    view = after or await context.fleet.view(ref)
    stopped = view.state is SessionState.STOPPED
    context.receipt(
        request, "✍", "Sent back." if stopped else "Sent back; a new version follows.", session=ref.key
    )
    reply_if_stopped(context, request, view)


def find_shown(view: SessionView, detail: Mapping[str, Any]) -> Question | None:
    """The question that a message showed: the same text in the same place, or elsewhere by now."""
    found = [each for each in view.questions if each.identity == detail.get("identity")]
    return next((each for each in found if each.index == detail.get("index")), found[0] if found else None)


async def _answered(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, receipt: AnswerReceipt
) -> None:
    shown = ", ".join(f"{each.label}: {spoken_answer(each.answer, 60)}" for each in receipt.answered)
    left = f" · {receipt.open} open" if receipt.open else ""
    after = await context.acknowledge(request, ref, "👍", f"Saved. {shown}{left}")
    reply_if_stopped(context, request, after or await context.fleet.view(ref))


def reply_if_stopped(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    """Reply that the decision is saved, and does not resume a session that was stopped."""
    ref = view.ref
    if view.state is not SessionState.STOPPED or was_decided(view):  # that has a message of its own
        return
    context.reply(
        request,
        f"Saved. {name_of(ref)} stays {'paused' if view.paused else 'stopped'} until /resume.",
        buttons=rows(choice("▶️ Resume", Action(do=ActionKind.RESUME, session=ref.key))),
        about=about_session(ref),
        part="stopped",
        priority=Priority.EFFECT,
    )


def _open_count(count: int) -> str:
    return "1 question" if count == 1 else f"{count} questions"


def _only_open(view: SessionView) -> Question | None:
    return view.open_questions[0] if len(view.open_questions) == 1 else None


def _last_answered(view: SessionView) -> Question | None:
    answered = [each for each in view.questions if each.at is not None]
    return max(answered, key=lambda each: each.at.timestamp() if each.at else 0.0, default=None)


def _labelled(view: SessionView, label: str | None) -> Question | None:
    if label is None:
        return None
    found = [question for question in view.questions if question.label == label]
    if not found:
        labels = ", ".join(question.label for question in view.questions)
        others = f"; there are: {labels}" if labels else ": nothing was asked"
        raise UsageError(f"{view.ref.name} has no question {label}{others}.")
    return found[-1]


def _replied_question(request: ChatRequest, view: SessionView) -> Question | None:
    """The question of the message that was replied to, if it is still there."""
    return find_shown(view, request.about.detail) if request.about is not None else None


def _shown_plan(context: HandlerContext, request: ChatRequest, view: SessionView) -> str | None:
    """The digest of the plan that the user has seen: in the message replied to, else as it was shown last."""
    digest = request.about.detail.get("sha256") if request.about is not None else None
    if digest is None and view.waiting_for is WaitingFor.PLAN_APPROVAL:
        digest = next(reversed((context.store.notified.get(view.ref.key) or {}).get("plans", ())), None)
    return digest if isinstance(digest, str) else None


async def _check_shown(context: HandlerContext, view: SessionView, questions: Sequence[Question]) -> None:
    """Refuse typed answers to questions that have come up since the last notification.

    Raises:
        ConflictError: One was not shown; now it is.
    """
    asked = (context.store.notified.get(view.ref.key) or {}).get("asked", ())
    new = [each for each in questions if each.answer is None and question_key(each) not in asked]
    if asked and new:
        await context.notifier.refresh(view.ref)
        raise ConflictError(f"{new[0].label} has changed since it was shown; look at it again.")
