"""What the buttons stand for: each action carried out, if it is still valid."""

from __future__ import annotations

from dataclasses import replace

from samobot.errors import ConflictError, NotFoundError
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
    guidance_handlers,
    landing_handlers,
    permission_handlers,
    run_handlers,
    session_offers,
    status_handlers,
    trust_handlers,
    watch_handlers,
    worktree_handlers,
)
from samobot.telegram.handlers.chat_request import ChatRequest, parse_command
from samobot.telegram.handlers.command_table import find_command
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.decision_checks import check_not_answered
from samobot.telegram.handlers.free_text import handle_text
from samobot.telegram.handlers.resolve import view_or_archived
from samobot.telegram.store.sent import MessageSubject
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import FOR_TODAY
from samobot.telegram.views.questions import question_key


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
            await _send_text(context, request, action)
        case ActionKind.CANCEL if action.session is None:
            context.toast(request, "All right, nothing was done.")
            return
        case _:
            await _about_session(context, request, action, _ref(action))


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
        case ActionKind.DENY_SAY if not action.text:
            await permission_handlers.ask_reason(context, request, ref, action.identity or "")
            context.toast(request)
        case ActionKind.ALLOW_ONCE | ActionKind.ALLOW_SESSION | ActionKind.DENY | ActionKind.DENY_SAY:
            verdict = permission_handlers.VERDICT_ACTIONS[action.do]
            text = action.text or ""
            await permission_handlers.decide_ask(context, request, ref, action.identity or "", verdict, text)
        case ActionKind.WITHDRAW_PERMISSION:
            await permission_handlers.withdraw(context, request, ref, action.text or "")
        case ActionKind.ACTION_DONE | ActionKind.RETRY:
            retry = action.do is ActionKind.RETRY
            kind = DecisionKind.RETRY if retry else DecisionKind.ACTION_DONE
            await control_handlers.unblock(context, request, ref, kind, action.identity)
        case ActionKind.GUIDANCE if action.text or action.files:
            await guidance_handlers.give_guidance(context, request, ref, action.text or "")
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
            await follow_up_handlers.begin_or_ask(context, request, ref, action.text or "")
        case ActionKind.FIX:
            await watch_handlers.fix(context, request, ref, action.text or "")
        case ActionKind.KEEP_FIXING:
            head = action.identity or ""
            await watch_handlers.keep_fixing(context, request, ref, action.text or "", head)
        case ActionKind.WATCH:
            watch_handlers.watch(context, request, ref, action.text)
        case ActionKind.KEEP_LESSONS:
            await document_handlers.keep_lessons(context, request, ref, action.identity or "")
        case ActionKind.TRUST | ActionKind.LEAVE_OUT:
            accept = action.do is ActionKind.TRUST
            await trust_handlers.decide_trust(context, request, ref, action.identity or "", accept=accept)
        case ActionKind.IGNORE:
            context.toast(request, "Ignored.")
        case ActionKind.OPEN:
            context.toast(request)
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
    sent = context.store.notified.get(ref.key) or {}
    return question_key(question) in sent.get("changing", ())


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


async def _send_text(context: HandlerContext, request: ChatRequest, action: Action) -> None:
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


def _ref(action: Action) -> SessionRef:
    if action.session is None:
        raise NotFoundError("This button belongs to no session.")
    return SessionRef.from_key(action.session)
