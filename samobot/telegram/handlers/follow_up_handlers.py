"""Another round of a session that is done, from the chat."""

from __future__ import annotations

from samobot.errors import ConflictError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import ResumeKind
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.message_files import save_files
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.handlers.run_arguments import Flag, parse_round
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.wording import Icon, name_of
from samobot.text import one_line

_QUOTED = 120


async def follow_up(context: HandlerContext, request: ChatRequest) -> None:
    """`/followup [name] [--no-questions] text`: another round of a session that is done."""
    target = await find_target(
        context,
        request,
        "followup",
        _is_done,
        words=True,
        question="Follow up on which one?",
        none="No session is done. /run starts one.",
    )
    if target is None:
        return
    await begin_or_ask(context, request, target.view.ref, target.rest)


async def begin_or_ask(context: HandlerContext, request: ChatRequest, ref: SessionRef, text: str) -> None:
    """Begin another round with a text as the user wrote it, or ask what is to be done.

    Raises:
        ConflictError: The session is running, or not done.
    """
    task, questions = parse_round(text)
    if task.strip():
        await begin_round(context, request, ref, task, questions=questions)
    else:
        await ask_task(context, request, ref, questions=questions)


async def ask_task(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, *, questions: bool = True
) -> None:
    """Ask what is to be done next.

    Raises:
        ConflictError: The session is not done.
    """
    if not _is_done(await context.fleet.view(ref)):
        raise ConflictError(f"{ref.name} is not done yet; /tell gives it guidance.")
    context.toast(request)
    send_prompt(
        context,
        request,
        f"🔁 {name_of(ref)}\nWhat should be done next, on the same branch?",
        Action(do=ActionKind.FOLLOW_UP, session=ref.key, text=_flags(questions=questions) or None),
        hint="What should be done next?",
    )


async def begin_round(
    context: HandlerContext,
    request: ChatRequest,
    ref: SessionRef,
    text: str,
    *,
    questions: bool = True,
    budget_usd: float | None = None,
) -> None:
    """Begin another round and report it.

    Args:
        context: What handlers share.
        request: What asked for it.
        ref: The session.
        text: The task of the round.
        questions: Whether it starts in requirements; else in planning.
        budget_usd: What the whole session may cost, earlier rounds included.

    Raises:
        ConflictError: The session is running, or not done.
    """
    with context.notifier.deciding(ref, request.person):
        resumed = await context.fleet.follow_up(
            ref, text, request.person, questions=questions, budget_usd=budget_usd
        )
        if request.files:
            await save_files(context, request, ref)
        context.receipt(request, "👍", f"{ref.name} continues.")
        queued = f", number {resumed.place} in the queue" if resumed.kind is ResumeKind.QUEUED else ""
        context.reply(
            request,
            f"{Icon.RUNNING} {name_of(ref)} continues with your follow-up{queued}:\n“{escape(one_line(text, _QUOTED))}”",
            about=about_session(ref),
            part="round",
            priority=Priority.EFFECT,
        )
        await context.notifier.refresh(ref)


def offer_round(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Offer to follow up with a text that was sent to a session that is done; nothing starts before a tap."""
    context.reply(
        request,
        f"{Icon.DONE} {name_of(ref)} is done. Follow up with this?\n“{escape(one_line(request.text, _QUOTED))}”",
        buttons=rows(follow_up_choice(ref, request.text), choice("Cancel", Action(do=ActionKind.CANCEL))),
        about=about_session(ref),
        part="follow-up",
    )


def follow_up_choice(ref: SessionRef, text: str, *, questions: bool = True) -> ActionButton:
    """A button that begins another round, with a text or after asking for one."""
    label = f"🔁 Follow up on {ref.name}"
    text = f"{_flags(questions=questions)} {text}".strip()
    return choice(label, Action(do=ActionKind.FOLLOW_UP, session=ref.key, text=text or None))


def _flags(*, questions: bool) -> str:
    return "" if questions else f"--{Flag.NO_QUESTIONS}"


def _is_done(view: SessionView) -> bool:
    return view.state is SessionState.DONE
