"""The card: one message a session, edited in place, that shows where it is and what it does right now.

A card shows only what was observed: without a living worker it never shows work.
"""

from __future__ import annotations

from datetime import datetime

from samobot.fleet.models import GuidanceView, SessionView
from samobot.session.status import SessionState
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView, Rows, restore_button
from samobot.telegram.views.pending import Need, NeedKind, need_of
from samobot.telegram.views.plain_lines import of_flattened
from samobot.telegram.views.wording import (
    Icon,
    Recipient,
    agent_line,
    agent_plain,
    dots,
    guidance_line,
    lines,
    money_of,
    name_of,
    project_of,
    time_of,
)
from samobot.text import human_duration, human_money, one_line, plural

_LINE = 90
_GUIDANCE_SHOWN = 2

SIGNS = {
    NeedKind.QUESTIONS: Icon.QUESTION,
    NeedKind.PLAN: Icon.PLAN,
    NeedKind.PERMISSION: Icon.PERMISSION,
    NeedKind.ACTION: Icon.ACTION,
    NeedKind.BLOCK: Icon.BLOCKED,
    NeedKind.BUDGET: Icon.BUDGET,
    NeedKind.ITERATIONS: Icon.PAUSED,
    NeedKind.FAILED: Icon.ERROR,
    NeedKind.LOST: Icon.ERROR,
}


def card(view: SessionView, recipient: Recipient, now: datetime) -> MessageView:
    """Make a session's card.

    Args:
        view: The session.
        recipient: The chat.
        now: The time, aware.
    """
    need = need_of(view)
    sign = sign_of(view, need)
    # Where several projects have a session of that name, it begins with the project.
    called = project_of(view)
    is_named = view.ref.name.startswith(f"{called}:")
    project = f" · {escape(one_line(called, 40))}" if called and not is_named else ""
    phase = f"{dots(view.phase, over=view.state is SessionState.DONE)} {view.phase or ''}".strip()
    text = lines(
        f"{sign} {name_of(view.ref)}{project}",
        phase if view.phase is not None or view.visited else "",
        _counts(view, now),
        escape(doing(view, need, recipient, now)),
        f"{Icon.PAUSED} Pauses after this iteration" if view.pausing else "",
        _labelled("Last", of_flattened(view.last_action or view.summary)),
        _labelled("Next", view.next) if view.state is not SessionState.DONE else "",
        *_guidance(view),
        *(f"{Icon.ERROR} {escape(agent_plain(problem, 160))}" for problem in view.problems[:1]),
    )
    return MessageView(text, card_buttons(view, need))


_STATE_WORDS = {
    SessionState.RUNNING: "Running",
    SessionState.QUEUED: "Queued",
    SessionState.WAITING: "Waiting for you",
    SessionState.BLOCKED: "Blocked",
    SessionState.PARKED: "Waiting for a usage limit",
    SessionState.STOPPED: "Stopped",
    SessionState.DONE: "Done",
    SessionState.IDLE: "Not finished, idle",
}


def sign_of(view: SessionView, need: Need | None) -> Icon:
    """The sign of a session's state."""
    if view.archived:
        return Icon.ARCHIVED
    if need is not None:
        return SIGNS[need.kind]
    match view.state:
        case SessionState.RUNNING:
            return Icon.RUNNING
        case SessionState.QUEUED:
            return Icon.QUEUED
        case SessionState.PARKED:
            return Icon.PARKED
        case SessionState.STOPPED if _ended_from_outside(view) and view.wanted:
            return Icon.QUEUED
        case SessionState.STOPPED:
            return Icon.PAUSED if view.paused else Icon.STOPPED
        case SessionState.DONE:
            return Icon.DONE
        case SessionState.WAITING | SessionState.BLOCKED | SessionState.IDLE:
            return Icon.QUEUED if view.wanted or view.place else Icon.IDLE


def doing(view: SessionView, need: Need | None, recipient: Recipient, now: datetime) -> str:
    """One line about what it does right now, or since when it is idle; plain text."""
    since = _since(view, recipient, now)
    if view.archived:
        return f"{view.ref.name} is archived. {_STATE_WORDS[view.state]}{since}"
    if need is not None:
        return f"{_waits(view, need)}{since}"
    match view.state:
        case SessionState.RUNNING if view.activity and view.running_since is not None:
            return agent_plain(view.activity, _LINE)
        case SessionState.RUNNING:
            return "Working" if view.running_since is not None else "Between two iterations"
        case SessionState.QUEUED:
            return queue_position(view.place)
        case SessionState.PARKED if view.parked_until is not None:
            return f"Waiting for a usage limit, resumes at {time_of(view.parked_until, recipient, now)}"
        case SessionState.PARKED:
            return "Waiting for a usage limit"
        case SessionState.STOPPED if _ended_from_outside(view):
            then = "it continues automatically" if view.wanted else "Resume continues it"
            return f"Interrupted from outside{since}; {then}"
        case SessionState.STOPPED:
            return f"{'Paused' if view.paused else 'Stopped'}{since}"
        case SessionState.DONE:
            return f"Done{since}"
        case SessionState.WAITING | SessionState.BLOCKED | SessionState.IDLE:
            if view.place:
                return queue_position(view.place)
            if view.lost and view.wanted:
                return "Its worker died; it is started again"
            return "Starts in a moment" if view.wanted else f"Not running{since}"


