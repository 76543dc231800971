"""The hub's part in what holds for all machines: adds up the day's money, and shares each account's usage limit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from samobot.errors import HostAwayError, StorageError
from samobot.fleet.models import SessionView
from samobot.hosts import subjects
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.control_values import DaySpending, MachineReport, ReachedLimit, SharedLimit
from samobot.hosts.hub_store import HubStore
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.limit_sharing import next_limit
from samobot.hosts.machine_limits import MachineLimits
from samobot.system.threads import Threads

log = logging.getLogger(__name__)

_SECONDS = 2.0
"""Time between two looks, if nothing changes meanwhile."""
_SHORTEST_REST = 0.5
"""Time between two looks at least: each change makes every host read the values."""


class HubControl:
    """Publishes the control values whenever they change, and lets the hub's own workers read them.

    Args:
        connection: The connection to the server.
        store: The hub's database.
        known: The hosts.
        machine: The hub's own part.
        cap_usd: What the sessions of all machines together may cost in a day, in US dollars; None is no limit.
        now: The clock, aware.
    """

    def __init__(
        self,
        connection: Connection,
        store: HubStore,
        known: KnownHosts,
        machine: MachineLimits,
        cap_usd: float | None,
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._store = store
        self._known = known
        self._machine = machine
        self._cap_usd = cap_usd
        self._now = now
        self._published: dict[str, bytes] = {}
        self._counted: dict[str, ReachedLimit | None] = {}

    async def run(self) -> None:
        """Keep the values as they should be, also while the server cannot be reached; until cancelled."""
        threads = Threads()
        try:
            while True:
                self._known.limits_changed.clear()
                try:
                    await self._share(threads)
                except StorageError as error:
                    log.error("what all machines share is not up to date: %s", error.message)
                except Exception:  # what a host claims must not end it
                    log.exception("what all machines share is not up to date")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SECONDS):
                        await self._known.limits_changed.wait()
                await asyncio.sleep(_SHORTEST_REST)
        finally:
            threads.close()

    def note_own(self, views: Iterable[SessionView]) -> None:
        """Take over a look at the sessions of the hub's own machine."""
        self._machine.note_sessions(views)

    def publish_all(self) -> None:
        """Publish every value once more: the server may have lost them."""
        self._published = {}
        self._known.limits_changed.set()

    async def _share(self, threads: Threads) -> None:
        own = await threads.run(self._machine.report)
        reports = {subjects.HUB: own}
        for name, state in self._known.hosts.items():
            if state.beat is not None:
                reports[name] = state.beat.limits
        spending = self._spending(reports)
        limits = {account: self._limit(account, reports) for account in _accounts(reports)}
        await threads.run(lambda: self._machine.adopt(spending, limits.get(own.account)))
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self._publish(f"spent.{spending.day}", spending.encode())
            for account, limit in limits.items():
                await self._publish(f"limit.{account}", limit.encode())

    def _spending(self, reports: dict[str, MachineReport]) -> DaySpending:
        if self._cap_usd is None:
            return DaySpending(day=self._machine.day)
        today = {name: each for name, each in reports.items() if each.day == self._machine.day}
        return DaySpending(
            day=self._machine.day,
            cap=self._cap_usd,
            spent={name: each.spent_usd for name, each in today.items()},
            allowed={name: each.allowed_usd for name, each in today.items() if each.allowed_usd},
        )

    def _limit(self, account: str, reports: dict[str, MachineReport]) -> SharedLimit:
        """Return the limit of an account as it should be; it is on disk."""
        key = f"limit.{account}"
        known = self._store.state(key)
        before = SharedLimit.model_validate_json(known) if known is not None else SharedLimit()
        here = {
            name: each
            for name, each in reports.items()
            if each.account == account and (name == subjects.HUB or self._known.is_online(name))
        }
        fresh = [name for name, each in here.items() if each.reached != self._counted.get(name)]
        after = next_limit(before, here, fresh, self._now())
        if after != before:
            self._store.set_state(key, after.model_dump_json())
        self._counted |= {name: each.reached for name, each in here.items()}
        return after

    async def _publish(self, name: str, content: bytes) -> None:
        if self._published.get(name) == content:
            return
        await self._connection.store(subjects.control(name), content)
        self._published[name] = content
        await self._connection.publish(subjects.CONTROL_HINT)


def _accounts(reports: dict[str, MachineReport]) -> set[str]:
    return {each.account for each in reports.values() if each.account}
