"""Messages about needs other than questions and plans: what happened, and what the user can do."""

from __future__ import annotations

import re
from datetime import datetime

from samobot.fleet.models import SessionRef, SessionView
from samobot.phases import BlockCause, WaitingFor
from samobot.session.status import SessionState
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import RichText, escape, visible
from samobot.telegram.markup.split import PHONE_LINE, beginning
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, Rows, rows
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import (
    Icon,
    Recipient,
    agent_block,
    agent_quote,
    agent_rich,
    agent_text,
    guarded,
    headline,
    in_phase,
    lines,
    money_of,
    paragraphs,
    time_of,
)
from samobot.text import capitalize_first, human_money, one_line, plural

_ABREAST = 2
"""Buttons beside each other: of four, a phone cuts the longer labels."""

_SHORT, _ALONE = 5, 8
"""Lines on a phone's screen of a reason that is shown as it is, beside a need or alone; a longer one is a quote that
opens at a tap."""

_NEED, _NEED_LINES = 16, 10
"""Lines on the screen, and lines as written, of what it needs: the question is worth more than a short message."""

_QUOTED = 1500
_CUT = 2
"""What `shorten` keeps for its sign."""

_SAID = 500
_QUESTION = re.compile(r"[^\s.!?][^.!?\n]*\?(?=\s|$)")
_REASON = 110
MORE_USD = 5.0
"""What the budget's button adds; a budget from 20 dollars on is raised by a quarter."""

FOR_TODAY = "today"
"""Marks the button that raises the day's budget instead of the session's."""

_HINTS = {
    BlockCause.AGENT: "",
    BlockCause.ILLEGAL_MOVE: "Retrying usually fixes this; add guidance if it doesn't.",
    BlockCause.ILLEGAL_SIGNAL: "Retrying usually fixes this; add guidance if it doesn't.",
    BlockCause.GATE: "Nothing was skipped. Retrying usually fixes this; add guidance if it doesn't.",
    BlockCause.NO_SIGNAL: "It ended without a result. Retry; the log shows what it did.",
    BlockCause.ITERATION_LIMIT: "The log shows why. Retry, with guidance if needed.",
    BlockCause.STAGNATION: "Add guidance on what to do differently, or stop it.",
    BlockCause.FAILURES: "The log shows more. Retry once the cause is fixed.",
    BlockCause.ACCOUNT: "Fix the account, then retry.",
}


def obstacle(
    view: SessionView, kind: NeedKind, said: str, recipient: Recipient, now: datetime
) -> MessageView:
    """Show what holds a session up.

    Args:
        view: The session.
        kind: What it is; not questions or a plan.
        said: The last thing that the agent said; may be empty.
        recipient: The chat.
        now: The time.
    """
    match kind:
        case NeedKind.ACTION:
            return _action(view)
        case NeedKind.BUDGET:
            return _budget(view)
        case NeedKind.ITERATIONS:
            return _iterations(view)
        case NeedKind.FAILED:
            return _failed(view)
        case NeedKind.LOST:
            return _lost(view, recipient, now)
        case NeedKind.BLOCK | NeedKind.QUESTIONS | NeedKind.PLAN | NeedKind.PERMISSION:
            return _block(view, said)


def idle_reason(view: SessionView) -> str:
    """Why a session is idle, as a short phrase after “it is” or “it was”; empty if it works."""
    need = need_of(view)
    if need is None:
        return _state_text(view)
    match need.kind:
        case NeedKind.QUESTIONS:
            return f"waiting for {plural(len(view.open_questions), 'answer')}"
        case NeedKind.PLAN:
            return "waiting for plan approval"
        case NeedKind.PERMISSION:
            return "waiting for your permission"
        case NeedKind.ACTION:
            return _because("waiting for you", view.asked)
        case NeedKind.BLOCK:
            return _because(f"blocked {in_phase(view.phase)}", view.asked)
        case NeedKind.BUDGET:
            return "out of money for today" if view.end is not None and view.end.of_day else "out of money"
        case NeedKind.ITERATIONS:
            return _because("paused", view.end.text if view.end is not None else "")
        case NeedKind.FAILED:
            text = view.asked or (view.end.text if view.end is not None else "")
            return _because(f"stuck {in_phase(view.phase)}", text)
        case NeedKind.LOST:
            return "without a worker: it had crashed"


