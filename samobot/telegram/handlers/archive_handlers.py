"""Archiving sessions."""

from __future__ import annotations

from samobot.errors import BusyError, ConflictError
from samobot.fleet.models import SessionRef
from samobot.telegram.handlers.context import TAP, ChatRequest, HandlerContext, about_session, choice
from samobot.telegram.handlers.control_handlers import is_over
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import Icon


async def archive(context: HandlerContext, request: ChatRequest) -> None:
    """`/archive [name]`: put a session away; one that nobody named and that is not finished, after asking."""
    named = bool(request.text.strip())
    if not named and request.session is None:
        target = await find_target(context, request, "archive", is_over, question="Put which one away?")
    else:
        target = await find_target(context, request, "archive", any_session)
    if target is None:
        return
    picked = request.about is not None and request.about.kind == TAP
    if named or picked or is_over(target.view) or target.view.has_worker:
        await archive_one(context, request, target.view.ref)
    else:
        _ask_whether_away(context, request, target.view.ref)


def _ask_whether_away(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    context.reply(
        request,
        f"{bold(ref.name)} is not finished: put it away all the same?",
        buttons=rows(
            choice("📦 Put it away", Action(do=ActionKind.ARCHIVE, session=ref.key)),
            choice("No", Action(do=ActionKind.CANCEL)),
        ),
        about=about_session(ref),
        part="archive",
    )


async def archive_one(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Put a session away, and close what the chat shows of it."""
    try:
        await context.fleet.archive(ref)
    except BusyError:
        raise ConflictError(f"{ref.name} is running. Stop it first, then it can be put away.") from None
    await context.notifier.archive(ref, request.person)
    context.toast(request, f"{ref.name} is put away.")
    if request.query_id is None:
        context.reply(
            request, f"{Icon.ARCHIVED} {bold(ref.name)} is put away. Its branch stays.", part="archived"
        )
