"""Offers what a text, a forwarded message or files could be for, as buttons; nothing is used without a tap."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samobot.fleet.models import SessionRef, SessionView
from samobot.look_alikes import plain_letters
from samobot.session.answer_text import Ambiguous, parse_answers
from samobot.telegram.handlers import (
    ask,
    decision_handlers,
    prompts,
    session_offers,
)
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.command_table import find_command, nearest_command
from samobot.telegram.handlers.context import HandlerContext, choice
from samobot.telegram.handlers.decision_checks import plan_waits
from samobot.telegram.handlers.emergency_handlers import emergency_line
from samobot.telegram.handlers.intents import (
    Assent,
    is_greeting,
    is_letter,
    is_small_talk,
    read_amount,
    read_assent,
    read_intent,
    reports_done,
)
from samobot.telegram.handlers.prompts import Prompt
from samobot.telegram.handlers.reply_doubts import find_intent, intent_button
from samobot.telegram.handlers.resolve import display_names, is_active
from samobot.telegram.handlers.session_replies import approve_action
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import agent_text, guarded, name_of
from samobot.text import clip, one_line

_MOST = 3
_ODD_SLASH = re.compile(r"\A\s*(?:/\s+|[\\⁄∕]\s*)(?=\w)")
_LABEL = re.compile(r"\s*[Qq]\s?#?\d+(?:\.\d+)?\s*[:=)–—-]")


async def offer_or_hint(context: HandlerContext, request: ChatRequest) -> None:
    """Offer what a text could be for, as buttons."""
    if not request.text.strip():
        await offer_uses(context, request, None)
        return
    if is_greeting(request.text) and not request.files:
        greeting = find_command("start")
        assert greeting is not None
        await greeting.handler(context, request.with_text(""))
        return
    bare = _ODD_SLASH.sub("", request.text)
    typed = bare.split()
    word = typed[0].casefold() if typed else ""
    # “plan looks good” is no command; “plan greet” is one without its slash.
    is_command = bare != request.text or len(typed) == 1
    if find_command(word) is not None and (is_command or await context.fleet.find(typed[1])):
        context.reply(request, f"Commands begin with a slash: /{word}", part="hint")
        return
    near = nearest_command(word) if len(typed) == 1 and len(word) > 2 else None
    slash = f"Did you mean /{near.name}? Commands begin with a slash." if near is not None else ""
    active = [view for view in await context.fleet.sessions() if is_active(view)]
    asking_now = [view for view in active if view.open_questions]
    if is_letter(request.text) and len(asking_now) == 1 and len(asking_now[0].open_questions) > 1:
        ask.which_question(context, request, asking_now[0], request.text.strip())
        return
    labelled = _labelled_answers(asking_now, request)
    if labelled:
        await decision_handlers.answer_labelled(context, request, asking_now[0], labelled)
        return
    starts = near is None and not _is_reply_like(request.text)
    if not await offer_for(context, request, active, slash, starts=starts):
        nothing = (
            "No active session. Send a task in your own words to start one; /help shows what you can do."
        )
        context.reply(request, slash or nothing, part="hint")


def _labelled_answers(asking: Sequence[SessionView], request: ChatRequest) -> dict[str | int, str]:
    """The answers of a text that names open questions of the only session that asks: `Q2: a blue one`, `Q1 A`."""
    if len(asking) != 1 or request.files or request.spoken:
        return {}
    parsed = parse_answers(request.text, asking[0].open_questions)
    if isinstance(parsed, Ambiguous) or not parsed.answers:
        return {}
    # “Q3 roadmap page” may be a task.
    unmistakable = _LABEL.match(plain_letters(request.text)) or all(map(is_letter, parsed.answers.values()))
    names_open = set(parsed.answers) <= {question.label for question in asking[0].open_questions}
    return dict(parsed.answers) if unmistakable and names_open else {}


async def offer_uses(context: HandlerContext, request: ChatRequest, prompt: Prompt | None) -> None:
    """Offer what a forwarded message, or files without a text, could be for; nothing is used without a tap."""
    asked = []
    if prompt is not None:
        subject = prompts.prompt_subject(prompt)
        named = SessionRef.from_key(subject.session).name if subject.session else "that"
        use = Action(do=ActionKind.SAY, text=request.text or None, about=subject.as_json())
        asked = [choice(f"✍️ Use it for {named}", use)]
    active = [view for view in await context.fleet.sessions() if is_active(view)]
    await offer_for(context, request, active, "", starts=True, first=asked)


async def offer_for(
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
    stop = await emergency_line(context)
    new = await _start_buttons(context, request) if starts and not stop else []
    if not offers and not new and not first:
        if stop and starts:
            context.reply(request, stop, part="hint")
        return bool(stop) and starts
    context.reply(
        request,
        "\n".join(
            part for part in (stop, slash, *await _question(context, request, shown, bool(new))) if part
        ),
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
        lines.append(f"Is that for {name_of(shown[0].ref)}?")
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
    return short or is_small_talk(text) or read_assent(text) is Assent.REFUSAL or reports_done(text)


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
        several = f"✍️ {name} {question.label}: {guarded(agent_text(question.text, 40))}"
        found.append(choice(several if len(waiting) > 1 else f"✍️ Answer to {name} {question.label}", action))
    if need is not None and need.kind is NeedKind.ACTION and reports_done(text):
        done = Action(do=ActionKind.ACTION_DONE, session=view.ref.key, identity=need.name)
        found.append(choice(f"✅ {name}: done", done))
    guidance = Action(do=ActionKind.GUIDANCE, session=view.ref.key, text=text)
    return [*found, choice(f"💬 Guidance for {name}", guidance)]
