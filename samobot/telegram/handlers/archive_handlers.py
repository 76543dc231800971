"""The archive: sessions are put into it, listed and restored."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.errors import BusyError, ConflictError, NotFoundError
from samobot.fleet.models import SessionRef, SessionView
from samobot.telegram.handlers.chat_request import TAP, ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.control_handlers import is_over
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import idle_reason
from samobot.telegram.views.buttons import restore_button, rows
from samobot.telegram.views.pending import need_of
from samobot.telegram.views.wording import Icon, name_of
from samobot.text import one_line, plural

_LISTED, _BUTTONS = 30, 10


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
    state = idle_reason(view) or "not finished"
    context.reply(
        request,
        f"{name_of(view.ref)} is {escape(state)}. Archive it anyway?",
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
    context.reply(
        request,
        f"{Icon.ARCHIVED} {name_of(ref)} is archived. Its branch stays.",
        buttons=rows(restore_button(ref)),
        part="archived",
        priority=Priority.EFFECT,
    )


async def restore(context: HandlerContext, request: ChatRequest) -> None:
    """`/restore [name]`: take a session out of the archive; without a name, list what is there.

    Raises:
        NotFoundError: No archived session has that name.
    """
    name = request.text.strip().casefold()
    found = await context.fleet.archived()
    named = [ref for ref in found if name in (ref.key.casefold(), ref.folder.casefold(), ref.name.casefold())]
    if not name or len(named) > 1:
        show_archived(context, request, named or found)
        return
    if not named:
        raise NotFoundError(
            f"No archived session is called “{one_line(name, 60)}”. /sessions archived lists all."
        )
    await context.fleet.restore(named[0])
    context.receipt(request, "👍", f"{named[0].name} is restored.")
    context.reply(
        request,
        f"{name_of(named[0])} is restored; /resume continues it.",
        about=about_session(named[0]),
        part="restored",
        priority=Priority.EFFECT,
    )
    await context.notifier.refresh(named[0])


def show_archived(context: HandlerContext, request: ChatRequest, refs: Sequence[SessionRef]) -> None:
    """List archived sessions, with a button that restores each of the newest."""
    if not refs:
        context.reply(request, "Nothing is archived.", part="archived")
        return
    head = bold(f"{plural(len(refs), 'archived session')}")
    lines = [f"{Icon.ARCHIVED} {code(f'{ref.project}:{ref.folder}')}" for ref in refs[:_LISTED]]
    if len(refs) > _LISTED:
        lines.append(f"… and {len(refs) - _LISTED} older ones")
    buttons = rows(*(restore_button(ref) for ref in refs[:_BUTTONS]), width=1)
    context.reply(request, "\n".join([head, *lines]), buttons=buttons, part="archived")
