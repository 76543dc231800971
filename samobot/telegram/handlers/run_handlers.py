"""`/run`: a new session or one that goes on; what is missing is asked for."""

from __future__ import annotations

import re
from dataclasses import replace

from samobot.errors import DayOverError, UsageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.folder import clean_name
from samobot.session.status import SessionState
from samobot.telegram.handlers.context import ChatRequest, HandlerContext, about_session, choice
from samobot.telegram.handlers.control_handlers import resume_one
from samobot.telegram.handlers.parsing import Flag, RunArguments, first_word, parse_run
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.handlers.resolve import project_named
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import more_today
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import Icon

_LONGEST_BASE = 56
"""Characters of a name that are kept in the next one's, which has a number besides."""


async def run(context: HandlerContext, request: ChatRequest) -> None:
    """`/run name [task…]`: a new session, or one that goes on. What is missing is asked for."""
    await run_in(context, request, None)


async def run_in(context: HandlerContext, request: ChatRequest, project: str | None) -> None:
    """The same in a project that was picked, where one was."""
    words = await _named(context, parse_run(request.text))
    if project is not None:
        words = replace(words, project=project)
    if words.name is None and request.session is not None:
        ref = SessionRef.from_key(request.session)
        view = await context.fleet.view(ref)
        if view.state is SessionState.DONE:
            await _offer_next(context, request, view, words)
            return
        if not (words.task or words.dive or words.auto):
            await resume_one(context, request, ref, budget_usd=words.budget_usd)
            return
        words = replace(words, project=ref.project, name=ref.folder)
    if words.name is None:
        _ask_name(context, request)
        return
    name = clean_name(words.name)
    project = await _project(context, request, words, name)
    if project is None:
        return
    known = await _sessions_named(context, project, name)
    if not known and not words.task and not words.dive:
        flags = _flags(words)
        if not await _offer_nearest(context, request, project, name, flags):
            _ask_task(context, request, project, name, flags)
        return
    before = await context.fleet.view(known[0]) if known else None
    if before is not None and before.state is SessionState.DONE:
        await _offer_next(context, request, before, words)
        return
    context.toast(request, "One moment…")
    context.run_in_background(request, "run", _start(context, request, project, replace(words, name=name)))


async def _named(context: HandlerContext, words: RunArguments) -> RunArguments:
    """The same where a name has a colon after it: `greet: add a script`, or `demo: greet add a script`."""
    if words.name is not None or words.project is None:
        return words
    if any(each.name.casefold() == words.project.casefold() for each in await context.fleet.projects()):
        name, task = first_word(words.task or "")
        return replace(words, name=name or None, task=task or None)
    return replace(words, project=None, name=words.project)


async def _start(context: HandlerContext, request: ChatRequest, project: str, words: RunArguments) -> None:
    """Make the session and start it: fetching the default branch may take seconds. The receipt comes once it is so."""
    try:
        started = await context.fleet.start(
            project,
            words.name or "",
            request.person,
            task=words.task,
            dive=words.dive,
            budget_usd=words.budget_usd,
            auto=words.auto,
        )
    except DayOverError as error:
        await _offer_more_today(context, request, project, words, error)
        return
    context.receipt(request, "👍")
    if started.ref is not None and request.chat_id not in {
        place.chat_id for place in context.places.of(started.ref.key)
    }:
        context.places.follow(started.ref.key, request.chat_id, request.thread_id)
    if started.place is not None:
        context.reply(
            request,
            f"⏳ {bold(started.name)} is number {started.place} in line; it starts by itself.",
            about=about_session(started.ref) if started.ref else None,
        )
    if started.ref is not None:
        await context.notifier.refresh(started.ref)


async def _offer_more_today(
    context: HandlerContext, request: ChatRequest, project: str, words: RunArguments, error: DayOverError
) -> None:
    """Say that the day's budget is used up; one tap lets the session go on, with the words that it has by now."""
    found = await _sessions_named(context, project, words.name or "")
    if not found:
        raise error  # it was put away meanwhile
    ref = found[0]
    resume = choice("▶️ Resume", Action(do=ActionKind.RESUME, session=ref.key))
    unkept = " Its flags are not: say them again with /run then." if _flags(words) else ""
    context.reply(
        request,
        f"{Icon.BUDGET} {bold(ref.name)} rests. {escape(error.message)}{unkept}",
        buttons=rows(more_today(ref), resume),
        about=about_session(ref),
        part="day",
    )


async def _sessions_named(context: HandlerContext, project: str, name: str) -> list[SessionRef]:
    return [ref for ref in await context.fleet.find(name) if ref.project == project]


