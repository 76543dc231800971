"""Taps on buttons: what each stands for is carried out where it still holds, and answered at once in any case."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from samobot.errors import ConflictError, NotFoundError, SamobotError, StorageError
from samobot.fleet.models import QuestionView, SessionRef, SessionView
from samobot.phases import WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.telegram.handlers import (
    ask,
    budget_handlers,
    control_handlers,
    decision_handlers,
    document_handlers,
    lifting,
    prompts,
    run_handlers,
    status_handlers,
)
from samobot.telegram.handlers.command_table import find_command
from samobot.telegram.handlers.context import TAP, Desk, Request
from samobot.telegram.handlers.decision_checks import check_not_answered, check_not_done
from samobot.telegram.handlers.picked import Picked, say_picked
from samobot.telegram.store.callback_data import CallbackPress, CallbackState
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import FOR_TODAY
from samobot.telegram.views.questions import question_key
from samobot.telegram.views.wording import spoken_answer

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""After so long a tap is answered although what it asked for is not done yet."""


async def tapped(desk: Desk, request: Request, identifier: str, picked: Picked | None = None) -> None:
    """Carry out a tap.

    It is carried out first and used up then, so that a crash in between repeats it instead of losing it: the
    fleet's own conditions see to it that nothing is decided twice. Taps are handled one after another.

    Args:
        desk: What handlers have.
        request: Who tapped, and on what.
        identifier: The callback data.
        picked: What was seen; None where Telegram does not show it any more.
    """
    tap = desk.store.callbacks.peek(identifier)
    if tap is None:
        desk.toast(request, "This button is from long ago. /status shows what holds now.", alert=True)
        return
    action = Action.model_validate(tap.action)
    request = replace(request, about=MessageSubject(action.session, TAP) if action.session else request.about)
    if action.do is not ActionKind.ASIDE:
        prompts.settle(desk, request)  # whoever goes on elsewhere is not about to answer
    if tap.state is not CallbackState.FRESH:
        await _stale(desk, request, action, tap)
        return
    patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, desk.toast, request)
    try:
        await carry_out(desk, request, action)
    finally:
        patience.cancel()
    try:
        with desk.store.transaction(durable=True):
            desk.store.callbacks.take(identifier, request.user_id)
            say_picked(desk, request, tap, picked)
    except StorageError as error:
        log.error("a tap was carried out, but not noted: %s", error)


async def carry_out(desk: Desk, request: Request, action: Action) -> None:
    """Do what a button stands for.

    Raises:
        SamobotError: It does not hold any more, or cannot be done.
    """
    match action.do:
        case ActionKind.PICK_SESSION | ActionKind.RUN_STALE | ActionKind.ASIDE:
            await _give(desk, request, action)
            desk.toast(request)
            return
        case ActionKind.PICK_PROJECT:
            await _in_project(desk, request, action)
            desk.toast(request)
            return
        case ActionKind.CANCEL if action.session is None:
            desk.toast(request, "All right, nothing was done.")
            return
        case _:
            await _about_session(desk, request, action, _ref(desk, action))


