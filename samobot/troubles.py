"""What the loop does about iterations that left no signal: remind, try again, wait, or ask a person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from samobot.account import Account
from samobot.book import Book
from samobot.claude.kinds import OutcomeKind, Remedy
from samobot.claude.outcome import Outcome
from samobot.iteration import Iteration, Report
from samobot.parking import Parking, Rested
from samobot.patience import Patience
from samobot.phases import BlockCause, Phase
from samobot.runs import Notice, RunEnd, RunOptions
from samobot.session import control
from samobot.session.journal import EventName, RunEndReason
from samobot.session.signal import SignalProblem

SAID_AFTER = timedelta(minutes=10)
"""How long a service may be at fault before a person is told."""

NAP = 1.0
"""Seconds between two looks at the wall clock, which may jump, and at what a person asks for."""

_NOT_ALLOWED = (OutcomeKind.AUTH, OutcomeKind.ACCOUNT)


async def nap_unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not after a stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class Troubles:
    """What went wrong in a row, and what is done about it.

    Args:
        book: The session's files.
        iteration: Says to others that the run is parked.
        account: What all workers know of the account's limit.
        options: What was asked of this run.
        patience: How long to wait, and how often to try.
        stop: Set when the run is to end.
        now: The clock, aware.
        tell: Is given what a person at the terminal wants to see.
        nap: Sleeps for some seconds, or less when stopped.

    Attributes:
        reminder: What the next iteration is told about the one before; empty where nothing was wrong.
        pause_asked: Whether a person asked for a pause while it rested.
        parking: What is done about the account's usage limit.
    """

    def __init__(
        self,
        book: Book,
        iteration: Iteration,
        account: Account,
        options: RunOptions,
        patience: Patience,
        *,
        stop: asyncio.Event,
        now: Callable[[], datetime],
        tell: Callable[[Notice], None],
        nap: Callable[[asyncio.Event, float], Awaitable[None]] = nap_unless_stopped,
    ) -> None:
        self.reminder = ""
        self.pause_asked = False
        self.parking = Parking(
            book, iteration, account, options, patience, now=now, tell=tell, rest=self._rest
        )
        self._book = book
        self._patience = patience
        self._stop = stop
        self._now = now
        self._tell = tell
        self._nap = nap
        self.forget()

    def forget(self) -> None:
        """Count from nothing: an iteration has ended well."""
        self.reminder = ""
        self._unsaid = 0
        self._failures = 0
        self._faults = 0
        self._fault_since: datetime | None = None
        self._fault_said = False

    async def deal_with(self, phase: Phase, report: Report, problem: SignalProblem) -> RunEnd | None:
        """Do what helps after an iteration without a signal; a `RunEnd` where nothing but a person does."""
        outcome = report.outcome
        match outcome.kind.remedy:
            case Remedy.GO_ON:
                return self._remind(phase, report, problem)
            case Remedy.RETRY:
                return await self._retry(phase, report)
            case Remedy.BACK_OFF:
                await self._back_off(outcome, report.number)
                return None
            case Remedy.PARK:
                return await self.parking.met(phase, outcome)
            case Remedy.ASK:
                cause = BlockCause.ACCOUNT if outcome.kind in _NOT_ALLOWED else BlockCause.FAILURES
                self._book.block(phase, outcome.text, report.number)
                return RunEnd(RunEndReason.BLOCKED, outcome.text, phase, cause=cause)
            case Remedy.CAP:
                return self._capped(phase, outcome)

    def _remind(self, phase: Phase, report: Report, problem: SignalProblem) -> RunEnd | None:
        self._unsaid += 1
        if self._unsaid >= 2:
            reason = (
                f"Two iterations in a row ended without a signal that can be used. {problem.message} "
                "Look at what the agent says with `samobot logs`; guidance and another try may help."
            )
            self._book.block(phase, reason, report.number)
            return RunEnd(RunEndReason.BLOCKED, reason, phase, cause=BlockCause.NO_SIGNAL)
        ended_well = report.outcome.kind is OutcomeKind.COMPLETED
        self.reminder = problem.message if ended_well else f"{report.outcome.text} {problem.message}"
        self._book.flow("No usable signal; the iteration is repeated with a reminder", report.number)
        self._tell(Notice(f"{self.reminder} One more try, with a reminder."))
        return None

    async def _retry(self, phase: Phase, report: Report) -> RunEnd | None:
        self._failures += 1
        text, most = report.outcome.text, self._patience.max_retries
        if self._failures > most:
            reason = f"{self._failures} iterations in a row failed. The last: {text}" if most else text
            self._book.block(phase, reason, report.number)
            return RunEnd(RunEndReason.FAILED, reason, phase, cause=BlockCause.FAILURES)
        delay = self._patience.before_retry(self._failures)
        self._log_retry(report.outcome, report.number, self._failures, delay)
        self.reminder = (
            f"The last iteration did not end by itself: {text} What it did so far is in the files."
        )
        self._tell(Notice(f"{text} Trying again in {delay:.0f} s ({self._failures} of {most})."))
        await self._rest(self._now() + timedelta(seconds=delay))
        return None

    async def _back_off(self, outcome: Outcome, number: int) -> None:
        self._faults += 1
        now = self._now()
        self._fault_since = self._fault_since or now
        delay = self._patience.before_next_try(self._faults)
        self._log_retry(outcome, number, self._faults, delay)
        if now - self._fault_since >= SAID_AFTER and not self._fault_said:
            self._fault_said = True
            minutes = round((now - self._fault_since).total_seconds() / 60)
            text = f"{outcome.text} So for {minutes} minutes now; it is tried again every {delay / 60:.0f} minutes."
            self._book.log(EventName.NOTICE, text=text)
        self._tell(Notice(f"{outcome.text} Trying again in {delay:.0f} s."))
        await self._rest(now + timedelta(seconds=delay))

    def _capped(self, phase: Phase, outcome: Outcome) -> RunEnd:
        text = self._book.over_budget() or outcome.text
        self._book.flow(text)
        return RunEnd(RunEndReason.BUDGET, text, phase)

    def _log_retry(self, outcome: Outcome, number: int, attempt: int, delay: float) -> None:
        self._book.log(
            EventName.RETRY,
            n=number,
            attempt=attempt,
            delay_s=round(delay, 1),
            outcome=outcome.kind,
            text=outcome.text,
        )

    async def _rest(self, until: datetime) -> Rested:
        """Wait until a time of the wall clock, or for what a person wants.

        Never longer than that was away in the beginning: a clock that is set back must not keep a session for days.
        """
        most = (until - self._now()).total_seconds()
        while not self._stop.is_set():
            left = min((until - self._now()).total_seconds(), most)
            if left <= 0:
                return Rested.TIME
            if self._book.take_request(control.RequestKind.RESUME):
                return Rested.RESUMED
            if self._book.take_request(control.RequestKind.PAUSE):
                self.pause_asked = True
                return Rested.PAUSED
            nap = min(left, NAP)
            await self._nap(self._stop, nap)
            most -= nap
        return Rested.STOPPED
