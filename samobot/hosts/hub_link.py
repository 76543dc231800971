"""The hub's end of the connection: keeps decisions until their receipt, and knows what each host sent last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from nats.aio.msg import Msg

from samobot.errors import ConflictError, HostAwayError, SavedForHostError
from samobot.fleet.results import FleetEvent, FleetEventKind, HostView
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection, NotStoredError, ThereAlreadyError
from samobot.hosts.fleet_calls import text_of
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_messages import (
    Beat,
    CallOutcome,
    DecisionReceipt,
    Fetch,
    HostDecision,
    HostNews,
    HostSpending,
    Panic,
    Read,
    decode_outcome,
    decode_receipt,
    decode_snapshot,
    join,
    split,
)
from samobot.hosts.hub_store import HubStore, StoredDecision
from samobot.hosts.link import Link

log = logging.getLogger(__name__)

READ_SECONDS = 30.0
DECISION_SECONDS = 10.0
"""How long a call waits for its receipt while its host is reachable; then it is kept, as for one that is not."""
SLOW_SECONDS = 120.0
"""The same for calls that prepare a worktree, push, or wait for processes to end."""
_SLOW = frozenset({"start", "stop", "land", "clean", "recreate_worktree", "add_files"})
_SAVE_SECONDS = 2.0
_PRUNE_SECONDS = 3600.0
_PANIC = "panic"
_LEASE = "lease"


class HubLink:
    """The connection of the hub to all hosts.

    Args:
        link: How the server is reached.
        store: The hub's database.
        now: The clock, aware.
        monotonic: Seconds that only grow; the age of beats is judged by it.

    Attributes:
        hosts: All hosts that were ever heard of, by name.
    """

    def __init__(
        self,
        link: Link,
        store: HubStore,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._connection = Connection(link, self._serve)
        self._running: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[DecisionReceipt]] = {}
        self._kicks: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._gap = asyncio.Event()
        self._news: dict[str, FleetEvent] = {}
        self._reported: list[str] = []
        self.changed = asyncio.Event()
        self.hosts: dict[str, HostState] = {}
        for beat, heard, snapshots in store.heard():
            self.host(beat.host).restore(beat, heard, snapshots)

    def start(self) -> None:
        """Connect, and stay connected until `close`."""
        if self._running is None:
            self._running = asyncio.create_task(self._connection.run(), name="hub")

    async def close(self) -> None:
        """End the connection; what is kept stays on disk."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._save()
        self._store.close()

    @property
    def problem(self) -> str:
        """Why the server is not reachable; empty if it is."""
        return self._connection.problem

    def host(self, name: str) -> HostState:
        """Return what is known of a host."""
        return self.hosts.setdefault(name, HostState(name))

    def is_online(self, name: str) -> bool:
        """Whether a host can be reached now, as far as its beats show."""
        state = self.host(name)
        fits = state.beat is not None and state.beat.is_spoken_here
        return fits and self._connection.is_connected and state.is_online(self._monotonic())

    def away(self, name: str) -> str:
        """Return why a host cannot be asked, as a sentence."""
        state = self.host(name)
        if state.beat is not None and not state.beat.is_spoken_here:
            return f"{name} runs samobot {state.beat.version}, which this one does not understand; update the older one."
        if state.heard is None:
            return f"{name} has never been reachable."
        heard = state.heard.astimezone()
        is_today = heard.date() == self._now().astimezone().date()
        return f"{name} is not reachable since {heard:{'%H:%M' if is_today else '%d %b %H:%M'}}."

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
            parts = [
                (await self._ask(host, Read(ticket=outcome.result, part=part), seconds)).result
                for part in range(outcome.parts)
            ]
        except NotStoredError:
            raise HostAwayError(f"{host} does not answer just now.") from None
        self._note_all(host, outcome)
        return outcome.model_copy(update={"result": join(parts), "parts": 0}) if parts else outcome

    async def _ask(self, host: str, read: Read, seconds: float) -> CallOutcome:
        answer = await self._connection.request(subjects.read(host), read.encode(), seconds)
        return decode_outcome(json.loads(answer.data))

    async def decide(self, host: str, decision: HostDecision, arguments: str) -> DecisionReceipt:
        """Keep a decision, send it, and wait for its receipt while the host can be reached.

        Raises:
            SavedForHostError: It is kept; the receipt will be news.
            StorageError: It could not be kept.
        """
        stored = self._store.add(StoredDecision(host, decision, arguments))
        if stored.receipt is not None:
            return stored.receipt
        waiting = self._waiting.setdefault(decision.id, asyncio.get_running_loop().create_future())
        self._kicks[host].set()
        deadline = self._monotonic() + (SLOW_SECONDS if decision.call in _SLOW else DECISION_SECONDS)
        while not waiting.done() and self.is_online(host) and self._monotonic() < deadline:
            await asyncio.wait((waiting,), timeout=1.0)
        if waiting.done():
            return waiting.result()
        self._store.mark_saved(decision.id)
        why = "It has not answered yet." if self.is_online(host) else self.away(host)
        raise SavedForHostError(f"Saved for {host}: {_what(decision)}. {why}", decision.id)

    async def set_panic(self, who: str, via: str, *, on: bool) -> Panic:
        """Pull or lift the emergency stop of all hosts; those that are away find it when they are back."""
        known = [state.beat.panic for state in self.hosts.values() if state.beat is not None]
        before = self.panic()
        panic = Panic(n=max([*known, before.n if before is not None else 0]) + 1, on=on, who=who, via=via)
        self._store.set_state(_PANIC, panic.encode().decode())
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self._send_panic()
        return panic

    def panic(self) -> Panic | None:
        """Return the last change of the emergency stop of all hosts."""
        known = self._store.state(_PANIC)
        return Panic.model_validate_json(known) if known is not None else None

    async def set_spent(self, spent: HostSpending) -> None:
        """Let all hosts know what the others have spent.

        Raises:
            HostAwayError: The server is not reachable.
        """
        with contextlib.suppress(NotStoredError):
            await self._connection.store(subjects.control(f"spent.{spent.day}"), spent.encode())
            await self._connection.publish(subjects.CONTROL_HINT)

    def take_news(self) -> list[FleetEvent]:
        """Return what has happened since the last call; what that one returned is known to the user now."""
        for known in self._reported:
            self._store.mark_reported(known)
        events, self._news = list(self._news.values()), {}
        ended = self._store.unreported()
        self._reported = [each.decision.id for each in ended]
        return events + [_delivered(each) for each in ended if each.receipt is not None]

    def refuse_in_panic(self) -> None:
        """Refuse a start while the emergency stop of all hosts is in force.

        Raises:
            ConflictError: It is.
        """
        panic = self.panic()
        if panic is not None and panic.on:
            raise ConflictError(
                f"The emergency stop is on ({panic.who}): nothing starts until /resume turns it off."
            )

    def view(self, name: str) -> HostView:
        """Return a host as users see it."""
        state, is_online = self.host(name), self.is_online(name)
        beat = state.beat
        return HostView(
            name=name,
            is_online=is_online,
            away="" if is_online else self.away(name),
            running=beat.running if beat is not None else 0,
            most=beat.most if beat is not None else 0,
            sessions=len(state.sessions()),
            pending=self.pending(name),
            version=beat.version if beat is not None else "",
        )

    def pending(self, host: str) -> int:
        """Return how many decisions wait for a host."""
        return self._store.pending(host)

    # The connection ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        connection, client = self._connection, self._connection.client
        await nats_streams.set_up(client)
        lease = await self._take_lease(0)
        await self._send_panic()
        self._gap, gap = asyncio.Event(), self._gap
        await connection.subscribe(subjects.ALL_FETCHES, self._on_fetch)
        await nats_streams.watch(client, subjects.BEATS, self._on_beat, gap.set)
        await nats_streams.watch(client, subjects.SESSIONS, self._on_snapshot, gap.set)
        await connection.subscribe(subjects.HUB_RECEIPTS, self._on_receipt)
        await connection.subscribe(subjects.HUB_NEWS, self._on_news)
        self._pumps = {}
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name in self.hosts:
                self._pump(name)
            group.create_task(self._renew(lease))
            group.create_task(self._keep_house())
            connection.established()
            try:
                await gap.wait()
            finally:
                self._group = None
                await self._release_lease()
            raise NotStoredError("changes were lost on the way; watching anew")

    async def _take_lease(self, last: int) -> int:
        """Be the only hub: two would share the receipts. Return the lease's number.

        Raises:
            NotStoredError: Another hub has it.
        """
        identity = self._store.identity
        subject = subjects.beat(subjects.HUB)
        expected = {"Nats-Expected-Last-Subject-Sequence": str(last)}
        try:
            return await self._connection.store(subject, identity.encode(), expected)
        except NotStoredError:
            found = await self._connection.request(
                f"$JS.API.DIRECT.GET.KV_{subjects.BEATS}.{subject}", b"", nats_streams.ACK_SECONDS
            )
            if found.data.decode() not in (identity, ""):
                raise NotStoredError("another hub is connected; only one bot can reach the hosts") from None
            return await self._connection.store(subject, identity.encode())

    async def _release_lease(self) -> None:
        """Let another hub begin at once; if the connection is lost, the lease runs out."""
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self._connection.store(subjects.beat(subjects.HUB), b"", {"KV-Operation": "DEL"})

    async def _renew(self, lease: int) -> None:
        while True:
            await asyncio.sleep(nats_streams.BEAT_SECONDS)
            lease = await self._take_lease(lease)

    async def _keep_house(self) -> None:
        pruned = self._monotonic()
        self._store.prune(self._now())
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            self._save()
            if self._monotonic() - pruned > _PRUNE_SECONDS:
                pruned = self._monotonic()
                self._store.prune(self._now())

    def _save(self) -> None:
        for state in self.hosts.values():
            changed, gone = state.take_changes()
            if state.beat is not None and state.heard is not None and (changed or gone):
                self._store.save_heard(state.name, state.beat, state.heard, changed, gone)

    async def _send_panic(self) -> None:
        panic = self.panic() or Panic(n=0, on=False, who="", via="")
        await self._connection.store(subjects.control(_PANIC), panic.encode())
        await self._connection.publish(subjects.CONTROL_HINT)

    # Decisions on their way --------------------------------------------------------------------------------------

    def _pump(self, host: str) -> None:
        if self._group is not None and host not in self._pumps:
            self._pumps[host] = self._group.create_task(self._send_decisions(host))

    async def _send_decisions(self, host: str) -> None:
        """Send what a host may carry out now, as long as this connection lasts."""
        await nats_streams.set_up_host(self._connection.client, host)
        sent: set[str] = set()
        while True:
            self._kicks[host].clear()
            for stored in self._store.next_decisions(host):
                decision = stored.decision
                if decision.id in sent:
                    continue
                parts = split(stored.arguments)
                content = (
                    decision.model_copy(update={"arguments": stored.arguments})
                    if len(parts) == 1
                    else decision.model_copy(update={"parts": len(parts)})
                )
                with contextlib.suppress(ThereAlreadyError):
                    await self._connection.store(subjects.decide(host, decision.id), content.encode())
                sent.add(decision.id)
            await self._kicks[host].wait()

    async def _on_fetch(self, message: Msg) -> None:
        fetch = Fetch.model_validate_json(message.data)
        stored = self._store.decision(fetch.id)
        if stored is None or subjects.fetch(stored.host) != message.subject:
            return
        parts = split(stored.arguments)
        if 0 <= fetch.part < len(parts):
            await self._connection.publish(message.reply, CallOutcome(result=parts[fetch.part]).encode())

    async def _on_receipt(self, message: Msg) -> None:
        host = message.subject.rpartition(".")[2]
        try:
            receipt = decode_receipt(message.data)
        except (ValueError, KeyError) as error:
            log.error("a receipt of %s cannot be read and is left out: %s", host, error)
            await self._connection.publish(message.reply, b"+TERM")
            return
        self._note_all(host, receipt.outcome)
        if self._store.finish(host, receipt):
            waiting = self._waiting.pop(receipt.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(receipt)
            self.changed.set()
        await self._connection.publish(message.reply, b"+ACK")
        self._kicks[host].set()

    # What hosts send ---------------------------------------------------------------------------------------------

    async def _on_news(self, message: Msg) -> None:
        try:
            news = HostNews.model_validate_json(message.data)
        except ValueError as error:
            log.error("news of %s cannot be read: %s", message.subject, error)
        else:
            host = message.subject.rpartition(".")[2]
            self._news.setdefault(news.id, news.event.model_copy(update={"host": host}))
            self.changed.set()
        await self._connection.publish(message.reply, b"+ACK")

    async def _on_beat(self, message: Msg) -> None:
        host = message.subject.rpartition(".")[2]
        if host == subjects.HUB or not message.data:
            return
        beat = Beat.model_validate_json(message.data)
        state = self.host(host)
        was_online, was_behind = self.is_online(host), state.is_behind
        state.note_beat(beat, self._monotonic(), self._now())
        self._pump(host)
        if not was_online:
            self.changed.set()
        if was_behind and state.is_behind:
            log.error("changes of %s do not arrive; watching anew", host)
            self._gap.set()

    async def _on_snapshot(self, message: Msg) -> None:
        host, _ = subjects.split_snapshot(message.subject.removeprefix(f"$KV.{subjects.SESSIONS}."))
        try:
            snapshot = decode_snapshot(message.data)
        except ValueError as error:
            log.error("a session of %s cannot be read: %s", host, error)
            return
        if self.host(host).note(snapshot, watched=True):
            self.changed.set()

    def _note_all(self, host: str, outcome: CallOutcome) -> None:
        for snapshot in outcome.snapshots:
            if self.host(host).note(snapshot, watched=False):
                self.changed.set()


def _delivered(stored: StoredDecision) -> FleetEvent:
    receipt = stored.receipt
    assert receipt is not None
    what = _what(stored.decision)
    if receipt.outcome.error:
        kind, text = FleetEventKind.REFUSED, f"{what} was not carried out. {text_of(receipt.outcome)}"
    else:
        kind, text = FleetEventKind.DELIVERED, f"on {stored.host} {receipt.at.astimezone():%H:%M}: {what}"
    return FleetEvent(ref=None, key=stored.decision.id, kind=kind, text=text, host=stored.host)


def _what(decision: HostDecision) -> str:
    """Name a decision for users: `approve greet`."""
    return f"{decision.call.replace('_', ' ')} {decision.about.rpartition(':')[2]}".strip()
