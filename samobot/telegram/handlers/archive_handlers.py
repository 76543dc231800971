"""Archiving sessions."""

from __future__ import annotations

from samobot.errors import BusyError, ConflictError
from samobot.fleet.models import SessionRef, SessionView
from samobot.telegram.handlers.context import TAP, ChatRequest, HandlerContext, about_session, choice
from samobot.telegram.handlers.control_handlers import is_over
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import rest_words
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.pending import need_of
from samobot.telegram.views.wording import Icon


async def archive(context: HandlerContext, request: ChatRequest) -> None:
    """`/archive [name]`; a session that is not over, or with something open, only after asking."""
    named = bool(request.text.strip())
    if not named and request.session is None:
        target = await find_target(context, request, "archive", is_over, question="Archive which one?")
    else:
        target = await find_target(context, request, "archive", any_session)
    if target is None:
        return
    view = target.view
    picked = request.about is not None and request.about.kind == TAP
    open_need = need_of(view) is not None
    if view.has_worker or is_over(view) or ((named or picked) and not open_need):
        await archive_one(context, request, view.ref)
    else:
        _confirm(context, request, view)


def _confirm(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    state = rest_words(view) or "not finished"
    context.reply(
        request,
        f"{bold(view.ref.name)} is {escape(state)}. Archive it anyway?",
        buttons=rows(
            choice("📦 Archive", Action(do=ActionKind.ARCHIVE, session=view.ref.key)),
            choice("Cancel", Action(do=ActionKind.CANCEL)),
        ),
        about=about_session(view.ref),
        part="archive",
    )


async def archive_one(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Archive a session, and close what the chat shows of it."""
    try:
        await context.fleet.archive(ref)
    except BusyError:
        raise ConflictError(f"{ref.name} is running. Stop it first.") from None
    await context.notifier.archive(ref, request.person)
    context.toast(request, f"{ref.name} is archived.")
    if request.query_id is None:
        context.reply(
            request, f"{Icon.ARCHIVED} {bold(ref.name)} is archived. Its branch stays.", part="archived"
        )
