"""`/triggers`: issues and assigned reviews that become offers; and looking for them."""

from __future__ import annotations

import logging
import re

from pydantic import ValidationError

from samobot.errors import ConflictError, SamobotError, UsageError
from samobot.fleet.forge import WorkSource
from samobot.fleet.start_request import StartRequest, UserFile
from samobot.fleet.trigger_task import trigger_task
from samobot.fleet.triggers import OfferState, Trigger, TriggerOffer
from samobot.session.gate import Person
from samobot.telegram.handlers.chat_request import DASHES, ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.session_offers import likely_project
from samobot.telegram.handlers.task_slug import task_slug
from samobot.telegram.markup.html import bold
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.trigger_message import (
    TriggerOperation,
    TriggerTap,
    offer_message,
    problem_message,
    skipped_message,
    started_message,
    trigger_list,
    trigger_made,
)
from samobot.telegram.views.wording import Icon
from samobot.text import one_line

log = logging.getLogger(__name__)

_RULE = re.compile(
    rf"(?:(?P<project>[^\s:]+):\s*)?(?P<source>issues?|reviews?)\b\s*(?P<label>.*?)\s*(?P<starts>{DASHES}start)?",
    re.IGNORECASE | re.DOTALL,
)
_USAGE = "A trigger is written like this: issue samobot, or review; --start at its end starts without asking."


async def triggers(context: HandlerContext, request: ChatRequest) -> None:
    """`/triggers [issue LABEL|review] [--start]`: list the triggers, or make one; what a tap asked for is done."""
    try:
        tap = TriggerTap.model_validate_json(request.text)
    except ValidationError:
        tap = None
    if tap is not None:
        await _do(context, request, tap)
    elif request.text.strip():
        await _make(context, request)
    else:
        view = trigger_list(context.triggers.all())
        context.reply(request, view.text, buttons=view.buttons, part="triggers")


async def look_at_triggers(context: HandlerContext) -> None:
    """Ask the forges about every trigger that is due, and offer what was found."""
    now = context.now().timestamp()
    for one in context.triggers.all():
        try:
            if not one.announced:
                for place in context.places.asked_in(one.chat_id, one.thread_id):
                    context.publisher.alert(
                        place, f"made:trigger:{one.number}", trigger_made(one, by=one.who)
                    )
                context.triggers.announce(one.number)
            # A clock that was set back must not keep it from being looked at.
            if not now < one.next_at <= now + 2 * one.delay_s:
                await _look(context, one)
        except SamobotError as error:
            log.error("trigger %d: %s", one.number, error.message)


async def _look(context: HandlerContext, one: Trigger) -> None:
    report = await context.fleet.work(one.project, one.source, one.label)
    first = not one.looked
    changed, problem = context.triggers.looked(one.number, report)
    if changed is None:
        return
    if problem:
        for place in context.places.asked_in(changed.chat_id, changed.thread_id):
            key = f"trigger:{one.number}:problem:{int(context.now().timestamp())}"
            context.publisher.alert(place, key, problem_message(changed, problem))
    if first and changed.skipped:
        for place in context.places.asked_in(changed.chat_id, changed.thread_id):
            context.publisher.alert(place, f"trigger:{one.number}:skipped", skipped_message(changed))
    for offer in changed.offers:
        if offer.state is OfferState.NEW:
            await _offer(context, changed, offer)


async def _offer(context: HandlerContext, one: Trigger, offer: TriggerOffer) -> None:
    """Show an offer, or start its session if its rule starts sessions; repeated after a crash, either happens once."""
    why = ""
    if one.starts:
        place = context.places.asked_in(one.chat_id, one.thread_id)[0]
        key = f"trigger:{one.number}:{offer.item.id}"
        by = Person(f"{one.who}, trigger {one.number}", one.via)
        request = ChatRequest(key, place.chat_id, 0, place.thread_id, one.user_id, by)
        try:
            session = await _start(context, one, offer, request)
            context.reply(
                request, started_message(one, offer, session), part="begun", priority=Priority.EFFECT
            )
            context.triggers.settle(one.number, offer.item.id)
            return
        except SamobotError as error:
            why = f"It could not start: {error.message}"
    for place in context.places.asked_in(one.chat_id, one.thread_id):
        context.publisher.alert(
            place, f"trigger:{one.number}:{offer.item.id}", offer_message(one, offer, why)
        )
    context.triggers.mark(one.number, offer.model_copy(update={"state": OfferState.SHOWN}))


