"""The picture of a run: phases over time, iterations, waits for the user, limits, and what it cost.

For a phone: 1080 by 800 pixels, letters of at least 20. Whatever a color shows, a pattern shows too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from samobot.chart.legend import Legend, draw_break, draw_cross
from samobot.chart.palette import PALETTES, PATTERNS, Palette, Theme
from samobot.chart.scale import TimeScale
from samobot.chart.timeline import PhaseSpan, SpanKind, Timeline, build
from samobot.errors import NotFoundError, StorageError
from samobot.phases import Phase
from samobot.session.journal_events import RunEndReason
from samobot.text import clip, human_duration, human_money, plural

if TYPE_CHECKING:
    from samobot.chart.canvas import Canvas

__all__ = ["HEIGHT", "WIDTH", "Theme", "draw"]

WIDTH, HEIGHT = 1080, 800

_MARGIN = 36
_LEFT, _RIGHT = 262, 1026
_TOP = 172
_NAMES = _LEFT - 22
_SMALL, _NORMAL, _TITLE = 20, 24, 36
_BAR = 15
_OTHER = "other"

_drawing = threading.Lock()
"""matplotlib keeps caches that threads share."""


_STATES = {
    RunEndReason.DONE: "done",
    RunEndReason.WAITING: "waits for you",
    RunEndReason.BLOCKED: "needs help",
    RunEndReason.STOPPED: "stopped",
    RunEndReason.PAUSED: "paused",
    RunEndReason.BUDGET: "budget used up",
    RunEndReason.ITERATIONS: "paused after its iterations",
    RunEndReason.PARKED: "waits for a limit",
    RunEndReason.FAILED: "failed",
}


def draw(
    events: Iterable[Mapping[str, Any]],
    title: str,
    theme: Theme = Theme.LIGHT,
    *,
    now: datetime | None = None,
    alive: bool = False,
    zone: tzinfo | None = None,
) -> bytes:
    """Draw a session's journal as a PNG of 1080 by 800 pixels.

    The same arguments give the same bytes. It takes about a second of one core; from an event loop, call it
    in a thread.

    Args:
        events: As `journal.events` gives them.
        title: What stands above it, as the session's name.
        theme: Which background it is for.
        now: The present: a wait that is not over lasts until then. None ends all with the last event.
        alive: Whether the session's worker lives.
        zone: The zone of the times below it; None is this machine's.

    Raises:
        NotFoundError: Nothing has happened yet that could be drawn.
        StorageError: matplotlib cannot be loaded, as in a damaged installation.
    """
    timeline = build(events, now=now, alive=alive)
    if timeline is None or not timeline.spans:
        raise NotFoundError(f"Nothing has happened yet in {clip(title, 64)} that could be drawn.")
    try:
        from samobot.chart.canvas import Canvas
    except ImportError as error:
        raise StorageError(f"The picture cannot be drawn: this installation is damaged ({error}).") from error
    colors = PALETTES[theme]
    with _drawing:
        canvas = Canvas(WIDTH, HEIGHT, colors.paper)
        _Chart(canvas, colors, timeline, zone).draw(title)
        return canvas.png()


class _Chart:
    """One picture while it is drawn, from top to bottom."""

    def __init__(self, canvas: Canvas, colors: Palette, timeline: Timeline, zone: tzinfo | None) -> None:
        self._canvas = canvas
        self._colors = colors
        self._timeline = timeline
        self._zone = zone
        self._scale = TimeScale(timeline.spans)
        self._drawn: dict[tuple[str, float], float] = {}
        self._rows = [*map(str, Phase)]
        if any(span.phase not in self._rows for span in timeline.spans):
            self._rows.append(_OTHER)
        self._legend = Legend(
            canvas, colors, timeline, self._scale, left=_MARGIN, right=WIDTH - _MARGIN, size=_SMALL
        )
        bottom = HEIGHT - 30 - self._legend.height
        self._axis = bottom - 62
        self._cost_top = self._axis - 104
        self._row = (self._cost_top - 24 - _TOP) / len(self._rows)

    def draw(self, title: str) -> None:
        """Draw all of it."""
        self._header(title)
        self._grid()
        self._rounds()
        self._phases()
        self._cost()
        self._legend.draw(HEIGHT - 14 - self._legend.height)

    def _header(self, title: str) -> None:
        timeline, canvas, colors = self._timeline, self._canvas, self._colors
        words = clip(canvas.drawable(title), 80) or "session"
        while canvas.width_of(words, size=_TITLE, bold=True) > WIDTH - 2 * _MARGIN and len(words) > 2:
            words = clip(words, len(words) - 1)
        canvas.text(_MARGIN, 46, words, size=_TITLE, color=colors.ink, bold=True)
        count = len(timeline.iterations)
        facts = [
            self._state(),
            human_duration(timeline.end - timeline.start),
            plural(count, "iteration"),
            human_money(timeline.usd),
        ]
        self._facts(92, facts, _NORMAL + 1, colors.ink)
        parts = [
            ("worked", SpanKind.WORK),
            ("waited for you", SpanKind.WAITING),
            ("needed help", SpanKind.BLOCKED),
            ("limit", SpanKind.PARKED),
        ]
        spent = [
            f"{words} {human_duration(seconds)}"
            for words, kind in parts
            if (seconds := timeline.seconds(kind)) >= 1
        ]
        self._facts(130, spent, _NORMAL - 1, colors.soft)

    def _facts(self, y: float, facts: list[str], size: float, color: str) -> None:
        """Write facts side by side, in letters small enough for all of them."""
        words = "  ·  ".join(facts)
        room = WIDTH - 2 * _MARGIN
        size *= min(1.0, room / max(self._canvas.width_of(words, size=size), 1))
        self._canvas.text(_MARGIN, y, words, size=size, color=color)

    def _state(self) -> str:
        if self._timeline.reason is not None:
            return _STATES[self._timeline.reason]
        return "running" if self._timeline.alive else "not running"

    def _grid(self) -> None:
        canvas, colors = self._canvas, self._colors
        for number, name in enumerate(self._rows):
            y = self._y(number)
            seen = name in self._timeline.phases or name == _OTHER
            canvas.line([(_LEFT, y), (_RIGHT, y)], colors.line, thick=1.5)
            canvas.text(
                _NAMES, y, name, size=_NORMAL, color=colors.ink if seen else colors.faint, align="right"
            )
        for label in self._scale.labels(self._zone):
            x = _LEFT + label.place * (_RIGHT - _LEFT)
            canvas.line([(x, _TOP), (x, self._axis + 6)], colors.line, thick=1.5)
            time, _, day = label.text.partition("\n")
            for words, y in ((time, self._axis + 22), (day, self._axis + 48)):
                edge = WIDTH - 8 - canvas.width_of(words, size=_SMALL) / 2
                canvas.text(min(x, edge), y, words, size=_SMALL, color=colors.soft, align="center")

    def _rounds(self) -> None:
        """Draw a line where each further round begins, its number on top if there is room."""
        free = float(_LEFT)
        for at, number in self._timeline.rounds:
            x, words = self._x(at), f"round {number}"
            self._canvas.line([(x, _TOP - 8), (x, self._axis)], self._colors.soft, thick=2, dotted=True)
            half = self._canvas.width_of(words, size=_SMALL) / 2 + 6
            middle = min(max(x, _LEFT + half), _RIGHT - half)
            if middle - half >= free:
                self._canvas.text(
                    middle, _TOP - 14, words, size=_SMALL, color=self._colors.soft, align="center"
                )
                free = middle + half

    def _phases(self) -> None:
        canvas, colors = self._canvas, self._colors
        before: PhaseSpan | None = None
        for span in self._timeline.spans:
            y = self._row_of(span.phase)
            left, right = self._x(span.start), self._x(span.end)
            if not self._is_seen((span.kind, y), right):
                continue
            if before is not None and before.phase != span.phase:
                canvas.line([(left, self._row_of(before.phase)), (left, y)], colors.faint, thick=2)
            before = span
            if span.kind is SpanKind.WORK:
                canvas.box(left, y - _BAR, right, y + _BAR, colors.work, strength=0.3)
            else:
                self._rest(span, left, right, y)
        for tick in self._timeline.iterations:
            left, right, y = self._x(tick.start), self._x(tick.end), self._row_of(tick.phase)
            right = max(right - (2.0 if right - left > 5 else 0.8), left + 1.2)
            if self._is_seen(("iteration", y), right):
                canvas.box(left, y - _BAR, right, y + _BAR, colors.work)
        for retry in self._timeline.retries:
            x, y = self._x(retry.at), self._row_of(retry.phase)
            if self._is_seen(("retry", y), x):
                draw_cross(self._canvas, self._colors, x, y - _BAR - 3)
        self._end()

    def _is_seen(self, what: tuple[str, float], right: float) -> bool:
        """Whether something reaches beyond what was drawn before it in its row.

        Of ten thousand iterations at most one per pixel is drawn.
        """
        seen = right >= self._drawn.get(what, 0.0) + 0.5
        if seen:
            self._drawn[what] = right
        return seen

    def _rest(self, span: PhaseSpan, left: float, right: float, y: float) -> None:
        canvas, colors = self._canvas, self._colors
        right = max(right, left + 3)
        color = colors.rest(span.kind)
        if span.kind is SpanKind.IDLE:
            canvas.line([(left, y), (right, y)], color, thick=4, dotted=True)
        else:
            canvas.hatched(left, y - _BAR, right, y + _BAR, color, PATTERNS[span.kind])
        if self._scale.is_cut(span) and right - left > 32:
            draw_break(canvas, colors, (left + right) / 2, self._axis, 8)
            draw_break(canvas, colors, right - 16, y, _BAR + 4)
            right -= 26
        self._duration(span.seconds, left, right, y)

    def _duration(self, seconds: float, left: float, right: float, y: float) -> None:
        """Write how long something was, in full or roughly, if there is room."""
        words = human_duration(seconds)
        rough = " ".join(words.split()[:2])
        middle = (left + right) / 2
        for text in (words, rough):
            half = self._canvas.width_of(text, size=_SMALL) / 2 + 5
            if right - left >= 2 * half + 4:
                self._canvas.box(middle - half, y - 12, middle + half, y + 12, self._colors.paper)
                self._canvas.text(middle, y, text, size=_SMALL, color=self._colors.ink, align="center")
                return

    def _end(self) -> None:
        timeline, colors = self._timeline, self._colors
        sign, color = {
            RunEndReason.DONE: ("✔", colors.cost),
            RunEndReason.BLOCKED: ("!", colors.alarm),
            RunEndReason.FAILED: ("!", colors.alarm),
            RunEndReason.STOPPED: ("■", colors.soft),
            RunEndReason.PAUSED: ("■", colors.soft),
        }.get(timeline.reason or RunEndReason.WAITING, ("", colors.ink))
        if timeline.reason is None and timeline.alive:
            sign, color = "▶", colors.work
        y = self._row_of(timeline.spans[-1].phase)
        self._canvas.text(_RIGHT + 8, y, sign, size=_NORMAL + 4, color=color, bold=True)

    def _cost(self) -> None:
        canvas, colors, timeline = self._canvas, self._colors, self._timeline
        height = self._axis - self._cost_top
        most = timeline.usd or 1.0
        points = [(self._x(at), self._axis - usd / most * height) for at, usd in timeline.cost]
        canvas.area([(_LEFT, self._axis), *points, (_RIGHT, self._axis)], colors.cost, strength=0.16)
        canvas.line([(_LEFT, self._axis), (_RIGHT, self._axis)], colors.faint, thick=1.5)
        canvas.line(points, colors.cost, thick=3.5)
        canvas.text(_NAMES, self._cost_top + 10, "cost", size=_NORMAL, color=colors.ink, align="right")
        total = human_money(timeline.usd)
        canvas.text(
            _NAMES, self._cost_top + 44, total, size=_NORMAL, color=colors.cost, align="right", bold=True
        )

    def _x(self, at: float) -> float:
        return _LEFT + self._scale(at) * (_RIGHT - _LEFT)

    def _y(self, row: int) -> float:
        return _TOP + (row + 0.5) * self._row

    def _row_of(self, phase: str) -> float:
        return self._y(self._rows.index(phase) if phase in self._rows else len(self._rows) - 1)
