"""The journal: what happened in a session, one event a line, and the sums over it.

The worker appends; everybody reads. Lines are never changed, so a reader keeps its place and its sums and
a poll costs one `stat`. A damaged line is skipped and counted: money already spent must not vanish from
the sum because the machine died while a later line was written.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

from samobot.errors import StorageError
from samobot.session.files import append_line
from samobot.session.folder import SessionFolder

_MAX_LINE = 4 * 1024 * 1024
_TAIL = 64
_KEPT = 50


class EventName(StrEnum):
    """The kinds of event; their fields are listed in `docs/architecture.md`."""

    RUN_START = "run_start"
    ITERATION_START = "iteration_start"
    ITERATION_END = "iteration_end"
    SIGNAL = "signal"
    PHASE = "phase"
    GATE = "gate"
    DECISION = "decision"
    GUIDANCE = "guidance"
    VOID = "void"
    RETRY = "retry"
    PARK = "park"
    UNPARK = "unpark"
    BUDGET = "budget"
    NOTICE = "notice"
    RUN_END = "run_end"


class RunEndReason(StrEnum):
    """Why a run ended."""

    DONE = "done"
    WAITING = "waiting"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    PAUSED = "paused"
    BUDGET = "budget"
    ITERATIONS = "iterations"
    PARKED = "parked"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        """What `samobot run` exits with."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    RunEndReason.DONE: 0,
    RunEndReason.WAITING: 10,
    RunEndReason.BLOCKED: 11,
    RunEndReason.STOPPED: 12,
    RunEndReason.PAUSED: 12,
    RunEndReason.BUDGET: 13,
    RunEndReason.ITERATIONS: 13,
    RunEndReason.PARKED: 14,
    RunEndReason.FAILED: 1,
}

# After these a session rests until a person does something.
_NEEDS_PERSON = frozenset(
    {RunEndReason.WAITING, RunEndReason.BLOCKED, RunEndReason.BUDGET, RunEndReason.ITERATIONS}
)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended: when, why, in which words, with which exit code."""

    at: datetime
    reason: RunEndReason
    text: str
    cause: str | None
    exit_code: int
    phase: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One worker's life. `end` is None while it lives, and for ever if it was killed."""

    id: str
    pid: int | None
    started: datetime
    phase: str | None
    auto: bool
    end: RunEnd | None = None


@dataclass(frozen=True, slots=True)
class Park:
    """A run that waits for a usage limit to pass; `until` is None where nobody knows."""

    at: datetime
    kind: str
    until: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class RunningIteration:
    """The iteration that has started and not ended."""

    n: int
    visit: int
    phase: str
    session_id: str | None
    log: str | None
    claude_pid: int | None
    started: datetime


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A move from one phase to another and by whom: `agent`, `person` or `worker`."""

    at: datetime
    source: str
    target: str
    by: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something said in passing: a notice, or something of an agent's that was declared void."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The sums over a journal at one moment.

    Attributes:
        cost_usd: What all iterations cost together, in US dollars.
        cost_by_phase: The same by phase.
        cost_by_model: The same by model, where Claude said so.
        cost_by_day: The same by UTC day (`2026-01-15`) of the iteration's end.
        tokens: Sums of `input`, `output`, `cache_read`, `cache_write`.
        iterations: Iterations that have ended.
        iterations_by_phase: The same by phase.
        run: The newest run.
        park: The parking that is not over.
        budget_usd: The budget in force; None is no budget.
        iteration: The iteration that runs now.
        last_outcome: Outcome of the iteration that ended last.
        phases: All moves between phases.
        voids: The newest declarations that something is void (at most 50).
        notices: The newest notices (at most 50).
        decision_ids: Ids of the decisions that have been journaled.
        resolved: When a person last lifted a stop of the run: a retry, a budget, the end of a parking.
        started: Time of the first event.
        updated: Time of the last event.
        waited_s: Seconds that the session has waited for a person, up to `updated`.
        waiting_since: Since when it waits for a person now; None if it does not.
        damaged: Number of lines that could not be read.
        problems: The same as sentences.
    """

    cost_usd: float = 0.0
    cost_by_phase: Mapping[str, float] = field(default_factory=dict)
    cost_by_model: Mapping[str, float] = field(default_factory=dict)
    cost_by_day: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    iterations: int = 0
    iterations_by_phase: Mapping[str, int] = field(default_factory=dict)
    run: Run | None = None
    park: Park | None = None
    budget_usd: float | None = None
    iteration: RunningIteration | None = None
    last_outcome: str | None = None
    phases: tuple[PhaseChange, ...] = ()
    voids: tuple[Remark, ...] = ()
    notices: tuple[Remark, ...] = ()
    decision_ids: frozenset[str] = frozenset()
    resolved: datetime | None = None
    started: datetime | None = None
    updated: datetime | None = None
    waited_s: float = 0.0
    waiting_since: datetime | None = None
    damaged: int = 0
    problems: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds from the first event to the last."""
        if self.started is None or self.updated is None:
            return 0.0
        return max(0.0, (self.updated - self.started).total_seconds())


def stamp(moment: datetime) -> str:
    """Write a time as the journal does: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def append(folder: SessionFolder, event: EventName, now: datetime, /, **fields: object) -> None:
    """Append one event; it is on disk when this returns.

    Args:
        folder: The session; its `_logs` must exist.
        event: The kind.
        now: When it happened.
        **fields: The kind's fields. Times are written in UTC; a field that is None is written as null.

    Raises:
        StorageError: The disk refused.
    """
    values = {key: stamp(value) if isinstance(value, datetime) else value for key, value in fields.items()}
    append_line(folder.journal, json.dumps({"at": stamp(now), "event": event.value, **values}))


