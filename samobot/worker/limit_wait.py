"""Resting while the account's usage limit is in force: told once, woken by the reset, by a person, or by a probe."""

from __future__ import annotations

from datetime import timedelta
from random import SystemRandom

from samobot.claude.outcome import Outcome
from samobot.phases import Phase
from samobot.session.journal import EventName, RunEndReason
from samobot.session.requests import RequestKind
from samobot.worker.heartbeat import Presence
from samobot.worker.run import Notice, RunContext, RunResult
from samobot.worker.sleep import Rested, Resting
from samobot.worker.usage_limit import Account, Limit

LOOK_AT_PROBE = timedelta(seconds=2)
"""Between two looks at what the worker found out that tries whether the limit is over."""


class Parking:
    """What a run does about a usage limit, its own or one that another session's worker has met.

    Args:
        run: The run.
        account: What all workers know of the limit.
        presence: Says to others that the run is parked.
        resting: How it waits.
    """

    def __init__(self, run: RunContext, account: Account, presence: Presence, resting: Resting) -> None:
        self._run = run
        self._account = account
        self._presence = presence
        self._resting = resting
        self._try_anyway = False

    async def before_iteration(self, phase: Phase) -> RunResult | None:
        """Rest as long as the account's limit asks for it; a `RunEnd` where this run does not wait."""
        if self._try_anyway:
            # A person said so; what the iteration meets is told to the others again.
            self._try_anyway = False
            return None
        limit = self._account.limit(self._run.now())
        if limit is None or (limit.until <= self._run.now() and self._account.begin_probe()):
            return None
        return await self._park(phase, limit)

    async def met(self, phase: Phase, outcome: Outcome) -> RunResult | None:
        """Park on a limit that this run's iteration has met."""
        spread = SystemRandom().uniform(0, self._run.retry_policy.after_reset)
        until = self._run.retry_policy.wake_at(outcome.resets_at, self._run.now(), spread)
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

    async def _park(self, phase: Phase, limit: Limit) -> RunResult | None:
        until = limit.until
        self._run.files.log(EventName.PARK, kind=limit.kind, until=until, text=limit.text)
        self._run.files.flow(f"Parked until {until.astimezone():%m-%d %H:%M}: {limit.text}")
        if not self._run.options.wait_for_limits:
            return RunResult(RunEndReason.PARKED, limit.text, phase, until=until)
        self._run.tell(Notice(f"{limit.text} It goes on by itself at {until.astimezone():%H:%M}."))
        while self._run.files.take_request(RequestKind.RESUME):
            pass  # it came as the rest before was over by itself, and was not meant for this one
        self._presence.rests(until)
        rested = await self._rest_out(limit)
        self._presence.works()
        if rested in (Rested.TIME, Rested.RESUMED):
            self._run.files.log(EventName.UNPARK, by="person" if rested is Rested.RESUMED else "reset")
            self._run.tell(Notice("It goes on."))
        return None

    async def _rest_out(self, limit: Limit) -> Rested:
        """Rest until the limit is over and it is this run's turn to find out, or somebody else has."""
        while True:
            rested = await self._resting.until(limit.until)
            if rested is Rested.RESUMED:
                self._try_anyway = True
            if rested is not Rested.TIME:
                return rested
            current = self._account.limit(self._run.now())
            if current is None:
                return Rested.TIME
            if current.until > self._run.now():
                limit = current
                self._presence.rests(limit.until)
            elif self._account.begin_probe():
                return Rested.TIME
            else:
                limit = Limit(self._run.now() + LOOK_AT_PROBE, limit.kind, limit.text)
