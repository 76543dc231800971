"""The hub's end of the connection: keeps decisions until their receipt, and knows what each host sent last."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from nats.aio.msg import Msg

from samobot.errors import HostAwayError, StorageError
from samobot.fleet.models import SessionView
from samobot.fleet.results import DECISION_ENDS, FleetEvent
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection, NotStoredError, cancellable
from samobot.hosts.decision_sender import DecisionSender, ended_event
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_control import HubControl
from samobot.hosts.hub_lease import HubLease
from samobot.hosts.hub_messages import (
    CallOutcome,
    HostNews,
    Read,
    decode_outcome,
    join,
)
from samobot.hosts.hub_panic import HubPanic
from samobot.hosts.hub_store import HubStore
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.link import Link
from samobot.hosts.machine_limits import MachineLimits

log = logging.getLogger(__name__)

READ_SECONDS = 25.0
"""How long a read may take: less than the bot gives to one update, which then could not say what is wrong."""
MOST_PARTS = 512
"""Of an answer: almost 200 MB, more than a file that Telegram takes."""
_SAVE_SECONDS = 2.0
_PRUNE_SECONDS = 3600.0


class HubLink:
    """The connection of the hub to all hosts.

    Args:
        link: How the server is reached.
        store: The hub's database.
        now: The clock, aware.
        machine: This machine's part in what all machines share; None shares nothing.
        cap_usd: What the sessions of all machines together may cost in a day, in US dollars; None is no limit.
        admitted: Returns the hosts that may connect; None if that is unknown.
        monotonic: Seconds that only grow; the age of beats is judged by it.

    Attributes:
        hosts: All hosts that were ever heard of, by name.
        panic: The emergency stop of all hosts.
    """

    def __init__(
        self,
        link: Link,
        store: HubStore,
        *,
        now: Callable[[], datetime],
        machine: MachineLimits | None = None,
        cap_usd: float | None = None,
        admitted: Callable[[], frozenset[str] | None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._admitted = admitted
        self._connection = Connection(link, self._serve)
        self._running: list[asyncio.Task[None]] = []
        self._gap = asyncio.Event()
        self._posted: tuple[list[int], list[str]] = ([], [])
        self.known = KnownHosts(store, lambda: self._connection.is_connected, now, monotonic)
        self._decisions = DecisionSender(self._connection, store, self.known)
        self.decide = self._decisions.decide
        self._control = (
            HubControl(self._connection, store, self.known, machine, cap_usd, now)
            if machine is not None
            else None
        )
        self.panic = HubPanic(self._connection, store, self.known)
        self.changed = self.known.changed
        self.hosts = self.known.hosts
        self.views = self.known.views

    def start(self) -> None:
        """Connect, and stay connected until `close`."""
        if not self._running:
            self._running.append(asyncio.create_task(self._connection.run(), name="hub"))
            if self._control is not None:
                self._running.append(asyncio.create_task(self._control.run(), name="hub control"))

    async def close(self) -> None:
        """End the connection; what is kept stays on disk."""
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if running:
            self.known.save(at_once=True)
        self._store.close()

    @property
    def problem(self) -> str:
        """Why the server is not reachable; empty if it is."""
        return self._connection.problem

    def host(self, name: str) -> HostState:
        """Return what is known of a host."""
        return self.known.host(name)

    def is_online(self, name: str) -> bool:
        """Whether a host can be reached now, as far as its beats show."""
        return self.known.is_online(name)

    def away(self, name: str) -> str:
        """Return why a host cannot be asked, as a sentence."""
        return self.known.away(name)

    def pending(self, host: str) -> int:
        """Return how many decisions wait for a host."""
        return self._store.pending().get(host, 0)

    def note_own(self, views: Iterable[SessionView]) -> None:
        """Take over a look at the sessions of the hub's own machine."""
        if self._control is not None:
            self._control.note_own(views)

    # Calls -------------------------------------------------------------------------------------------------------

    async def read(
        self, host: str, call: str, arguments: str, *, seconds: float = READ_SECONDS
    ) -> CallOutcome:
        """Make a call that changes nothing.

        Raises:
            HostAwayError: The host cannot be reached.
        """
        if not self.is_online(host):
            raise HostAwayError(self.away(host))
        try:
            outcome = await self._ask(host, Read(call=call, arguments=arguments), seconds)
            if outcome.parts > MOST_PARTS:
                raise ValueError(f"{outcome.parts} parts")
            parts = [
                (await self._ask(host, Read(ticket=outcome.result, part=part), seconds)).result
                for part in range(outcome.parts)
            ]
            joined = join(parts)
        except NotStoredError:
            raise HostAwayError(f"{host} does not answer just now.") from None
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            log.error("what %s has answered cannot be read: %s", host, error)
            raise HostAwayError(
                f"What {host} has answered cannot be read; the reason is in the log."
            ) from None
        self.known.note_outcome(host, outcome)
        return outcome.model_copy(update={"result": joined, "parts": 0}) if parts else outcome

    async def _ask(self, host: str, read: Read, seconds: float) -> CallOutcome:
        request = self._connection.request(subjects.read(host), read.encode(), seconds)
        asking = asyncio.ensure_future(request)
        try:
            if not await self.known.has_answered(host, asking, seconds):
                raise NotStoredError(host) if self.is_online(host) else HostAwayError(self.away(host))
            return decode_outcome(json.loads((await asking).data))
        finally:
            asking.cancel()

    def take_news(self) -> list[FleetEvent]:
        """Return what has happened since the last call; what that one returned is known to the user now."""
        numbers, decisions = self._posted
        if numbers:
            self._store.news.mark_reported(numbers)
        for known in decisions:
            self._store.mark_reported(known)
        news, ended = self._store.news.unreported(), self._store.unreported()
        self._posted = ([each.no for each in news], [each.decision.id for each in ended])
        return [each.event for each in news] + [
            ended_event(each, self.known.ahead(each.host)) for each in ended if each.receipt is not None
        ]

    # The connection ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        connection, client = self._connection, self._connection.client
        lease = HubLease(connection, self._store.identity)
        await nats_streams.set_up(client)
        await lease.take()
        await self.panic.publish()
        if self._control is not None:
            self._control.publish_all()
        self._gap = gap = asyncio.Event()
        await connection.subscribe(subjects.ALL_FETCHES, self._decisions.on_fetch)
        await nats_streams.watch(client, subjects.BEATS, self._on_beat, gap.set)
        await nats_streams.watch(client, subjects.SESSIONS, self.known.on_snapshot, gap.set)
        await connection.subscribe(subjects.HUB_RECEIPTS, self._decisions.on_receipt)
        await connection.subscribe(subjects.HUB_NEWS, self._on_news)
        async with asyncio.TaskGroup() as group:
            group.create_task(cancellable(lease.renew()))
            group.create_task(cancellable(self._keep_house()))
            connection.established()
            try:
                with self._decisions.sending(group):
                    await gap.wait()
            finally:
                await lease.release()
            raise NotStoredError("changes were lost on the way; watching again")

    async def _keep_house(self) -> None:
        pruned = self._monotonic()
        self._store.prune(self._now())
        while True:
            try:
                await self._forget_removed()
            except StorageError as error:
                log.error("removed hosts are not forgotten yet: %s", error.message)
            await asyncio.sleep(_SAVE_SECONDS)
            self.known.save()
            if self._monotonic() - pruned > _PRUNE_SECONDS:
                pruned = self._monotonic()
                self._store.prune(self._now())

    async def _forget_removed(self) -> None:
        """Forget hosts that were removed, and the sessions of those that fill the server's disk."""
        client, admitted = self._connection.client, self._admitted()
        for name in [each for each in self.hosts if admitted is not None and each not in admitted]:
            log.info("%s was removed; what it has sent is forgotten", name)
            self._decisions.stop_sending_to(name)
            await nats_streams.forget_host(client, name)
            self._store.forget_host(name, self._now())
            self.known.forget(name)
        for name in self.known.take_flooding():
            log.error(
                "%s has sent more sessions than one host may have; they are dropped on the server", name
            )
            await nats_streams.forget_sessions(client, name)

    # What hosts send ---------------------------------------------------------------------------------------------

    async def _on_news(self, message: Msg) -> None:
        """Keep what a host's fleet did, and only then let the server forget it."""
        try:
            news = HostNews.model_validate_json(message.data)
        except ValueError as error:
            log.error("news of %s cannot be read: %s", message.subject, error)
        else:
            # How a decision ended is known from its receipt alone.
            if news.event.kind not in DECISION_ENDS and self._store.news.add(
                message.subject.rpartition(".")[2], news, self._now()
            ):
                self.changed.set()
        await self._connection.publish(message.reply, b"+ACK")

    async def _on_beat(self, message: Msg) -> None:
        host, is_behind = self.known.note_beat(message)
        if host and self.known.is_doubled(host):
            log.error("%s", self.away(host))
            self._decisions.stop_sending_to(host)
        elif host:
            self._decisions.send_to(host)
        if is_behind:
            log.error("changes of %s do not arrive; watching again", host)
            self._gap.set()
