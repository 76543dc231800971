"""The events of a journal, the reasons why runs end, and the sums over a journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.session.signal import SuiteResult
from samobot.system.platform.process_identity import ProcessIdentity

TRUST = "trust"
"""What a notice is about that reports something of the project that the user has not trusted."""


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
    PROFILE = "profile"
    PROVIDER = "provider"
    LANDING = "landing"
    NOTICE = "notice"
    ASK = "ask"
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

NEEDS_PERSON = frozenset(
    {RunEndReason.WAITING, RunEndReason.BLOCKED, RunEndReason.BUDGET, RunEndReason.ITERATIONS}
)
"""After these a session is idle until the user acts."""


@frozen
class RunEnd:
    """The end of a run: time, reason, text and exit code; whether the user or a shutdown stopped it; whether the
    session's budget or the day's was used up; and whether the user asked for a pause, which applies also after the
    gate was decided.
    """

    at: datetime
    reason: RunEndReason
    text: str
    cause: str | None
    exit_code: int
    phase: str | None
    by_person: bool = True
    of_day: bool = False
    paused: bool = False


@frozen
class Run:
    """One worker's life.

    Attributes:
        id: Unique id.
        pid: The worker's process id.
        started: When it took the session.
        phase: The phase the session was in.
        auto: Whether the bot may decide gates automatically.
        worker: The worker's process, if the journal identifies it.
        scope: The cgroup of the worker's own systemd scope, in which all that it started stays; None without one.
        end: None while it lives, and forever if it was killed.
    """

    id: str
    pid: int | None
    started: datetime
    phase: str | None
    auto: bool
    worker: ProcessIdentity | None = None
    scope: str | None = None
    end: RunEnd | None = None


@frozen
class Park:
    """A run that waits for a usage limit to reset; `until` is None if that time is unknown."""

    at: datetime
    kind: str
    until: datetime | None
    text: str


@frozen
class RunningIteration:
    """The iteration that has started and not ended."""

    n: int
    visit: int
    phase: str
    session_id: str | None
    log: str | None
    claude_pid: int | None
    started: datetime
    fenced: bool | None = None
    """Whether the agent runs inside the fence; None in journals of before there was one."""
    network: str = ""
    """What it can connect to, as `SAMOBOT_FENCE_NET` names it; empty in journals of before that could be chosen."""
    steerable: bool = False
    """Whether guidance reaches it while it runs."""
    guidance: int = 0
    """Number of guidance items it was given that no iteration had been given before."""


@frozen
class PhaseChange:
    """A move from one phase to another and by whom: `agent`, `person` or `worker`."""

    at: datetime
    source: str
    target: str
    by: str


@frozen
class Remark:
    """A remark of the worker: `notice`, `trust`, a landing with its step or a follow-up from a terminal, or a change of the agent that was declared void."""

    at: datetime
    kind: str
    text: str
    step: str = ""


@frozen
class Release:
    """A decision of the user after which the session can continue.

    Attributes:
        kind: `retry` for a block, `action_done` for something that the user was asked to do.
        who: The user.
        at: When it was made.
    """

    kind: str
    who: str
    at: datetime


@frozen
class Journal:
    """The sums over a journal at one moment.

    Attributes:
        cost_usd: The cost of all iterations, in US dollars; a lower bound if some are unpriced.
        unpriced: Iterations that ended, or whose worker did, without reporting a cost.
        cost_by_phase: The same by phase.
        cost_by_model: The same by model, as far as Claude reported it.
        tokens: Sums of `input`, `output`, `cache_read`, `cache_write`.
        iterations: Iterations that have ended.
        iterations_by_phase: The same by phase.
        run: The newest run.
        park: The parking that is not over.
        budget_usd: The budget in force; None is no budget.
        profile: Name of the profile that the user chose for the session; empty if none.
        provider: Name of the program that the user chose for the session; empty if none.
        iteration: The iteration that runs now.
        last_ended: Number of the iteration that ended last; 0 before the first.
        last_iteration_began: When that one had begun.
        phases: All moves between phases.
        voids: The newest declarations that something is void (at most 50).
        notices: The newest notices (at most 50).
        decision_ids: Ids of the decisions that have been journaled.
        resolved: When the user last lifted the end of a run: a retry, a budget, the end of a parking.
        released: The decision that lifts a block or a wait, if nothing has run since.
        started: Time of the first event.
        first_worker: The worker of the first run, if its line identifies the process.
        killed_runs: The last runs whose worker was killed (at most 50): what they had started was never swept.
        updated: Time of the last event.
        waited_s: Seconds that the session has waited for the user, up to `updated`.
        tests: Result of the last test run that a signal reported.
        waiting_since: Since when it waits for the user now; None if it does not.
        damaged: Number of lines that could not be read.
        problems: The same as sentences.
    """

    cost_usd: float = 0.0
    unpriced: int = 0
    tests: SuiteResult | None = None
    cost_by_phase: Mapping[str, float] = field(default_factory=dict)
    cost_by_model: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    iterations: int = 0
    iterations_by_phase: Mapping[str, int] = field(default_factory=dict)
    run: Run | None = None
    park: Park | None = None
    budget_usd: float | None = None
    profile: str = ""
    provider: str = ""
    iteration: RunningIteration | None = None
    last_ended: int = 0
    last_iteration_began: datetime | None = None
    phases: tuple[PhaseChange, ...] = ()
    voids: tuple[Remark, ...] = ()
    notices: tuple[Remark, ...] = ()
    decision_ids: frozenset[str] = frozenset()
    resolved: datetime | None = None
    released: Release | None = None
    started: datetime | None = None
    first_worker: ProcessIdentity | None = None
    killed_runs: tuple[Run, ...] = ()
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


def round_of(event: Mapping[str, Any]) -> int | None:
    """Return the number of the round that an event begins, 2 being the first follow-up; None if it begins none."""
    number = event.get("round")
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 1 else None


def landing_remark(at: datetime, event: Mapping[str, Any], text: str) -> Remark:
    """What a user did with a finished session outside the chat, to be reported there."""
    via = event.get("via") or "file"
    how = "automatically" if via == "auto" else f"from the {via}"
    return Remark(
        at, "landing", f"{text} ({event.get('who') or 'somebody'}, {how})", str(event.get("step") or "")
    )


def stamp(moment: datetime) -> str:
    """Write a time as the journal does: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: object) -> datetime | None:
    """Read a time as the journal writes it; None if it is not one. A time without zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is UTC:
            return found
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
