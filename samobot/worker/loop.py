"""The worker: iterations of the Claude CLI on one session, until it is done or the user is needed.

`Worker.run` is one run. `_iterate` is one iteration: check for a reason to stop, run the CLI, judge
by the facts on disk, act.
"""

from __future__ import annotations

import asyncio
import uuid

from samobot import __version__
from samobot.errors import BusyError, SamobotError
from samobot.phases import RULES, BlockCause, Phase, Step, decide
from samobot.session.asks import end_reported
from samobot.session.journal import EventName, RunEndReason
from samobot.session.lock import RunLock
from samobot.session.provider import Provider
from samobot.session.signal import Signal
from samobot.system.scope import own_scope
from samobot.text import full_stop
from samobot.worker.assignment import Assignment, Report
from samobot.worker.budget import BudgetGuard
from samobot.worker.failures import FailureHandler, unreported
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.hub_wait import HubWait
from samobot.worker.iteration import IterationRunner
from samobot.worker.limit_wait import LimitWait
from samobot.worker.run import Notice, RunContext, RunResult
from samobot.worker.run_ends import RunEnds
from samobot.worker.session_files import asked_for
from samobot.worker.sleep import Sleeper, SleepFunction, sleep_unless_stopped
from samobot.worker.stagnation import Stagnation
from samobot.worker.strength import StrongerTry
from samobot.worker.usage_limit import AccountLimit

RETURNS_BEFORE_ASKING = 3
"""How often testing may send the work back to quality before the user is asked, and again after each retry."""