def _state_text(view: SessionView) -> str:
    match view.state:
        case SessionState.PARKED:
            return "parked on a usage limit"
        case SessionState.STOPPED:
            return "paused" if view.paused else "stopped"
        case SessionState.DONE:
            return "done"
        case SessionState.QUEUED:
            return f"number {view.place} in line" if view.place is not None else "in line"
        case _:
            return ""


def _because(words: str, reason: str) -> str:
    why = agent_text(reason, _REASON).rstrip(". ")
    return f"{words.rstrip()}: {guarded(why)}" if why else words.rstrip()


def _block(view: SessionView, said: str) -> MessageView:
    cause = view.end.cause if view.end is not None and view.end.cause is not None else BlockCause.AGENT
    why, whole = _why(view)
    last = agent_quote(said, _SAID, expandable=True) if cause is not BlockCause.ACCOUNT and whole else ""
    # What it said last is often the reason itself.
    if one_line(said) and one_line(said) in one_line(view.asked):
        last = ""
    head = f"{headline(Icon.BLOCKED, view.ref, 'is blocked')} {in_phase(view.phase)}".rstrip()
    text = paragraphs(f"{head}\n{why or 'It gave no reason.'}", last, _HINTS[cause])
    asks = cause is BlockCause.AGENT and "?" in view.asked
    return MessageView(text, _help(view, "✍️ Answer…" if asks else "💬 Guidance"))


def _failed(view: SessionView) -> MessageView:
    why, _ = _why(view)
    head = f"{headline(Icon.ERROR, view.ref, 'failed')} {in_phase(view.phase)}".rstrip()
    text = paragraphs(
        lines(head, why or agent_block(view.end.text if view.end else "", _QUOTED)),
        _HINTS[BlockCause.FAILURES],
    )
    return MessageView(text, _help(view, "💬 Guidance", retry_first=True))


def _why(view: SessionView) -> tuple[str, bool]:
    """Why a session is held up and what it needs, and whether the reason is short enough to be shown as it is.

    What it needs is never lost to a long reason.
    """
    reason, needs = _apart(view)
    rich = agent_rich(reason)
    short = rich.units <= beginning(rich, _SHORT if needs else _ALONE)
    if short:
        why = rich.quoted().html() if visible(rich.text) else ""
    else:
        why = agent_quote(reason, _QUOTED, expandable=True)
        needs = needs or next(iter(_QUESTION.findall(rich.text)[-1:]), "")
    first = "\n".join(agent_rich(needs).text.split("\n")[:_NEED_LINES])
    need = agent_block(needs, max(16, beginning(RichText(first), _NEED) + _CUT))
    if not (why and need):
        return why or need, short
    return paragraphs(_part("Why", why) if short else why, _part("It needs", need)), short


def _apart(view: SessionView) -> tuple[str, str]:
    """Reason and needs, without saying in the one what is in the other already."""
    reason, needs = (one_line(each).casefold().strip(" .") for each in (view.reason, view.needs))
    if needs and needs in reason and len(reason) <= _SHORT * PHONE_LINE:
        return view.reason, ""
    if reason and reason in needs:
        return "", view.needs
    return view.reason, view.needs


def _part(label: str, html: str) -> str:
    return f"{bold(label + ':')}\n{html}"


def _help(view: SessionView, guidance: str, *, retry_first: bool = False) -> Rows:
    key = view.ref.key
    tell = ActionButton(guidance, Action(do=ActionKind.GUIDANCE, session=key))
    need = need_of(view)
    name = need.name if need is not None else None
    retry = ActionButton("🔁 Retry", Action(do=ActionKind.RETRY, session=key, identity=name), once=True)
    log = ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key))
    stop = ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key))
    first = (retry, tell) if retry_first else (tell, retry)
    return rows(*first, log, stop, width=_ABREAST)


