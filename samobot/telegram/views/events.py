"""Messages about events: a new phase, delivered guidance, a budget warning, a reverted change."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.fleet.models import GuidanceView, RemarkView, SessionView
from samobot.fleet.results import FleetEvent, FleetEventKind
from samobot.phases import Phase
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, MessageView
from samobot.telegram.views.wording import (
    Icon,
    agent_block,
    dots,
    guidance_line,
    headline,
    lines,
    money_of,
    name_of,
    quoted_lines,
)
from samobot.text import capitalize_first, human_money, one_line, plural

_SHOWN = 5


def new_phase(view: SessionView, before: Phase | None) -> MessageView:
    """Show that a session has come to another phase, and what the one before took."""
    count = view.iterations_by_phase.get(before, 0) if before is not None else 0
    cost = f" · {money_of(view)} so far" if view.cost_usd else ""
    took = f"{capitalize_first(before or '')} took {plural(count, 'iteration')}{cost}" if count else ""
    last = agent_block(view.summary or view.last_action or "", 160)
    head = f"{Icon.RUNNING} {name_of(view.ref)}: {escape(view.phase or '')}"
    return MessageView(lines(head, dots(view.phase), escape(took), last))


def iteration_over(view: SessionView) -> MessageView:
    """Show that an iteration has ended."""
    head = f"{Icon.RUNNING} {name_of(view.ref)} · iteration {view.iteration}"
    cost = f" · {money_of(view)}" if view.cost_usd else ""
    return MessageView(lines(head + escape(cost), agent_block(view.summary or view.last_action or "", 200)))


def guidance_given(view: SessionView, items: Sequence[GuidanceView]) -> MessageView:
    """Show that the agent has received guidance: it took it up, or an iteration that was given it has ended well."""
    is_running = any(item.steered for item in items)
    shown = [guidance_line(item, 120) for item in items[:_SHOWN]]
    more = len(items) - len(shown)
    head = headline(
        Icon.GUIDANCE,
        view.ref,
        f"received your message (iteration {view.iteration if is_running else view.ended or view.iteration})",
    )
    return MessageView(lines(head, *shown, f"… and {more} more" if more > 0 else ""))


def revert(view: SessionView, remarks: Sequence[RemarkView]) -> MessageView:
    """Show that the agent decided something that only the user may, and that it was reverted."""
    shown = [agent_block(remark.text, 300) for remark in remarks[-_SHOWN:]]
    more = len(remarks) - len(shown)
    log = ActionButton("📄 Log", Action(do=ActionKind.LOG, session=view.ref.key))
    stop = ActionButton("⏹ Stop", Action(do=ActionKind.STOP, session=view.ref.key))
    return MessageView(
        lines(
            headline(Icon.ERROR, view.ref, "tried to decide for you"),
            *(line for line in shown if line),
            f"… and {more} more" if more > 0 else "",
            "It was ignored and reverted.",
        ),
        ((log, stop),),
    )


def noticed(view: SessionView, remarks: Sequence[RemarkView]) -> MessageView:
    """Show what the worker wants known."""
    shown = [agent_block(remark.text, 300) for remark in remarks[-_SHOWN:]]
    more = len(remarks) - len(shown)
    return MessageView(
        lines(headline(Icon.ERROR, view.ref), *shown, f"… and {more} more" if more > 0 else "")
    )


def landed(view: SessionView, remarks: Sequence[RemarkView]) -> MessageView:
    """Show what was done with a finished session from a terminal or automatically, which its text names."""
    shown = [quoted_lines(escape(one_line(remark.text, 300))) for remark in remarks[-_SHOWN:]]
    return MessageView(lines(headline(Icon.LANDING, view.ref), *shown))


def money_spent(view: SessionView, percent: int) -> MessageView:
    """Show that a good part of the budget is spent."""
    spent = capitalize_first(
        f"{money_of(view)} of {human_money(view.budget_usd or 0.0)}, {view.phase or 'no phase'}"
    )
    key = view.ref.key
    more = ActionButton("+$5", Action(do=ActionKind.ADD_BUDGET, session=key, usd=5.0), once=True)
    pause = ActionButton("⏸ Pause", Action(do=ActionKind.PAUSE, session=key))
    head = headline(Icon.BUDGET, view.ref, f"has used {percent} % of its budget")
    return MessageView(lines(head, escape(spent)), ((more, pause),))


def fleet_news(news: FleetEvent, name: str, times: int = 1) -> MessageView:
    """Show what the fleet did automatically.

    Args:
        news: What it did.
        name: The session's name, if it is not known yet.
        times: How often it has happened in a row.
    """
    if news.kind is FleetEventKind.DELIVERED:
        return MessageView(f"✓ {escape(news.text)}")
    if news.kind is FleetEventKind.REFUSED:
        return MessageView(f"✗ {escape(one_line(news.text, 600))}")
    said = agent_block(news.text, 300)
    if news.ref is None:
        head = f"{Icon.ERROR} <b>{escape(name)}</b>"
    else:
        head = headline(Icon.RUNNING if news.kind is FleetEventKind.STARTED else Icon.ERROR, news.ref)
    if news.kind is FleetEventKind.STARTED:
        return MessageView(lines(f"{head} starts", said))
    if news.kind is FleetEventKind.RESTARTED:
        if times > 1:
            return MessageView(
                f"{head} continues: its worker crashed {times} times and was restarted each time"
            )
        return MessageView(f"{head} continues: its worker crashed and was restarted")
    gave_up = news.kind is FleetEventKind.GAVE_UP
    words = "needs you: its worker keeps crashing" if gave_up else "could not be started"
    if news.ref is None:
        return MessageView(lines(f"{head} {words}", said))
    key = news.ref.key
    resume = ActionButton("▶️ Try again", Action(do=ActionKind.RESUME, session=key), once=True)
    log = ActionButton("📄 Log", Action(do=ActionKind.LOG, session=key))
    return MessageView(lines(f"{head} {words}", said), ((resume, log),))
