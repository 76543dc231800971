"""Guidance for a running session: commands, and what buttons and replies with guidance come to."""

from __future__ import annotations

from samobot.fleet.models import SessionRef, SessionView
from samobot.telegram.handlers import ask
from samobot.telegram.handlers.chat_request import INTERRUPT, ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.decision_checks import (
    is_not_done,
)
from samobot.telegram.handlers.decision_handlers import reply_if_stopped
from samobot.telegram.handlers.message_files import save_files, with_quote
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import money_buttons
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.wording import name_of


async def tell(context: HandlerContext, request: ChatRequest) -> None:
    """`/tell [name] text`."""
    await _tell(context, request, "tell", interrupt=False)


async def interrupt(context: HandlerContext, request: ChatRequest) -> None:
    """`/tell! [name] text` or `/now [name] text`."""
    await _tell(context, request, INTERRUPT, interrupt=True)


async def _tell(context: HandlerContext, request: ChatRequest, command: str, *, interrupt: bool) -> None:
    target = await find_target(
        context, request, command, is_not_done, words=True, question="Which session is it for?"
    )
    if target is None:
        return
    target.view.refuse_if_done()
    if target.rest.strip() or request.files:
        await give_guidance(context, request, target.view.ref, target.rest, interrupt=interrupt)
    else:
        ask.ask_guidance(context, request, target.view, interrupt=interrupt)


async def give_guidance(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, words: str, *, interrupt: bool = False
) -> None:
    """Leave guidance for the running agent, or for the next iteration.

    Args:
        context: The bot.
        request: What the user sent.
        ref: The session.
        words: The guidance.
        interrupt: Whether it interrupts what the agent is doing; files do not.

    Raises:
        SessionDoneError: There will be no further iteration.
    """
    interrupt = interrupt and not request.files
    await leave_guidance(context, request, ref, words, interrupt=interrupt)
    request = request.without_files()
    view = await context.fleet.view(ref)
    if not view.steerable:
        saved = "Noted for the next iteration."
    elif interrupt:
        saved = "Noted; the agent is interrupted with it."
    else:
        saved = "Noted; the agent gets it at its next step."
    emoji = "⚡" if interrupt and view.steerable else "👍"
    priority = Priority.EFFECT if interrupt else Priority.RECEIPT
    context.receipt(request, emoji, saved, session=ref.key, priority=priority)
    if interrupt and view.has_worker and not view.steerable:
        text = f"Noted for the next iteration: {name_of(ref)} cannot be interrupted now."
        context.reply(request, text, about=about_session(ref), part="later", priority=Priority.EFFECT)
    need = need_of(view)
    if need is not None:
        _offer_retry(context, request, view, need)
    after = await context.notifier.refresh(ref)
    reply_if_stopped(context, request, after or view)


async def leave_guidance(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, text: str, *, interrupt: bool = False
) -> None:
    """Save guidance, with the files and the quote of the request."""
    text = with_quote(request, text)
    if request.files:
        await save_files(context, request, ref, text)
    else:
        await context.fleet.add_guidance(
            ref, text, request.person, interrupt=interrupt, request_id=request.id
        )


def _offer_retry(context: HandlerContext, request: ChatRequest, view: SessionView, need: Need) -> None:
    """Offer to resume a session with the guidance that was just sent; for this need only."""
    ref = view.ref
    match need.kind:
        case NeedKind.BLOCK | NeedKind.FAILED:
            what = "is blocked" if need.kind is NeedKind.BLOCK else "has failed"
            retry = Action(do=ActionKind.RETRY, session=ref.key, identity=need.name)
            context.reply(
                request,
                f"Noted. {name_of(ref)} {what}; should it try again with that?",
                buttons=rows(choice("🔁 Retry", retry)),
                about=about_session(ref),
                part="retry",
            )
        case NeedKind.ACTION:
            done = Action(do=ActionKind.ACTION_DONE, session=ref.key, identity=need.name)
            context.reply(
                request,
                f"Noted. {name_of(ref)} still waits until what it needs is done.",
                buttons=rows(choice("✅ Done", done)),
                about=about_session(ref, NeedKind.ACTION, need=need.name),
                part="waits",
            )
        case NeedKind.BUDGET:
            context.reply(
                request,
                f"Noted. {name_of(ref)} stays paused until there is more money for it.",
                buttons=rows(*money_buttons(view)),
                about=about_session(ref),
                part="waits",
            )
        case _:
            pass  # a retry does not help, or the need's own message shows how to continue
