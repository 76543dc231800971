"""The colours and patterns of a run's picture, on a light and on a dark background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from samobot.timeline import SpanKind


class Theme(StrEnum):
    """Whether the picture is shown on a light or a dark background."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of one theme, as `#rrggbb`.

    Attributes:
        paper: The background.
        ink: What matters.
        soft: What explains.
        faint: What is there without being in use.
        line: The grid.
        work: Iterations.
        cost: Money, and success.
        alarm: What went wrong.
        rest: What is waited for.
    """

    paper: str
    ink: str
    soft: str
    faint: str
    line: str
    work: str
    cost: str
    alarm: str
    rest: Mapping[SpanKind, str]


# After Okabe and Ito, whose colours stay apart for colour-blind eyes too.
COLOURS = {
    Theme.LIGHT: Colours(
        paper="#ffffff",
        ink="#14181d",
        soft="#56616c",
        faint="#a3adb7",
        line="#e4e8ec",
        work="#0072b2",
        cost="#00795a",
        alarm="#d55e00",
        rest={SpanKind.WAITING: "#e08e00", SpanKind.BLOCKED: "#d55e00", SpanKind.PARKED: "#a8588c"},
    ),
    Theme.DARK: Colours(
        paper="#17212b",
        ink="#f3f6f8",
        soft="#a9b8c6",
        faint="#5f7080",
        line="#293745",
        work="#56b4e9",
        cost="#35c99d",
        alarm="#ff7f42",
        rest={SpanKind.WAITING: "#f0b53c", SpanKind.BLOCKED: "#ff7f42", SpanKind.PARKED: "#dfa0ca"},
    ),
}

PATTERNS = {SpanKind.WAITING: "//", SpanKind.BLOCKED: "xx", SpanKind.PARKED: ".."}
