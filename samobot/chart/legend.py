"""The signs of a run's picture, and the legend that explains those that occur in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from samobot.chart.palette import PATTERNS, Palette
from samobot.chart.scale import TimeScale
from samobot.chart.timeline import SpanKind, Timeline

if TYPE_CHECKING:
    from samobot.chart.canvas import Canvas

_KINDS = {
    SpanKind.WAITING: "waits for you",
    SpanKind.BLOCKED: "needs help",
    SpanKind.PARKED: "waits for a limit",
    SpanKind.IDLE: "not running",
}
_LINE = 34


def draw_break(canvas: Canvas, colors: Palette, x: float, y: float, reach: float) -> None:
    """Draw two slanted strokes, where the time axis is cut."""
    corners = [(x - 7, y + reach), (x - 1, y - reach), (x + 7, y - reach), (x + 1, y + reach)]
    canvas.area(corners, colors.paper, strength=1)
    for start, end in ((corners[0], corners[1]), (corners[3], corners[2])):
        canvas.line([start, end], colors.soft, thick=2)


def draw_cross(canvas: Canvas, colors: Palette, x: float, y: float) -> None:
    """Draw a cross, for a retry."""
    for rise in (-6, 6):
        canvas.line([(x - 6, y - rise), (x + 6, y + rise)], colors.alarm, thick=3.5)


class Legend:
    """The legend of one picture, in as many lines as it needs.

    Args:
        canvas: Where it is drawn.
        colors: The theme's colors.
        timeline: What the picture shows.
        scale: The picture's time axis.
        left: Where its lines start, in pixels.
        right: Where they end at the latest.
        size: The size of its letters, in pixels.
    """

    def __init__(
        self,
        canvas: Canvas,
        colors: Palette,
        timeline: Timeline,
        scale: TimeScale,
        *,
        left: float,
        right: float,
        size: float,
    ) -> None:
        self._canvas = canvas
        self._colors = colors
        self._size = size
        self._lines: list[list[tuple[str, str, float]]] = [[]]
        x = left
        for name, text in _entries(timeline, scale):
            width = 46 + canvas.width_of(text, size=size)
            if x + width > right and self._lines[-1]:
                self._lines.append([])
                x = left
            self._lines[-1].append((name, text, x))
            x += width + 30

    @property
    def height(self) -> float:
        """Its height in pixels."""
        return _LINE * len(self._lines)

    def draw(self, top: float) -> None:
        """Draw it below a height."""
        y = top
        for line in self._lines:
            y += _LINE / 2
            for name, text, x in line:
                self._draw_sign(name, x, y)
                self._canvas.text(x + 44, y, text, size=self._size, color=self._colors.soft)
            y += _LINE / 2

    def _draw_sign(self, name: str, x: float, y: float) -> None:
        canvas, colors = self._canvas, self._colors
        match name:
            case "iteration":
                canvas.box(x, y - 9, x + 17, y + 9, colors.work)
                canvas.box(x + 19, y - 9, x + 34, y + 9, colors.work)
            case "retry":
                draw_cross(canvas, colors, x + 24, y)
            case "cut":
                draw_break(canvas, colors, x + 22, y, 10)
            case SpanKind.IDLE:
                canvas.line([(x, y), (x + 34, y)], colors.faint, thick=4, dotted=True)
            case _:
                kind = SpanKind(name)
                canvas.hatched(x, y - 9, x + 34, y + 9, colors.rest(kind), PATTERNS[kind])


def _entries(timeline: Timeline, scale: TimeScale) -> list[tuple[str, str]]:
    kinds = {span.kind for span in timeline.spans}
    entries = [("iteration", "iteration")] if timeline.iterations else []
    entries += [(kind, text) for kind, text in _KINDS.items() if kind in kinds]
    if timeline.retries:
        entries.append(("retry", "tried again"))
    if any(map(scale.is_cut, timeline.spans)):
        entries.append(("cut", "shortened"))
    return entries
