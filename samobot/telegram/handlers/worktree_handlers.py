"""A session whose worktree was deleted: the offer to recreate it, and what comes of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from samobot.errors import WorktreeGoneError
from samobot.fleet.models import SessionRef
from samobot.fleet.results import ResumeKind
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import Icon, name_of


@contextlib.contextmanager
def offering_worktree(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> Iterator[None]:
    """Offer to recreate the worktree if what is done here finds it deleted."""
    try:
        yield
    except WorktreeGoneError:
        offer_worktree(context, request, ref)


def offer_worktree(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Offer to recreate a deleted worktree."""
    context.toast(request)
    context.reply(
        request,
        f"⛔ The worktree of {name_of(ref)} was deleted.\n"
        "It can be recreated from its branch, or from its last known commit if that is gone too. Changes that were not committed cannot come back.",
        buttons=rows(
            choice("🌱 Recreate the worktree", Action(do=ActionKind.RECREATE_WORKTREE, session=ref.key)),
            width=1,
        ),
        about=about_session(ref),
        part="worktree",
    )


def recreate_worktree(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Recreate a session's worktree and resume it, in the background; a killed bot repeats it as `/resume`."""
    context.receipt(request, "👌", "Recreating the worktree…")
    named = request.with_text(f"{ref.project}:{ref.folder}")
    context.background.run(named, "resume", _recreated(context, request, ref))


async def _recreated(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    notes = await context.fleet.recreate_worktree(ref, request.person)
    # Reported before the session continues: it may not, for a reason of its own.
    context.reply(
        request,
        "\n".join(escape(note) for note in notes),
        about=about_session(ref),
        part="recreated",
        priority=Priority.NEEDED,
    )
    with context.notifier.deciding(ref, request.person):
        resumed = await context.fleet.resume(ref, request.person)
        await context.notifier.refresh(ref)
    if resumed.kind is ResumeKind.QUEUED:
        context.reply(
            request,
            f"{Icon.QUEUED} {name_of(ref)} queued",
            about=about_session(ref),
            part="queued",
            priority=Priority.EFFECT,
        )
