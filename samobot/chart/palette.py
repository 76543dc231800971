"""The colors and patterns of a run's picture, on a light and on a dark background."""

from __future__ import annotations

from enum import StrEnum

from samobot.chart.timeline import SpanKind
from samobot.frozen import frozen


class Theme(StrEnum):
    """Whether the picture is shown on a light or a dark background."""

    LIGHT = "light"
    DARK = "dark"


@frozen
class Palette:
    """The colors of one theme, as `#rrggbb`.

    Attributes:
        paper: The background.
        ink: What matters.
        soft: What explains.
        faint: What is there without being in use.
        line: The grid.
        work: Iterations.
        cost: Money, and success.
        alarm: Failures and blocks.
        waiting: Waiting for the user.
        parked: A wait for a limit.
    """

    paper: str
    ink: str
    soft: str
    faint: str
    line: str
    work: str
    cost: str
    alarm: str
    waiting: str
    parked: str

    def rest(self, kind: SpanKind) -> str:
        """The color of a stretch of time without work."""
        match kind:
            case SpanKind.WAITING:
                return self.waiting
            case SpanKind.BLOCKED:
                return self.alarm
            case SpanKind.PARKED:
                return self.parked
            case SpanKind.IDLE | SpanKind.WORK:
                return self.faint


# On light and on dark. After Okabe and Ito, whose colors stay apart for color-blind eyes too.
_SHADES = {
    "paper": ("#ffffff", "#17212b"),
    "ink": ("#14181d", "#f3f6f8"),
    "soft": ("#56616c", "#a9b8c6"),
    "faint": ("#a3adb7", "#5f7080"),
    "line": ("#e4e8ec", "#293745"),
    "work": ("#0072b2", "#56b4e9"),
    "cost": ("#00795a", "#35c99d"),
    "alarm": ("#d55e00", "#ff7f42"),
    "waiting": ("#e08e00", "#f0b53c"),
    "parked": ("#a8588c", "#dfa0ca"),
}

PALETTES = {
    Theme.LIGHT: Palette(**{name: light for name, (light, _) in _SHADES.items()}),
    Theme.DARK: Palette(**{name: dark for name, (_, dark) in _SHADES.items()}),
}

PATTERNS = {SpanKind.WAITING: "//", SpanKind.BLOCKED: "xx", SpanKind.PARKED: ".."}