async def _offer_next(
    context: HandlerContext, request: ChatRequest, view: SessionView, words: RunArguments
) -> None:
    """Say that a session is done, and offer another one for what is next: with the words that were given, if any."""
    ref = view.ref
    name = await _next_name(context, ref)
    new = replace(words, project=ref.project, name=name)
    again = _said_again(new)
    command = "run" if again and (words.task or words.dive) else "task"
    text = again if command == "run" else f"{ref.project}:{name} {_flags(words)}".strip()
    start = Action(do=ActionKind.PICK_PROJECT, project=ref.project, command=command, text=text)
    context.reply(
        request,
        f"{Icon.DONE} {bold(ref.name)} is done. What is next gets a session of its own.",
        buttons=rows(choice(f"▶️ New: {name}", start)),
        about=about_session(ref),
        part="next",
    )


async def _next_name(context: HandlerContext, ref: SessionRef) -> str:
    """A name that follows on a session's and is free: `greet-2` after `greet`."""
    base = re.sub(r"-\d{1,3}$", "", ref.name)[:_LONGEST_BASE] or "next"
    number = 2
    while any(each.project == ref.project for each in await context.fleet.find(f"{base}-{number}")):
        number += 1
    return f"{base}-{number}"


def _said_again(words: RunArguments) -> str | None:
    """A run in one line that is read as the same again; None where its words cannot be put so."""
    dive = f'--{Flag.DIVE} "{words.dive}"' if words.dive else ""
    task = f'--{Flag.TASK} "{words.task}"' if words.task else ""
    parts = (f"{words.project}:{words.name}", _flags(words), dive, task)
    text = " ".join(part for part in parts if part)
    try:
        return text if parse_run(text) == words else None
    except UsageError:
        return None


def _ask_name(context: HandlerContext, request: ChatRequest) -> None:
    send_prompt(
        context,
        request,
        "▶️ What shall the session be called, and what is to be done?\n"
        f"Such as {code('greet Add a greeting script')}",
        Action(do=ActionKind.PICK_SESSION, command="run", text=request.text.strip() or None),
        hint="name and task",
    )


def _ask_task(context: HandlerContext, request: ChatRequest, project: str, name: str, flags: str) -> None:
    send_prompt(
        context,
        request,
        f"▶️ {bold(name)} is new. What is to be done?",
        Action(
            do=ActionKind.PICK_SESSION,
            command="run",
            project=project,
            text=f"{project}:{name} {flags}".strip(),
        ),
        hint="The task",
    )


def _flags(words: RunArguments) -> str:
    """The flags of a run that still lacks its task, wherever they stood, to be said again with it."""
    budget = f"--{Flag.BUDGET} {words.budget_usd:.4f}" if words.budget_usd is not None else ""
    return " ".join(part for part in (budget, f"--{Flag.AUTO}" if words.auto else "") if part)


async def _offer_nearest(
    context: HandlerContext, request: ChatRequest, project: str, name: str, flags: str
) -> bool:
    """Where a new session without a task is nearly one that there is, ask which is meant."""
    close = await context.fleet.nearest(name)
    found = await _sessions_named(context, project, close) if close else []
    if not found or close is None:
        return False
    on = Action(do=ActionKind.RESUME, session=found[0].key)
    if flags:
        on = Action(
            do=ActionKind.PICK_PROJECT, project=project, command="run", text=f"{found[0].folder} {flags}"
        )
    again = f"{project}:{name} {flags}".strip()
    context.reply(
        request,
        f"There is no session {bold(name)} yet. Did you mean {bold(close)}?",
        buttons=rows(
            choice(f"▶️ {close} goes on", on),
            choice(
                f"New: {name}",
                Action(do=ActionKind.PICK_PROJECT, project=project, command="task", text=again),
            ),
            width=1,
        ),
        part="nearest",
    )
    return True


async def ask_task_of(context: HandlerContext, request: ChatRequest, project: str, said: str) -> None:
    """Ask for the task of a new session whose name is settled; `said` is that and the flags."""
    words = parse_run(said)
    _ask_task(context, request, project, words.name or "", _flags(words))


async def _project(
    context: HandlerContext, request: ChatRequest, words: RunArguments, name: str
) -> str | None:
    """Find the project a run is for; None where the person has been asked."""
    known = [each.name for each in await context.fleet.projects()]
    if not known:
        raise UsageError(
            "No project is configured: name its .samocode file in SAMOBOT_PROJECTS and start the bot again."
        )
    if words.project is not None:
        return await project_named(context, words.project)
    homes = {ref.project for ref in await context.fleet.find(name)}
    candidates = [each for each in known if each in homes] or known
    if len(candidates) == 1:
        return candidates[0]
    keys = [
        choice(each, Action(do=ActionKind.PICK_PROJECT, project=each, command="run", text=request.text))
        for each in candidates[:20]
    ]
    context.reply(
        request, f"In which project shall {bold(name)} run?", buttons=rows(*keys, width=1), part="project"
    )
    return None
