"""Waiting while the account's usage limit is in force: until its reset, `/resume`, or an answer to another session."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from random import SystemRandom

from samobot.claude.limits import longest_wait
from samobot.claude.outcome import Outcome
from samobot.phases import Phase
from samobot.session.journal import EventName, RunEndReason
from samobot.session.provider import Provider
from samobot.session.requests import RequestKind
from samobot.worker.heartbeat import Heartbeat
from samobot.worker.run import Notice, RunContext, RunResult
from samobot.worker.sleep import Sleeper, WakeReason
from samobot.worker.usage_limit import AccountLimit, KnownLimit

PROBE_POLL = timedelta(seconds=2)
"""Interval of checks while another worker probes whether the limit has reset."""


class LimitWait:
    """Parks a run on a usage limit that it or another session's worker has reached.

    Args:
        run: The run.
        account: The limit shared by all workers.
        heartbeat: Shows to other processes that the run is parked.
        sleeper: Waits.
    """

    def __init__(
        self, run: RunContext, account: AccountLimit, heartbeat: Heartbeat, sleeper: Sleeper
    ) -> None:
        self._run = run
        self._account = account
        self._heartbeat = heartbeat
        self._sleeper = sleeper
        self._try_anyway = False
        self._reset_early: set[str] = set()  # kinds that another session's answer seemed to reset

    async def before_iteration(self, phase: Phase, provider: Provider) -> RunResult | None:
        """Wait for the limit of the program's account to reset; a `RunResult` if this run does not wait."""
        self._account = self._account.of(provider)
        if self._try_anyway:
            # The user wants to; if the limit is still in force, it is recorded again.
            self._try_anyway = False
            return None
        limit = self._account.limit(self._run.now())
        if limit is None:
            return None
        now = self._run.now()
        if (limit.until <= now or self._is_doubtful(limit)) and self._account.begin_probe(limit, now):
            return None
        return await self._park(phase, limit)

    def _is_doubtful(self, limit: KnownLimit) -> bool:
        """Whether a wait of days depends on the log of one other session, which its agent could have forged.

        If the limit is real, trying costs nothing.
        """
        is_long = limit.until - self._run.now() > longest_wait("five_hour")
        return is_long and not limit.confirmed and limit.session != str(self._run.files.folder.path)

    async def park(self, phase: Phase, outcome: Outcome) -> RunResult | None:
        """Park on a limit that this run's iteration has reached."""
        spread = SystemRandom().uniform(0, self._run.retry_policy.after_reset)
        now = self._run.now()
        until = self._run.retry_policy.wake_at(outcome.resets_at, outcome.limit_kind, now, spread)
        limit = KnownLimit(until, outcome.limit_kind, outcome.text, str(self._run.files.folder.path))
        self._account.record(limit, now)
        self._account.end_probe()
        return await self._park(phase, limit)

    def end(self, phase: Phase, text: str) -> RunResult:
        """End a run that does not wait, on a limit whose reset is unknown."""
        self._run.files.log(EventName.PARK, kind="", until=None, text=text)
        self._run.files.flow(f"Parked: {text}")
        return RunResult(RunEndReason.PARKED, text, phase)

    def answered(self) -> None:
        """Forget the limit: the service has answered."""
        self._account.clear()

    def ended(self) -> None:
        """End this worker's probe, if it was probing, as its iteration has ended."""
        self._account.end_probe()

    async def _park(self, phase: Phase, limit: KnownLimit) -> RunResult | None:
        until = limit.until
        self._run.files.log(EventName.PARK, kind=limit.kind, until=until, text=limit.text)
        self._run.files.flow(f"Parked until {shown_time(until, self._run.now())}: {limit.text}")
        if not self._run.options.wait_for_limits:
            return RunResult(RunEndReason.PARKED, limit.text, phase, until=until)
        self._run.notify(
            Notice(f"{limit.text} It continues automatically: {shown_time(until, self._run.now())}.")
        )
        while self._run.files.take_request(RequestKind.RESUME):
            pass  # a leftover of the wait before
        self._heartbeat.show_parked(until)
        woken_by = await self._wait(limit)
        self._heartbeat.show_idle()
        if woken_by in (WakeReason.TIME, WakeReason.RESUMED):
            self._run.files.log(EventName.UNPARK, by="person" if woken_by is WakeReason.RESUMED else "reset")
            self._run.notify(Notice("It continues."))
        return None

    def _seems_lifted(self, kind: str) -> bool:
        """Whether another session was answered; heeded once per kind, as a limit may be of one model only."""
        return kind not in self._reset_early and self._account.limit(self._run.now()) is None

    async def _wait(self, limit: KnownLimit) -> WakeReason:
        """Wait until the limit has reset and this run may probe, or another one has."""
        while True:
            kind = limit.kind
            woken_by = await self._sleeper.until(limit.until, functools.partial(self._seems_lifted, kind))
            if woken_by is WakeReason.RESUMED:
                self._try_anyway = True
            if woken_by is not WakeReason.TIME:
                return woken_by
            current = self._account.limit(self._run.now())
            if current is None:
                if limit.until > self._run.now():
                    self._reset_early.add(kind)
                return WakeReason.TIME
            if current.until > self._run.now():
                limit = current
                self._heartbeat.show_parked(limit.until)
            elif self._account.begin_probe(current, self._run.now()):
                return WakeReason.TIME
            else:
                limit = KnownLimit(self._run.now() + PROBE_POLL, limit.kind, limit.text)


def shown_time(moment: datetime, now: datetime) -> str:
    """A time in this machine's zone, with as much of its date as is needed: `14:40`, `01-15 14:40`, `2027-01-15 14:40`."""
    there, here = moment.astimezone(), now.astimezone()
    if there.year != here.year:
        return f"{there:%Y-%m-%d %H:%M}"
    return f"{there:%H:%M}" if there.date() == here.date() else f"{there:%m-%d %H:%M}"
