"""A host: runs the sessions of its machine without Telegram, as the hub decides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from nats.aio.msg import Msg
from pydantic import ValidationError

from samobot import __version__
from samobot.errors import HostAwayError, NotFoundError, SamobotError, StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef
from samobot.fleet.results import FleetEvent, ProjectView
from samobot.hosts import nats_streams, subjects
from samobot.hosts.applier import Applier
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.fleet_calls import CONTROLS, READS, failure, named_call
from samobot.hosts.host_control import ControlReader
from samobot.hosts.hub_messages import (
    LARGEST,
    Beat,
    CallOutcome,
    DecisionReceipt,
    Fetch,
    HostDecision,
    HostNews,
    Read,
    join,
    split,
)
from samobot.hosts.link import Link
from samobot.hosts.snapshot_publisher import SnapshotPublisher
from samobot.money.spending import spent_today
from samobot.system.threads import Threads

log = logging.getLogger(__name__)

_WORKING_SECONDS = nats_streams.ACK_SECONDS / 3
"""How often the server is informed that a decision is being worked on."""
_RETRY_NS = 2_000_000_000
_FETCH_SECONDS = 30.0
_TICKETS = 4
_SHORTEST_REST = 0.05


class HostService:
    """Publishes the sessions of this machine, answers reads, and carries out decisions, each once.

    Args:
        link: How the hub's server is reached.
        fleet: The sessions of this machine.
        state_dir: The state folder.
        now: The clock, aware.
        poll_seconds: Seconds between two looks at the sessions; changed files make one sooner.
        most: How many sessions may run at the same time.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        link: Link,
        fleet: Fleet,
        *,
        state_dir: Path,
        now: Callable[[], datetime],
        poll_seconds: float,
        most: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = link.user
        self._fleet = fleet
        self._state_dir = state_dir
        self._now = now
        self._poll_seconds = poll_seconds
        self._most = most
        self._monotonic = monotonic
        self._threads = Threads()
        self._connection = Connection(link, self._serve)
        self._applier = Applier(fleet, state_dir, self._threads, now)
        self._control = ControlReader(self._connection, fleet, state_dir)
        self._publisher = SnapshotPublisher(uuid4().hex[:12])
        self._looking = asyncio.Lock()
        self._has_looked = False
        self._due = asyncio.Event()
        self._beat_due = asyncio.Event()
        self._projects: list[ProjectView] = []
        self._running = 0
        self._untold: list[FleetEvent] = []
        self._work: dict[str, asyncio.Task[DecisionReceipt]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tickets: OrderedDict[str, list[str]] = OrderedDict()

    async def run(self) -> None:
        """Serve until cancelled; the sessions continue without it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_regularly(), name="looks")
                group.create_task(self._look_at_hints(), name="hints")
                group.create_task(self._connection.run(), name="connection")
        finally:
            for task in (*self._tasks, *self._work.values()):
                task.cancel()
            await asyncio.gather(*self._tasks, *self._work.values(), return_exceptions=True)
            self._threads.close()

    # Looks -------------------------------------------------------------------------------------------------------

    async def look(self) -> int:
        """Look at all sessions, start what should run; return the newest change number. Never raises for a disk."""
        async with self._looking:
            try:
                found = await self._fleet.poll()
                projects = await self._fleet.projects()
            except SamobotError as error:
                log.error("a look at the sessions did not work: %s", error.message)
                return self._publisher.n
            self._publisher.update(found.sessions, found.past, self._monotonic())
            running = sum(1 for view in found.sessions if view.has_worker)
            if (running, projects) != (self._running, self._projects) or not self._has_looked:
                self._running, self._projects, self._has_looked = running, projects, True
                self._beat_due.set()
            self._untold += found.events
            if self._untold or self._publisher.due():
                self._due.set()
            return self._publisher.n

    async def _look_regularly(self) -> None:
        while True:
            await self.look()
            later = self._publisher.has_later
            await asyncio.sleep(min(self._poll_seconds, 1.0) if later else self._poll_seconds)

    async def _look_at_hints(self) -> None:
        while True:
            await self._fleet.wait_for_change()
            began = self._monotonic()
            await self.look()
            await asyncio.sleep(max(_SHORTEST_REST, 4 * (self._monotonic() - began)))

    async def _snapshots(self, refs: Iterable[SessionRef]) -> list[str]:
        """Note these sessions as they are now; return their keys."""
        past = {each.key: each for each in await self._fleet.past()}
        keys = []
        for ref in refs:
            keys.append(ref.key)
            if ref.key in past:
                self._publisher.note(ref.key, past=past[ref.key])
                continue
            try:
                view = await self._fleet.view(ref)
            except NotFoundError:
                self._publisher.note(ref.key)
            except SamobotError as error:
                log.warning("%s: %s", ref.key, error.message)
            else:
                self._publisher.note(ref.key, view=view)
        if self._publisher.due():
            self._due.set()
        return keys

    # The connection ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        connection = self._connection
        await self._control.obey()  # before anything is started
        self._publisher.repeat_all()
        self._due.set()
        self._beat_due.set()
        await connection.subscribe(subjects.CONTROL_HINT, self._on_hint)
        await connection.subscribe(subjects.read(self._name), self._on_read)
        await connection.subscribe(subjects.deliver(self._name), self._on_decision)
        connection.established()
        log.info("connected to the hub as %s", self._name)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish())
            group.create_task(self._beat())

    async def _publish(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            for snapshot in self._publisher.due():
                await self._connection.store(subjects.snapshot(self._name, snapshot.key), snapshot.encode())
                self._publisher.done(snapshot)
            while self._untold:
                news = HostNews(id=uuid4().hex, event=self._untold[0])
                await self._connection.store(subjects.news(self._name), news.encode())
                del self._untold[0]

    async def _beat(self) -> None:
        was_whole = False
        while True:
            self._beat_due.clear()
            is_whole = self._has_looked and not self._publisher.due()
            if is_whole and not was_whole:
                self._beat_due.set()
            beat = Beat(
                host=self._name,
                boot=self._publisher.boot,
                at=self._now(),
                n=self._publisher.published,
                is_whole=is_whole,
                version=__version__,
                running=self._running,
                most=self._most,
                spent_usd=await self._threads.run(lambda: spent_today(self._state_dir, self._now())),
                day=self._now().astimezone().date().isoformat(),
                emergency=await self._fleet.emergency_stop(),
                panic=self._control.panic,
                projects=tuple(self._projects),
            )
            await self._connection.store(subjects.beat(self._name), beat.encode())
            was_whole = is_whole
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(nats_streams.BEAT_SECONDS if is_whole else 0.2):
                    await self._beat_due.wait()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _on_hint(self, _: Msg) -> None:
        self._spawn(self._obey())

    async def _obey(self) -> None:
        with contextlib.suppress(NotStoredError, HostAwayError, SamobotError):
            await self._control.obey()
            self._beat_due.set()

    # Decisions ---------------------------------------------------------------------------------------------------

    async def _on_decision(self, message: Msg) -> None:
        # Another host could make the server put its answer to some request here; that has no such reply subject.
        if not message.reply.startswith(subjects.decision_acks(self._name).removesuffix(">")):
            log.error("a message that is no decision of the hub was ignored")
            return
        try:
            decision = HostDecision.model_validate_json(message.data)
        except ValidationError as error:
            log.error("a decision cannot be read and waits for a newer samobot here: %s", error)
            return
        self._spawn(self._carry_out(decision, message))

    async def _carry_out(self, decision: HostDecision, message: Msg) -> None:
        """Carry out a decision, store its receipt, and only then let the server forget the decision.

        After any failure on the way the decision comes again, and the ledger knows how far it got.
        """
        working = asyncio.create_task(self._keep_working(message))
        try:
            task = self._work.get(decision.id)
            if task is None:
                task = self._work[decision.id] = asyncio.create_task(self._apply(decision))
                task.add_done_callback(lambda _: self._work.pop(decision.id, None))
            receipt = await asyncio.shield(task)  # it ends also when the connection does not last
            await self._connection.store(subjects.receipt(self._name), receipt.encode())
            await self._connection.publish(message.reply, b"+ACK")
        except (NotStoredError, SamobotError) as error:
            log.warning("decision %s (%s) comes again: %s", decision.id, decision.call, error)
            with contextlib.suppress(HostAwayError):
                nak = b"-NAK " + json.dumps({"delay": _RETRY_NS}).encode()
                await self._connection.publish(message.reply, nak)
        finally:
            working.cancel()

    async def _keep_working(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(_WORKING_SECONDS)
            with contextlib.suppress(HostAwayError):
                await self._connection.publish(message.reply, b"+WPI")

    async def _apply(self, decision: HostDecision) -> DecisionReceipt:
        await self._control.obey()
        arguments = decision.arguments or await self._fetch(decision)
        receipt = await self._applier.apply(decision, arguments)
        keys = await self._snapshots(_refs_of(decision.call, arguments, receipt.outcome))
        snapshots = self._publisher.current(keys)
        return receipt.model_copy(
            update={"outcome": receipt.outcome.model_copy(update={"snapshots": snapshots})}
        )

    async def _fetch(self, decision: HostDecision) -> str:
        parts = []
        for part in range(decision.parts):
            fetch = Fetch(id=decision.id, part=part)
            answer = await self._connection.request(
                subjects.fetch(self._name), fetch.encode(), _FETCH_SECONDS
            )
            parts.append(CallOutcome.model_validate_json(answer.data).result)
        return join(parts)

    # Reads -------------------------------------------------------------------------------------------------------

    async def _on_read(self, message: Msg) -> None:
        self._spawn(self._answer(message))

    async def _answer(self, message: Msg) -> None:
        try:
            outcome = await self._read(Read.model_validate_json(message.data))
        except SamobotError as error:
            outcome = failure(error)
        except Exception:
            log.exception("a read: %s", message.data[:200])
            outcome = failure(SamobotError("Internal error on the host; details are in its log."))
        with contextlib.suppress(HostAwayError):
            await self._connection.publish(message.reply, outcome.encode())

    async def _read(self, read: Read) -> CallOutcome:
        if not read.call:
            parts = self._tickets.get(read.ticket, [])
            if read.part >= len(parts):
                raise StorageError("The answer is no longer kept on the host; ask again.")
            return CallOutcome(result=parts[read.part])
        if read.call not in READS | CONTROLS:
            raise SamobotError(f"“{read.call}” is unknown on this host; update its samobot.")
        call = named_call(read.call)
        arguments = call.decode(read.arguments)
        result = await call.succeed(self._fleet, arguments)
        if read.call in CONTROLS:
            await self.look()
            self._beat_due.set()
        keys: list[str] = []
        if read.call == "mark_past":
            keys = await self._snapshots(SessionRef.from_key(key) for key in arguments["keys"])
        elif read.call == "view":
            keys = await self._snapshots([arguments["ref"]])
        return self._bounded(result, keys)

    def _bounded(self, result: str, keys: list[str]) -> CallOutcome:
        snapshots = self._publisher.current(keys)
        if len(result) + sum(len(each.encode()) for each in snapshots) < LARGEST:
            return CallOutcome(result=result, snapshots=snapshots)
        ticket = uuid4().hex
        self._tickets[ticket] = split(result)
        while len(self._tickets) > _TICKETS:
            self._tickets.popitem(last=False)
        return CallOutcome(result=ticket, parts=len(self._tickets[ticket]))


def _refs_of(name: str, arguments: str, outcome: CallOutcome) -> list[SessionRef]:
    """The sessions that a decision was about, which it may have begun."""
    try:
        ref = named_call(name).decode(arguments).get("ref")
    except SamobotError:  # a call of a newer version, which was refused
        return []
    if isinstance(ref, SessionRef):
        return [ref]
    if outcome.result and not outcome.error:
        found = json.loads(outcome.result)
        if isinstance(found, dict) and found.get("ref"):
            return [SessionRef.model_validate(found["ref"])]
    return []
