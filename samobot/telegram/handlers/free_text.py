"""Plain text: an answer, a reply, or a new task; what is unclear is offered as buttons."""

from __future__ import annotations

from dataclasses import replace

from samobot.errors import ConflictError, SamobotError, StorageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.telegram.handlers import (
    decision_checks,
    decision_handlers,
    follow_up_handlers,
    guidance_handlers,
    permission_handlers,
    prompts,
    run_handlers,
    voice,
)
from samobot.telegram.handlers.chat_request import TOPIC, UNKNOWN, ChatRequest
from samobot.telegram.handlers.command_table import find_command
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.intents import (
    is_letter,
)
from samobot.telegram.handlers.prompts import Prompt
from samobot.telegram.handlers.reply_doubts import find_intent
from samobot.telegram.handlers.resolve import offer_restoring, view_or_archived
from samobot.telegram.handlers.session_replies import answer_shown, decide_plan, handle_reply
from samobot.telegram.handlers.text_offers import offer_for, offer_or_hint, offer_uses
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows


async def handle_text(context: HandlerContext, request: ChatRequest) -> None:
    """Handle plain text: as the answer to a prompt, as a reply, or as a task."""
    if voice.is_voice(request):
        text = await voice.transcribe(context, request)
        if text is not None and request.about is not None and request.forwarded_from is None:
            voice.confirm(context, request, text)
            return
        if text is not None:
            request = replace(request.without_files().with_text(text), spoken=True)
        elif request.session is not None:
            return
    unknown = request.about.detail["text"] if request.about and request.about.kind == UNKNOWN else None
    if unknown is not None:
        request = replace(request, about=None)
    prompt = prompts.find_prompt(context, request)
    # A reply to a message that we do not know may be meant for an earlier prompt than the last one.
    is_other = prompt is not None and unknown is not None and unknown.strip() != prompt.text.strip()
    if request.forwarded_from is not None or is_other:
        prompts.close_prompt(context, request)
        await offer_uses(context, request, prompt)
        return
    if prompt is not None:  # what was sent with the command goes with its missing part
        request = replace(request, files=(*(prompt.action.files or ()), *request.files))
    if prompt is not None and prompt.action.do is ActionKind.PICK_SESSION and _is_command(request.text):
        _ask_whether_command(context, request, prompt.action)
        return
    if prompt is not None:
        await _complete_once(context, request, prompt)
        return
    prompts.close_prompt(context, request)
    if request.session is not None:
        view = await view_or_archived(context, SessionRef.from_key(request.session))
        if view.archived:
            offer_restoring(context, request, view.ref, " Your message was not used.")
        elif await _is_unclear(context, request, view):
            return
        else:
            await handle_reply(context, request, view)
        return
    await offer_or_hint(context, request)


async def _is_unclear(context: HandlerContext, request: ChatRequest, view: SessionView) -> bool:
    """Ask what a text is for that was typed in the topic of a session that asks; a letter is an answer."""
    typed = request.about is not None and request.about.kind == TOPIC
    if not typed or view.waiting_for is not WaitingFor.QA_ANSWERS or not view.open_questions:
        return False
    text = request.text
    if not text.strip() or is_letter(text) or find_intent(view, text) is not None:
        return False
    return await offer_for(context, request, [view], "", starts=False)


async def _complete_once(context: HandlerContext, request: ChatRequest, prompt: Prompt) -> None:
    """Complete a prompt; one that cannot be completed is closed."""
    try:
        await complete_prompt(context, request, prompt.action)
    except StorageError:
        raise  # the same text may do once there is room
    except SamobotError:
        prompts.close_prompt(context, request)
        raise
    prompts.close_prompt(context, request)
    prompts.disable_prompt(context, request, prompt)


async def complete_prompt(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    """Do what a prompt asked a text for.

    Raises:
        SamobotError: It is no longer valid, or cannot be done.
    """
    if action.do is ActionKind.PICK_SESSION and action.command == "rename":
        await run_handlers.start_named(
            context, request, action.project or "", request.text, action.text or ""
        )
        return
    if action.do is ActionKind.PICK_SESSION:
        command = find_command(action.command or "run")
        if command is not None:
            await command.handler(context, replace(request, text=_completed(request, action), about=None))
        return
    ref = SessionRef.from_key(action.session or "")
    match action.do:
        case ActionKind.OTHER_ANSWER:
            view = await context.fleet.view(ref)
            question = decision_handlers.find_shown(
                view, {"index": action.question, "identity": action.identity}
            )
            if question is None:
                raise ConflictError("That question is no longer open, so your message was not used.")
            if view.waiting_for is not WaitingFor.QA_ANSWERS and decision_checks.conflicts_with_answer(
                question, request.text, action.text
            ):
                _offer_as_guidance(context, request, view, decision_checks.answered_already(question))
                return
            decision_checks.check_answer_stands(question, request.text, before=action.text)
            await answer_shown(context, request, view, question)
        case ActionKind.REQUEST_CHANGES:
            view = await context.fleet.view(ref)
            how = decision_checks.how_decided(view, request)
            if how:
                _offer_as_guidance(context, request, view, how)
            else:
                await decide_plan(context, request, view, action.identity, asked=True)
        case ActionKind.DENY_SAY:
            await permission_handlers.decide_ask(
                context, request, ref, action.identity or "", DecisionKind.DENY, request.text
            )
        case ActionKind.FOLLOW_UP:
            said = f"{action.text or ''} {request.text}"
            await follow_up_handlers.begin_or_ask(context, request, ref, said)
        case _:
            interrupt = action.do is ActionKind.INTERRUPT
            await guidance_handlers.give_guidance(context, request, ref, request.text, interrupt=interrupt)


def _offer_as_guidance(context: HandlerContext, request: ChatRequest, view: SessionView, how: str) -> None:
    """Report that it was decided before the text came, and offer the text as guidance."""
    guidance = Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=request.text)
    context.reply(
        request,
        f"{escape(how)} Your message was not used.",
        buttons=rows(choice(f"💬 Guidance for {view.ref.name}", guidance)),
        about=about_session(view.ref),
        part="late",
    )


def _completed(request: ChatRequest, action: Action) -> str:
    """The arguments that a command has already, with those that it asked for."""
    is_first = action.project is not None or action.command == "schedule"
    name, flags = (action.text or "", "") if is_first else ("", action.text or "")
    return " ".join(part for part in (name, request.text.strip(), flags) if part)


def _is_command(text: str) -> bool:
    """Whether a text is a command's name and nothing else."""
    return find_command(text.strip().casefold()) is not None


def _ask_whether_command(context: HandlerContext, request: ChatRequest, action: Action) -> None:
    """Ask whether a command was meant; the prompt stays open."""
    word = request.text.strip().casefold()
    what = f"▶️ The task “{word}”" if action.project else f"▶️ A session named {word}"
    started = Action(
        do=ActionKind.PICK_SESSION, command=action.command or "run", text=_completed(request, action)
    )
    context.reply(
        request,
        f"{bold(word)} is also a command. Which is meant? Or say something else.",
        buttons=rows(
            choice(f"/{word}", Action(do=ActionKind.ASIDE, command=word)),
            choice(what, started),
            width=1,
        ),
        part="command",
    )
