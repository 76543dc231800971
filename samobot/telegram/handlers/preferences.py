"""Money and preferences: what sessions have cost, and which messages a chat gets."""

from __future__ import annotations

from dataclasses import replace

from samobot.errors import UsageError
from samobot.fleet.models import SessionView
from samobot.money.cost_table import cost_lines
from samobot.money.costs import Costs
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold, pre
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.markup.tables import PHONE_COLUMNS, squeezed
from samobot.telegram.store.chat_settings import NotifyLevel
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.wording import money_of, name_of
from samobot.text import human_money, nearest, one_line, plural

_COST_DAYS = 30
_ROWS = 3
"""Lines of each part: all four of them should not fill two screens of a phone. The terminal shows more."""

_MONEY = 11
"""Columns of an amount: ten thousand dollars with a space before them."""

_WIDEST, _NARROWEST = 48, 30
"""Columns that a table of costs is laid out in before the room that it does not need is taken out."""

_LEVELS = {
    NotifyLevel.QUIET: "only what waits for you or is finished",
    NotifyLevel.NORMAL: "also receipts, silent; new phases are on the card",
    NotifyLevel.ALL: "also new phases with a sound, and each iteration, silent",
}


async def cost(context: HandlerContext, request: ChatRequest) -> None:
    """`/cost [name]`: what it has cost, by session, phase, model and day."""
    if request.text.strip() or request.session is not None:
        target = await find_target(context, request, "cost", any_session, reads=True)
        if target is not None:
            _show_cost(context, request, target.view)
        return
    report = await context.fleet.costs(_COST_DAYS)
    head, table = _cost_table(report.costs)
    cap = report.daily_budget_usd
    tail = f"\nAll sessions together may cost {human_money(cap)} a day." if cap else ""
    trouble = "".join(f"\n⚠️ {escape(one_line(each, 200))}" for each in report.problems[:2])
    context.reply(request, f"💰 {head}{f'{chr(10)}{pre(table)}' if table else ''}{tail}{trouble}")


def _cost_table(costs: Costs) -> tuple[str, str]:
    """The sum as HTML, and what it is made of as lines that fit a phone: as wide as they may be for that."""
    width = _WIDEST
    notes, table = _laid_out(costs, width)
    while width > _NARROWEST and max(map(len, table), default=0) > PHONE_COLUMNS:
        width -= 1
        notes, table = _laid_out(costs, width)
    head, *more = notes
    return "\n".join([bold(head), *map(escape, more)]), "\n".join(table).strip("\n")


def _laid_out(costs: Costs, width: int) -> tuple[list[str], list[str]]:
    """The notes about the sum, and the table without unused columns."""
    lines = cost_lines(costs, width=width, rows=_ROWS)
    begin = lines.index("") if "" in lines else len(lines)
    # A title follows an empty line.
    places = [at for at in range(begin + 2, len(lines)) if lines[at] and lines[at - 1]]
    shown = dict(zip(places, squeezed([lines[at] for at in places]), strict=True))
    return lines[:begin], [shown.get(at, lines[at]) for at in range(begin, len(lines))]


def _show_cost(context: HandlerContext, request: ChatRequest, view: SessionView) -> None:
    of = f" of {human_money(view.budget_usd)}" if view.budget_usd else ""
    parts = [*view.cost_by_phase.items()]
    parts += [(model.removeprefix("claude-"), usd) for model, usd in view.cost_by_model.items()]
    room = PHONE_COLUMNS - _MONEY
    lines = squeezed([f"{one_line(name, room):<{room}}{human_money(usd):>{_MONEY}}" for name, usd in parts])
    count = plural(sum(view.iterations_by_phase.values()), "iteration")
    lost = f"\n{plural(view.unpriced, 'iteration')} ended without a price" if view.unpriced else ""
    table = f"\n{pre(chr(10).join(lines))}" if lines else ""
    context.reply(
        request,
        f"💰 {name_of(view.ref)} {money_of(view)}{of} · {count}{lost}{table}",
        about=about_session(view.ref, "cost"),
    )


async def notify(context: HandlerContext, request: ChatRequest) -> None:
    """`/notify quiet|normal|all`."""
    word = request.text.strip().casefold()
    chat = context.store.chats.get(request.chat_id)
    if word in set(NotifyLevel):
        context.store.chats.put(replace(chat, level=NotifyLevel(word)))
        context.receipt(request, "👍", f"From now on: {word}.")
        return
    if word:
        close = nearest(word, list(NotifyLevel))
        hint = f" Did you mean {close}?" if close else ""
        raise UsageError(f"There is no “{one_line(word, 40)}”; it is quiet, normal or all.{hint}")
    lines = [
        f"{'●' if level is chat.level else '○'} {bold(level)}  {words}" for level, words in _LEVELS.items()
    ]
    buttons = rows(
        *(
            choice(level.capitalize(), Action(do=ActionKind.RUN_STALE, command="notify", text=level))
            for level in NotifyLevel
        )
    )
    context.reply(request, "\n".join(["What comes to this chat", *lines]), buttons=buttons)
