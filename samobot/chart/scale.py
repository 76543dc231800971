"""The time axis of a picture, on which long idle times are compressed. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from samobot.chart.timeline import PhaseSpan, SpanKind
from samobot.frozen import frozen

_REST_TO_WORK = 1.2
"""How much room all idle time together may take, compared with all work."""

_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86400 * days for days in (1, 2, 7, 14, 28, 91, 182, 364, 3640, 36400, 364000)),
)
_DAY = 86400
_FIRST, _LAST = -62_000_000_000.0, 253_370_000_000.0
_CHARACTER = 0.019
"""Width of a label's character, as part of the axis."""


@frozen
class Label:
    """One label of the time axis.

    Attributes:
        at: Epoch seconds.
        place: 0 is the axis's beginning, 1 its end.
        text: Local time, and below it the day where it is another one than before.
    """

    at: float
    place: float
    text: str


class TimeScale:
    """Maps epoch seconds to places between 0 and 1.

    Work takes room in proportion to its time; so does idle time, except that long stretches are cut to the same
    length where all of them would take more room than the work does.

    Args:
        spans: In order, without gaps; at least one.
    """

    def __init__(self, spans: Sequence[PhaseSpan]) -> None:
        rests = [span.seconds for span in spans if span.kind is not SpanKind.WORK]
        work = sum(span.seconds for span in spans if span.kind is SpanKind.WORK)
        longest = _cut(rests, _REST_TO_WORK * work) if work else max(rests)
        self._cut = tuple(
            span for span in spans if span.kind is not SpanKind.WORK and span.seconds > longest * 1.001
        )
        room = [longest if span in self._cut else span.seconds for span in spans]
        whole = sum(room)
        self._times = [spans[0].start]
        self._places = [0.0]
        for span, seconds in zip(spans, room, strict=True):
            self._times.append(span.end)
            self._places.append(min(1.0, self._places[-1] + seconds / whole))
        self._places[-1] = 1.0
        self._per_second = 1.0 / whole

    def __call__(self, at: float) -> float:
        """The place of a moment; one outside is put at the nearer end."""
        index = min(max(bisect_right(self._times, at), 1), len(self._times) - 1)
        before, after = self._times[index - 1], self._times[index]
        part = min(max((at - before) / (after - before), 0.0), 1.0)
        return self._places[index - 1] + part * (self._places[index] - self._places[index - 1])

    def is_cut(self, span: PhaseSpan) -> bool:
        """Whether this span takes less room than its time would."""
        return span in self._cut

    def labels(self, zone: tzinfo | None = None) -> list[Label]:
        """Choose round local times to stand below the axis, as many as there is room for.

        Args:
            zone: The user's zone; None is this machine's.
        """
        step = next((step for step in _STEPS if step * self._per_second >= _room(step)), _STEPS[-1])
        chosen: list[Label] = []
        day = ""
        for at in self._moments(step, zone):
            label = self._label(at, step, day, zone)
            if chosen and not _fits(chosen[-1], label):
                if "\n" not in label.text or "\n" in chosen[-1].text:
                    continue
                # The day matters more than one hour of the day before.
                chosen.pop()
                if chosen and not _fits(chosen[-1], label):
                    continue
            chosen.append(label)
            day = _words(at, "%a %d %b", zone)
        return chosen or [self._label(self._times[0], 1, "", zone)]

    def _moments(self, step: int, zone: tzinfo | None) -> Iterator[float]:
        """Round times outside of what is cut: inside, they would be too close to read."""
        start = self._times[0]
        for end in (*(span.start for span in self._cut), self._times[-1]):
            times = list(_round_times(start, end, step, zone))
            # After a night, a time that is not round is better than none.
            yield from times or [start] * (start < end)
            start = next((span.end for span in self._cut if span.start == end), end)

    def _label(self, at: float, step: int, day: str, zone: tzinfo | None) -> Label:
        if step >= _DAY:
            day_or_year = "%a %d %b" if step < 300 * _DAY else "%Y"
            return Label(at, self(at), _words(at, day_or_year, zone).rjust(4, "0"))
        time = _words(at, "%H:%M" if step >= 60 else "%H:%M:%S", zone)
        today = _words(at, "%a %d %b", zone)
        return Label(at, self(at), time if today == day else f"{time}\n{today}")


def _cut(lengths: Sequence[float], room: float) -> float:
    """The length to which the longest have to be cut for all to fit into the room."""
    left, count = room, len(lengths)
    for length in sorted(lengths):
        if length * count >= left:
            return left / count
        left -= length
        count -= 1
    return max(lengths, default=0.0)


def _round_times(start: float, end: float, step: int, zone: tzinfo | None) -> Iterator[float]:
    """Times of the local clock that are multiples of `step`."""
    at = start
    while at <= end:
        offset = _offset(at, zone)
        rounded = -(-(at + offset) // step) * step - offset
        # Across a change of summer time the clock's next round time is another moment.
        rounded += offset - _offset(rounded, zone)
        if start <= rounded <= end:
            yield rounded
        at = max(rounded, at) + step / 2


def _offset(at: float, zone: tzinfo | None) -> float:
    offset = _local(at, zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _words(at: float, form: str, zone: tzinfo | None) -> str:
    return _local(at, zone).strftime(form)


def _local(at: float, zone: tzinfo | None) -> datetime:
    # Times that no calendar holds are shown as its first or last.
    return datetime.fromtimestamp(min(max(at, _FIRST), _LAST), UTC).astimezone(zone)


def _room(step: int) -> float:
    """How much of the axis a label takes, with some space beside it."""
    form = "00:00:00" if step < 60 else "00:00" if step < _DAY else "Sun 22 Nov"
    return (len(form) + 1.5) * _CHARACTER


def _fits(left: Label, right: Label) -> bool:
    """Whether neither the times nor the days of two labels touch."""
    lines = zip(left.text.split("\n"), right.text.split("\n"), strict=False)
    width = max((len(one) + len(other)) / 2 for one, other in lines)
    return right.place - left.place >= (width + 1.5) * _CHARACTER
