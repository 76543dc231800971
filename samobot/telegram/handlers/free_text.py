"""Plain text: an answer, a reply, or a new task; what is unclear is offered as buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from samobot.errors import ConflictError, SamobotError, StorageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import WaitingFor
from samobot.telegram.handlers import (
    ask,
    decision_checks,
    decision_handlers,
    follow_up_handlers,
    prompts,
    run_handlers,
    session_offers,
    voice,
)
from samobot.telegram.handlers.command_table import find_command, nearest_command
from samobot.telegram.handlers.context import (
    TOPIC,
    UNKNOWN,
    ChatRequest,
    HandlerContext,
    about_session,
    choice,
)
from samobot.telegram.handlers.intents import (
    Assent,
    is_greeting,
    is_letter,
    is_small_talk,
    read_amount,
    read_assent,
    read_intent,
    says_done,
)
from samobot.telegram.handlers.prompts import Prompt
from samobot.telegram.handlers.resolve import display_names, is_active, offer_restoring, view_or_archived
from samobot.telegram.handlers.session_replies import (
    answer_shown,
    approve_action,
    decide_plan,
    find_intent,
    handle_reply,
    intent_button,
    plan_waits,
)
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import agent_words, guarded
from samobot.text import clip, one_line

_MOST = 3


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
        await _offer_uses(context, request, prompt)
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
    await _hint(context, request)


async def _is_unclear(context: HandlerContext, request: ChatRequest, view: SessionView) -> bool:
    """Ask what a text is for that was typed in the topic of a session that asks; a letter is an answer."""
    typed = request.about is not None and request.about.kind == TOPIC
    if not typed or view.waiting_for is not WaitingFor.QA_ANSWERS or not view.open_questions:
        return False
    text = request.text
    if not text.strip() or is_letter(text) or find_intent(view, text) is not None:
        return False
    return await _offer(context, request, [view], "", starts=False)


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
                _keep_words(context, request, view, decision_checks.answered_already(question))
                return
            decision_checks.check_answer_stands(question, request.text, before=action.text)
            await answer_shown(context, request, view, question)
        case ActionKind.REQUEST_CHANGES:
            view = await context.fleet.view(ref)
            how = decision_checks.how_decided(view, request)
            if how:
                _keep_words(context, request, view, how)
            else:
                await decide_plan(context, request, view, action.identity, asked=True)
        case ActionKind.FOLLOW_UP:
            said = f"{action.text or ''} {request.text}"
            await follow_up_handlers.take_up(context, request, ref, said)
        case _:
            interrupt = action.do is ActionKind.INTERRUPT
            await decision_handlers.give_guidance(context, request, ref, request.text, interrupt=interrupt)


def _keep_words(context: HandlerContext, request: ChatRequest, view: SessionView, how: str) -> None:
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


async def _hint(context: HandlerContext, request: ChatRequest) -> None:
    """Offer what a text could be for, as buttons."""
    if not request.text.strip():
        await _offer_uses(context, request, None)
        return
    if is_greeting(request.text) and not request.files:
        greeting = find_command("start")
        assert greeting is not None
        await greeting.handler(context, request.with_text(""))
        return
    typed = request.text.split()
    word = typed[0].casefold() if typed else ""
    # “plan looks good” is no command; “plan greet” is one without its slash.
    if find_command(word) is not None and (len(typed) == 1 or await context.fleet.find(typed[1])):
        context.reply(request, f"Commands begin with a slash: /{word}", part="hint")
        return
    near = nearest_command(word) if len(typed) == 1 and len(word) > 2 else None
    slash = f"Did you mean /{near.name}? Commands begin with a slash." if near is not None else ""
    active = [view for view in await context.fleet.sessions() if is_active(view)]
    asking_now = [view for view in active if view.open_questions]
    if is_letter(request.text) and len(asking_now) == 1 and len(asking_now[0].open_questions) > 1:
        ask.which_question(context, request, asking_now[0], request.text.strip())
        return
    starts = near is None and not _is_reply_like(request.text)
    if not await _offer(context, request, active, slash, starts=starts):
        nothing = (
            "No active session. Send a task in your own words to start one; /help shows what you can do."
        )
        context.reply(request, slash or nothing, part="hint")


async def _offer_uses(context: HandlerContext, request: ChatRequest, prompt: Prompt | None) -> None:
    """Offer what a forwarded message, or files without a text, could be for; nothing is used without a tap."""
    asked = []
    if prompt is not None:
        subject = prompts.prompt_subject(prompt)
        named = SessionRef.from_key(subject.session).name if subject.session else "that"
        use = Action(do=ActionKind.SAY, text=request.text or None, about=subject.as_json())
        asked = [choice(f"✍️ Use it for {named}", use)]
    active = [view for view in await context.fleet.sessions() if is_active(view)]
    await _offer(context, request, active, "", starts=True, first=asked)


async def _offer(
    context: HandlerContext,
    request: ChatRequest,
    active: Sequence[SessionView],
    slash: str,
    *,
    starts: bool,
    first: Sequence[ActionButton] = (),
) -> bool:
    """Offer what a message could be for; returns whether there is anything."""
    shown = active[:_MOST]
    offers = [
        button
        for view, name in zip(shown, display_names(shown), strict=True)
        for button in _offers(view, name, request)
    ]
    new = await _start_buttons(context, request) if starts else []
    if not offers and not new and not first:
        return False
    context.reply(
        request,
        "\n".join(part for part in (slash, *await _question(context, request, shown, bool(new))) if part),
        buttons=rows(*first, *new, *offers, choice("Cancel", Action(do=ActionKind.CANCEL)), width=1),
        part="hint",
    )
    return True


async def _start_buttons(context: HandlerContext, request: ChatRequest) -> list[ActionButton]:
    return await session_offers.new_session_buttons(context, request)


async def _question(
    context: HandlerContext, request: ChatRequest, shown: Sequence[SessionView], starts: bool
) -> list[str]:
    """What is asked about a text that answers nothing: what it is for, and what a session would be called."""
    quoted = f"“{escape(one_line(request.text, 120))}”" if request.text.strip() else ""
    if request.spoken:
        quoted = f"🎤 “{escape(clip(request.text, 3_000))}”"
    lines = []
    if request.files or request.forwarded_from is not None:
        lines += [line for line in (f"What is this for?{_what_came(request)}", quoted) if line]
    elif not shown:
        lines.append(f"No active session. Start one with this text?\n{quoted}")
    elif len(shown) == 1 and not starts:
        lines.append(f"Is that for {bold(shown[0].ref.name)}?")
    elif starts:
        lines.append(f"What is this for?\n{quoted}")
    else:
        lines.append(f"Which session is {quoted} for?")
    if starts and request.text.strip():
        lines.append(
            f"A new session would be {bold(await session_offers.new_session_name(context, request))}."
        )
    if shown:
        lines.append("Tip: reply to a session's message to skip this.")
    return lines


def _is_reply_like(text: str) -> bool:
    """Whether a text is too short to be a task: a letter, assent, a stop command, an amount."""
    short = is_letter(text) or read_intent(text) is not None or read_amount(text) is not None
    return short or is_small_talk(text) or read_assent(text) is Assent.REFUSAL or says_done(text)


def _what_came(request: ChatRequest) -> str:
    """The files of a message and whose message it was."""
    count = len(request.files)
    kind = request.files[0].kind.value.replace("_", " ") if count == 1 else "files"
    parts = [f"1 {kind}" if count == 1 else f"{count} files"] if count else []
    if request.forwarded_from is not None:
        parts.append(f"forwarded from {one_line(request.forwarded_from, 40)}")
    return f" ({escape(', '.join(parts))})"


def _offers(view: SessionView, name: str, request: ChatRequest) -> list[ActionButton]:
    """What a message could be for a session: an answer, a decision, guidance."""
    text = request.text
    found: list[ActionButton] = []
    if request.forwarded_from is not None:  # somebody else's text decides nothing
        return [
            choice(f"💬 Guidance for {name}", Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=text))
        ]
    waiting, need = view.open_questions, need_of(view)
    intent = find_intent(view, text)
    if intent is not None:
        found.append(choice(*intent_button(view, intent, name)))
    if plan_waits(view) and read_assent(text) in (Assent.CLEAR, Assent.MIXED):
        found.append(choice(f"✅ Approve the plan of {name}", approve_action(view)))
    for question in waiting[:_MOST]:
        action = Action(
            do=ActionKind.ANSWER,
            session=view.ref.key,
            question=question.index,
            identity=question.identity,
            text=text,
        )
        several = f"✍️ {name} {question.label}: {guarded(agent_words(question.text, 40))}"
        found.append(choice(several if len(waiting) > 1 else f"✍️ Answer to {name} {question.label}", action))
    if need is not None and need.kind is NeedKind.ACTION and says_done(text):
        done = Action(do=ActionKind.ACTION_DONE, session=view.ref.key, identity=need.name)
        found.append(choice(f"✅ {name}: done", done))
    guidance = Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=text)
    return [*found, choice(f"💬 Guidance for {name}", guidance)]
