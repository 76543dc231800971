"""Costs as columns for a font whose characters are all equally wide. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from samobot.money.costs import Amount, Costs
from samobot.text import capitalize_first, clip, human_money, plural

WIDTH = 36
"""Characters of a line that a phone shows in a code block without wrapping."""

_ROWS = 10
_RELEASE = re.compile(r"-\d{8}$")


def cost_lines(costs: Costs, *, width: int = WIDTH, rows: int = _ROWS) -> list[str]:
    """Show costs as columns for a font whose characters are all equally wide.

    Args:
        costs: What to show.
        width: Most characters of a line; at least 30.
        rows: Most lines of each part; the rest is added up in one more.
    """
    since = f" since {_day_words(costs.since.isoformat())}" if costs.since else ""
    if not costs.total.iterations:
        return [f"Nothing spent{since or ' yet'}."]
    count, unpriced = costs.total.iterations, costs.total.unpriced
    usd = capitalize_first(human_money(costs.total.usd, unpriced=unpriced))
    lines = [f"{usd} in {plural(count, 'iteration')}{since}"]
    if unpriced:
        lines.append(f"{unpriced} of them ended without a price")
    parts: list[tuple[str, Mapping[str, Amount], Callable[[str], str]]] = [
        ("By session", costs.by_session, str),
        ("By round", costs.by_round, "round {}".format),
        ("By phase", costs.by_phase, str),
        ("By model", costs.by_model, _model_words),
        ("By day", costs.by_day, _day_words),
    ]
    tables = {
        title: _rows(sums, words, rows)
        for title, sums, words in parts
        # One line of a session or a round would only repeat the total.
        if sums and (title not in ("By session", "By round") or len(sums) > 1)
    }
    room = max(width - len(_numbers(costs.total, costs.total.usd)), 8)
    longest = min(room, max(len(name) for table in tables.values() for name, _ in table))
    for title, table in tables.items():
        lines += ["", title]
        lines += [
            f"{clip(name, room):<{longest}}{_numbers(amount, costs.total.usd)}" for name, amount in table
        ]
    return lines


def _rows(sums: Mapping[str, Amount], words: Callable[[str], str], most: int) -> list[tuple[str, Amount]]:
    """The lines of a table; if there are too many, the last is the sum of the rest."""
    shown = [(words(name), amount) for name, amount in sums.items()]
    # One line of “others” for a single one would save nothing.
    if len(shown) <= most + 1:
        return shown
    rest = [amount for _, amount in shown[most:]]
    return [*shown[:most], (f"{len(rest)} others", sum(rest, Amount()))]


def _numbers(amount: Amount, whole: float) -> str:
    share = f"{amount.usd / whole:.0%}" if whole else ""
    return f" {human_money(amount.usd):>10}{share:>6}{f'{amount.iterations}×':>5}"


def _model_words(model: str) -> str:
    return _RELEASE.sub("", model.removeprefix("claude-")) or model


def _day_words(day: str) -> str:
    return f"{date.fromisoformat(day):%a %d %b}"