class Worker:
    """One run of one session.

    Args:
        run: The run's options, files and clock.
        iteration: Carries out single iterations.
        heartbeat: Shows the worker's state to other processes.
        account: The account's usage limit, shared by all workers.
        money: The budgets.
        hub_wait: Waits while this machine is cut off from its hub.
        nap: Sleeps.

    Attributes:
        ran: Iterations that it has begun.
    """

    def __init__(
        self,
        run: RunContext,
        iteration: IterationRunner,
        heartbeat: Heartbeat,
        account: AccountLimit,
        money: BudgetGuard,
        hub_wait: HubWait,
        *,
        nap: SleepFunction = sleep_unless_stopped,
    ) -> None:
        self.ran = 0
        self._context = run
        self._hub_wait = hub_wait
        self._files = run.files
        self._options = run.options
        self._now = run.now
        self._notify = run.notify
        self._iteration = iteration
        self._heartbeat = heartbeat
        self._money = money
        self._stop = asyncio.Event()
        self._from_outside = False
        self._sleeper = Sleeper(run, self._stop, nap)
        self._ends = RunEnds(run.files, self._sleeper)
        self._limit_wait = LimitWait(run, account, heartbeat, self._sleeper)
        self._troubles = FailureHandler(run, self._sleeper, self._limit_wait)
        self._stagnation = Stagnation()
        self._stronger = StrongerTry(run, iteration.model)
        self._visit = 0
        self._restored = ""

    def stop(self, *, by_person: bool = True) -> None:
        """Ask the run to end now; may be called more than once.

        Args:
            by_person: Whether the user stops it; else the machine or a service goes down, and the run continues
                automatically later.
        """
        self._from_outside = not by_person and (self._from_outside or not self._stop.is_set())
        self._stop.set()

    async def run(self) -> RunResult:
        """Run iterations until there is a reason to end. A session that is done is left as it is.

        Raises:
            BusyError: Another worker holds the session.
            UsageError: The session's files name no known phase, or its working directory is gone.
            StorageError: The disk refused; the session can be run again from where it is.
        """
        if self._files.is_done():
            return RunResult(RunEndReason.DONE, "It was done before; nothing is left to do.", Phase.DONE)
        end = await self._run_locked()
        while end.reason is RunEndReason.WAITING and self._files.decided_meanwhile():
            # A decision came while the run was ending, and was acknowledged as received by the running worker.
            if end.paused:
                return self._ends.paused(self._files.phase())
            try:
                end = await self._run_locked()
            except BusyError:
                break
        return end

    async def _run_locked(self) -> RunResult:
        with RunLock.acquire(self._files.folder, now=self._now()) as lock:
            self._heartbeat.bind(lock)
            await self._iteration.clean_up_after_a_dead_worker()
            phase = self._files.phase()
            self._files.log(
                EventName.RUN_START,
                run=str(uuid.uuid4()),
                pid=lock.holder.pid,
                start_ticks=lock.holder.start_ticks,
                boot_id=lock.holder.boot_id,
                scope=own_scope(self._files.folder.name),
                version=__version__,
                phase=phase,
                budget_usd=self._budget_of_run(),
                auto=self._options.auto,
            )
            try:
                self._begin()
                note = await self._iteration.set_up(self._stop)
                if note is not None:
                    self._notify(Notice(note))
                end = None
                while end is None:
                    end = await self._iterate()
            except SamobotError as error:
                self._ends.log_failure(error)
                raise
            self._ends.log(end)
            return end

    def _begin(self) -> None:
        """Prepare the session: carry out decisions, and continue the counters from its files."""
        self._files.forget_requests()
        self._files.sweep()
        self._files.settle()
        self._files.withdraw_a_stale_approval()
        phase = self._files.phase()
        self._visit = self._files.visit()
        if self._visit >= RULES[phase].limit:
            # The limit was reported when it was reached; a new run means to continue.
            self._visit = 0

    async def _iterate(self) -> RunResult | None:
        """Run one iteration, or return why there is none."""
        phase = self._files.phase()
        provider = self._iteration.provider(phase)
        end = self._reason_to_end(phase, provider)
        if end is not None:
            return end
        if await self._hub_wait.before_iteration(self._context, self._heartbeat, self._sleeper):
            return None
        end = await self._limit_wait.before_iteration(phase, provider)
        if end is not None or self._stop.is_set() or self._sleeper.pause_requested:
            return end
        if self._iteration.provider(phase) is not provider:
            # Chosen during a wait: that program has limits of its own, and a budget may not bind it.
            self._limit_wait.ended()
            return None
        problem = await self._iteration.commit_problem() if self.ran == 0 else None
        if problem is not None:
            return self._ends.blocked(phase, BlockCause.FAILURES, problem, None)
        self.ran += 1
        self._visit += 1
        assignment = Assignment(
            phase=phase,
            number=self._files.next_number(),
            visit=self._visit,
            budget_left=self._money.left(),
            provider=provider,
            reminder=" ".join(
                filter(None, (self._restored, self._troubles.reminder, self._stronger.reminder))
            ),
            stronger=self._stronger.pending,
        )
        report = await self._iteration.carry_out(assignment, self._stop, answered=self._limit_wait.answered)
        if report.ended_well:  # also if the run ends now: the work stands
            self._files.guidance_given(report.guidance, report.number)
            end_reported(self._files.folder, report.asks_reported, report.process)
        self._limit_wait.ended()
        self._restored = report.restored
        for sentence in (*report.reverted, *filter(None, [report.restored])):
            self._notify(Notice(sentence))
        for sentence in self._money.charge(report.outcome):
            self._notify(Notice(sentence))
        if self._stop.is_set():
            return self._ends.stopped(phase, from_outside=self._from_outside)
        if report.lost is not None:
            # The agent wrote its signal into another folder than that of its session, or did not come to it.
            self._files.clear_signal()
            return self._ends.blocked(phase, BlockCause.FAILURES, report.lost, report.number)
        if report.outcome.note:
            self._notify(Notice(report.outcome.note))
        if isinstance(report.signal, Signal) and report.outcome.unreported_agents:
            # The agent signaled without their findings.
            self._files.clear_signal()
            return await self._troubles.deal_with(phase, report, unreported(report.outcome))
        if isinstance(report.signal, Signal):
            return self._act_on(phase, report.signal, report)
        if report.outcome.kind.remedy.is_no_fault_of_the_iteration:
            self._visit -= 1
        return await self._troubles.deal_with(phase, report, report.signal)

    # Reasons to end before an iteration

    def _reason_to_end(self, phase: Phase, provider: Provider) -> RunResult | None:
        if self._stop.is_set():
            return self._ends.stopped(phase, from_outside=self._from_outside)
        if self._ends.is_to_pause():
            self._files.flow("Paused by the user")
            return self._ends.paused(phase)
        waiting_for = self._files.open_gate()
        if waiting_for is not None:
            return self._ends.waiting(phase, waiting_for, self._files.what_is_needed())
        if self._visit >= RULES[phase].limit:
            return self._ends.blocked(
                phase,
                BlockCause.ITERATION_LIMIT,
                f"The {phase} phase has had its {RULES[phase].limit} iterations without finishing. "
                "Look at what it is doing; guidance or a retry continues it.",
                None,
            )
        self._files.take_new_budget()
        over, day_is_over = self._files.over_budget(), self._money.day_is_over()
        if over is not None or day_is_over is not None:
            text = over or day_is_over or ""
            self._files.flow(text)
            return RunResult(RunEndReason.BUDGET, text, phase, of_day=over is None)
        out_of_sight = self._money.out_of_sight(provider)
        if out_of_sight is not None:
            return self._ends.blocked(phase, BlockCause.FAILURES, out_of_sight, None)
        most = self._options.max_iterations
        if most is not None and self.ran >= most:
            count = "1 iteration was" if most == 1 else f"{most} iterations were"
            return RunResult(RunEndReason.ITERATIONS, f"{count} run, as asked.", phase)
        return None

    def _budget_of_run(self) -> float | None:
        """The budget that this run sets; None leaves the one that is in force."""
        if self._options.budget_usd is not None:
            return self._options.budget_usd
        return self._options.default_budget_usd if self._files.budget() is None else None

    # Consequences of an iteration

    def _act_on(self, phase: Phase, signal: Signal, report: Report) -> RunResult | None:
        was_reminded = self._troubles.reminded_of_files
        self._troubles.forget()
        self._stronger.end()
        decision = decide(
            phase,
            signal.status,
            signal.phase,
            self._files.gate_facts(),
            waiting_for=signal.waiting_for,
            reason=asked_for(signal),
            may_remind=not was_reminded,
        )
        match decision.step:
            case Step.STAY:
                self._files.go_on(phase, signal.summary, report.number)
                return self._look_for_stagnation(phase, report)
            case Step.MOVE:
                return self._move(phase, decision.phase, signal, report.number)
            case Step.WAIT:
                assert decision.waiting_for is not None
                self._files.wait(phase, decision.waiting_for, signal.summary, report.number)
                return self._ends.waiting(phase, decision.waiting_for, decision.reason)
            case Step.REMIND:
                self._files.go_on(phase, signal.summary, report.number)
                self._files.clear_signal()
                self._troubles.remind_of_files(decision.reason, report.number)
                return None
            case Step.BLOCK if self._stronger.instead(phase, signal, decision, report.number):
                return None
            case Step.BLOCK:
                assert decision.cause is not None
                reason = self._stronger.with_failed_try(decision.reason)
                return self._ends.blocked(phase, decision.cause, reason, report.number)
            case Step.FINISH if self._files.pending_guidance():
                # It came too late for this iteration, and a finished session would never read it.
                self._files.go_on(phase, signal.summary, report.number)
                self._files.flow("Not finished yet: new guidance has come", report.number)
                return None
            case Step.FINISH:
                self._files.finish(signal.summary, report.number)
                return RunResult(
                    RunEndReason.DONE,
                    signal.summary or "The session is done.",
                    Phase.DONE,
                    unfinished=report.unfinished,
                )

    def _move(self, phase: Phase, target: Phase, signal: Signal, number: int) -> RunResult | None:
        visits = self._files.move(phase, target, signal.summary, number)
        self._visit = 0
        self._stagnation.forget()
        self._stronger.forget()
        self._notify(Notice(f"{phase} → {target}"))
        returns = visits - 1
        if target is Phase.QUALITY and returns > 0 and returns % RETURNS_BEFORE_ASKING == 0:
            return self._ends.blocked(
                target,
                BlockCause.ITERATION_LIMIT,
                f"Testing has sent the work back to quality {returns} times, the last time with: "
                f"{full_stop(signal.summary or 'nothing said')} Should they continue? A retry gives them "
                f"{RETURNS_BEFORE_ASKING} more rounds; guidance can name what may stay as it is.",
                number,
            )
        return None

    def _look_for_stagnation(self, phase: Phase, report: Report) -> RunResult | None:
        if not self._stagnation.count(changed=report.changed):
            return None
        self._stagnation.forget()
        return self._ends.blocked(phase, BlockCause.STAGNATION, self._stagnation.reason, report.number)
