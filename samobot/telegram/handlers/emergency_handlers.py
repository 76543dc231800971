"""The emergency stop in the chat: raised, shown and turned off."""

from __future__ import annotations

from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.wording import Icon
from samobot.text import one_line


async def panic(context: HandlerContext, request: ChatRequest) -> None:
    """`/panic`: stop everything, and keep it stopped until `/resume`."""
    context.receipt(request, "👌", "Stopping everything…")
    context.background.run(request, "panic", _panic(context, request))


async def _panic(context: HandlerContext, request: ChatRequest) -> None:
    reports = await context.fleet.panic(request.person)
    lines = [
        f"{'⚠️' if report.confirmed else Icon.AWAY} {escape(report.words)}"
        for report in reports
        if not report.clean
    ]
    count = sum(1 for report in reports if report.confirmed)
    away = any(not report.confirmed for report in reports)
    stopped = (
        f"{count} stopped" if count else f"Nothing was running{' where it is confirmed' if away else ''}"
    )
    head = f"🛑 {bold('Emergency stop is on')}. {stopped}. /resume turns it off."
    context.reply(
        request,
        "\n".join([head, *lines]),
        part="panic",
        silent=False,
        priority=Priority.NEEDED,
    )
    for view in await context.fleet.sessions():
        if view.state is SessionState.STOPPED:
            await context.notifier.refresh(view.ref)


async def lift_emergency_stop(context: HandlerContext, request: ChatRequest) -> bool:
    """Turn the emergency stop off; returns whether it was on."""
    if not await context.fleet.lift_emergency_stop():
        return False
    context.receipt(request, "👍", "Emergency stop is off.")
    context.reply(
        request,
        f"✅ Emergency stop is off. {code('/resume all')} continues what was stopped.",
        part="calm",
        priority=Priority.EFFECT,
    )
    return True


async def emergency_line(context: HandlerContext) -> str:
    """A line for as long as the emergency stop is on; else empty."""
    who = await context.fleet.emergency_stop()
    return f"🛑 Emergency stop is on ({escape(one_line(who, 60))}). /resume turns it off." if who else ""