def read(folder: SessionFolder) -> Journal:
    """Read a whole journal once. A missing one is an empty one.

    Raises:
        StorageError: It is there and cannot be read.
    """
    return JournalReader(folder.journal).read()


class JournalReader:
    """Reads a journal again and again, each time only what was added.

    A file that was replaced, shortened or rewritten is read anew.

    Args:
        path: The journal file; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int, int] | None = None
        self._offset = 0
        self._tail = b""
        self._sums = _Sums()
        self._journal = Journal()

    def read(self) -> Journal:
        """Take in what was added and return the sums.

        Raises:
            StorageError: The file is there and cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                facts = os.fstat(file.fileno())
                seen = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
                if seen != self._seen:
                    if not self._continues(file, facts):
                        self._forget()
                    self._take_in(file)
                    self._seen = seen
                    self._journal = self._sums.journal()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}.") from error
        return self._journal

    def _forget(self) -> None:
        self._seen = None
        self._offset = 0
        self._tail = b""
        self._sums = _Sums()
        self._journal = Journal()

    def _continues(self, file: BinaryIO, facts: os.stat_result) -> bool:
        """Whether what was read before is still there in front of what is new."""
        if self._seen is None or self._seen[:2] != (facts.st_dev, facts.st_ino):
            return False
        start = self._offset - len(self._tail)
        file.seek(start)
        return file.read(len(self._tail)) == self._tail

    def _take_in(self, file: BinaryIO) -> None:
        file.seek(self._offset)
        while line := file.readline(_MAX_LINE):
            record = _parse(line)
            if record is None and not line.endswith(b"\n") and len(line) < _MAX_LINE:
                return  # still being written, or torn: known once the next line follows
            self._sums.line += 1
            self._offset += len(line)
            self._tail = (self._tail + line)[-_TAIL:]
            if record is not None:
                self._sums.add(record)
            elif line.strip():
                self._sums.damage()


