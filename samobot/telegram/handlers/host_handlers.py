"""The machines that sessions run on: `/hosts`, and a line for each that cannot be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from samobot.fleet.results import HostView, ProjectView
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.wording import Icon
from samobot.text import plural

_AWAY_LINES = 5


async def hosts(context: HandlerContext, request: ChatRequest) -> None:
    """`/hosts`: the other machines, whether they can be reached, and what runs there."""
    found = await context.fleet.hosts()
    if not found:
        context.reply(
            request, f"Sessions run on this machine alone. {code('samobot host add')} there adds another one."
        )
        return
    online = sum(1 for each in found if each.is_online)
    lines = [bold(f"{plural(len(found), 'host')}, {online} reachable")]
    for each in found:
        lines.append(_line(each))
        lines += [f"   {escape(text)}" for text in (each.away, each.clock) if text]
    context.reply(request, "\n".join(lines))


def _line(host: HostView) -> str:
    away = "" if host.is_online else f"{Icon.AWAY} "
    running = f"{host.running} of {host.most} running" if host.is_online else "away"
    pending = f" · 🕓 {plural(host.pending, 'decision')} saved for it" if host.pending else ""
    return f"{away}{bold(host.name)} · {running} · {plural(host.sessions, 'session')}{pending}"


def project_labels(projects: Iterable[ProjectView]) -> dict[str, str]:
    """Return what projects are called on buttons: with their machine only if another has one of the same name."""
    shown = list(projects)
    counts = Counter(each.plain_name for each in shown)
    return {each.name: each.plain_name if counts[each.plain_name] == 1 else each.name for each in shown}


async def away_lines(context: HandlerContext) -> list[str]:
    """A line for each host that cannot be reached and has sessions or decisions; of many, for the first."""
    away = [
        each.away for each in await context.fleet.hosts() if each.away and (each.sessions or each.pending)
    ]
    lines = [f"{Icon.AWAY} {escape(each)}" for each in away[:_AWAY_LINES]]
    if len(away) > _AWAY_LINES:
        lines.append(f"{Icon.AWAY} {plural(len(away) - _AWAY_LINES, 'more host')} not reachable: /hosts")
    return lines