async def _about_session(desk: Desk, request: Request, action: Action, ref: SessionRef) -> None:
    match action.do:
        case (
            ActionKind.ANSWER
            | ActionKind.OTHER_ANSWER
            | ActionKind.CHANGE_ANSWER
            | ActionKind.ACCEPT_SUGGESTIONS
            | ActionKind.CANCEL
        ):
            await _question(desk, request, action, ref)
        case ActionKind.APPROVE:
            await decision_handlers.approve_plan(desk, request, ref, action.identity)
        case ActionKind.REQUEST_CHANGES:
            await _check_plan(desk, ref, action)
            desk.toast(request)
            ask.ask_feedback(desk, request, ref, action.identity)
        case ActionKind.ACTION_DONE | ActionKind.RETRY:
            retry = action.do is ActionKind.RETRY
            kind = DecisionKind.RETRY if retry else DecisionKind.ACTION_DONE
            await lifting.lift(desk, request, ref, kind, action.identity)
        case ActionKind.GUIDANCE if action.text:
            await decision_handlers.give_guidance(desk, request, ref, action.text)
        case ActionKind.GUIDANCE:
            view = await desk.fleet.view(ref)
            check_not_done(view)
            desk.toast(request)
            ask.ask_guidance(desk, request, view)
        case ActionKind.STOP | ActionKind.CONFIRM_STOP:
            control_handlers.stop_one(desk, request, ref)
        case ActionKind.PAUSE:
            await control_handlers.pause_one(desk, request, ref)
        case ActionKind.RESUME:
            await control_handlers.go_on(desk, request, ref)
        case ActionKind.ARCHIVE:
            await control_handlers.archive_one(desk, request, ref)
        case ActionKind.ADD_BUDGET:
            usd = action.usd or budget_handlers.MORE_USD
            if action.text == FOR_TODAY:
                await budget_handlers.allow_today(desk, request, ref, usd)
            else:
                await budget_handlers.add_budget(desk, request, ref, usd)
        case ActionKind.FINISH_PHASE:
            await budget_handlers.finish_phase(desk, request, ref)
        case ActionKind.SILENCE:
            desk.notifier.silence(request.chat_id, ref.key, action.identity or "")
            desk.toast(request, "No more reminders of this.")
        case ActionKind.AUTO_OFF:
            await desk.notifier.auto_off(ref)
            desk.toast(request, "It waits for you now.")
        case _:
            await _show(desk, request, action, ref)
            desk.toast(request)


async def _question(desk: Desk, request: Request, action: Action, ref: SessionRef) -> None:
    if action.do is ActionKind.ACCEPT_SUGGESTIONS:
        await _check_gate(desk, ref, action)
        await decision_handlers.accept_suggestions(desk, request, ref)
        return
    view = await desk.fleet.view(ref)
    found = [each for each in view.questions if each.index == action.question]
    if not found or (action.identity is not None and found[0].identity != action.identity):
        raise ConflictError("This question is not asked any more. /status shows what holds now.")
    question = found[0]
    match action.do:
        case ActionKind.OTHER_ANSWER:
            desk.toast(request)
            ask.ask_answer(desk, request, ref, question)
        case ActionKind.CHANGE_ANSWER | ActionKind.CANCEL:
            change = action.do is ActionKind.CHANGE_ANSWER
            if change and question.answer is not None and view.waiting_for is not WaitingFor.QA_ANSWERS:
                raise ConflictError(
                    "The agent is already working with the answers; tell it what has changed instead (/tell)."
                )
            desk.toast(request)
            if change:
                await desk.notifier.change_answer(ref, question.index, question.identity)
            else:
                await desk.notifier.keep_answer(ref)
        case _:
            words = action.letter or action.text or ""
            changing = _is_changing(desk, ref, question)
            if not changing:
                check_not_answered(question, words, request)
            await decision_handlers.answer_question(
                desk,
                request,
                ref,
                question.index,
                action.identity,
                words,
                change=changing,
            )


def _is_changing(desk: Desk, ref: SessionRef, question: QuestionView) -> bool:
    """Whether somebody asked to change this answer: only then an answered question shows its options."""
    told = desk.store.notified.get(ref.key) or {}
    return question_key(question) in told.get("changing", ())


async def _show(desk: Desk, request: Request, action: Action, ref: SessionRef) -> None:
    match action.do:
        case ActionKind.LOG:
            await document_handlers.show_log(desk, request, ref)
        case ActionKind.DIFF:
            await document_handlers.show_diff(desk, request, ref)
        case ActionKind.FILES if action.text:
            await document_handlers.send_file(desk, request, ref, action.text)
        case ActionKind.FILES:
            await document_handlers.show_files(desk, request, ref)
        case ActionKind.PR_TEXT:
            await document_handlers.show_pr_text(desk, request, ref)
        case ActionKind.TIMELINE:
            await document_handlers.show_timeline(desk, request, ref)
        case ActionKind.SHOW_PLAN:
            await document_handlers.show_plan(desk, request, ref)
        case _:
            status_handlers.show_one(desk, request, await desk.fleet.view(ref))


