"""Iterations that only say what became of them: for tests of the loop, with a clock that costs no time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from samobot.claude.outcome import Outcome
from samobot.claude.outcome_kinds import OutcomeKind
from samobot.config.model_choice import ModelChoice
from samobot.config.modes import HostAlone
from samobot.money.machine_share import ShareFile
from samobot.phases import Phase
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName
from samobot.session.provider import Provider
from samobot.worker.assignment import Assignment, Report
from samobot.worker.budget import BudgetGuard
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.hub_wait import HubWait
from samobot.worker.iteration import IterationRunner
from samobot.worker.loop import Worker
from samobot.worker.run import Notice, RetryPolicy, RunContext, RunOptions
from samobot.worker.session_files import SessionFiles
from samobot.worker.usage_limit import AccountLimit
from tests.support.session_folder import write_signal


@dataclass
class Clock:
    """A clock that moves only when somebody sleeps."""

    now: datetime = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    naps: list[float] = field(default_factory=list)
    at_nap: Callable[[int], None] = lambda number: None

    def __call__(self) -> datetime:
        return self.now

    async def nap(self, stop: asyncio.Event, seconds: float) -> None:
        """Sleep without waiting; `at_nap` may do what somebody does meanwhile."""
        self.naps.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.at_nap(len(self.naps))
        await asyncio.sleep(0)

    @property
    def slept(self) -> float:
        """Seconds slept so far."""
        return sum(self.naps)


@dataclass(frozen=True)
class Played:
    """What one iteration does.

    Attributes:
        signal: What it leaves as a signal; None leaves none.
        outcome: What its process comes to.
        act: Does anything else with the session's folder.
        changed: Whether it leaves work behind.
        cost: US dollars.
        resets_at: For a usage limit.
        kind: Which usage limit.
        restart_may_help: Whether a fresh process may cure the outcome.
        unreported_agents: Sub-agents without a report.
        hindrance: How settings kept the agent from its work.
        stop: Whether a person stops the run while it goes on.
    """

    signal: dict[str, str] | None = None
    outcome: OutcomeKind = OutcomeKind.COMPLETED
    act: Callable[[SessionFolder], None] = lambda folder: None
    changed: bool = True
    cost: float | None = 0.1
    resets_at: datetime | None = None
    kind: str = "five_hour"
    restart_may_help: bool = False
    unreported_agents: int = 0
    hindrance: str = ""
    stop: bool = False


class FakeIteration(IterationRunner):
    """Plays one after the other; the last one again and again."""

    def __init__(self, files: SessionFiles, played: Sequence[Played], clock: Clock) -> None:
        self.assignments: list[Assignment] = []
        self.program = Provider.CLAUDE
        self._fake_files = files
        self._played = played
        self._clock = clock

    async def clean_up_after_a_dead_worker(self) -> None:
        """Nobody was here before."""

    async def set_up(self, stop: asyncio.Event) -> str | None:
        """There is no worktree."""
        return None

    def model(self, phase: Phase) -> ModelChoice:
        """What is configured by default."""
        return ModelChoice("opus", "medium")

    def provider(self, phase: Phase) -> Provider:
        """What is configured by default."""
        return self.program

    async def commit_problem(self) -> str | None:
        """There is no repository."""
        return None

    async def carry_out(
        self, assignment: Assignment, stop: asyncio.Event, *, answered: Callable[[], None]
    ) -> Report:
        """Do what is scripted."""
        files, folder = self._fake_files, self._fake_files.folder
        played = self._played[min(len(self.assignments), len(self._played) - 1)]
        self.assignments.append(assignment)
        guidance = files.pending_guidance()
        files.begin_iteration(assignment.phase, assignment.visit, assignment.number)
        self._clock.now += timedelta(seconds=1)
        played.act(folder)
        if played.signal is not None:
            write_signal(folder, **played.signal)
        if played.stop:
            stop.set()
        text = f"This came of it: {played.outcome}."
        if played.outcome is OutcomeKind.COMPLETED:
            answered()
        files.log(
            EventName.ITERATION_END,
            n=assignment.number,
            phase=assignment.phase,
            outcome=played.outcome,
            cost_usd=played.cost,
        )
        outcome = Outcome(
            played.outcome,
            text,
            resets_at=played.resets_at,
            restart_may_help=played.restart_may_help,
            limit_kind=played.kind,
            cost_usd=played.cost,
            unreported_agents=played.unreported_agents,
            hindrance=played.hindrance,
        )
        return Report(assignment.number, outcome, files.signal(), (), guidance, played.changed)


class RecordingHeartbeat(Heartbeat):
    """Notes down until when the run said that it rests, and None where it said that it works again."""

    def __init__(self) -> None:
        super().__init__()
        self.parked: list[datetime | None] = []

    def show_parked(self, until: datetime) -> None:
        """Say it, and note it down."""
        super().show_parked(until)
        self.parked.append(until)

    def show_idle(self) -> None:
        """Say it, and note it down."""
        super().show_idle()
        self.parked.append(None)


@dataclass
class Bench:
    """A worker on a session, with everything that a test wants to see."""

    folder: SessionFolder
    worker: Worker
    iteration: FakeIteration
    heartbeat: RecordingHeartbeat
    clock: Clock
    notices: list[str]
    files: SessionFiles


def bench(
    folder: SessionFolder,
    *played: Played,
    options: RunOptions | None = None,
    retry_policy: RetryPolicy | None = None,
    daily_usd: float | None = None,
    alone: HostAlone = HostAlone.CONTINUE,
    codex_is_priced: bool = False,
) -> Bench:
    """Put a worker together that plays these iterations."""
    clock = Clock()
    files = SessionFiles(folder, clock)
    iteration = FakeIteration(files, played, clock)
    notices: list[str] = []

    def tell(notice: Notice) -> None:
        notices.append(notice.text)

    money = BudgetGuard(
        files, folder.path.parent / "state", daily_usd, now=clock, codex_is_priced=codex_is_priced
    )
    account = AccountLimit(folder.path.parent / "state")
    heartbeat = RecordingHeartbeat()
    run = RunContext(files, options or RunOptions(), retry_policy or RetryPolicy(), clock, tell)
    hub_wait = HubWait(alone, ShareFile(folder.path.parent / "state"))
    worker = Worker(run, iteration, heartbeat, account, money, hub_wait, nap=clock.nap)
    return Bench(folder, worker, iteration, heartbeat, clock, notices, files)