async def _make(context: HandlerContext, request: ChatRequest) -> None:
    found = _RULE.fullmatch(request.text.strip())
    if found is None:
        raise UsageError(_USAGE)
    known = [each.name for each in await context.fleet.projects()]
    project = found["project"] or likely_project(context, request, known)
    if not known:
        raise UsageError("No project is configured: name its .samocode file in SAMOBOT_PROJECTS.")
    if project is None:
        again = [
            Action(do=ActionKind.PICK_SESSION, command="triggers", text=f"{each}: {request.text.strip()}")
            for each in known[:20]
        ]
        buttons = rows(*(choice(each, action) for each, action in zip(known, again, strict=False)), width=2)
        context.reply(request, "For which project?", buttons=buttons, part="project")
        return
    if project not in known:
        raise UsageError(f"There is no project {one_line(project, 40)}; there are: {', '.join(known)}.")
    source = WorkSource.ISSUE if found["source"].lower().startswith("issue") else WorkSource.REVIEW
    label = found["label"].strip().strip("\"“”'")
    if source is WorkSource.REVIEW and label:
        raise UsageError(_USAGE)
    made = context.triggers.add(
        Trigger(
            number=0,
            project=project,
            source=source,
            label=label,
            starts=found["starts"] is not None,
            who=request.person.who,
            via=request.person.via,
            chat_id=request.chat_id,
            thread_id=request.thread_id,
            user_id=request.user_id,
            announced=True,
        )
    )
    view = trigger_made(made)
    context.reply(request, view.text, buttons=view.buttons, part="made", priority=Priority.EFFECT)


async def _do(context: HandlerContext, request: ChatRequest, tap: TriggerTap) -> None:
    if tap.do is TriggerOperation.DELETE:
        context.triggers.delete(tap.number)
        context.toast(request, "Deleted.")
        view = trigger_list(context.triggers.all())
        context.reply(request, view.text, buttons=view.buttons, part="triggers")
        return
    one = context.triggers.get(tap.number)
    offer = one.offer(tap.item)
    if offer is None:
        raise ConflictError("That was decided already.")
    if tap.do is TriggerOperation.IGNORE:
        context.triggers.settle(one.number, tap.item)
        context.toast(request, "Ignored.")
        return
    await context.fleet.refuse_in_panic()
    context.toast(request, "One moment…")
    # Before the next tap is handled, which may be somebody else's on the same offer.
    offer = await _named(context, one, offer)
    context.background.run(request, "triggers", _start_tapped(context, request, one, offer))


async def _start_tapped(
    context: HandlerContext, request: ChatRequest, one: Trigger, offer: TriggerOffer
) -> None:
    session = await _start(context, one, offer, request)
    context.triggers.settle(one.number, offer.item.id)
    context.receipt(request, "👍", f"{session} starts.")


async def _start(context: HandlerContext, one: Trigger, offer: TriggerOffer, request: ChatRequest) -> str:
    """Start the session of an offer; its name is on disk before. Returns the name.

    Raises:
        SamobotError: It cannot start now.
    """
    await context.fleet.refuse_in_panic()
    offer = await _named(context, one, offer)
    item = offer.item
    files: tuple[UserFile, ...] = ()
    if one.source is WorkSource.REVIEW:
        diff = await context.fleet.pull_request_diff(one.project, item.number)
        if not diff:
            raise ConflictError(f"The changes of #{item.number} cannot be read now.")
        files = (UserFile(name=f"pr-{item.number}.diff", data=diff.encode()),)
    task = trigger_task(one.source, item, files[0].name if files else "")
    started = await context.fleet.start(
        StartRequest(project=one.project, session=offer.session, task=task, files=files),
        request.person,
        request_id=request.id,
    )
    if started.ref is not None:
        context.places.follow(started.ref.key, request.chat_id, request.thread_id)
        await context.notifier.refresh(started.ref)
    if started.place is not None and started.ref is not None:
        text = (
            f"{Icon.QUEUED} {bold(started.name)} is number {started.place} in line and starts automatically."
        )
        context.reply(
            request, text, about=about_session(started.ref), part="queued", priority=Priority.EFFECT
        )
    return started.name


async def _named(context: HandlerContext, one: Trigger, offer: TriggerOffer) -> TriggerOffer:
    """Give an offer's session its name, once: whoever starts it, and however often, starts that one."""
    if offer.session:
        return offer
    wanted = task_slug(offer.item.title) or f"{one.source}-{offer.item.number}"
    named = offer.model_copy(update={"session": await context.fleet.free_name(one.project, wanted)})
    context.triggers.mark(one.number, named)
    return named
