"""Prompts for a text: an answer, changes to a plan, guidance; and the choice of the question that a text answers."""

from __future__ import annotations

from samobot.fleet.models import SessionRef, SessionView
from samobot.session.question import Question
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.pending import need_of
from samobot.telegram.views.wording import agent_quote, agent_text, guarded, name_of
from samobot.text import one_line

_SHOWN = 300


def ask_answer(context: HandlerContext, request: ChatRequest, ref: SessionRef, question: Question) -> None:
    """Ask for an answer; one that is given in between is kept."""
    send_prompt(
        context,
        request,
        f"✍️ {name_of(ref)} {bold(f'· {question.label}')}\n{agent_quote(question.text, _SHOWN)}\nYour answer?",
        Action(
            do=ActionKind.OTHER_ANSWER,
            session=ref.key,
            question=question.index,
            identity=question.identity,
            text=question.answer,
        ),
        hint=f"Answer to {question.label}",
    )


def ask_feedback(context: HandlerContext, request: ChatRequest, ref: SessionRef, sha256: str | None) -> None:
    """Ask what should be different about a plan."""
    send_prompt(
        context,
        request,
        f"✏️ {name_of(ref)}\nWhat should be different?",
        Action(do=ActionKind.REQUEST_CHANGES, session=ref.key, identity=sha256),
        hint="What should be different?",
    )


def ask_guidance(
    context: HandlerContext, request: ChatRequest, view: SessionView, *, interrupt: bool = False
) -> None:
    """Ask for guidance; the prompt quotes what the agent needs, if it needs something.

    Args:
        context: The handlers' context.
        request: The request to answer.
        view: The session.
        interrupt: Whether the answer interrupts the agent.
    """
    sign, asked = ("⚡", "What should it do instead?") if interrupt else ("💬", "What should it know?")
    needs = view.needs or view.reason if need_of(view) is not None else ""
    about = f"{agent_quote(needs, _SHOWN)}\n" if needs else ""
    send_prompt(
        context,
        request,
        f"{sign} {name_of(view.ref)}\n{about}{asked}",
        Action(do=ActionKind.INTERRUPT if interrupt else ActionKind.GUIDANCE, session=view.ref.key),
        hint="Guidance that interrupts the agent" if interrupt else "Guidance for the agent",
    )


def which_question(context: HandlerContext, request: ChatRequest, view: SessionView, text: str) -> None:
    """Ask which question a text answers, or which is to be answered."""
    words = f" is “{escape(one_line(text, 60))}” the answer to" if text else " do you answer"
    keys = [
        choice(
            f"{question.label}  {guarded(agent_text(question.text, 50))}",
            Action(
                do=ActionKind.ANSWER if text else ActionKind.OTHER_ANSWER,
                session=view.ref.key,
                question=question.index,
                identity=question.identity,
                text=text or None,
            ),
        )
        for question in view.open_questions[:20]
    ]
    context.reply(
        request,
        f"Which question of {name_of(view.ref)}{words}?",
        buttons=rows(*keys, width=1),
        about=about_session(view.ref),
        part="which",
    )
