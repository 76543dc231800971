"""Replies to a message about a session: an answer, a decision, a stop, an amount, or guidance."""

from __future__ import annotations

from samobot.errors import ConflictError, SamobotError
from samobot.fleet.models import SessionView
from samobot.session.answer_text import Ambiguous, names_label, parse_answers
from samobot.session.decisions import DecisionKind
from samobot.session.question import Question
from samobot.session.status import SessionState
from samobot.telegram.handlers import (
    ask,
    budget_handlers,
    control_handlers,
    decision_checks,
    decision_handlers,
    follow_up_handlers,
    guidance_handlers,
    permission_handlers,
    reply_doubts,
    status_handlers,
    trust_handlers,
)
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.intents import (
    Assent,
    Intent,
    is_letter,
    is_question,
    is_small_talk,
    is_unclear,
    names_budget,
    read_amount,
    read_assent,
    reports_done,
)
from samobot.telegram.handlers.message_files import save_files
from samobot.telegram.handlers.reply_doubts import find_intent
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.wording import name_of
from samobot.text import one_line

_HELD_UP = frozenset({NeedKind.BLOCK, NeedKind.FAILED, NeedKind.LOST, NeedKind.ITERATIONS})
"""Needs that guidance and another try are an answer to."""


async def handle_reply(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    """Do what a reply asks for, by what the message is that it replies to."""
    detail = request.about.detail if request.about is not None else {}
    question = decision_handlers.find_shown(view, detail)
    if question is not None:
        await answer_shown(context, request, view, question)
        return
    need = need_of(view)
    intent = find_intent(view, request.text)
    if request.files and "sha256" in detail and decision_checks.plan_waits(view) and not request.text.strip():
        ask_about_plan(context, request, view, f"Should the plan of {name_of(view.ref)} change?")
        return
    if request.files and (intent is not None or reports_done(request.text)):
        await save_files(context, request, view.ref)
        request = request.without_files()
    if intent is not None:
        await _carry_out(context, request, view, intent)
        return
    if request.about is not None and reports_done(request.text) and "need" in detail:
        shown = request.about.kind == NeedKind.ACTION or (need is not None and need.kind is NeedKind.ACTION)
        if shown:  # also if it is over: the user gets the outcome, and "done" does not become guidance
            await control_handlers.unblock(
                context, request, view.ref, DecisionKind.ACTION_DONE, detail["need"]
            )
            return
    if "ask" in detail and await permission_handlers.answer_ask(context, request, view, detail["ask"]):
        return
    if "trust" in detail and await trust_handlers.answer_trust(context, request, view, detail["trust"]):
        return
    if "sha256" in detail and _is_about_plan(view, request.text):
        await decide_plan(context, request, view, detail["sha256"], asked=False)
        return
    if need is not None and need.kind is NeedKind.QUESTIONS and is_letter(request.text):
        # “B” to the card of a session that asks is an answer, not guidance.
        await decision_handlers.answer(context, request)
        return
    if await _raise_budget(context, request, view, need) or reply_doubts.ask_what_is_meant(
        context, request, view, need
    ):
        return
    if decision_checks.plan_waits(view) and read_assent(request.text) in (Assent.CLEAR, Assent.MIXED):
        ask_about_plan(context, request, view, f"Does that approve the plan of {name_of(view.ref)}?")
        return
    if need is not None and need.kind in _HELD_UP and detail.get("need") in (None, need.name):
        await _answer_block(context, request, view, need)
        return
    if view.state is SessionState.DONE and request.text.strip() and not is_small_talk(request.text):
        follow_up_handlers.offer_round(context, request, view.ref)
        return
    await guidance_handlers.give_guidance(context, request, view.ref, request.text)


async def answer_shown(
    context: HandlerContext, request: ChatRequest, view: SessionView, question: Question
) -> None:
    """Answer the question of the message that was replied to; a text with several labels answers several.

    If it is unclear whether a text is one answer or several, nothing is written before a tap.
    """
    decision_checks.check_not_answered(question, request.text, request)
    if reply_doubts.ask_whether_answer_or_request(context, request, view, question):
        return
    words = parse_answers(request.text, view.questions)
    labelled = {} if isinstance(words, Ambiguous) else words.answers
    elsewhere = len(labelled) > 1 or (bool(labelled) and question.label not in labelled)
    letters = all(len(text.strip()) == 1 for text in labelled.values())
    if isinstance(words, Ambiguous) or (elsewhere and not letters and not names_label(request.text)):
        reply_doubts.ask_whether_one_answer(context, request, view, question)
    elif elsewhere:
        await decision_handlers.answer_labelled(context, request, view, labelled)
    else:
        text = next(iter(labelled.values()), request.text)
        await decision_handlers.answer_question(
            context, request, view.ref, question.index, question.identity, text
        )


# The plan -------------------------------------------------------------------------------------------------------


def approve_action(view: SessionView) -> Action:
    """Approval of the plan as it is now."""
    sha256 = view.plan.sha256 if view.plan is not None else None
    return Action(do=ActionKind.APPROVE, session=view.ref.key, identity=sha256)


async def decide_plan(
    context: HandlerContext, request: ChatRequest, view: SessionView, sha256: str | None, *, asked: bool
) -> None:
    """Approve a plan or send it back, by a text about it; ask if it can be read either way.

    Assent is never recorded as a rejection, and approves exactly the content that was shown.

    Args:
        context: What handlers share.
        request: The text.
        view: The session.
        sha256: Digest of the plan that was shown.
        asked: Whether the text answers the question what to change; then any text without assent is a change.

    Raises:
        ConflictError: It was decided already.
    """
    assent, name = read_assent(request.text), name_of(view.ref)
    if assent is Assent.CLEAR and not decision_checks.has_plan(view):
        raise ConflictError(decision_checks.no_plan(view))
    current = view.plan is not None and view.plan.sha256 == sha256
    match assent:
        case Assent.CLEAR if current:
            await decision_handlers.approve_plan(context, request, view.ref, sha256)
        case Assent.CLEAR:
            await context.notifier.refresh(view.ref)
            ask_about_plan(
                context, request, view, f"The plan of {name} has changed since. Approve it as it is now?"
            )
        case Assent.MIXED | Assent.NONE if assent is Assent.MIXED or (
            not asked and (is_unclear(request.text) or is_question(request.text))
        ):
            quoted = escape(one_line(request.text, 120))
            ask_about_plan(context, request, view, f"Approve the plan of {name}, or change it?\n“{quoted}”")
        case Assent.REFUSAL:
            ask.ask_feedback(context, request, view.ref, sha256)
        case _:
            await decision_handlers.reject_plan(context, request, view.ref, sha256, request.text)


def _is_about_plan(view: SessionView, text: str) -> bool:
    """Whether a reply to a plan decides about it; feedback on one that was decided already is guidance."""
    waits = decision_checks.plan_waits(view) or decision_checks.is_unfinished(view, DecisionKind.REJECTION)
    return waits or read_assent(text) is Assent.CLEAR


def ask_about_plan(context: HandlerContext, request: ChatRequest, view: SessionView, html: str) -> None:
    """Ask whether a text approves the plan as it is now; nothing is written before a tap."""
    sha256 = view.plan.sha256 if view.plan is not None else None
    feedback = None if read_assent(request.text) is Assent.CLEAR else request.text.strip() or None
    changes = Action(do=ActionKind.REQUEST_CHANGES, session=view.ref.key, identity=sha256, text=feedback)
    context.reply(
        request,
        html,
        buttons=rows(choice("✅ Approve", approve_action(view)), choice("✏️ Request changes", changes)),
        about=about_session(view.ref, "plan", sha256=sha256),
        part="assent",
    )


# Stopping, money, blocks ------------------------------------------------------------------------------------------


async def _carry_out(
    context: HandlerContext, request: ChatRequest, view: SessionView, intent: Intent
) -> None:
    need = need_of(view)
    match intent:
        case Intent.STOP:
            control_handlers.stop_one(context, request, view.ref)
        case Intent.PAUSE:
            await control_handlers.pause_one(context, request, view.ref)
        case Intent.STATUS:
            await status_handlers.show_one(context, request, view)
        case Intent.RESUME | Intent.RETRY if need is not None and need.kind in (
            NeedKind.BLOCK,
            NeedKind.FAILED,
        ):
            await control_handlers.unblock(context, request, view.ref, DecisionKind.RETRY, need.name)
        case Intent.RESUME | Intent.RETRY:
            await control_handlers.resume_one(context, request, view.ref)


async def _raise_budget(
    context: HandlerContext, request: ChatRequest, view: SessionView, need: Need | None
) -> bool:
    """Raise the budget if a text is an amount and money is what is missing, or if it speaks of the budget."""
    if view.state is SessionState.DONE:
        return False
    lacks_money = need is not None and need.kind is NeedKind.BUDGET
    amount = read_amount(request.text) if lacks_money or names_budget(request.text) else None
    if amount is not None:
        await budget_handlers.raise_budget(context, request, view.ref, amount)
    return amount is not None


async def _answer_block(context: HandlerContext, request: ChatRequest, view: SessionView, need: Need) -> None:
    """Leave an answer as guidance and resume the session with it."""
    ref = view.ref
    await guidance_handlers.leave_guidance(context, request, ref, request.text)
    request = request.without_files()
    try:
        if need.kind in (NeedKind.BLOCK, NeedKind.FAILED):
            await control_handlers.unblock(context, request, ref, DecisionKind.RETRY, need.name)
        else:
            await control_handlers.resume_one(context, request, ref)
    except SamobotError as error:
        context.reply(
            request,
            f"Saved your message for {name_of(ref)}, but it does not run: {escape(error.message)}",
            about=about_session(ref),
            part="kept",
            priority=Priority.EFFECT,
        )
