"""Budgets raised in the chat: more for a session, more for today, as much as a phase needs to its end."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.fleet.models import SessionRef, SessionView
from samobot.session.gate import Person
from samobot.telegram.handlers.context import Desk, Request
from samobot.text import human_money

MORE_USD = 10.0
"""What is added where no amount is named, and at least for the end of a phase."""


async def add_budget(desk: Desk, request: Request, ref: SessionRef, usd: float) -> None:
    """Let a session cost so many US dollars more; one that had used its budget up goes on."""
    view = await desk.fleet.view(ref)
    whole = (view.budget_usd if view.budget_usd is not None else view.cost_usd) + usd
    whole = max(whole, view.cost_usd + usd / 2)
    with desk.notifier.deciding(ref, request.person):
        await desk.fleet.set_budget(ref, whole, request.person)
        desk.receipt(request, toast=f"{ref.name} may cost {human_money(whole)} now.")
        await desk.notifier.refresh(ref)


async def allow_today(desk: Desk, request: Request, ref: SessionRef, usd: float) -> None:
    """Let all sessions together spend so many US dollars more today; this one goes on."""
    with desk.notifier.deciding(ref, request.person):
        await desk.fleet.allow_today(ref, usd, request.person)
        desk.receipt(request, toast=f"{human_money(usd)} more for today, over all sessions.")
        await desk.notifier.refresh(ref)


async def finish_phase(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Let a session that ran out of money end its phase: a bounded sum more, and a pause at the next phase."""
    view = await desk.fleet.view(ref)
    more = max(MORE_USD, (view.budget_usd or 0.0) / 2)
    desk.store.phase_limits.set(ref.key, str(view.phase or ""))
    with desk.notifier.deciding(ref, request.person):
        await desk.fleet.set_budget(ref, view.cost_usd + more, request.person)
        desk.receipt(request, toast=f"Up to {human_money(more)} more for {view.phase}; then it pauses.")
        await desk.notifier.refresh(ref)


async def pause_finished(desk: Desk, views: Sequence[SessionView]) -> None:
    """Pause the sessions that were let go on only to the end of a phase, where they have come to it."""
    for view in views:
        phase = desk.store.phase_limits.get(view.ref.key) if view.worker_pid is not None else None
        if phase is None or phase == str(view.phase or ""):
            continue
        desk.store.phase_limits.drop(view.ref.key)
        await desk.fleet.pause(view.ref, Person("samobot, the phase being finished", "auto"))
