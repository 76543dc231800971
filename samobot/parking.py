"""Resting while the account's usage limit is in force: told once, woken by the reset, by a person, or by a probe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from random import SystemRandom

from samobot.account import Account, Limit
from samobot.book import Book
from samobot.claude.outcome import Outcome
from samobot.iteration import Iteration
from samobot.patience import Patience
from samobot.phases import Phase
from samobot.runs import Notice, RunEnd, RunOptions
from samobot.session.journal import EventName, RunEndReason

LOOK_AT_PROBE = timedelta(seconds=2)
"""Between two looks at what the worker found out that tries whether the limit is over."""


class Rested(Enum):
    """Why a rest was over."""

    TIME = auto()
    RESUMED = auto()
    PAUSED = auto()
    STOPPED = auto()


class Parking:
    """What a run does about a usage limit, its own or one that another session's worker has met.

    Args:
        book: The session's files.
        iteration: Says to others that the run is parked.
        account: What all workers know of the limit.
        options: What was asked of this run.
        patience: How long after the reset it goes on.
        now: The clock, aware.
        tell: Is given what a person at the terminal wants to see.
        rest: Waits until a time, or for what a person wants.
    """

    def __init__(
        self,
        book: Book,
        iteration: Iteration,
        account: Account,
        options: RunOptions,
        patience: Patience,
        *,
        now: Callable[[], datetime],
        tell: Callable[[Notice], None],
        rest: Callable[[datetime], Awaitable[Rested]],
    ) -> None:
        self._book = book
        self._iteration = iteration
        self._account = account
        self._options = options
        self._patience = patience
        self._now = now
        self._tell = tell
        self._rest = rest
        self._try_anyway = False

    async def before_iteration(self, phase: Phase) -> RunEnd | None:
        """Rest as long as the account's limit asks for it; a `RunEnd` where this run does not wait."""
        if self._try_anyway:
            # A person said so; what the iteration meets is told to the others again.
            self._try_anyway = False
            return None
        limit = self._account.limit(self._now())
        if limit is None or (limit.until <= self._now() and self._account.begin_probe()):
            return None
        return await self._park(phase, limit)

    async def met(self, phase: Phase, outcome: Outcome) -> RunEnd | None:
        """Park on a limit that this run's iteration has met."""
        spread = SystemRandom().uniform(0, self._patience.after_reset)
        until = self._patience.wake_at(outcome.resets_at, self._now(), spread)
        limit = Limit(until, outcome.limit_kind, outcome.text)
        self._account.met(limit)
        self._account.end_probe()
        return await self._park(phase, limit)

    def answered(self) -> None:
        """The service has answered: whatever limit there was is over."""
        self._account.lifted()

    def ended(self) -> None:
        """The iteration is over: another worker may try, where this one was trying."""
        self._account.end_probe()

    async def _park(self, phase: Phase, limit: Limit) -> RunEnd | None:
        until = limit.until
        self._book.log(EventName.PARK, kind=limit.kind, until=until, text=limit.text)
        self._book.flow(f"Parked until {until.astimezone():%m-%d %H:%M}: {limit.text}")
        if not self._options.wait_for_limits:
            return RunEnd(RunEndReason.PARKED, limit.text, phase, until=until)
        self._tell(Notice(f"{limit.text} It goes on by itself at {until.astimezone():%H:%M}."))
        self._iteration.note_parked(until, parked=True)
        rested = await self._rest_out(limit)
        self._iteration.note_parked(None, parked=False)
        if rested in (Rested.TIME, Rested.RESUMED):
            self._book.log(EventName.UNPARK, by="person" if rested is Rested.RESUMED else "reset")
            self._tell(Notice("It goes on."))
        return None

    async def _rest_out(self, limit: Limit) -> Rested:
        """Rest until the limit is over and it is this run's turn to find out, or somebody else has."""
        while True:
            rested = await self._rest(limit.until)
            if rested is Rested.RESUMED:
                self._try_anyway = True
            if rested is not Rested.TIME:
                return rested
            current = self._account.limit(self._now())
            if current is None:
                return Rested.TIME
            if current.until > self._now():
                limit = current
                self._iteration.note_parked(limit.until, parked=True)
            elif self._account.begin_probe():
                return Rested.TIME
            else:
                limit = Limit(self._now() + LOOK_AT_PROBE, limit.kind, limit.text)
