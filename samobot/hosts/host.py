"""A host: runs the sessions of its machine without Telegram, as the hub decides."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from nats.aio.msg import Msg

from samobot import __version__
from samobot.config.modes import HostAlone
from samobot.errors import HostAwayError, NotFoundError, SamobotError, StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef
from samobot.fleet.results import ProjectView
from samobot.hosts import nats_streams, subjects
from samobot.hosts.applier import Applier
from samobot.hosts.connection import Connection, NobodyListensError, NotStoredError, cancellable
from samobot.hosts.decision_receiver import DecisionReceiver
from samobot.hosts.host_control import ControlReader
from samobot.hosts.hub_messages import Beat, SessionSnapshot
from samobot.hosts.link import Link
from samobot.hosts.machine_limits import MachineLimits
from samobot.hosts.news_journal import NewsJournal
from samobot.hosts.read_responder import ReadResponder
from samobot.hosts.snapshot_publisher import SnapshotPublisher
from samobot.session.status import SessionState
from samobot.system.threads import Threads

log = logging.getLogger(__name__)

_SHORTEST_REST = 0.05
_FAREWELL_SECONDS = 1.0


class HostService:
    """Publishes the sessions of this machine, answers reads, and carries out decisions, each once.

    Args:
        link: How the hub's server is reached.
        fleet: The sessions of this machine.
        state_dir: The state folder.
        now: The clock, aware.
        poll_seconds: Seconds between two looks at the sessions; changed files make one sooner.
        most: How many sessions may run at the same time.
        alone: What they do while the machine is cut off.
        machine: This machine's part in what all share; by default that of the state folder and the environment.
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
        alone: HostAlone = HostAlone.CONTINUE,
        machine: MachineLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = link.user
        self._fleet = fleet
        self._now = now
        self._poll_seconds = poll_seconds
        self._most = most
        self._alone = alone
        self._monotonic = monotonic
        self._threads = Threads()
        self._connection = Connection(link, self._serve)
        self._machine = machine or MachineLimits(link.user, state_dir, os.environ, now)
        self._control = ControlReader(self._connection, fleet, state_dir, self._machine, self._threads)
        self._publisher = SnapshotPublisher(uuid4().hex[:12])
        applier = Applier(fleet, state_dir, self._threads, now)
        self._decisions = DecisionReceiver(
            self._name, self._connection, applier, self._control.obey_panic, self._snapshots, self._spawn
        )
        self._reads = ReadResponder(
            self._connection, fleet, self._look_and_beat, self._snapshots, self._spawn
        )
        self._looking = asyncio.Lock()
        self._has_looked = False
        self._due = asyncio.Event()
        self._beat_due = asyncio.Event()
        self._projects: list[ProjectView] = []
        self._running = 0
        self._ends = False
        self._seen: object = None
        self._news = NewsJournal(state_dir)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Serve until cancelled; the sessions continue without it."""
        serving = asyncio.create_task(self._serve_all())
        try:
            try:
                await asyncio.wait((serving,))
                await serving
            finally:
                await self._say_farewell()
        finally:
            for task in (serving, *self._tasks):
                task.cancel()
            await asyncio.gather(serving, *self._tasks, return_exceptions=True)
            self._threads.close()

    async def _serve_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_regularly(), name="looks")
            group.create_task(self._look_at_hints(), name="hints")
            group.create_task(self._connection.run(), name="connection")

    async def _say_farewell(self) -> None:
        """Let the hub know that this host ends, which it would notice late; without a connection it does."""
        self._ends = True
        with contextlib.suppress(SamobotError, NotStoredError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._send_beat(is_whole=False)

    # Looks -------------------------------------------------------------------------------------------------------

    async def look(self) -> int:
        """Look at all sessions, start what should run; return the newest change number. Never raises for a disk."""
        async with self._looking:
            try:
                found = await self._fleet.poll()
                if found.events:
                    await self._threads.run(lambda: self._news.add(found.events))
                projects = await self._fleet.projects()
            except SamobotError as error:
                log.error("a look at the sessions did not work: %s", error.message)
                return self._publisher.n
            self._publisher.update(found.sessions, found.past, self._monotonic())
            self._machine.note_sessions(found.sessions)
            running = sum(1 for view in found.sessions if view.has_worker)
            parked = [view.ref for view in found.sessions if view.state is SessionState.PARKED]
            seen = (running, parked, sum(view.cost_usd or 0.0 for view in found.sessions), projects)
            if seen != self._seen:
                self._running, self._projects, self._seen, self._has_looked = running, projects, seen, True
                self._beat_due.set()
            if self._news.first or self._publisher.due():
                self._due.set()
            return self._publisher.n

    async def _look_and_beat(self) -> None:
        await self.look()
        self._beat_due.set()

    async def _look_regularly(self) -> None:
        while True:
            await self.look()
            later = self._publisher.has_later
            await asyncio.sleep(min(self._poll_seconds, 1.0) if later else self._poll_seconds)

    async def _look_at_hints(self) -> None:
        while True:
            await self._fleet.wait_for_change()
            began = time.process_time()
            await self.look()
            await asyncio.sleep(max(_SHORTEST_REST, 4 * (time.process_time() - began)))

    async def _snapshots(self, refs: Iterable[SessionRef]) -> tuple[SessionSnapshot, ...]:
        """Note these sessions as they are now; return their snapshots."""
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
        return self._publisher.current(keys)

    # The connection ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        connection = self._connection
        try:
            await self._control.obey()  # before anything is started
        except NobodyListensError:
            raise NotStoredError(
                "the server runs, but the hub's bot was never connected to it; start or restart the bot there"
            ) from None
        self._publisher.repeat_all()
        self._due.set()
        self._beat_due.set()
        await connection.subscribe(subjects.CONTROL_HINT, self._on_hint)
        await connection.subscribe(subjects.read(self._name), self._reads.on_read)
        await connection.subscribe(subjects.deliver(self._name), self._decisions.on_decision)
        connection.established()
        log.info("connected to the hub as %s", self._name)
        async with asyncio.TaskGroup() as group:
            group.create_task(cancellable(self._publish()))
            group.create_task(cancellable(self._beat()))

    async def _publish(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            for snapshot in self._publisher.due():
                await self._connection.store(subjects.snapshot(self._name, snapshot.key), snapshot.encode())
                self._publisher.done(snapshot)
            while (news := self._news.first) is not None:
                await self._connection.store(subjects.news(self._name), news.encode())
                await self._threads.run(functools.partial(self._news.done, news))

    async def _beat(self) -> None:
        was_whole = False
        while True:
            self._beat_due.clear()
            with contextlib.suppress(
                StorageError, NotStoredError
            ):  # without them this machine counts as cut off
                await self._control.obey()
            is_whole = self._has_looked and not self._publisher.due()
            if is_whole and not was_whole:
                self._beat_due.set()
            await self._send_beat(is_whole=is_whole)
            was_whole = is_whole
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(nats_streams.BEAT_SECONDS if is_whole else 0.2):
                    await self._beat_due.wait()

    async def _send_beat(self, *, is_whole: bool) -> None:
        beat = Beat(
            host=self._name,
            boot=self._publisher.boot,
            at=self._now(),
            n=self._publisher.published,
            is_whole=is_whole,
            version=__version__,
            running=self._running,
            most=self._most,
            limits=await self._threads.run(self._machine.report),
            waits_alone=self._alone is HostAlone.PAUSE,
            emergency=await self._fleet.emergency_stop(),
            panic=self._control.panic,
            projects=tuple(self._projects),
            is_last=self._ends,
        )
        await self._connection.store(subjects.beat(self._name), beat.encode())

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _on_hint(self, _: Msg) -> None:
        self._spawn(self._obey())

    async def _obey(self) -> None:
        with contextlib.suppress(NotStoredError, HostAwayError, SamobotError):
            await self._control.obey()
            self._beat_due.set()
