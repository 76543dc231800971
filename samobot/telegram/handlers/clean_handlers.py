"""`/clean`: what is left of sessions that are over is listed, and removed after a tap on what was shown.

Git takes seconds, so both run in the background; killed meanwhile, the bot repeats the command at its next start,
where the identities make a second removal harmless.
"""

from __future__ import annotations

from pydantic import ValidationError

from samobot.errors import NotFoundError, SamobotError, SavedForHostError
from samobot.fleet.models import SessionRef
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.clean_message import Removals, clean_message, removal_message
from samobot.text import one_line, plural

_PROBLEMS = 5


async def clean(context: HandlerContext, request: ChatRequest) -> None:
    """`/clean [name]`: list what is left, or show one; with what a tap was about, remove that."""
    try:
        wanted = Removals.model_validate_json(request.text)
    except ValidationError:
        work = _show(context, request, request.text.strip())
    else:
        context.toast(request, "Working on it…")
        work = _remove(context, request, wanted)
    context.background.run(request, "clean", work)


async def _show(context: HandlerContext, request: ChatRequest, name: str) -> None:
    found = await context.fleet.leftovers()
    if not name:
        shown = clean_message(found)
    else:
        refs = {each.session.key: each for each in found}
        named = [
            left
            for key, left in refs.items()
            if name.casefold() in (key, left.session.folder, left.session.name, _address(left.session))
        ]
        if not named:
            raise NotFoundError(
                f"Nothing is left of “{one_line(name, 60)}” that can be removed. /clean lists what is."
            )
        shown = removal_message(named[0])
    context.reply(request, shown.text, buttons=shown.buttons, part="clean")


async def _remove(context: HandlerContext, request: ChatRequest, wanted: Removals) -> None:
    removed, problems = 0, []
    for key, identity in wanted.shown:
        ref = SessionRef.from_key(key)
        try:
            done = await context.fleet.clean(ref, request.person, expected=identity, anyway=wanted.anyway)
        except SavedForHostError as error:
            context.show_saved(request, error)
            continue
        except SamobotError as error:
            problems.append(escape(one_line(error.message, 200)))
            continue
        removed += not done.repeated
        await context.notifier.archive(ref, request.person)
    head = f"{plural(removed, 'worktree')} removed, with the branches." if removed else "Nothing was removed."
    context.reply(
        request,
        "\n".join([head, *problems[:_PROBLEMS]]),
        part="cleaned",
        silent=False,
        priority=Priority.EFFECT,
    )


def _address(ref: SessionRef) -> str:
    return f"{ref.project}:{ref.name}".casefold()
