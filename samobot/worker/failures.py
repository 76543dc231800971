"""Handling of iterations that left no signal: remind, retry, back off, or block the session."""

from __future__ import annotations

from datetime import datetime, timedelta

from samobot.claude.outcome import Outcome
from samobot.claude.outcome_kinds import OutcomeKind, Remedy
from samobot.phases import BlockCause, Phase
from samobot.session.journal import EventName, RunEndReason
from samobot.session.signal import SignalProblem
from samobot.worker.assignment import Report
from samobot.worker.limit_wait import LimitWait
from samobot.worker.run import Notice, RunContext, RunResult
from samobot.worker.sleep import Sleeper

SAID_AFTER = timedelta(minutes=10)
"""How long a service may fail before the user is notified."""

_NOT_ALLOWED = (OutcomeKind.AUTH, OutcomeKind.ACCOUNT)


class FailureHandler:
    """Counts failures in a row and decides what to do about them.

    Args:
        run: The run.
        sleeper: How it waits.
        limit_wait: What it does about the account's usage limit.

    Attributes:
        reminder: What the next iteration has to know about the previous one; empty if nothing was wrong.
        reminded_of_files: Whether that reminder is about a plan or questions that cannot be read.
    """

    def __init__(self, run: RunContext, sleeper: Sleeper, limit_wait: LimitWait) -> None:
        self._run = run
        self._sleeper = sleeper
        self._limit_wait = limit_wait
        self.forget()

    def forget(self) -> None:
        """Reset the counters: an iteration has ended well."""
        self.reminder = ""
        self.reminded_of_files = False
        self._unsaid = 0
        self._hindrance = ""
        self._failures = 0
        self._faults = 0
        self._fault_since: datetime | None = None
        self._fault_said = False
        self._restarted = False

    async def deal_with(self, phase: Phase, report: Report, problem: SignalProblem) -> RunResult | None:
        """Recover from an iteration without a signal; a `RunResult` if only the user can."""
        outcome = report.outcome
        match outcome.kind.remedy:
            case Remedy.CONTINUE:
                return self._remind(phase, report, problem)
            case Remedy.RETRY:
                return await self._retry(phase, report)
            case Remedy.BACK_OFF:
                return await self._back_off(phase, outcome, report.number)
            case Remedy.PARK:
                return await self._limit_wait.park(phase, outcome)
            case Remedy.ASK if outcome.restart_may_help and not self._restarted:
                await self._restart(report)
                return None
            case Remedy.ASK:
                cause = BlockCause.ACCOUNT if outcome.kind in _NOT_ALLOWED else BlockCause.FAILURES
                self._run.files.block(phase, outcome.text, report.number)
                return RunResult(RunEndReason.BLOCKED, outcome.text, phase, cause=cause)
            case Remedy.CAP:
                return self._capped(phase, outcome)

    def remind_of_files(self, reason: str, number: int) -> None:
        """Spend one more iteration on files of the session that the agent has to correct."""
        self.reminder = reason
        self.reminded_of_files = True
        self._run.files.flow(f"Repeated with a reminder: {reason}", number)
        self._run.notify(Notice(f"{reason} One more try, with a reminder."))

    def _remind(self, phase: Phase, report: Report, problem: SignalProblem) -> RunResult | None:
        self._unsaid += 1
        # The cause of a missing signal; an agent that was denied a tool may not try it again in the next iteration.
        self._hindrance = report.outcome.hindrance or self._hindrance
        if self._unsaid >= 2:
            reason = (
                f"{self._hindrance} Two iterations in a row ended without a signal that can be used. "
                f"{problem.message}"
            ).lstrip()
            self._run.files.block(phase, reason, report.number)
            return RunResult(RunEndReason.BLOCKED, reason, phase, cause=BlockCause.NO_SIGNAL)
        ended_well = report.outcome.kind is OutcomeKind.COMPLETED
        self.reminder = problem.message if ended_well else f"{report.outcome.text} {problem.message}"
        self._run.files.flow("No usable signal; the iteration is repeated with a reminder", report.number)
        self._run.notify(Notice(f"{self.reminder} One more try, with a reminder."))
        return None

    async def _retry(self, phase: Phase, report: Report) -> RunResult | None:
        self._failures += 1
        text, most = report.outcome.text, self._run.retry_policy.max_retries
        if self._failures > most:
            reason = f"{self._failures} iterations in a row failed. The last: {text}" if most else text
            self._run.files.block(phase, reason, report.number)
            return RunResult(RunEndReason.FAILED, reason, phase, cause=BlockCause.FAILURES)
        delay = self._run.retry_policy.before_retry(self._failures)
        self._log_retry(report.outcome, report.number, self._failures, delay)
        self.reminder = f"The last iteration was ended: {text} What it did so far is in the files."
        self._run.notify(Notice(f"{text} Trying again in {delay:.0f} s ({self._failures} of {most})."))
        await self._sleeper.until(self._run.now() + timedelta(seconds=delay))
        return None

    async def _restart(self, report: Report) -> None:
        """Retry once with a fresh process, in which the refused request may not occur."""
        self._restarted = True
        delay = self._run.retry_policy.before_retry(1)
        self._log_retry(report.outcome, report.number, 1, delay)
        text = f"{report.outcome.text} Trying once more with a fresh process."
        self._run.files.log(EventName.NOTICE, text=text)
        self.reminder = (
            f"The last iteration ended early: {report.outcome.text} What it did so far is in the files."
        )
        self._run.notify(Notice(text))
        await self._sleeper.until(self._run.now() + timedelta(seconds=delay))

    async def _back_off(self, phase: Phase, outcome: Outcome, number: int) -> RunResult | None:
        self._faults += 1
        now = self._run.now()
        self._fault_since = self._fault_since or now
        delay = self._run.retry_policy.before_next_try(self._faults)
        self._log_retry(outcome, number, self._faults, delay)
        lasts = now - self._fault_since >= SAID_AFTER
        if lasts and outcome.kind is OutcomeKind.RATE_LIMITED and not self._run.options.wait_for_limits:
            return self._limit_wait.end(phase, outcome.text)
        if lasts and not self._fault_said:
            self._fault_said = True
            minutes = round((now - self._fault_since).total_seconds() / 60)
            text = f"{outcome.text} So for {minutes} minutes now; it is tried again every {delay / 60:.0f} minutes."
            self._run.files.log(EventName.NOTICE, text=text)
        self._run.notify(Notice(f"{outcome.text} Trying again in {delay:.0f} s."))
        await self._sleeper.until(now + timedelta(seconds=delay))
        return None

    def _capped(self, phase: Phase, outcome: Outcome) -> RunResult:
        text = self._run.files.over_budget() or outcome.text
        self._run.files.flow(text)
        return RunResult(RunEndReason.BUDGET, text, phase)

    def _log_retry(self, outcome: Outcome, number: int, attempt: int, delay: float) -> None:
        self._run.files.log(
            EventName.RETRY,
            n=number,
            attempt=attempt,
            delay_s=round(delay, 1),
            outcome=outcome.kind,
            text=outcome.text,
        )


def unreported(outcome: Outcome) -> SignalProblem:
    """Return why the signal of an iteration does not count whose sub-agents have not all reported."""
    count = outcome.unreported_agents
    agents = "1 sub-agent has" if count == 1 else f"{count} sub-agents have"
    return SignalProblem(
        f"{agents} not reported, so the signal does not count. Start sub-agents again if their findings are needed, "
        "and signal only after their reports."
    )
