"""Budgets raised in the chat: more for a session, more for today, as much as a phase needs to its end."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.fleet.models import SessionRef, SessionView
from samobot.session.gate import Person
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.control_handlers import acknowledge
from samobot.telegram.handlers.intents import BudgetAmount
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import Icon
from samobot.text import human_money

MORE_USD = 10.0
"""US dollars that are added if no amount is given, and at least for the end of a phase."""


async def add_budget(context: HandlerContext, request: ChatRequest, ref: SessionRef, usd: float) -> None:
    """Raise a session's budget by an amount of US dollars; one that had used it up resumes."""
    view = await context.fleet.view(ref)
    whole = (view.budget_usd if view.budget_usd is not None else view.cost_usd) + usd
    whole = max(whole, view.cost_usd + usd / 2)
    with context.notifier.deciding(ref, request.person):
        await context.fleet.set_budget(ref, whole, request.person, request_id=request.id)
        whole = (await context.fleet.view(ref)).budget_usd or whole  # repeated, it is that of the first time
        context.receipt(request, toast=f"{ref.name} may cost {human_money(whole)} now.")
        await context.notifier.refresh(ref)


async def raise_budget(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, amount: BudgetAmount
) -> None:
    """Raise a budget by an amount that the user wrote; a session that had used it up continues.

    An amount that is not more than the session has cost already can only mean so much more.
    """
    view = await context.fleet.view(ref)
    need = need_of(view)
    if need is not None and need.kind is NeedKind.BUDGET and view.end is not None and view.end.of_day:
        await allow_today(context, request, ref, amount.usd)
        words = f"may continue: {human_money(amount.usd)} more for today, over all sessions."
    elif amount.more or amount.usd <= view.cost_usd:
        await add_budget(context, request, ref, amount.usd)
        words = f"may cost {human_money((await context.fleet.view(ref)).budget_usd or 0.0)} now."
    else:
        with context.notifier.deciding(ref, request.person):
            await context.fleet.set_budget(ref, amount.usd, request.person, request_id=request.id)
            await context.notifier.refresh(ref)
        words = f"may cost {human_money(amount.usd)} now."
    acknowledge(context, request, ref, Icon.BUDGET, words)


async def allow_today(context: HandlerContext, request: ChatRequest, ref: SessionRef, usd: float) -> None:
    """Raise today's budget of all sessions by an amount of US dollars; this one resumes."""
    with context.notifier.deciding(ref, request.person):
        await context.fleet.raise_daily_budget(ref, usd, request.person, request_id=request.id)
        context.receipt(request, toast=f"{human_money(usd)} more for today, over all sessions.")
        await context.notifier.refresh(ref)


async def finish_phase(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Let a session that ran out of money end its phase: a bounded sum more, and a pause at the next phase."""
    view = await context.fleet.view(ref)
    more = max(MORE_USD, (view.budget_usd or 0.0) / 2)
    context.store.phase_limits.set(ref.key, str(view.phase or ""))
    with context.notifier.deciding(ref, request.person):
        await context.fleet.set_budget(ref, view.cost_usd + more, request.person, request_id=request.id)
        context.receipt(request, toast=f"Up to {human_money(more)} more for {view.phase}; then it pauses.")
        await context.notifier.refresh(ref)


async def pause_finished(context: HandlerContext, views: Sequence[SessionView]) -> None:
    """Pause the sessions that were to finish a phase and have finished it."""
    limits = context.store.phase_limits.all()
    for view in views if limits else ():
        phase = limits.get(view.ref.key) if view.has_worker else None
        if phase is None or phase == str(view.phase or ""):
            continue
        context.store.phase_limits.drop(view.ref.key)
        await context.fleet.pause(view.ref, Person("samobot, the phase being finished", "auto"))
