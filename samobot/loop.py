"""The worker: iterations of the Claude CLI on one session, until it is done or a person is needed.

`Worker.run` is one run. `_iterate` is one iteration: see whether there is a reason to stop, run the CLI, judge
by the facts on disk, act. How an iteration is carried out stands in `iteration`, what the session's files say
in `book`, how long to wait in `patience`.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from samobot import __version__
from samobot.book import Book, asked_for
from samobot.claude.outcome import Outcome, Remedy
from samobot.iteration import Assignment, Iteration, Report
from samobot.patience import Patience
from samobot.phases import RULES, BlockCause, Phase, Step, WaitingFor, decide
from samobot.session import control
from samobot.session.journal import EventName, RunEndReason
from samobot.session.lock import RunLock
from samobot.session.signal import Signal, SignalProblem

STAGNATION_AFTER = 5
"""Iterations in a row that may change nothing before a person is asked."""

QUALITY_VISITS = 10
"""How often a session may come back to the quality phase before a person is asked."""

SAID_AFTER = 600.0
"""Seconds of a service at fault after which a person is told."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person asked of one run.

    Attributes:
        budget_usd: What the whole session may cost, in US dollars.
        default_budget_usd: The same for a session for which nobody has said a budget.
        max_iterations: Iterations of this run after which it ends.
        wait_for_limits: Wait for a usage limit's reset; else end as parked.
        auto: Whether the bot may decide gates by itself (`--auto`); only noted here.
    """

    budget_usd: float | None = None
    default_budget_usd: float | None = None
    max_iterations: int | None = None
    wait_for_limits: bool = True
    auto: bool = False


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended.

    Attributes:
        reason: One of the reasons that have an exit code.
        text: The same in words for a person.
        phase: The phase the session is in now.
        waiting_for: What a person has to do, where it waits.
        cause: Who blocked it, where it is blocked.
        until: When a parked session may go on.
    """

    reason: RunEndReason
    text: str
    phase: Phase
    waiting_for: WaitingFor | None = None
    cause: BlockCause | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened in a run and that a person at the terminal wants to see."""

    text: str


class Worker:
    """One run of one session.

    Args:
        book: The session's files.
        iteration: Carries out single iterations.
        options: What was asked of this run.
        patience: How long to wait after failures.
        now: The clock, aware.
        tell: Is given what a person at the terminal wants to see.
    """

    def __init__(
        self,
        book: Book,
        iteration: Iteration,
        options: RunOptions,
        patience: Patience,
        *,
        now: Callable[[], datetime],
        tell: Callable[[Notice], None],
    ) -> None:
        self._book = book
        self._iteration = iteration
        self._options = options
        self._patience = patience
        self._now = now
        self._tell = tell
        self._stop = asyncio.Event()
        self._ran = 0
        self._visit = 0
        self._missing = 0
        self._failures = 0
        self._faults = 0
        self._fault_since: datetime | None = None
        self._unchanged = 0
        self._trace: str | None = None
        self._reminder = ""

    def stop(self) -> None:
        """Ask the run to end now; safe to call from a signal handler, and more than once."""
        self._stop.set()

    async def run(self) -> RunEnd:
        """Run iterations until there is a reason to end.

        Raises:
            BusyError: Another worker holds the session.
            UsageError: The session's files name no phase that there is.
        """
        phase = self._book.phase()
        with RunLock.acquire(self._book.folder, now=self._now()) as lock:
            self._iteration.bind(lock)
            await self._iteration.clean_up_after_a_dead_worker()
            self._book.log(
                EventName.RUN_START,
                run=str(uuid.uuid4()),
                version=__version__,
                phase=phase,
                budget_usd=self._budget_of_run(),
                auto=self._options.auto,
            )
            self._begin()
            end = None
            while end is None:
                end = await self._iterate()
            self._finish(end)
            return end

    def _begin(self) -> None:
        """Take up the session where it is: carry out what a person decided, and count on from its files."""
        self._book.forget_requests()
        self._book.settle()
        phase = self._book.phase()
        self._visit = self._book.visit()
        if self._visit >= RULES[phase].limit:
            # The limit was told when it was reached; whoever runs it again means to go on.
            self._visit = 0

    async def _iterate(self) -> RunEnd | None:
        """Carry out one iteration, or say why there is none."""
        end = self._reason_to_end()
        if end is not None:
            return end
        phase = self._book.phase()
        self._ran += 1
        self._visit += 1
        assignment = Assignment(
            phase=phase,
            number=self._book.next_number(),
            visit=self._visit,
            budget_left=self._budget_left(),
            reminder=self._reminder,
        )
        report = await self._iteration.carry_out(assignment, self._stop)
        for voided in report.voided:
            self._tell(Notice(voided))
        if self._stop.is_set():
            return self._stopped(phase)
        signal = report.signal
        if isinstance(signal, Signal):
            return self._act_on_signal(phase, signal, report)
        match report.outcome.kind.remedy:
            case Remedy.GO_ON:
                return self._act_on_no_signal(phase, signal, report)
            case Remedy.RETRY:
                return await self._retry(phase, report)
            case Remedy.BACK_OFF:
                return await self._back_off(phase, report)
            case Remedy.PARK:
                return await self._park(phase, report)
            case Remedy.ASK:
                return self._block(phase, BlockCause.ACCOUNT, report.outcome.text, report.number)
            case Remedy.CAP:
                return self._over_budget(phase)

    # Reasons to end before an iteration.

    def _reason_to_end(self) -> RunEnd | None:
        phase = self._book.phase()
        if self._stop.is_set():
            return self._stopped(phase)
        if self._book.take_request(control.RequestKind.PAUSE):
            self._book.flow("Paused by a person")
            return RunEnd(RunEndReason.PAUSED, "Paused, as asked.", phase)
        waiting_for = self._book.open_gate()
        if waiting_for is not None:
            return self._still_waiting(phase, waiting_for)
        if self._visit >= RULES[phase].limit:
            return self._block(
                phase,
                BlockCause.ITERATION_LIMIT,
                f"The {phase} phase has had its {RULES[phase].limit} iterations without coming to an end. "
                "Look at what it is doing; guidance and another try go on.",
                None,
            )
        self._book.take_new_budget()
        left = self._budget_left()
        if left is not None and left <= 0:
            return self._over_budget(phase)
        most = self._options.max_iterations
        if most is not None and self._ran >= most:
            return RunEnd(RunEndReason.ITERATIONS, f"{most} iterations were run, as asked.", phase)
        return None

    def _budget_of_run(self) -> float | None:
        """The budget that this run sets; None leaves the one that is in force."""
        if self._options.budget_usd is not None:
            return self._options.budget_usd
        return self._options.default_budget_usd if self._book.budget() is None else None

    def _budget_left(self) -> float | None:
        budget = self._book.budget()
        return None if budget is None else budget - self._book.cost()

    # What an iteration led to.

    def _act_on_signal(self, phase: Phase, signal: Signal, report: Report) -> RunEnd | None:
        self._missing = self._failures = self._faults = 0
        self._fault_since = None
        self._reminder = ""
        self._book.guidance_given(report.guidance, report.number)
        decision = decide(
            phase,
            signal.status,
            signal.phase,
            self._book.gate_facts(),
            waiting_for=signal.waiting_for,
            reason=asked_for(signal),
        )
        match decision.step:
            case Step.STAY:
                self._book.unblock(phase, signal.summary, report.number)
                return self._stagnation(phase, report)
            case Step.MOVE:
                return self._move(phase, decision.phase, signal, report.number)
            case Step.WAIT:
                assert decision.waiting_for is not None
                self._book.wait(phase, decision.waiting_for, signal.summary, report.number)
                return RunEnd(RunEndReason.WAITING, decision.reason, phase, waiting_for=decision.waiting_for)
            case Step.BLOCK:
                assert decision.cause is not None
                return self._block(phase, decision.cause, decision.reason, report.number)
            case Step.FINISH:
                self._book.finish(signal.summary, report.number)
                return RunEnd(RunEndReason.DONE, signal.summary or "The session is done.", Phase.DONE)

    def _move(self, phase: Phase, target: Phase, signal: Signal, number: int) -> RunEnd | None:
        visits = self._book.move(phase, target, signal.summary, number)
        self._visit = 0
        self._unchanged = 0
        self._tell(Notice(f"{phase} → {target}"))
        if target is Phase.QUALITY and visits > QUALITY_VISITS:
            return self._block(
                target,
                BlockCause.ITERATION_LIMIT,
                f"The session has come back to quality {visits} times; testing and quality do not agree.",
                number,
            )
        return None

    def _act_on_no_signal(self, phase: Phase, problem: SignalProblem, report: Report) -> RunEnd | None:
        self._missing += 1
        if self._missing >= 2:
            return self._block(
                phase,
                BlockCause.NO_SIGNAL,
                f"Two iterations in a row ended without a signal that can be used. {problem.message}",
                report.number,
            )
        self._reminder = f"{report.outcome.text} {problem.message}".strip()
        self._book.flow("No usable signal; the iteration is repeated with a reminder", report.number)
        self._tell(Notice(f"No usable signal: {problem.message}"))
        return None

    def _stagnation(self, phase: Phase, report: Report) -> RunEnd | None:
        trace = f"{phase} {report.trace}"
        self._unchanged = self._unchanged + 1 if trace == self._trace else 1
        self._trace = trace
        if self._unchanged < STAGNATION_AFTER:
            return None
        self._unchanged = 0
        return self._block(
            phase,
            BlockCause.STAGNATION,
            f"{STAGNATION_AFTER} iterations in a row said “continue” and changed nothing: no commit, no file in the "
            "working directory, no file in the session. Say with guidance what to do differently, or stop it.",
            report.number,
        )

    # When an iteration did not end well.

    async def _retry(self, phase: Phase, report: Report) -> RunEnd | None:
        self._failures += 1
        text = report.outcome.text
        if self._failures > self._patience.max_retries:
            return self._fail(
                phase, f"{self._failures} iterations in a row failed. The last: {text}", report.number
            )
        delay = self._patience.before_retry(self._failures)
        self._log_retry(report.outcome, self._failures, delay)
        self._reminder = (
            f"The last iteration did not end by itself: {text} What it did so far is in the files."
        )
        self._tell(
            Notice(
                f"{text} Trying again in {delay:.0f} s ({self._failures} of {self._patience.max_retries})."
            )
        )
        await self._rest(self._now() + timedelta(seconds=delay))
        return None

    async def _back_off(self, phase: Phase, report: Report) -> RunEnd | None:
        outcome = report.outcome
        self._faults += 1
        self._visit -= 1  # the service's fault uses up none of the phase's iterations
        now = self._now()
        self._fault_since = self._fault_since or now
        delay = self._patience.before_next_try(self._faults)
        self._log_retry(outcome, self._faults, delay)
        if now - self._fault_since >= timedelta(seconds=SAID_AFTER):
            self._book.log(
                EventName.NOTICE, text=f"{outcome.text} Trying again every {delay / 60:.0f} minutes."
            )
        self._tell(Notice(f"{outcome.text} Trying again in {delay:.0f} s."))
        await self._rest(now + timedelta(seconds=delay))
        return None

    async def _park(self, phase: Phase, report: Report) -> RunEnd | None:
        outcome = report.outcome
        self._visit -= 1
        until = self._patience.wake_at(outcome.resets_at, self._now(), random.uniform(0, 60))  # noqa: S311
        self._book.log(EventName.PARK, kind=outcome.limit_kind, until=until, text=outcome.text)
        self._book.flow(f"Parked: {outcome.text}")
        if not self._options.wait_for_limits:
            return RunEnd(RunEndReason.PARKED, outcome.text, phase, until=until)
        self._tell(Notice(f"{outcome.text} It goes on by itself at {until.astimezone():%H:%M}."))
        self._iteration.note_parked(until, parked=True)
        by_person = await self._rest(until)
        self._iteration.note_parked(None, parked=False)
        if not self._stop.is_set():
            self._book.log(EventName.UNPARK, by="person" if by_person else "reset")
            self._tell(Notice("Goes on."))
        return None

    def _log_retry(self, outcome: Outcome, attempt: int, delay: float) -> None:
        self._book.log(
            EventName.RETRY, attempt=attempt, delay_s=round(delay, 1), outcome=outcome.kind, text=outcome.text
        )

    async def _rest(self, until: datetime) -> bool:
        """Wait until a time of the wall clock, a stop, or a person's wish to go on; True for the last."""
        while not self._stop.is_set():
            # Short naps, so that a clock that jumps or a laptop that slept is noticed.
            left = (until - self._now()).total_seconds()
            if left <= 0:
                return False
            if self._book.take_request(control.RequestKind.RESUME):
                return True
            try:
                await asyncio.wait_for(self._stop.wait(), min(left, 1.0))
            except TimeoutError:
                continue
        return False

    # Ends.

    def _still_waiting(self, phase: Phase, waiting_for: WaitingFor) -> RunEnd:
        return RunEnd(RunEndReason.WAITING, self._book.what_is_needed(), phase, waiting_for=waiting_for)

    def _block(self, phase: Phase, cause: BlockCause, reason: str, number: int | None) -> RunEnd:
        self._book.block(phase, reason, number)
        return RunEnd(RunEndReason.BLOCKED, reason, phase, cause=cause)

    def _fail(self, phase: Phase, reason: str, number: int) -> RunEnd:
        self._book.block(phase, reason, number)
        return RunEnd(RunEndReason.FAILED, reason, phase, cause=BlockCause.FAILURES)

    def _over_budget(self, phase: Phase) -> RunEnd:
        budget = self._book.budget() or 0.0
        text = f"The budget of ${budget:.2f} is used up: ${self._book.cost():.2f} so far."
        self._book.flow(text)
        return RunEnd(RunEndReason.BUDGET, text, phase)

    def _stopped(self, phase: Phase) -> RunEnd:
        self._book.stopped(phase, "Stopped by a person")
        return RunEnd(RunEndReason.STOPPED, "Stopped by a person.", phase)

    def _finish(self, end: RunEnd) -> None:
        self._book.log(
            EventName.RUN_END,
            reason=end.reason,
            cause=end.cause,
            text=end.text,
            exit_code=end.reason.exit_code,
            phase=end.phase,
        )