def events(path: Path) -> Iterator[dict[str, Any]]:
    """Go through the readable events of a journal, each with its time under `at` as a `datetime`.

    Raises:
        StorageError: It is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            while line := file.readline(_MAX_LINE):
                record = _parse(line)
                if record is not None:
                    yield record
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("event"), str):
        return None
    at = moment(record.get("at"))
    return None if at is None else {**record, "at": at}


class _Sums:
    """What has been added up so far."""

    def __init__(self) -> None:
        self.line = 0
        self._damaged: list[int] = []
        self._damage_count = 0
        self._now = Journal()
        self._by_phase: dict[str, float] = {}
        self._by_model: dict[str, float] = {}
        self._by_day: dict[str, float] = {}
        self._tokens: dict[str, int] = {}
        self._iterations: dict[str, int] = {}
        self._phases: list[PhaseChange] = []
        self._voids: deque[Remark] = deque(maxlen=_KEPT)
        self._notices: deque[Remark] = deque(maxlen=_KEPT)
        self._decisions: set[str] = set()

    def damage(self) -> None:
        self._damage_count += 1
        if len(self._damaged) < 3:
            self._damaged.append(self.line)

    def journal(self) -> Journal:
        problems: tuple[str, ...] = ()
        if self._damage_count:
            lines = ", ".join(str(number) for number in self._damaged)
            more = " and more" if self._damage_count > len(self._damaged) else ""
            problems = (f"The journal has {self._damage_count} unreadable line(s): {lines}{more}; skipped.",)
        return replace(
            self._now,
            cost_by_phase=dict(self._by_phase),
            cost_by_model=dict(self._by_model),
            cost_by_day=dict(self._by_day),
            tokens=dict(self._tokens),
            iterations_by_phase=dict(self._iterations),
            phases=tuple(self._phases),
            voids=tuple(self._voids),
            notices=tuple(self._notices),
            decision_ids=frozenset(self._decisions),
            damaged=self._damage_count,
            problems=problems,
        )

    def add(self, record: dict[str, Any]) -> None:
        at: datetime = record["at"]
        self._now = replace(self._now, started=self._now.started or at, updated=at)
        match record["event"]:
            case EventName.RUN_START:
                self._run_start(record, at)
            case EventName.ITERATION_START:
                self._end_wait(at)
                self._now = replace(
                    self._now,
                    iteration=RunningIteration(
                        n=_whole(record.get("n")) or 0,
                        visit=_whole(record.get("visit")) or 0,
                        phase=_text(record.get("phase")) or "",
                        session_id=_text(record.get("session_id")),
                        log=_text(record.get("log")),
                        claude_pid=_whole(record.get("claude_pid")),
                        started=at,
                    ),
                )
            case EventName.ITERATION_END:
                self._iteration_end(record, at)
            case EventName.PHASE:
                change = PhaseChange(
                    at,
                    _text(record.get("from")) or "",
                    _text(record.get("to")) or "",
                    _text(record.get("by")) or "",
                )
                self._phases.append(change)
            case EventName.GATE:
                self._begin_wait(at)
            case EventName.DECISION:
                identity = _text(record.get("id"))
                if identity:
                    self._decisions.add(identity)
                if record.get("kind") == "retry":
                    self._now = replace(self._now, resolved=at)
            case EventName.VOID:
                self._voids.append(
                    Remark(at, _text(record.get("kind")) or "", _text(record.get("detail")) or "")
                )
            case EventName.NOTICE:
                self._notices.append(Remark(at, "notice", _text(record.get("text")) or ""))
            case EventName.PARK:
                self._now = replace(
                    self._now,
                    park=Park(
                        at,
                        _text(record.get("kind")) or "",
                        moment(record.get("until")),
                        _text(record.get("text")) or "",
                    ),
                )
            case EventName.UNPARK:
                self._now = replace(self._now, park=None, resolved=at)
            case EventName.BUDGET:
                self._now = replace(self._now, budget_usd=_money(record.get("usd")), resolved=at)
            case EventName.RUN_END:
                self._run_end(record, at)
            case _:
                pass  # of no account for the sums, or of a later version

    def _run_start(self, record: dict[str, Any], at: datetime) -> None:
        self._end_wait(at)
        run = Run(
            id=_text(record.get("run")) or "",
            pid=_whole(record.get("pid")),
            started=at,
            phase=_text(record.get("phase")),
            auto=record.get("auto") is True,
        )
        budget = _money(record.get("budget_usd"))
        budget = self._now.budget_usd if budget is None else budget
        self._now = replace(self._now, run=run, budget_usd=budget, iteration=None, park=None)

    def _iteration_end(self, record: dict[str, Any], at: datetime) -> None:
        phase = _text(record.get("phase")) or ""
        cost = _money(record.get("cost_usd")) or 0.0
        self._iterations[phase] = self._iterations.get(phase, 0) + 1
        if cost:
            self._by_phase[phase] = self._by_phase.get(phase, 0.0) + cost
            day = f"{at:%Y-%m-%d}"
            self._by_day[day] = self._by_day.get(day, 0.0) + cost
        for model, usd in _items(record.get("models")):
            self._by_model[model] = self._by_model.get(model, 0.0) + (_money(usd) or 0.0)
        for kind, count in _items(record.get("tokens")):
            self._tokens[kind] = self._tokens.get(kind, 0) + (_whole(count) or 0)
        self._now = replace(
            self._now,
            cost_usd=self._now.cost_usd + cost,
            iterations=self._now.iterations + 1,
            iteration=None,
            last_outcome=_text(record.get("outcome")),
        )

    def _run_end(self, record: dict[str, Any], at: datetime) -> None:
        try:
            reason = RunEndReason(str(record.get("reason")))
        except ValueError:
            reason = RunEndReason.FAILED
        code = _whole(record.get("exit_code"))
        end = RunEnd(
            at=at,
            reason=reason,
            text=_text(record.get("text")) or "",
            cause=_text(record.get("cause")),
            exit_code=reason.exit_code if code is None else code,
            phase=_text(record.get("phase")),
        )
        run = self._now.run or Run("", None, at, end.phase, auto=False)
        park = self._now.park if reason is RunEndReason.PARKED else None
        self._now = replace(self._now, run=replace(run, end=end), iteration=None, park=park)
        if reason in _NEEDS_PERSON:
            self._begin_wait(at)
        else:
            self._end_wait(at)

    def _begin_wait(self, at: datetime) -> None:
        if self._now.waiting_since is None:
            self._now = replace(self._now, waiting_since=at)

    def _end_wait(self, at: datetime) -> None:
        since = self._now.waiting_since
        if since is not None:
            waited = self._now.waited_s + max(0.0, (at - since).total_seconds())
            self._now = replace(self._now, waited_s=waited, waiting_since=None)


def moment(value: object) -> datetime | None:
    """Read a time as the journal writes it; None if it is not one. A time without zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _money(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            usd = float(value)
        except OverflowError:
            return None
        return usd if isfinite(usd) and usd >= 0 else None
    return None
