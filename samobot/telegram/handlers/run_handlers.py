"""`/run` and plain text that is a task: a new session, or one that continues; what is missing is asked for."""

from __future__ import annotations

from dataclasses import replace

from samobot.errors import DayOverError, StorageError, UsageError, WorktreeGoneError
from samobot.fleet.models import SessionRef
from samobot.fleet.start_request import StartRequest
from samobot.session.folder import clean_name
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import TOPIC, ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.control_handlers import resume_one
from samobot.telegram.handlers.message_files import fetch_files, offer_again, offer_retry
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.handlers.resolve import find_archived, project_named
from samobot.telegram.handlers.run_arguments import RunArguments, parse_run
from samobot.telegram.handlers.session_offers import (
    as_text,
    ask_project,
    flags_of,
    offer_existing,
    offer_fresh,
    offer_nearest,
    offer_next,
    resolve_arguments,
    sessions_named,
)
from samobot.telegram.handlers.session_topic import session_topic
from samobot.telegram.handlers.task_slug import task_slug
from samobot.telegram.handlers.worktree_handlers import offer_worktree
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.downloads import FileDownloadError
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import more_today
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import Icon, name_of


async def run(context: HandlerContext, request: ChatRequest) -> None:
    """`/run task in any words`: a new session; `/run name` continues one. What is missing is asked for."""
    if request.about is not None and request.about.kind == TOPIC:
        request = replace(request, about=None)  # plain text there is for its session, a new run is not
    await run_in(context, request, None)


async def run_in(
    context: HandlerContext, request: ChatRequest, project: str | None, *, on_branch: bool = False
) -> None:
    """The same in a project that was chosen, if one was; `on_branch` takes a branch that has commits of its own."""
    begun = [
        task for name, task in context.background.unfinished() if task.key == request.key and name == "run"
    ]
    if begun and begun[0].text != request.text:
        return  # an update handled again after a crash: what it began is resumed under its settled name
    await context.fleet.refuse_in_panic()
    words = await resolve_arguments(context, parse_run(request.text))
    if project is not None:
        words = replace(words, project=project)
    if words.name is None and request.session is not None:
        ref = SessionRef.from_key(request.session)
        view = await context.fleet.view(ref)
        if view.state is SessionState.DONE:
            await offer_next(context, request, view, words)
            return
        if not (words.task or words.dive or words.auto or words.chooses):
            await resume_one(context, request, ref, budget_usd=words.budget_usd)
            return
        words = replace(words, project=ref.project, name=ref.folder)
    if words.name is None and not (words.task or words.dive):
        _ask_what(context, request)
        return
    if words.name is None and project is None and await offer_existing(context, request, words):
        return
    derived = words.name is None
    name = task_slug(words.task or words.dive or "") if words.name is None else clean_name(words.name)
    project = await _project(context, request, words, None if derived else name)
    if project is None:
        return
    if derived:
        name = await context.fleet.free_name(project, name)
    known = await sessions_named(context, project, name)
    used = not known and not derived and not on_branch
    if used and await offer_fresh(context, request, project, replace(words, name=name)):
        return
    if not known and not words.task and not words.dive:
        flags = flags_of(words)
        if not await offer_nearest(context, request, project, name, flags):
            _ask_task(context, request, project, name, flags)
        return
    before = await context.fleet.view(known[0]) if known else None
    if before is not None and before.state is SessionState.DONE:
        await offer_next(context, request, before, words)
        return
    await start(context, request, project, replace(words, name=name))


async def continue_archived(context: HandlerContext, request: ChatRequest, project: str) -> None:
    """Take the session that a run names out of the archive, and continue it."""
    words = await resolve_arguments(context, parse_run(request.text))
    ref = await find_archived(context, f"{project}:{clean_name(words.name or '')}")
    if ref is not None:
        await context.fleet.restore(ref)
        await context.notifier.refresh(ref)
    await run_in(context, request, project)


async def start(context: HandlerContext, request: ChatRequest, project: str, words: RunArguments) -> None:
    """Start a session whose project and name are settled, in the background.

    Raises:
        UsageError: A flag of it is only for a session that is done.
    """
    if not words.questions:
        raise UsageError("--no-questions is for another round of a session that is done: /followup.")
    context.toast(request, "One moment…")
    again = as_text(replace(words, project=project)) or f"{project}:{words.name} {words.task or ''}"
    context.store.chat_projects.set(request.chat_id, request.thread_id, project)
    context.background.run(request.with_text(again), "run", _start(context, request, project, words))


def ask_name(context: HandlerContext, request: ChatRequest, project: str, task: str) -> None:
    """Ask for another name for a session that is about to start."""
    send_prompt(
        context,
        request,
        "✏️ Which name?",
        Action(do=ActionKind.PICK_SESSION, command="rename", project=project, text=task),
        hint="dark-mode",
    )


