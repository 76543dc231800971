"""`/schedule`: sessions that begin at a time; and the starts that are due."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from samobot.errors import ConflictError, SamobotError, StorageError, UsageError
from samobot.fleet.models import SessionRef
from samobot.fleet.schedule_times import count_due, parse_timing
from samobot.fleet.schedules import Schedule, is_late, machine_zone, zone_named
from samobot.session.folder import clean_name
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.handlers import run_handlers
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, choice
from samobot.telegram.handlers.prompts import send_prompt
from samobot.telegram.handlers.run_arguments import parse_run
from samobot.telegram.handlers.session_offers import as_text, likely_project, resolve_arguments
from samobot.telegram.handlers.task_slug import task_slug
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.schedule_message import (
    ScheduleOperation,
    ScheduleTap,
    schedule_list,
    schedule_made,
    schedule_missed,
)
from samobot.telegram.views.wording import Icon, Recipient
from samobot.text import one_line

log = logging.getLogger(__name__)


async def schedule(context: HandlerContext, request: ChatRequest) -> None:
    """`/schedule [time] [task]`: list the schedules, or make one; with what a tap asked for, do that."""
    place = context.places.at(request.chat_id, request.thread_id)
    try:
        tap = ScheduleTap.model_validate_json(request.text)
    except ValidationError:
        tap = None
    if tap is not None:
        await _do(context, request, tap)
    elif request.text.strip():
        await _make(context, request, place)
    else:
        view = schedule_list(context.schedules.all(), place, context.now())
        context.reply(request, view.text, buttons=view.buttons, part="schedules")


async def run_due(context: HandlerContext) -> None:
    """Start what is due, ask about what was missed, and show what was scheduled at a terminal."""
    now = context.now()
    try:
        found = context.schedules.all()
    except StorageError as error:  # once a day: it is looked at every few seconds
        for place in context.places.homes():
            text, key = f"{Icon.ERROR} {escape(error.message)}", f"problem:schedules:{now:%Y%m%d}"
            if context.outbox.post(place.chat_id, text, key=key, thread_id=place.thread_id):
                log.error("schedules: %s", error.message)
        return
    for one in found:
        try:
            if one.claimed is not None:
                _recover(context, one, one.claimed)
            elif one.next_at is not None and one.next_at <= now:
                await _start_due(context, one, one.next_at)
            elif not one.announced:
                _announce(context, one)
        except SamobotError as error:
            log.error("schedule %d: %s", one.number, error.message)


async def _make(context: HandlerContext, request: ChatRequest, place: Recipient) -> None:
    chat = context.store.chats.get(request.chat_id)
    zone = chat.timezone if chat.timezone and place.zone is not None else machine_zone()
    timing, rest = parse_timing(request.text, context.now(), zone_named(zone))
    if not rest:
        send_prompt(
            context,
            request,
            f"⏰ {timing.words}: what should be done then?",
            Action(do=ActionKind.PICK_SESSION, command="schedule", text=f"{timing.words} "),
            hint="The task",
        )
        return
    words = await resolve_arguments(context, parse_run(rest))
    known = [each.name for each in await context.fleet.projects()]
    project = words.project or likely_project(context, request, known)
    if not known:
        raise UsageError("No project is configured: name its .samocode file in SAMOBOT_PROJECTS.")
    if project is None:
        context.reply(
            request,
            "For which project?",
            buttons=rows(
                *(
                    choice(each, Action(do=ActionKind.PICK_SESSION, command="schedule", text=f"{timing.words} {each}: {rest}"))
                    for each in known[:20]
                ),
                width=2,
            ),
            part="project",
        )  # fmt: skip
        return
    if project not in known:
        raise UsageError(f"There is no project {one_line(project, 40)}; there are: {', '.join(known)}.")
    made = context.schedules.add(
        Schedule(
            number=0,
            project=project,
            task=rest,
            timing=timing,
            zone=zone,
            who=request.person.who,
            via=request.person.via,
            chat_id=request.chat_id,
            thread_id=request.thread_id,
            user_id=request.user_id,
            announced=True,
        )
    )
    context.store.chat_projects.set(request.chat_id, request.thread_id, project)
    view = schedule_made(made, place, context.now())
    context.reply(request, view.text, buttons=view.buttons, part="made", priority=Priority.EFFECT)


async def _do(context: HandlerContext, request: ChatRequest, tap: ScheduleTap) -> None:
    match tap.do:
        case ScheduleOperation.PAUSE:
            context.schedules.pause(tap.number)
            context.toast(request, "Paused.")
        case ScheduleOperation.RESUME:
            context.schedules.resume(tap.number)
            context.toast(request, "Resumed.")
        case ScheduleOperation.DELETE:
            context.schedules.delete(tap.number)
            context.toast(request, "Deleted.")
        case ScheduleOperation.START | ScheduleOperation.SKIP:
            one = next((each for each in context.schedules.all() if each.number == tap.number), None)
            if one is None or one.missed is None or one.missed != tap.due:
                raise ConflictError("That start was decided already.")
            if tap.do is ScheduleOperation.SKIP:
                context.schedules.settle(one.number)
                context.toast(request, "Skipped.")
            else:
                name = await _begin(context, one, replace(request, about=None))
                context.schedules.settle(one.number, started=name)
            return
    place = context.places.at(request.chat_id, request.thread_id)
    view = schedule_list(context.schedules.all(), place, context.now())
    context.reply(request, view.text, buttons=view.buttons, part="schedules")


async def _start_due(context: HandlerContext, one: Schedule, due: datetime) -> None:
    now = context.now()
    taken = context.schedules.claim(one.number, due)
    if taken is None:
        return
    if is_late(due, now):
        times = count_due(one.timing, due, now, zone_named(one.zone))
        _ask(context, taken, due, times=times)
        return
    unfinished = await _unfinished(context, one)
    if unfinished is not None:
        _ask(context, taken, due, why=f"{unfinished.name}, which it started last, is not done yet.")
        return
    try:
        name = await _begin(context, one, _request(context, one, due))
    except SamobotError as error:
        _ask(context, taken, due, why=f"It could not start: {error.message}")
        return
    context.schedules.settle(one.number, started=name)
    request = _request(context, one, due)
    context.reply(
        request, f"{Icon.SCHEDULE} {bold(name)} starts, as scheduled.", part="begun", priority=Priority.EFFECT
    )


async def _begin(context: HandlerContext, one: Schedule, request: ChatRequest) -> str:
    """Start the session of a schedule in the background; returns the session's name.

    Raises:
        SamobotError: It cannot start now.
    """
    await context.fleet.refuse_in_panic()
    if one.project not in {each.name for each in await context.fleet.projects()}:
        raise UsageError(f"The project {one.project} is not configured any longer.")
    words = await resolve_arguments(context, parse_run(one.task))
    name = clean_name(words.name) if words.name is not None else task_slug(words.task or words.dive or "")
    name = await context.fleet.free_name(one.project, name)
    words = replace(words, project=one.project, name=name, task=words.task or one.task)
    await run_handlers.start(context, request.with_text(as_text(words) or one.task), one.project, words)
    return name


async def _unfinished(context: HandlerContext, one: Schedule) -> SessionRef | None:
    """The session that was started last, if it is still under way: two of a kind would hinder each other."""
    if one.last is None:
        return None
    for ref in await context.fleet.find(one.last):
        if ref.project == one.project and (await context.fleet.view(ref)).state is not SessionState.DONE:
            return ref
    return None


def _recover(context: HandlerContext, one: Schedule, due: datetime) -> None:
    """End a claim that a killed bot left: either its start is on disk, or the user is asked."""
    key = _key(one, due)
    if any(task.key == key for _, task in context.background.unfinished()):
        context.schedules.settle(one.number)
    else:
        _ask(context, one, due, why="I was stopped at that moment; it may have started.")


def _ask(context: HandlerContext, one: Schedule, due: datetime, *, times: int = 1, why: str = "") -> None:
    """Ask whether a start is still wanted, and leave it to the user."""
    for place in context.places.asked_in(one.chat_id, one.thread_id):
        view = schedule_missed(one, due, times, place, context.now(), why)
        context.publisher.alert(place, f"missed:{_key(one, due)}", view)
    context.schedules.settle(one.number, missed=due)


def _announce(context: HandlerContext, one: Schedule) -> None:
    for place in context.places.asked_in(one.chat_id, one.thread_id):
        view = schedule_made(one, place, context.now(), by=one.who)
        context.publisher.alert(place, f"made:schedule:{one.number}:{one.zone}:{one.timing.words}", view)
    context.schedules.announce(one.number)


def _request(context: HandlerContext, one: Schedule, due: datetime) -> ChatRequest:
    """The request that a start amounts to; no message led to it."""
    place = context.places.asked_in(one.chat_id, one.thread_id)[0]
    return ChatRequest(
        key=_key(one, due),
        chat_id=place.chat_id,
        message_id=0,
        thread_id=place.thread_id,
        user_id=one.user_id,
        person=Person(one.who, one.via),
    )


def _key(one: Schedule, due: datetime) -> str:
    return f"schedule:{one.number}:{int(due.timestamp())}"
