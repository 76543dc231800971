"""Replies that can be read in two ways: asked about, with a button for each; nothing is written before a tap."""

from __future__ import annotations

import re

from samobot.fleet.models import SessionView
from samobot.session.question import Question
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.decision_checks import plan_waits
from samobot.telegram.handlers.intents import Intent, near_intent, read_amount, read_intent
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import money_buttons
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.pending import Need, NeedKind
from samobot.telegram.views.wording import name_of
from samobot.text import one_line

_INTENT_ACTIONS = {
    Intent.STOP: ActionKind.STOP,
    Intent.PAUSE: ActionKind.PAUSE,
    Intent.RESUME: ActionKind.RESUME,
    Intent.RETRY: ActionKind.RESUME,
    Intent.STATUS: ActionKind.STATUS,
}
_INTENT_LABELS = {
    Intent.STOP: "⏹ Stop",
    Intent.PAUSE: "⏸ Pause",
    Intent.RESUME: "▶️ Resume",
    Intent.RETRY: "🔁 Retry",
    Intent.STATUS: "Status of",
}
_MOST_ABOUT_MONEY = 40
_SPEAKS_OF_MONEY = re.compile(r"(?i)[$€£💰💵]|\b(?:usd|dollars?|bucks?|euros?|budget)\b")


def find_intent(view: SessionView, text: str) -> Intent | None:
    """What a short text asks of a session; None if it is not that, or means nothing in this state."""
    intent = read_intent(text) or read_intent(_without_name(view, text))
    if intent is Intent.RETRY and view.state is SessionState.RUNNING:
        return None  # an agent at work may well be asked to try something again
    if intent is Intent.RESUME and (plan_waits(view) or view.state is SessionState.RUNNING):
        return None
    if intent is None and view.state is SessionState.RUNNING and text.strip() and not text.strip("?？!. "):
        return Intent.STATUS
    return intent


def intent_button(view: SessionView, intent: Intent, name: str) -> tuple[str, Action]:
    """Label and action of the button that does what a short text asks for."""
    return f"{_INTENT_LABELS[intent]} {name}", Action(do=_INTENT_ACTIONS[intent], session=view.ref.key)


def ask_what_is_meant(
    context: HandlerContext, request: ChatRequest, view: SessionView, need: Need | None
) -> bool:
    """Ask about a text that may be a request to samobot rather than guidance; False if it is none.

    These are misspelled or decorated requests to stop, and what is said about money that names no amount.
    """
    if request.files or view.state is SessionState.DONE:
        return False
    text, lacks_money = request.text.strip(), need is not None and need.kind is NeedKind.BUDGET
    if lacks_money and len(text) <= _MOST_ABOUT_MONEY:
        _ask(
            context,
            request,
            view,
            "{} names no amount that can be read. How much more for {}?",
            *money_buttons(view),
        )
        return True
    intent, amount = near_intent(text), read_amount(text)
    if intent is not None:
        _ask(
            context,
            request,
            view,
            "{} for {}: which is meant?",
            choice(*intent_button(view, intent, view.ref.name)),
        )
    elif amount is not None and _SPEAKS_OF_MONEY.search(text):
        more = amount.usd if amount.more or view.budget_usd is None else amount.usd - view.budget_usd
        action = Action(do=ActionKind.ADD_BUDGET, session=view.ref.key, usd=more)
        if more <= 0:
            return False
        _ask(
            context, request, view, "Is {} about the budget of {}?", choice(f"💰 {more:+,.2f} for it", action)
        )
    return intent is not None or amount is not None


def ask_whether_answer_or_request(
    context: HandlerContext, request: ChatRequest, view: SessionView, question: Question
) -> bool:
    """Ask whether `stop` and the like answer a question or are for samobot; False if it is clear."""
    intent, text = find_intent(view, request.text), request.text.strip()
    if intent not in (Intent.STOP, Intent.PAUSE, Intent.STATUS) or request.files:
        return False
    if any(text.casefold() == option.text.strip().casefold() for option in question.options):
        return False
    answer = _answer(view, question, request.text)
    _offer(
        context,
        request,
        view,
        f"Is “{escape(one_line(text, 60))}” the answer to {bold(question.label)}?",
        choice(f"✍️ Answer to {question.label}", answer),
        choice(*intent_button(view, intent, view.ref.name)),
    )
    return True


def ask_whether_one_answer(
    context: HandlerContext, request: ChatRequest, view: SessionView, question: Question
) -> None:
    """Ask whether a text with several labels is one answer or several."""
    split = Action(do=ActionKind.PICK_SESSION, session=view.ref.key, command="answer", text=request.text)
    _offer(
        context,
        request,
        view,
        f"Is all of it the answer to {bold(question.label)}?\n“{escape(one_line(request.text, 120))}”",
        choice(f"✍️ All of it for {question.label}", _answer(view, question, request.text)),
        choice("Split by question", split),
    )


def _ask(
    context: HandlerContext, request: ChatRequest, view: SessionView, what: str, *buttons: ActionButton
) -> None:
    guidance = Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=request.text)
    _offer(
        context,
        request,
        view,
        what.format(f"“{escape(one_line(request.text, 60))}”", name_of(view.ref)),
        *buttons,
        choice(f"💬 Guidance for {view.ref.name}", guidance),
    )


def _offer(
    context: HandlerContext, request: ChatRequest, view: SessionView, html: str, *buttons: ActionButton
) -> None:
    context.reply(
        request,
        html,
        buttons=rows(*buttons, choice("Cancel", Action(do=ActionKind.CANCEL)), width=1),
        about=about_session(view.ref),
        part="doubt",
    )


def _answer(view: SessionView, question: Question, text: str) -> Action:
    return Action(
        do=ActionKind.ANSWER,
        session=view.ref.key,
        question=question.index,
        identity=question.identity,
        text=text,
    )


def _without_name(view: SessionView, text: str) -> str:
    """A text without the session's own name, which `stop demo` needs as little as a reply to its card does."""
    return re.sub(rf"(?i)(?<![\w-]){re.escape(view.ref.name)}(?![\w-])", " ", text[:200], count=1)