async def start_named(
    context: HandlerContext, request: ChatRequest, project: str, name: str, task: str
) -> None:
    """Start a session under a name that the user chose for it.

    Raises:
        UsageError: It cannot be a name.
    """
    await context.fleet.refuse_in_panic()
    words = await resolve_arguments(context, parse_run(task))
    free = await context.fleet.free_name(project, clean_name(name))
    await start(context, request, project, replace(words, name=free, task=words.task or task))


async def _start(context: HandlerContext, request: ChatRequest, project: str, words: RunArguments) -> None:
    """Make the session and start it: fetching the default branch may take seconds. The receipt comes once it is so."""
    try:
        files = tuple(await fetch_files(context, request))
        async with session_topic(context, request, project, words.name or ""):
            started = await context.fleet.start(
                StartRequest(
                    project=project,
                    session=words.name or "",
                    task=words.task,
                    dive=words.dive,
                    base=words.base,
                    budget_usd=words.budget_usd,
                    auto=words.auto,
                    profile=words.profile,
                    provider=words.provider,
                    files=files,
                ),
                request.person,
                request_id=request.id,
            )
    except FileDownloadError as error:
        offer_again(context, request, error, _again(request, project))
        return
    except StorageError as error:
        found = await sessions_named(context, project, words.name or "")
        again = Action(do=ActionKind.RESUME, session=found[0].key) if found else _again(request, project)
        name = bold(words.name or "")
        offer_retry(
            context, request, f"⚠️ {name} has not started. {escape(error.message)}", again, part="storage"
        )
        return
    except WorktreeGoneError:
        found = await sessions_named(context, project, words.name or "")
        if not found:
            raise  # it was archived meanwhile
        offer_worktree(context, request, found[0])
        return
    except DayOverError as error:
        request = request.without_files()
        await _offer_more_today(context, request, project, words, error)
        return
    request = request.without_files()
    context.receipt(request, "👍", session=started.ref.key if started.ref is not None else None)
    if started.ref is not None and request.chat_id not in {
        place.chat_id for place in context.places.of(started.ref.key)
    }:
        context.places.follow(started.ref.key, request.chat_id, request.thread_id)
    if started.place is not None:
        context.reply(
            request,
            f"⏳ {bold(started.name)} is number {started.place} in line and starts automatically.",
            about=about_session(started.ref) if started.ref else None,
            priority=Priority.EFFECT,
        )
    if started.ref is not None:
        await context.notifier.refresh(started.ref)


def _again(request: ChatRequest, project: str) -> Action:
    return Action(do=ActionKind.PICK_PROJECT, project=project, command="run", text=request.text)


async def _offer_more_today(
    context: HandlerContext, request: ChatRequest, project: str, words: RunArguments, error: DayOverError
) -> None:
    """Report that the day's budget is used up, with a button that resumes the session."""
    found = await sessions_named(context, project, words.name or "")
    if not found:
        raise error  # it was archived meanwhile
    ref = found[0]
    resume = choice("▶️ Resume", Action(do=ActionKind.RESUME, session=ref.key))
    unkept = " Its flags are not saved: repeat them with /run then." if flags_of(words) else ""
    context.reply(
        request,
        f"{Icon.BUDGET} {name_of(ref)} is paused. {escape(error.message)}{unkept}",
        buttons=rows(more_today(ref), resume),
        about=about_session(ref),
        part="day",
    )


def _ask_what(context: HandlerContext, request: ChatRequest) -> None:
    send_prompt(
        context,
        request,
        f"▶️ What should be done?\nFor example: {code('Add a greeting script')}",
        Action(do=ActionKind.PICK_SESSION, command="run", text=request.text.strip() or None),
        hint="The task",
    )


def _ask_task(context: HandlerContext, request: ChatRequest, project: str, name: str, flags: str) -> None:
    send_prompt(
        context,
        request,
        f"▶️ {bold(name)} is new. What should be done?",
        Action(
            do=ActionKind.PICK_SESSION,
            command="run",
            project=project,
            text=f"{project}:{name} {flags}".strip(),
        ),
        hint="The task",
    )


async def ask_task_of(context: HandlerContext, request: ChatRequest, project: str, said: str) -> None:
    """Ask for the task of a new session; `said` is its name and the flags."""
    words = parse_run(said)
    _ask_task(context, request, project, words.name or "", flags_of(words))


async def _project(
    context: HandlerContext, request: ChatRequest, words: RunArguments, name: str | None
) -> str | None:
    """Find the project a run is for; None if the user has been asked.

    Args:
        context: What handlers share.
        request: The run.
        words: What it was given.
        name: The session's name, if it was given: a session of that name determines the project.
    """
    known = [each.name for each in await context.fleet.projects()]
    if not known:
        raise UsageError(
            "No project is configured: name its .samocode file in SAMOBOT_PROJECTS and start the bot again."
        )
    if words.project is not None:
        return await project_named(context, words.project)
    names = [each for each in (name, words.base) if each is not None]
    homes = {ref.project for each in names for ref in await context.fleet.find(each)}
    candidates = [each for each in known if each in homes] or known
    if len(candidates) == 1:
        return candidates[0]
    await ask_project(context, request, candidates, request.text)
    return None