def _ended_from_outside(view: SessionView) -> bool:
    """Whether nobody wanted the run to end: its service or the machine went down."""
    return view.end is not None and not view.end.by_person


def queue_position(place: int | None) -> str:
    """Where in the queue: `Next in line`, `Number 3 in line`."""
    return f"Number {place} in line" if place is not None and place > 1 else "Next in line"


def _where(item: GuidanceView) -> str:
    if item.at_work or item.steered:
        return "The agent has"
    return "Sent to the agent" if item.delivered else "For the next iteration"


def card_buttons(view: SessionView, need: Need | None) -> Rows:
    """The buttons that fit a session's state, the most likely first."""
    key = view.ref.key
    log = ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key))
    stop = ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=key))
    resume = ActionButton("▶️ Resume", Action(do=ActionKind.RESUME, session=key))
    guidance = ActionButton("💬 Guidance", Action(do=ActionKind.GUIDANCE, session=key))
    archive = ActionButton("📦 Archive", Action(do=ActionKind.ARCHIVE, session=key))
    if view.archived:
        return ((*_documents(view), log), (restore_button(view.ref),))
    if need is not None:
        match need.kind:
            case NeedKind.QUESTIONS | NeedKind.PLAN | NeedKind.PERMISSION | NeedKind.ACTION:
                return ((log, stop),)
            case NeedKind.LOST | NeedKind.ITERATIONS:
                return ((resume, log, stop),)
            case NeedKind.BLOCK | NeedKind.BUDGET | NeedKind.FAILED:
                return ((log, stop),)
    match view.state:
        case SessionState.RUNNING:
            pause = ActionButton("⏸ Pause", Action(do=ActionKind.PAUSE, session=key))
            now = ActionButton("⚡ Interrupt", Action(do=ActionKind.INTERRUPT, session=key))
            steer = (guidance, now) if view.steerable else (guidance,)
            return ((resume if view.pausing else pause, stop, log), steer)
        case SessionState.PARKED:
            return ((ActionButton("▶️ Resume now", resume.action), stop),)
        case SessionState.STOPPED:
            return ((resume, log, archive),)
        case SessionState.DONE:
            return ((*_documents(view), archive),)
        case SessionState.QUEUED:
            return ((stop,),)
        case SessionState.WAITING | SessionState.BLOCKED | SessionState.IDLE:
            return ((stop,),) if view.wanted or view.place else ((resume, log, archive),)


def _documents(view: SessionView) -> tuple[ActionButton, ...]:
    """Buttons for what can be read of a session that is over."""
    diff = ActionButton("± Diff", Action(do=ActionKind.DIFF, session=view.ref.key))
    files = ActionButton("📁 Files", Action(do=ActionKind.FILES, session=view.ref.key))
    return (diff, files) if view.repository else (files,)


def farewell(view: SessionView, recipient: Recipient, now: datetime) -> MessageView:
    """The card of a running session when the bot itself ends, with the time of what it shows."""
    shown = card(view, recipient, now)
    note = f"🔌 The bot is offline since {time_of(now, recipient, now)}. The run continues."
    return MessageView(f"{shown.text}\n{note}", shown.buttons)


def _counts(view: SessionView, now: datetime) -> str:
    facts = []
    if view.iteration:
        facts.append(f"Iteration {view.iteration:,}")
    seconds = view.duration_s
    if view.state is SessionState.RUNNING and view.started is not None:
        seconds = max(seconds, (now - view.started).total_seconds())
    if seconds >= 60:
        facts.append(human_duration(seconds))
    if view.cost_usd:
        of = f" of {human_money(view.budget_usd)}" if view.budget_usd else ""
        facts.append(f"{money_of(view)}{of}")
    if view.fenced:
        facts.append("fenced" if view.network in ("", "open") else f"fenced, network: {view.network}")
    return escape(" · ".join(facts))


def _since(view: SessionView, recipient: Recipient, now: datetime) -> str:
    at = view.end.at if view.end is not None else view.updated
    return f" since {time_of(at, recipient, now)}" if at is not None else ""


def _waits(view: SessionView, need: Need) -> str:
    match need.kind:
        case NeedKind.QUESTIONS:
            return f"Waits for you: {plural(len(view.open_questions), 'question')},"
        case NeedKind.PLAN:
            return "Waiting for plan approval"
        case NeedKind.PERMISSION:
            return "Asks before a risky step"
        case NeedKind.ACTION:
            return "Waits for you to do something"
        case NeedKind.BLOCK:
            return "Blocked"
        case NeedKind.BUDGET:
            return "Its budget is used up"
        case NeedKind.ITERATIONS:
            return "Has run the iterations you asked for"
        case NeedKind.FAILED:
            return "Failed"
        case NeedKind.LOST:
            return "Its worker died"


def _labelled(label: str, words: str | None) -> str:
    line = agent_line(words or "", _LINE)
    return f"{label}: {line}" if line else ""


def _guidance(view: SessionView) -> list[str]:
    waiting = [item for item in view.guidance if not item.given]
    shown = [
        f"{Icon.GUIDANCE} {_where(item)}: {guidance_line(item, 60)}" for item in waiting[-_GUIDANCE_SHOWN:]
    ]
    more = len(waiting) - len(shown)
    return [*shown, f"{Icon.GUIDANCE} and {more} more"] if more else shown
