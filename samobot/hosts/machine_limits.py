"""One machine's part in what holds for all: its money, and its account's usage limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from samobot.claude.account import account_id
from samobot.fleet.models import SessionView
from samobot.hosts.control_values import DaySpending, MachineReport, ReachedLimit, SharedLimit
from samobot.money.machine_share import MachineShare, ShareFile
from samobot.money.spending import allowed_today, spent_today
from samobot.session.status import SessionState
from samobot.worker.usage_limit import AccountLimit, KnownLimit

_ACCOUNT_KEPT = timedelta(minutes=1)
"""How long it is not looked at again which account is used: the CLI's file may be large."""


class MachineLimits:
    """Reads what a machine has to report, and takes over what is shared, for its workers to read. Blocks.

    Args:
        name: The machine's name.
        state_dir: Its state folder.
        environ: Its environment, with which the CLI runs.
        now: The clock, aware.
    """

    def __init__(
        self, name: str, state_dir: Path, environ: Mapping[str, str], now: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._state_dir = state_dir
        self._environ = environ
        self._now = now
        self._limit = AccountLimit(state_dir)
        self._share = ShareFile(state_dir)
        self._workers = (0, 0)
        self._account, self._looked_at = "", datetime.min.replace(tzinfo=UTC)

    def note_sessions(self, views: Iterable[SessionView]) -> None:
        """Take over a look at the machine's sessions."""
        states = [each.state for each in views if each.has_worker]
        self._workers = (len(states), states.count(SessionState.PARKED))

    @property
    def day(self) -> str:
        """The machine's local day, ISO."""
        return self._now().astimezone().date().isoformat()

    def report(self) -> MachineReport:
        """Return what counts here for all machines.

        Raises:
            StorageError: A file is there and cannot be read.
        """
        now, share = self._now(), self._share.read()
        reached = self._limit.unshared()
        running, parked = self._workers
        return MachineReport(
            day=self.day,
            spent_usd=spent_today(self._state_dir, now),
            allowed_usd=allowed_today(self._state_dir, now),
            account=self.account(),
            known=share.limit if share is not None else 0,
            reached=ReachedLimit(
                until=reached.until, kind=reached.kind, text=reached.text, confirmed=reached.confirmed
            )
            if reached is not None
            else None,
            answered=self._limit.answered(),
            running=running,
            parked=parked,
        )

    def account(self) -> str:
        """Return the machine's account; empty if it is unknown."""
        now = self._now()
        if abs(now - self._looked_at) > _ACCOUNT_KEPT:
            self._account, self._looked_at = account_id(self._environ), now
        return self._account

    def adopt(self, spending: DaySpending | None, limit: SharedLimit | None) -> None:
        """Take over what is shared, and note that the hub was reached.

        Args:
            spending: The money of the machine's day; None if nothing is known of it.
            limit: The limit of its account; None if there never was one.

        Raises:
            StorageError: The disk refused.
        """
        if limit is not None:
            known = limit.limit
            self._limit.adopt(
                limit.n,
                KnownLimit(
                    known.until.astimezone(UTC), known.kind, known.text, f"on {limit.by}", known.confirmed
                )
                if known is not None
                else None,
            )
        before = self._share.read()
        spent = spending or DaySpending(day="")
        share = (before or MachineShare()).model_copy(
            update={
                "day": spent.day,
                "cap_usd": spent.cap,
                "spent_usd": {name: usd for name, usd in spent.spent.items() if name != self.name},
                "allowed_usd": sum(usd for name, usd in spent.allowed.items() if name != self.name),
                "may_probe": limit is None or limit.probe in ("", self.name),
            }
        )
        if share != before:
            self._share.write(share)
        self._share.confirm(self._now())
