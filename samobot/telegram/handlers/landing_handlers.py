"""Landing in the chat: what can be done with a finished branch, and doing it after a tap on what was shown.

Both take seconds (git, the remote), so both run in the background; killed meanwhile, the bot repeats the command at
its next start, which the fleet carries out once.
"""

from __future__ import annotations

from samobot.errors import SamobotError, SavedForHostError, UsageError
from samobot.fleet.forge import PullRequestState
from samobot.fleet.landing_models import OPENS, REMOVES, LandingStep
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.landing_message import (
    discard_message,
    land_button,
    landing_message,
    new_pull_request,
)
from samobot.telegram.views.wording import Icon, name_of
from samobot.text import one_line

_ENDS_WATCH = REMOVES | {LandingStep.MERGE_PR, LandingStep.SQUASH_PR}


async def land(context: HandlerContext, request: ChatRequest) -> None:
    """`/land [name]`; with a step and an identity, as a tap leaves it to be repeated, carry that out."""
    target = await find_target(
        context,
        request,
        "land",
        _is_done,
        question="Land which one?",
        none="No session is done. /sessions lists all.",
    )
    if target is None:
        return
    step, *identity = target.rest.split()[:2] or [""]
    if step and identity:
        land_step(context, request, target.view.ref, step, identity[0])
    else:
        show_landing(context, request, target.view.ref, step)


def show_landing(context: HandlerContext, request: ChatRequest, ref: SessionRef, step: str = "") -> None:
    """Show what can be done with a session's branch, in the background.

    Args:
        context: What handlers share.
        request: What asked for it.
        ref: The session.
        step: One of `SHOWN_FIRST` to show what that would do.
    """
    again = f"{ref.project}:{ref.folder} {step}".strip()
    context.background.run(request.with_text(again), "land", _show(context, request, ref, step))


def land_step(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, step: str, identity: str
) -> None:
    """Carry out a step that was shown, in the background.

    Raises:
        UsageError: There is no such step.
    """
    if step not in list(LandingStep):
        raise UsageError(f"“{one_line(step, 40)}” is no step of landing; /land {ref.name} shows them.")
    context.toast(request, "Working on it…")
    again = request.with_text(f"{ref.project}:{ref.folder} {step} {identity}")
    context.background.run(again, "land", _land(context, request, ref, LandingStep(step), identity))


async def _show(context: HandlerContext, request: ChatRequest, ref: SessionRef, step: str = "") -> None:
    view = await context.fleet.landing(ref)
    if view.pull_request is not None and view.pull_request.state is PullRequestState.OPEN:
        context.pull_requests.watch(ref)
    match step:
        case LandingStep.OPEN_PR:
            text = f"{view.title}\n{view.body}"
            shown = new_pull_request(ref, view, has_secret=context.outbox.secrets.mask(text) != text)
        case LandingStep.DISCARD:
            shown = discard_message(ref, view)
        case _:
            shown = landing_message(ref, view)
    context.reply(request, shown.text, buttons=shown.buttons, about=about_session(ref), part="landing")


async def _land(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, step: LandingStep, identity: str
) -> None:
    with context.pull_requests.held(ref):  # its receipt comes before what follows from it
        await _carry_out(context, request, ref, step, identity)


async def _carry_out(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, step: LandingStep, identity: str
) -> None:
    try:
        done = await context.fleet.land(ref, step, request.person, expected=identity)
    except SavedForHostError as error:
        context.show_saved(request, error)
        return
    except SamobotError as error:
        # Shown as it is now: a refusal alone would leave nothing to tap.
        context.reply(
            request, escape(error.message), about=about_session(ref), part="refused", priority=Priority.NEEDED
        )
        await _show(context, request, ref)
        return
    if step in OPENS:
        context.pull_requests.watch(ref)
    elif step in _ENDS_WATCH:
        context.pull_requests.unwatch(ref)
    again = "Done before: " if done.repeated else ""
    watched = " Its checks and comments are watched." if step in OPENS else ""
    text = f"{Icon.LANDING} {name_of(ref)}: {again}{escape(done.text)}{watched}"
    if step in REMOVES:
        await context.fleet.archive(ref)
        await context.notifier.archive(ref, request.person)
        context.reply(request, text, part="landed", silent=False, priority=Priority.NEEDED)
        return
    # As urgent as the news that follows from it, which would overtake it otherwise.
    context.reply(
        request,
        text,
        buttons=rows(land_button(ref, "🔀 What is next")),
        about=about_session(ref),
        part="landed",
        silent=False,
        priority=Priority.NEEDED,
    )
    await context.notifier.refresh(ref)


def _is_done(view: SessionView) -> bool:
    return view.state is SessionState.DONE