def _action(view: SessionView) -> MessageView:
    asked = _why(view)[0] or "It did not say what; the log shows more."
    needs = "needs a file from you" if view.waiting_for is WaitingFor.FILE_UPDATE else "needs you"
    key = view.ref.key
    buttons = (
        ActionButton(
            "✅ Done", Action(do=ActionKind.ACTION_DONE, session=key, identity=view.gate), once=True
        ),
        ActionButton("💬 Guidance", Action(do=ActionKind.GUIDANCE, session=key)),
        ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key)),
        ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key)),
    )
    text = paragraphs(f"{headline(Icon.ACTION, view.ref, needs)}\n{asked}", "Then tap Done to continue.")
    return MessageView(text, rows(*buttons, width=_ABREAST))


def _day(view: SessionView) -> MessageView:
    """Show that all sessions together have used up the day's budget."""
    words = agent_block(view.end.text if view.end is not None else "", 300)
    return MessageView(
        f"{headline(Icon.BUDGET, view.ref, 'is paused for today')}\n{words}",
        rows(*money_buttons(view), width=_ABREAST),
    )


def more_today(ref: SessionRef) -> ActionButton:
    """The button that lets all sessions spend more today and resumes this one."""
    more = Action(do=ActionKind.ADD_BUDGET, session=ref.key, usd=MORE_USD, text=FOR_TODAY)
    return ActionButton(f"+${MORE_USD:,.0f} for today", more, once=True)


def money_buttons(view: SessionView) -> tuple[ActionButton, ...]:
    """The buttons that decide about a session whose money, or the day's, is used up."""
    key = view.ref.key
    stop = ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key))
    if view.end is not None and view.end.of_day:
        return more_today(view.ref), stop
    more = MORE_USD if (view.budget_usd or 0.0) < 20 else float(round((view.budget_usd or 0.0) / 4))
    return (
        ActionButton(f"+${more:,.0f}", Action(do=ActionKind.ADD_BUDGET, session=key, usd=more), once=True),
        ActionButton("Finish this phase", Action(do=ActionKind.FINISH_PHASE, session=key), once=True),
        stop,
    )


def _budget(view: SessionView) -> MessageView:
    if view.end is not None and view.end.of_day:
        return _day(view)
    spent = capitalize_first(money_of(view))
    of = f" of {human_money(view.budget_usd)}" if view.budget_usd is not None else ""
    after = f"after {plural(view.iteration, 'iteration')}"
    text = (
        f"{headline(Icon.BUDGET, view.ref, 'has used up its budget')}\n"
        f"{escape(spent)}{escape(of)}, {in_phase(view.phase)} {after}.\nPaused until you decide."
    )
    return MessageView(text.replace(",  ", ", "), rows(*money_buttons(view), width=_ABREAST))


def _iterations(view: SessionView) -> MessageView:
    key = view.ref.key
    words = agent_block(view.end.text if view.end is not None else "", 300)
    buttons = (
        ActionButton("▶️ Resume", Action(do=ActionKind.RESUME, session=key), once=True),
        ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key)),
        ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key)),
    )
    return MessageView(
        f"{headline(Icon.PAUSED, view.ref, 'is paused')} {in_phase(view.phase)}\n{words}", (buttons,)
    )


def _lost(view: SessionView, recipient: Recipient, now: datetime) -> MessageView:
    key = view.ref.key
    seen = f"Last seen at {time_of(view.updated, recipient, now)}." if view.updated is not None else ""
    buttons = (
        ActionButton("▶️ Resume", Action(do=ActionKind.RESUME, session=key), once=True),
        ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key)),
        ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key)),
    )
    text = (
        f"{headline(Icon.ERROR, view.ref, 'has lost its worker')} {in_phase(view.phase)}\n"
        f"The worker crashed without an error message. {seen} Its work so far is in the files; Resume continues from there."
    )
    return MessageView(text, (buttons,))
