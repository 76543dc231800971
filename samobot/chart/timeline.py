"""The timeline of a session, built from its journal: spans, iterations, retries, costs. Pure.

A journal is read as it is: damaged, cut short, written by a worker that was killed, on a machine whose clock
was set back. Times are epoch seconds here, since they are shifted and compared more than they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.money.charges import is_money
from samobot.phases import Phase
from samobot.session.journal_events import EventName, RunEndReason, round_of

LONGEST_PAUSE = 3600.0
"""Seconds after which work that left no trace was none: the machine slept, or its clock was set forward.

Between two iterations the worker waits ten minutes at most.
"""


class SpanKind(StrEnum):
    """What a stretch of time was spent on."""

    WORK = "work"  # the worker iterates
    WAITING = "waiting"  # the user has to answer, approve, or raise a budget
    BLOCKED = "blocked"  # it cannot continue without help
    PARKED = "parked"  # a usage limit has to pass
    IDLE = "idle"  # nobody runs it: stopped, paused, or its worker died


@frozen
class PhaseSpan:
    """A stretch of time in one phase.

    Attributes:
        kind: What it was spent on.
        phase: The phase; empty if the journal does not name it.
        start: Epoch seconds.
        end: Epoch seconds, not before `start`.
    """

    kind: SpanKind
    phase: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


@frozen
class Tick:
    """One iteration.

    Attributes:
        phase: Its phase.
        start: Epoch seconds.
        end: Epoch seconds; the last known time if its end was not recorded.
        usd: What it cost.
    """

    phase: str
    start: float
    end: float
    usd: float


@frozen
class RetryMark:
    """A failed iteration that was tried again, when and in which phase."""

    at: float
    phase: str


@frozen
class Timeline:
    """A session from its first event to its last.

    Attributes:
        start: Epoch seconds of the first event.
        end: Epoch seconds of the last event, or of the present if something is not over.
        spans: What the time was spent on, in order and without gaps.
        iterations: In order.
        retries: In order.
        cost: Epoch seconds and what the session had cost by then, never falling.
        phases: All phases that occur, those of the workflow in its order, then unknown ones.
        rounds: Epoch seconds at which each round after the first began, and its number.
        reason: Why the last run ended; None if its end was not recorded.
        alive: Whether its worker lives.
    """

    start: float
    end: float
    spans: tuple[PhaseSpan, ...]
    iterations: tuple[Tick, ...]
    retries: tuple[RetryMark, ...]
    cost: tuple[tuple[float, float], ...]
    phases: tuple[str, ...]
    rounds: tuple[tuple[float, int], ...]
    reason: RunEndReason | None
    alive: bool

    @property
    def usd(self) -> float:
        """What the session has cost in US dollars."""
        return self.cost[-1][1]

    def seconds(self, *kinds: SpanKind) -> float:
        """How long it has been of one of these kinds."""
        return sum(span.seconds for span in self.spans if span.kind in kinds)


def build(
    events: Iterable[Mapping[str, Any]], *, now: datetime | None = None, alive: bool = False
) -> Timeline | None:
    """Find what a session's time was spent on.

    Args:
        events: As `journal.events` gives them.
        now: The present: a wait that is not over lasts until then. None ends all with the last event.
        alive: Whether the session's worker lives: then its work lasts until `now` too.

    Returns:
        The timeline, or None if there is no event.
    """
    records = list(events)
    if not records:
        return None
    times = make_monotonic([record["at"].timestamp() for record in records])
    builder = _Builder(times[0])
    for at, record in zip(times, records, strict=True):
        builder.add(at, record)
    return builder.timeline(now.timestamp() if now is not None else None, alive=alive)


def make_monotonic(times: Sequence[float]) -> list[float]:
    """Make the times of a clock that was set back rise, keeping the distances between them.

    A single time that does not fit between its neighbours counts as the one before it. If the clock was
    set back, the times before are moved: the clock's latest setting is taken to be right.
    """
    read = list(times)
    for index in range(1, len(read) - 1):
        if read[index - 1] <= read[index + 1] < read[index]:
            read[index] = read[index - 1]
    ahead = 0.0
    shifted = read[-1:]
    for before, after in zip(reversed(read[:-1]), reversed(read[1:]), strict=True):
        ahead += max(0.0, before - after)
        shifted.append(before - ahead)
    # Rounding must not make a time fall either.
    rising: list[float] = []
    for at in reversed(shifted):
        rising.append(max(at, rising[-1]) if rising else at)
    return rising


class _Builder:
    """Builds the timeline from one event after the other."""

    def __init__(self, start: float) -> None:
        self._start = self._last = self._since = start
        self._kind = SpanKind.IDLE
        self._phase = ""
        self._reason: RunEndReason | None = None
        self._running: tuple[str, float] | None = None
        self._spans: list[PhaseSpan] = []
        self._iterations: list[Tick] = []
        self._retries: list[RetryMark] = []
        self._cost: list[tuple[float, float]] = [(start, 0.0)]
        self._rounds: list[tuple[float, int]] = []

    def add(self, at: float, record: Mapping[str, Any]) -> None:
        """Take in an event that happened at `at`, not before the one before."""
        phase = _text(record.get("phase"))
        if self._kind is SpanKind.WORK and self._running is None and at - self._last > LONGEST_PAUSE:
            self._sleep(self._last, at)
        number = round_of(record)
        if record["event"] == EventName.PHASE and number is not None:
            self._rounds.append((at, number))
        match record["event"]:
            case EventName.RUN_START:
                self._run_start(at, phase)
            case EventName.ITERATION_START:
                self._close_iteration(self._last, 0.0)
                self._turn(at, SpanKind.WORK, phase or self._phase)
                self._running = (self._phase, at)
                self._reason = None
            case EventName.ITERATION_END:
                self._iteration_end(at, phase, record)
            case EventName.PHASE if self._kind is SpanKind.WORK:
                # An approval moves an idle session; its wait still belongs to the phase it was in.
                self._turn(at, self._kind, _text(record.get("to")) or self._phase)
            case EventName.GATE:
                self._turn(at, SpanKind.WAITING, self._phase)
            case EventName.RETRY:
                self._retries.append(RetryMark(at, self._phase))
            case EventName.PARK:
                self._turn(at, SpanKind.PARKED, self._phase)
            case EventName.UNPARK if self._kind is SpanKind.PARKED:
                self._turn(at, SpanKind.WORK, self._phase)
            case EventName.RUN_END:
                self._run_end(at, record)
            case _:
                pass  # not about time
        self._last = at

    def timeline(self, now: float | None, *, alive: bool) -> Timeline:
        """Return the timeline of the events so far."""
        end = self._last
        over = self._kind is SpanKind.IDLE or (self._kind is SpanKind.WORK and not alive)
        if now is not None and not over:
            end = max(end, now)
        self._close_iteration(end, 0.0)
        self._turn(end, SpanKind.IDLE, self._phase)
        self._cost.append((end, self._cost[-1][1]))
        named = [span.phase for span in self._spans] + [tick.phase for tick in self._iterations]
        found = dict.fromkeys(phase for phase in named if phase)
        known = [str(phase) for phase in Phase if phase in found]
        return Timeline(
            start=self._start,
            end=end,
            spans=tuple(self._spans),
            iterations=tuple(self._iterations),
            retries=tuple(self._retries),
            cost=tuple(self._cost),
            phases=(*known, *(phase for phase in found if phase not in known)),
            rounds=tuple(self._rounds),
            reason=self._reason,
            alive=alive,
        )

    def _run_start(self, at: float, phase: str) -> None:
        if self._kind is SpanKind.WORK:
            # The previous worker's end was not recorded; when it died is unknown.
            self._close_iteration(self._last, 0.0)
            self._turn(self._last, SpanKind.IDLE, self._phase)
        if self._kind in (SpanKind.IDLE, SpanKind.PARKED):
            self._turn(at, SpanKind.WORK, phase or self._phase)
            self._reason = None

    def _iteration_end(self, at: float, phase: str, record: Mapping[str, Any]) -> None:
        usd, lasted = record.get("cost_usd"), record.get("duration_s")
        seconds = float(lasted) if isinstance(lasted, int | float) and 0 <= lasted < 1e9 else None
        if self._running is None:
            start = max(self._last, at - (seconds or 0.0))
            self._turn(start, SpanKind.WORK, phase or self._phase)
            self._running = (self._phase, start)
        start = self._running[1]
        slept = seconds is not None and at - start - seconds > LONGEST_PAUSE
        end = start + seconds if seconds is not None and slept else at
        self._close_iteration(end, float(usd) if is_money(usd) else 0.0)
        if slept:
            self._sleep(end, at)

    def _sleep(self, start: float, end: float) -> None:
        """Nothing was done in between."""
        self._turn(start, SpanKind.IDLE, self._phase)
        self._turn(end, SpanKind.WORK, self._phase)

    def _close_iteration(self, end: float, usd: float) -> None:
        if self._running is None:
            return
        phase, start = self._running
        self._running = None
        self._iterations.append(Tick(phase, start, end, usd))
        spent = self._cost[-1][1]
        self._cost += [(start, spent), (end, spent + usd)]

    def _run_end(self, at: float, record: Mapping[str, Any]) -> None:
        self._close_iteration(at, 0.0)
        try:
            self._reason = RunEndReason(str(record.get("reason")))
        except ValueError:
            self._reason = RunEndReason.FAILED
        match self._reason:
            case RunEndReason.WAITING | RunEndReason.BUDGET | RunEndReason.ITERATIONS:
                self._turn(at, SpanKind.WAITING, self._phase)
            case RunEndReason.BLOCKED | RunEndReason.FAILED:
                self._turn(at, SpanKind.BLOCKED, self._phase)
            case RunEndReason.PARKED:
                self._turn(at, SpanKind.PARKED, self._phase)
            case RunEndReason.DONE | RunEndReason.STOPPED | RunEndReason.PAUSED:
                self._turn(at, SpanKind.IDLE, self._phase)

    def _turn(self, at: float, kind: SpanKind, phase: str) -> None:
        """Start a span of another kind at `at`."""
        if at > self._since:
            last = self._spans[-1] if self._spans else None
            if last is not None and (last.kind, last.phase) == (self._kind, self._phase):
                self._spans[-1] = PhaseSpan(last.kind, last.phase, last.start, at)
            else:
                self._spans.append(PhaseSpan(self._kind, self._phase, self._since, at))
            self._since = at
        self._kind, self._phase = kind, phase


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
