"""Callback queries: the action of the tapped button is carried out if it is still valid; each query is answered at once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from telegram import MaybeInaccessibleMessage, Message

from samobot.errors import ConflictError, NotFoundError, StorageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.session.question import Question
from samobot.telegram.handlers import (
    archive_handlers,
    ask,
    budget_handlers,
    control_handlers,
    decision_handlers,
    document_handlers,
    follow_up_handlers,
    landing_handlers,
    message_files,
    prompts,
    run_handlers,
    session_offers,
    status_handlers,
    watch_handlers,
    worktree_handlers,
)
from samobot.telegram.handlers.command_table import find_command
from samobot.telegram.handlers.context import TAP, ChatRequest, HandlerContext
from samobot.telegram.handlers.decision_checks import check_not_answered
from samobot.telegram.handlers.expired_buttons import answer_expired
from samobot.telegram.handlers.free_text import handle_text
from samobot.telegram.handlers.parsing import parse_command
from samobot.telegram.handlers.resolve import view_or_archived
from samobot.telegram.handlers.status_handlers import place_of
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.outbound.downloads import FileDownloadError
from samobot.telegram.store.callback_data import CallbackPress, CallbackState
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import FOR_TODAY
from samobot.telegram.views.questions import question_key
from samobot.telegram.views.wording import decided_by

log = logging.getLogger(__name__)

TAP_WITH_FILES = "tap"
"""Name of the background task that carries out a tap with files."""

ANSWER_SECONDS = 1.0
"""After so long a tap is answered although what it asked for is not done yet."""


_SETTLED_HERE = ("reply:", "paused:", "news:", "budget:", "watch:")
"""Messages that nobody else changes once what they offer is used up."""


@dataclass(frozen=True, slots=True)
class TappedButton:
    """The button that was tapped, and its message.

    Attributes:
        text: The message, as Telegram HTML.
        label: The button.
    """

    text: str
    label: str


async def handle_callback(
    context: HandlerContext, request: ChatRequest, identifier: str, button: TappedButton | None = None
) -> None:
    """Carry out a tap.

    It is carried out first and used up then, so that a crash in between repeats it instead of losing it: the
    fleet's own conditions see to it that nothing is decided twice. Taps are handled one after another.

    Args:
        context: What handlers share.
        request: Who tapped, and on what.
        identifier: The callback data.
        button: The tapped button; None if Telegram no longer shows it.
    """
    tap = context.store.callbacks.peek(identifier)
    if tap is None:
        context.toast(request, "This button has expired. See /status.", alert=True)
        return
    action = Action.model_validate(tap.action)
    request = replace(request, about=MessageSubject(action.session, TAP) if action.session else request.about)
    if action.do is not ActionKind.ASIDE:
        prompts.close_prompt(context, request)  # a tap elsewhere means that the prompt is not being answered
    if tap.state is not CallbackState.FRESH:
        await answer_expired(context, request, action, tap)
        return
    if action.files:
        _use_up(context, request, identifier, tap, button)
        context.toast(request, "One moment…")
        carry_out_in_background(context, request.with_text(action.model_dump_json(exclude_none=True)))
        return
    patience = asyncio.get_running_loop().call_later(ANSWER_SECONDS, context.toast, request)
    try:
        await carry_out(context, request, action)
    finally:
        patience.cancel()
    _use_up(context, request, identifier, tap, button)


def carry_out_in_background(context: HandlerContext, request: ChatRequest) -> None:
    """Carry out a tap whose files have to be fetched first; the text of the request is the action as JSON."""
    action = Action.model_validate_json(request.text)
    work = _carry_out_with_files(context, replace(request, text="", files=action.files or ()), action)
    context.run_in_background(request, TAP_WITH_FILES, work)


async def _carry_out_with_files(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    try:
        await carry_out(context, request, action)
    except FileDownloadError as error:
        message_files.offer_again(context, request, error, action)


def _use_up(
    context: HandlerContext,
    request: ChatRequest,
    identifier: str,
    tap: CallbackPress,
    button: TappedButton | None,
) -> None:
    try:
        with context.store.transaction(durable=True):
            context.store.callbacks.take(identifier, request.user_id)
            _show_choice(context, request, tap, button)
    except StorageError as error:
        log.error("a tap was carried out, but not noted: %s", error)


async def carry_out(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    """Do what a button stands for.

    Raises:
        SamobotError: It is no longer valid, or cannot be done.
    """
    match action.do:
        case ActionKind.PICK_SESSION | ActionKind.RUN_STALE | ActionKind.ASIDE:
            await _give(context, request, action)
            context.toast(request)
            return
        case ActionKind.PICK_PROJECT:
            await _in_project(context, request, action)
            context.toast(request)
            return
        case ActionKind.SAY:
            await _say(context, request, action)
        case ActionKind.CANCEL if action.session is None:
            context.toast(request, "All right, nothing was done.")
            return
        case _:
            await _about_session(context, request, action, _ref(context, action))


async def _about_session(
    context: HandlerContext, request: ChatRequest, action: Action, ref: SessionRef
) -> None:
    match action.do:
        case (
            ActionKind.ANSWER
            | ActionKind.OTHER_ANSWER
            | ActionKind.CHANGE_ANSWER
            | ActionKind.ACCEPT_SUGGESTIONS
            | ActionKind.CANCEL
        ):
            await _question(context, request, action, ref)
        case ActionKind.APPROVE:
            await decision_handlers.approve_plan(context, request, ref, action.identity)
        case ActionKind.REQUEST_CHANGES if action.text or action.files:
            await decision_handlers.reject_plan(context, request, ref, action.identity, action.text or "")
        case ActionKind.REQUEST_CHANGES:
            await _check_plan(context, ref, action)
            context.toast(request)
            ask.ask_feedback(context, request, ref, action.identity)
        case ActionKind.ACTION_DONE | ActionKind.RETRY:
            retry = action.do is ActionKind.RETRY
            kind = DecisionKind.RETRY if retry else DecisionKind.ACTION_DONE
            await control_handlers.unblock(context, request, ref, kind, action.identity)
        case ActionKind.GUIDANCE if action.text or action.files:
            await decision_handlers.give_guidance(context, request, ref, action.text or "")
        case ActionKind.GUIDANCE | ActionKind.INTERRUPT:
            view = await context.fleet.view(ref)
            view.refuse_if_done()
            context.toast(request)
            ask.ask_guidance(context, request, view, interrupt=action.do is ActionKind.INTERRUPT)
        case ActionKind.STOP | ActionKind.CONFIRM_STOP:
            control_handlers.stop_one(context, request, ref)
        case ActionKind.PAUSE:
            await control_handlers.pause_one(context, request, ref)
        case ActionKind.RESUME:
            await control_handlers.resume_one(context, request, ref)
        case ActionKind.FOLLOW_UP:
            await follow_up_handlers.take_up(context, request, ref, action.text or "")
        case ActionKind.FIX:
            await watch_handlers.fix(context, request, ref, action.text or "")
        case ActionKind.KEEP_FIXING:
            head = action.identity or ""
            await watch_handlers.keep_fixing(context, request, ref, action.text or "", head)
        case ActionKind.WATCH:
            watch_handlers.watch(context, request, ref, action.text)
        case ActionKind.IGNORE:
            context.toast(request, "Ignored.")
        case ActionKind.LAND if action.text and action.identity:
            landing_handlers.land_step(context, request, ref, action.text, action.identity)
        case ActionKind.LAND:
            context.toast(request)
            landing_handlers.show_landing(context, request, ref, action.text or "")
        case ActionKind.RECREATE_WORKTREE:
            worktree_handlers.recreate_worktree(context, request, ref)
        case ActionKind.ARCHIVE:
            await archive_handlers.archive_one(context, request, ref)
        case ActionKind.ADD_BUDGET:
            usd = action.usd or budget_handlers.MORE_USD
            if action.text == FOR_TODAY:
                await budget_handlers.allow_today(context, request, ref, usd)
            else:
                await budget_handlers.add_budget(context, request, ref, usd)
        case ActionKind.FINISH_PHASE:
            await budget_handlers.finish_phase(context, request, ref)
        case ActionKind.SILENCE:
            context.notifier.silence(request.chat_id, ref.key, action.identity or "")
            context.toast(request, "No further reminders of this.")
        case ActionKind.AUTO_OFF:
            await context.notifier.auto_off(ref)
            context.toast(request, "It waits for you now.")
        case _:
            await _show(context, request, action, ref)
            context.toast(request)


async def _question(context: HandlerContext, request: ChatRequest, action: Action, ref: SessionRef) -> None:
    if action.do is ActionKind.ACCEPT_SUGGESTIONS:
        await decision_handlers.accept_suggestions(context, request, await _check_gate(context, ref, action))
        return
    view = await context.fleet.view(ref)
    found = [each for each in view.questions if each.index == action.question]
    if not found or (action.identity is not None and found[0].identity != action.identity):
        raise ConflictError("This question is no longer open. See /status.")
    question = found[0]
    match action.do:
        case ActionKind.OTHER_ANSWER:
            context.toast(request)
            ask.ask_answer(context, request, ref, question)
        case ActionKind.CHANGE_ANSWER | ActionKind.CANCEL:
            change = action.do is ActionKind.CHANGE_ANSWER
            if change and question.answer is not None and view.waiting_for is not WaitingFor.QA_ANSWERS:
                raise ConflictError(
                    "The agent is already working with the answers; send what has changed with /tell."
                )
            context.toast(request)
            if change:
                await context.notifier.change_answer(ref, question.index, question.identity)
            else:
                await context.notifier.keep_answer(ref)
        case _:
            words = action.letter or action.text or ""
            changing = _is_changing(context, ref, question)
            if not changing:
                check_not_answered(question, words, request)
            await decision_handlers.answer_question(
                context,
                request,
                ref,
                question.index,
                action.identity,
                words,
                change=changing,
            )


def _is_changing(context: HandlerContext, ref: SessionRef, question: Question) -> bool:
    """Whether somebody asked to change this answer: only then an answered question shows its options."""
    told = context.store.notified.get(ref.key) or {}
    return question_key(question) in told.get("changing", ())


async def _show(context: HandlerContext, request: ChatRequest, action: Action, ref: SessionRef) -> None:
    match action.do:
        case ActionKind.LOG:
            await document_handlers.show_log(context, request, ref)
        case ActionKind.DIFF:
            await document_handlers.show_diff(context, request, ref)
        case ActionKind.FILES if action.text:
            await document_handlers.send_file(context, request, ref, action.text, action.identity)
        case ActionKind.FILES:
            await document_handlers.show_files(context, request, ref)
        case ActionKind.PR_TEXT:
            await document_handlers.show_pr_text(context, request, ref)
        case ActionKind.TIMELINE:
            await document_handlers.show_timeline(context, request, ref)
        case ActionKind.SHOW_PLAN:
            await document_handlers.show_plan(context, request, ref)
        case _:
            await status_handlers.show_one(context, request, await view_or_archived(context, ref))


async def _give(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    """Run the command that waited for a session or a confirmation."""
    command = find_command(action.command or "")
    if command is None:
        raise NotFoundError("That command no longer exists. /help all lists all.")
    await command.handler(context, request.with_text(action.text or ""))


async def _say(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    """Handle a text as if the user had just sent it, in reply to the message that the action names."""
    about = MessageSubject(**action.about) if action.about else None
    said = replace(request, text=action.text or "", about=about)
    typed = parse_command(said.text)
    command = find_command(typed.name) if typed is not None else None
    if typed is not None and command is not None:
        await command.handler(context, said.with_text(typed.rest))
    else:
        await handle_text(context, said)
    context.toast(request)


async def _in_project(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    project, text = action.project or "", action.text or ""
    match action.command:
        case "task":
            await run_handlers.ask_task_of(context, request, project, text)
        case "rename":
            run_handlers.ask_name(context, request, project, text)
        case "continue":
            await run_handlers.continue_archived(context, request.with_text(text), project)
        case "branch":
            await run_handlers.run_in(context, request.with_text(text), project, on_branch=True)
        case "other":
            await session_offers.choose_project(context, request, text)
        case _:
            await run_handlers.run_in(context, request.with_text(text), action.project)


async def _check_gate(context: HandlerContext, ref: SessionRef, action: Action) -> SessionView:
    view = await context.fleet.view(ref)
    if action.identity is not None and view.gate != action.identity:
        raise ConflictError(f"That was for something else; {ref.name} is {view.state} now.")
    return view


async def _check_plan(context: HandlerContext, ref: SessionRef, action: Action) -> None:
    view = await context.fleet.view(ref)
    if view.plan is None or (action.identity is not None and view.plan.sha256 != action.identity):
        await context.notifier.refresh(ref)
        raise ConflictError("The plan has changed since it was shown; look at it again.")
    if view.waiting_for is not WaitingFor.PLAN_APPROVAL:
        verdict = {"approval": "approved", "rejection": "sent back"}.get(view.plan.verdict or "", "decided")
        by = f" by {view.plan.by}" if view.plan.by else ""
        raise ConflictError(f"The plan was {verdict}{by} already.")


def _ref(context: HandlerContext, action: Action) -> SessionRef:
    if action.session is None:
        raise NotFoundError("This button belongs to no session.")
    return SessionRef.from_key(action.session)


def tapped_button(message: MaybeInaccessibleMessage, data: str) -> TappedButton | None:
    """The button with this callback data and its message; None if Telegram does not include them."""
    if not isinstance(message, Message) or not message.text:
        return None
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else ()
    labels = [button.text for row in rows for button in row if button.callback_data == data]
    return TappedButton(message.text_html, labels[0]) if labels else None


def _show_choice(
    context: HandlerContext, request: ChatRequest, tap: CallbackPress, button: TappedButton | None
) -> None:
    """Show on a message whose buttons are used what was chosen, and remove them."""
    _, _, key = tap.scope.partition(":")
    if button is None or not tap.once or not key.startswith(_SETTLED_HERE):
        return
    now, place = context.now(), place_of(context, request)
    by = decided_by(request.person.who, request.person.via, now, place, now)
    words = f"{button.text}\n\n→ {escape(button.label)} · {escape(by)}"
    context.outbox.edit(request.chat_id, words, key=key)
