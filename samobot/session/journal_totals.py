"""Adds up a journal, one event after the other, whatever a line may hold."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from samobot.session.journal_events import (
    NEEDS_PERSON,
    TRUST,
    EventName,
    Journal,
    Park,
    PhaseChange,
    Release,
    Remark,
    Run,
    RunEnd,
    RunEndReason,
    RunningIteration,
    landing_remark,
    moment,
)
from samobot.session.signal import suite_result
from samobot.system.platform.process_identity import ProcessIdentity

_KEPT = 50
_LATER = timedelta(microseconds=1)


class JournalTotals:
    """What has been added up so far; `line` is the number of the line last read, counted by the caller."""

    def __init__(self) -> None:
        self.line = 0
        self._damaged: list[int] = []
        self._damage_count = 0
        self._now = Journal()
        self._by_phase: dict[str, float] = {}
        self._by_model: dict[str, float] = {}
        self._tokens: dict[str, int] = {}
        self._iterations: dict[str, int] = {}
        self._phases: list[PhaseChange] = []
        self._voids: deque[Remark] = deque(maxlen=_KEPT)
        self._notices: deque[Remark] = deque(maxlen=_KEPT)
        self._decisions: set[str] = set()
        self._killed: deque[Run] = deque(maxlen=_KEPT)
        # Plain attributes for what most events change; a new `Journal` for each would be slow.
        self._started: datetime | None = None
        self._updated: datetime | None = None
        self._cost = 0.0
        self._unpriced = 0
        self._count = 0
        self._iteration: RunningIteration | None = None
        self._ended = 0
        self._began: datetime | None = None

    def damage(self) -> None:
        """Count the current line as unreadable."""
        self._damage_count += 1
        if len(self._damaged) < 3:
            self._damaged.append(self.line)

    def journal(self) -> Journal:
        """Return the sums as they are now."""
        problems: tuple[str, ...] = ()
        if self._damage_count:
            lines = ", ".join(str(number) for number in self._damaged)
            more = " and more" if self._damage_count > len(self._damaged) else ""
            problems = (f"The journal has {self._damage_count} unreadable line(s): {lines}{more}; skipped.",)
        return replace(
            self._now,
            started=self._started,
            updated=self._updated,
            cost_usd=self._cost,
            unpriced=self._unpriced,
            iterations=self._count,
            iteration=self._iteration,
            last_ended=self._ended,
            last_iteration_began=self._began,
            cost_by_phase=dict(self._by_phase),
            cost_by_model=dict(self._by_model),
            tokens=dict(self._tokens),
            iterations_by_phase=dict(self._iterations),
            phases=tuple(self._phases),
            voids=tuple(self._voids),
            notices=tuple(self._notices),
            decision_ids=frozenset(self._decisions),
            killed_runs=tuple(self._killed),
            damaged=self._damage_count,
            problems=problems,
        )

    def add(self, record: dict[str, Any]) -> None:
        """Take in one event, its time under `at`."""
        at: datetime = record["at"]
        if self._updated is not None and at < self._updated:
            # The clock was set back: what comes later in the journal is later all the same.
            at = self._updated + _LATER
        self._started = self._started or at
        self._updated = at
        match record["event"]:
            case EventName.RUN_START:
                self._run_start(record, at)
            case EventName.ITERATION_START:
                self._end_wait(at)
                self._lose_iteration()
                self._now = replace(self._now, released=None)
                self._iteration = RunningIteration(
                    n=_whole(record.get("n")) or 0,
                    visit=_whole(record.get("visit")) or 0,
                    phase=_text(record.get("phase")) or "",
                    session_id=_text(record.get("session_id")),
                    log=_text(record.get("log")),
                    claude_pid=_whole(record.get("claude_pid")),
                    started=at,
                    guidance=_whole(record.get("guidance")) or 0,
                    steerable=record.get("steerable") is True,
                    fenced=record["fenced"] if isinstance(record.get("fenced"), bool) else None,
                    network=_text(record.get("network")) or "",
                )
            case EventName.ITERATION_END:
                self._iteration_end(record, at)
            case EventName.SIGNAL:
                tests = suite_result(record.get("tests"))
                self._now = self._now if tests is None else replace(self._now, tests=tests)
            case EventName.PHASE:
                change = PhaseChange(
                    at,
                    _text(record.get("from")) or "",
                    _text(record.get("to")) or "",
                    _text(record.get("by")) or "",
                )
                self._phases.append(change)
            case EventName.GATE | EventName.ASK:
                self._begin_wait(at)
            case EventName.DECISION:
                identity = _text(record.get("id"))
                if identity:
                    self._decisions.add(identity)
                if record.get("kind") in ("allow_once", "allow_session", "deny"):
                    self._end_wait(at)
                if record.get("kind") in ("retry", "follow_up"):
                    self._now = replace(self._now, resolved=at)
                if record.get("kind") == "follow_up" and record.get("via") == "terminal":
                    self._notices.append(landing_remark(at, record, "It continues with a follow-up."))
                if record.get("kind") in ("retry", "action_done"):
                    self._now = replace(
                        self._now, released=Release(record["kind"], _text(record.get("who")) or "", at)
                    )
            case EventName.VOID:
                self._voids.append(
                    Remark(at, _text(record.get("kind")) or "", _text(record.get("detail")) or "")
                )
            case EventName.NOTICE:
                kind = TRUST if record.get("about") == TRUST else "notice"
                self._notices.append(Remark(at, kind, _text(record.get("text")) or ""))
            case EventName.LANDING if record.get("via") != "telegram":  # Telegram was answered there
                self._notices.append(landing_remark(at, record, _text(record.get("text")) or ""))
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
            case EventName.PROFILE:
                self._now = replace(self._now, profile=_text(record.get("profile")) or "")
            case EventName.PROVIDER:
                self._now = replace(self._now, provider=_text(record.get("provider")) or "")
            case EventName.RUN_END:
                self._run_end(record, at)
            case _:
                pass  # not part of the sums, or of a later version

    def _run_start(self, record: dict[str, Any], at: datetime) -> None:
        self._end_wait(at)
        worker = _identity(record)
        if self._now.run is None:
            self._now = replace(self._now, first_worker=worker)
        elif self._now.run.end is None:
            self._killed.append(self._now.run)
        run = Run(
            id=_text(record.get("run")) or "",
            pid=_whole(record.get("pid")),
            started=at,
            phase=_text(record.get("phase")),
            auto=record.get("auto") is True,
            worker=worker,
            scope=_text(record.get("scope")),
        )
        budget = _money(record.get("budget_usd"))
        budget = self._now.budget_usd if budget is None else budget
        self._now = replace(self._now, run=run, budget_usd=budget, park=None)
        self._lose_iteration()

    def _iteration_end(self, record: dict[str, Any], at: datetime) -> None:
        phase = _text(record.get("phase")) or ""
        known = _money(record.get("cost_usd"))
        cost = known or 0.0
        self._unpriced += known is None
        self._iterations[phase] = self._iterations.get(phase, 0) + 1
        if cost:
            self._by_phase[phase] = self._by_phase.get(phase, 0.0) + cost
        for model, usd in _items(record.get("models")):
            self._by_model[model] = self._by_model.get(model, 0.0) + (_money(usd) or 0.0)
        for kind, count in _items(record.get("tokens")):
            self._tokens[kind] = self._tokens.get(kind, 0) + (_whole(count) or 0)
        self._cost += cost
        self._count += 1
        self._began = self._iteration.started if self._iteration is not None else at
        self._iteration = None
        self._ended = _whole(record.get("n")) or self._ended

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
            by_person=record.get("by") != "outside",
            of_day=record.get("of_day") is True,
            paused=reason is RunEndReason.PAUSED or record.get("paused") is True,
        )
        run = self._now.run or Run("", None, at, end.phase, auto=False)
        park = self._now.park if reason is RunEndReason.PARKED else None
        if record.get("killed") is True:
            self._killed.append(run)
        self._now = replace(self._now, run=replace(run, end=end), park=park, released=None)
        self._lose_iteration()
        if reason in NEEDS_PERSON:
            self._begin_wait(at)
        else:
            self._end_wait(at)

    def _lose_iteration(self) -> None:
        """Count an iteration whose end was not recorded: its worker died, and its cost is unknown."""
        self._unpriced += self._iteration is not None
        self._iteration = None

    def _begin_wait(self, at: datetime) -> None:
        if self._now.waiting_since is None:
            self._now = replace(self._now, waiting_since=at)

    def _end_wait(self, at: datetime) -> None:
        since = self._now.waiting_since
        if since is not None:
            waited = self._now.waited_s + max(0.0, (at - since).total_seconds())
            self._now = replace(self._now, waited_s=waited, waiting_since=None)


def _identity(record: dict[str, Any]) -> ProcessIdentity | None:
    pid, ticks = _whole(record.get("pid")), _whole(record.get("start_ticks"))
    boot = _text(record.get("boot_id"))
    return None if pid is None or ticks is None or boot is None else ProcessIdentity(pid, ticks, boot)


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