async def _give(desk: Desk, request: Request, action: Action) -> None:
    """Give the command that waited for a session, or for a word that it is still wanted."""
    command = find_command(action.command or "")
    if command is None:
        raise NotFoundError("That command is not there any more. /help all shows all.")
    await command.handler(desk, request.saying(action.text or ""))


async def _in_project(desk: Desk, request: Request, action: Action) -> None:
    if action.command == "task":
        await run_handlers.ask_task_of(desk, request, action.project or "", action.text or "")
    else:
        await run_handlers.run_in(desk, request.saying(action.text or ""), action.project)


async def _stale(desk: Desk, request: Request, action: Action, tap: CallbackPress) -> None:
    """Say what holds now, and change nothing."""
    if action.session is None:
        words = "That was picked already." if tap.state is CallbackState.USED else "This button is too old."
        desk.toast(request, words)
        return
    try:
        ref = desk.fleet.ref_of(action.session)
        view = await desk.fleet.view(ref)
        words = _what_holds(view, action, tap)
        await desk.notifier.refresh(ref)
    except SamobotError as error:
        words = error.message
    desk.toast(request, words, alert=tap.used_by not in (None, request.user_id))


def _what_holds(view: SessionView, action: Action, tap: CallbackPress) -> str:
    """One sentence about where a thing stands that was decided already."""
    match action.do:
        case ActionKind.ANSWER | ActionKind.OTHER_ANSWER | ActionKind.CHANGE_ANSWER:
            found = [each for each in view.questions if each.identity == action.identity]
            if found and found[0].answer is not None:
                by = f" by {found[0].by}" if found[0].by else ""
                return f"{found[0].label} was answered{by}: {spoken_answer(found[0].answer, 100)}"
        case ActionKind.APPROVE | ActionKind.REQUEST_CHANGES:
            plan = view.plan
            if plan is not None and plan.sha256 != action.identity:
                return f"{view.ref.name} has another plan by now."
            if plan is not None and plan.verdict is not None:
                verdict = "approved" if plan.verdict == "approval" else "sent back"
                return f"The plan was {verdict}{f' by {plan.by}' if plan.by else ''}."
        case _:
            pass
    what = "Done already" if tap.state is CallbackState.USED else "This button is too old"
    phase = f" in {view.phase}" if view.phase is not None else ""
    return f"{what}. {view.ref.name} is {view.state}{phase}."


async def _check_gate(desk: Desk, ref: SessionRef, action: Action) -> None:
    view = await desk.fleet.view(ref)
    if action.identity is not None and view.gate != action.identity:
        raise ConflictError(f"That was for something else; {ref.name} is {view.state} now.")


async def _check_plan(desk: Desk, ref: SessionRef, action: Action) -> None:
    view = await desk.fleet.view(ref)
    if view.plan is None or (action.identity is not None and view.plan.sha256 != action.identity):
        await desk.notifier.refresh(ref)
        raise ConflictError("The plan has changed since it was shown; look at it again.")
    if view.waiting_for is not WaitingFor.PLAN_APPROVAL:
        verdict = {"approval": "approved", "rejection": "sent back"}.get(view.plan.verdict or "", "decided")
        by = f" by {view.plan.by}" if view.plan.by else ""
        raise ConflictError(f"The plan was {verdict}{by} already.")


def _ref(desk: Desk, action: Action) -> SessionRef:
    if action.session is None:
        raise NotFoundError("This button belongs to no session.")
    return desk.fleet.ref_of(action.session)
