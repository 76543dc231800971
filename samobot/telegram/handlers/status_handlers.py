"""The state of things: all sessions, one in detail, the projects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from samobot.fleet.models import SessionView
from samobot.session.status import SessionState
from samobot.telegram.handlers.archive_handlers import show_archived
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session
from samobot.telegram.handlers.emergency_handlers import emergency_line
from samobot.telegram.handlers.host_handlers import away_lines
from samobot.telegram.handlers.recent_sessions import last_change, newest, read_past
from samobot.telegram.handlers.resolve import (
    any_session,
    display_names,
    find_target,
    is_active,
    project_named,
)
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.card import card, doing, sign_of
from samobot.telegram.views.pending import need_of
from samobot.telegram.views.permission import permission_buttons, permission_lines
from samobot.telegram.views.wording import Recipient, agent_line, bold_name, money_of, project_of
from samobot.text import human_duration, one_line, plural

_MOST = 30
_RESTING = 5


async def status(context: HandlerContext, request: ChatRequest) -> None:
    """`/status [name]`: all sessions, or one in detail."""
    if request.text.strip() or request.session is not None:
        target = await find_target(context, request, "status", any_session, reads=True)
        if target is not None:
            await show_one(context, request, target.view)
        return
    views, emergency, away = await asyncio.gather(
        context.fleet.sessions(), emergency_line(context), away_lines(context)
    )
    stopped = "\n".join([*filter(None, [emergency]), *away])
    ordered, others = _by_urgency(views)
    resting: list[SessionView] = []
    if len(ordered) < _MOST:
        resting = newest(others, _RESTING)
        if past := await _latest_past(context, views, resting):
            views = [*views, *past]
            ordered, others = _by_urgency(views)
            resting = newest(others, _RESTING)
    if not views:
        nothing = "Nothing here yet. Send a task in your own words to start a session."
        context.reply(request, "\n".join(part for part in (stopped, nothing) if part))
        return
    shown = ordered[:_MOST]
    listed = [*shown, *resting]
    called = dict(zip((view.ref.key for view in listed), display_names(listed, views), strict=True))
    several = len({view.ref.project for view in listed}) > 1 or len(await context.fleet.projects()) > 1
    place, now = place_of(context, request), context.now()

    def line(view: SessionView) -> str:
        return _line(view, _place_label(view, called[view.ref.key], several=several), place, now)

    lines = [
        *([stopped] if stopped else []),
        bold(_head(ordered)),
        *map(line, shown),
    ]
    if len(ordered) > _MOST:
        lines.append(f"… and {len(ordered) - _MOST} more: /sessions")
    if resting:
        lines += ["", *map(line, resting)]
    buttons = rows(
        *(
            ActionButton(
                f"{sign_of(view, need_of(view))} {called[view.ref.key]}",
                Action(do=ActionKind.STATUS, session=view.ref.key),
            )
            for view in ordered[:6]
        ),
        width=2,
    )
    context.reply(request, "\n".join(lines), buttons=buttons)


def _by_urgency(views: Sequence[SessionView]) -> tuple[list[SessionView], list[SessionView]]:
    """Return the active sessions, those first that wait for the user, and the others."""
    needy: list[SessionView] = []
    running: list[SessionView] = []
    active: list[SessionView] = []
    others: list[SessionView] = []
    for view in views:
        if need_of(view) is not None:
            needy.append(view)
        elif is_active(view):
            (running if view.state is SessionState.RUNNING else active).append(view)
        else:
            others.append(view)
    needy.sort(key=lambda view: view.state is not SessionState.RUNNING)
    return [*needy, *running, *active], others


async def _latest_past(
    context: HandlerContext, views: Sequence[SessionView], resting: Sequence[SessionView]
) -> list[SessionView]:
    """Read the past sessions that belong to those that changed last; of another machine each costs a request."""
    since = last_change(resting[-1]) if len(resting) == _RESTING else 0.0
    known = {view.ref.key for view in views}
    past = [
        each
        for each in newest(await context.fleet.past(), _RESTING)
        if each.key not in known and last_change(each) >= since
    ]
    return await read_past(context, past)


async def show_one(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    """Show one session in detail, with the buttons of its card; and what it waits for, if that was not shown yet."""
    shown = card(view, place_of(context, request), context.now())
    facts = [shown.text]
    if view.plan is not None:
        facts.append(f"Plan: {agent_line(view.plan.title, 80)} · {plural(view.plan.steps, 'step')}")
    if view.questions:
        facts.append(f"Questions: {len(view.questions)}, {len(view.open_questions)} open")
    if view.waited_s >= 60:
        facts.append(f"Waited for you: {human_duration(view.waited_s)}")
    facts += permission_lines(view)
    buttons = (*shown.buttons, *permission_buttons(view))
    context.reply(request, "\n".join(facts), buttons=buttons, about=about_session(view.ref, "status"))
    await context.notifier.unmute(view.ref)


def place_of(context: HandlerContext, request: ChatRequest) -> Recipient:
    """The chat that a request came from, with its preferences."""
    return context.places.at(request.chat_id, request.thread_id)


async def sessions(context: HandlerContext, request: ChatRequest) -> None:
    """`/sessions [project]`: all there are.

    Raises:
        NotFoundError: There is no such project.
    """
    wanted = request.text.strip()
    if wanted.casefold() in ("archived", "archive"):
        show_archived(context, request, await context.fleet.archived())
        return
    views, past = await context.fleet.sessions(), await context.fleet.past()
    if wanted:
        project = await project_named(context, wanted)
        views = [view for view in views if view.ref.project == project]
        past = [each for each in past if each.project == project]
    count = len(views) + len(past)
    if not count:
        where = f" in {escape(one_line(wanted, 60))}" if wanted else ""
        context.reply(request, f"There is no session{where}. /run starts one.")
        return
    views = [*views, *await read_past(context, newest(past, _MOST))]
    views = newest(views)
    several = len({view.ref.project for view in views}) > 1
    lines = []
    for view in views[:_MOST]:
        project = f"{project_of(view)}:" if several else ""
        phase = f" · {view.phase}" if view.phase and view.state is not SessionState.DONE else ""
        cost = f" · {money_of(view)}" if view.cost_usd else ""
        lines.append(
            f"{sign_of(view, need_of(view))} {code(f'{project}{view.ref.name}')} {view.state}{phase}{cost}"
        )
    if count > _MOST:
        lines.append(f"… and {count - _MOST} older ones")
    context.reply(request, "\n".join([bold(plural(count, "session")), *lines]))


async def projects(context: HandlerContext, request: ChatRequest) -> None:
    """`/projects`: what is configured."""
    found = await context.fleet.projects()
    if not found:
        context.reply(
            request,
            f"No project is configured. Put the paths of .samocode files into {code('SAMOBOT_PROJECTS')}.",
        )
        return
    views, past = await context.fleet.sessions(), await context.fleet.past()
    lines = []
    for project in found:
        own = [view for view in views if view.ref.project == project.name]
        count = len(own) + sum(1 for each in past if each.project == project.name)
        going = sum(1 for view in own if is_active(view))
        lines.append(f"📂 {bold(project.name)} · {plural(count, 'session')}, {going} active")
        lines += [f"⚠️ {escape(one_line(problem, 300))}" for problem in project.problems]
    context.reply(request, "\n".join(lines))


def _head(ordered: Sequence[SessionView]) -> str:
    """How things stand, in one sentence."""
    waiting = sum(need_of(view) is not None for view in ordered)
    running = sum(view.state is SessionState.RUNNING for view in ordered)
    if not waiting:
        return f"{running} running, nothing waits for you" if running else "Nothing runs or waits for you"
    waits = f"{waiting} wait{'s' if waiting == 1 else ''} for you"
    return f"{waits}, {running} running" if running else waits


def _line(view: SessionView, name: str, place: Recipient, now: datetime) -> str:
    need = need_of(view)
    words = [doing(view, need, place, now)]
    if view.state is SessionState.RUNNING and view.phase is not None:
        then = ", then pauses" if view.pausing else ""
        words = [f"{view.phase}, iteration {view.iteration}{then}"]
    if view.cost_usd:
        words.append(money_of(view))
    return f"{sign_of(view, need)} {name}  {escape(' · '.join(words))}"


def _place_label(view: SessionView, name: str, *, several: bool) -> str:
    """The session's name and, of several projects, which; unless the name begins with that."""
    is_long = name != view.ref.name
    return f"{bold_name(name)} · {escape(project_of(view))}" if several and not is_long else bold_name(name)
