"""Which sessions run: what is wanted is started when its turn comes, and shown with its place in the queue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from samobot.errors import ConflictError, SamobotError, UsageError
from samobot.fleet import emergency_flag
from samobot.fleet.desired_runs import DesiredRuns
from samobot.fleet.launch import RunRequest
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import FleetEvent
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.supervisor import Supervisor
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.session.folder import clean_address
from samobot.session.snapshot import holds
from samobot.session.status import SessionState

log = logging.getLogger(__name__)


class RunQueue:
    """The sessions as they run, and the workers that are started for them.

    Args:
        wanted: Which runs ought to be running; survives restarts.
        most: How many may run at the same time.
        state_dir: Where the emergency stop is kept.
        reading: The sessions as their files say.
        workers: The worker processes.
        now: The clock, aware.
        changed: Called when something has happened that a poll would only find later.
    """

    def __init__(
        self,
        wanted: DesiredRuns,
        most: int,
        state_dir: Path,
        *,
        reading: SessionReader,
        workers: WorkerProcesses,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        self.supervisor = Supervisor(wanted, most, self._start_worker, lives=workers.lives, changed=changed)
        self._wanted = wanted
        self._state_dir = state_dir
        self._reading = reading
        self._workers = workers
        self._now = now
        self._keeping = asyncio.Lock()
        self._news: list[FleetEvent] = []
        self._wished: dict[str, tuple[SessionView, int | None, SessionView]] = {}
        self._trouble = ""
        self._frozen = False

    # What runs.

    async def sessions(self) -> list[SessionView]:
        """Every session; the same object as before for one in which nothing has changed."""
        views = await self._look()
        runs = self.wanted()
        places = self.supervisor.places()
        self._wished = {key: kept for key, kept in self._wished.items() if key in runs}
        if not runs:
            return views
        return [self._wish(view, key, places) if (key := view.ref.key) in runs else view for view in views]

    async def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        view = await self._reading.view(ref)
        wanted = self.is_wanted(ref)
        return self._wish(view, ref.key, self.supervisor.places()) if wanted else view

    def wanted(self) -> frozenset[str]:
        """The keys of the sessions that ought to run."""
        return frozenset(run.session for run in self._wanted.all())

    def is_wanted(self, ref: SessionRef) -> bool:
        """Whether a session ought to run."""
        return self._wanted.get(ref.key) is not None

    # What shall run.

    async def want(self, ref: SessionRef, options: dict[str, Any]) -> int | None:
        """Want a run and do at once what is due; returns its place in the queue, where it has one.

        Raises:
            StorageError: It cannot be written down.
        """
        self.supervisor.want(ref.key, options)
        await self._keep()
        return self.supervisor.places().get(ref.key)

    async def go_on(self, ref: SessionRef) -> None:
        """A person has decided in the chat: the run goes on by itself, as it was wanted before.

        Not one that a person has stopped or paused: that waits for a person's wish that it runs.

        Not under the emergency stop, whose end starts nothing by itself either: then it waits for `/resume`.
        """
        if self._may_start_nothing():
            return
        view = await self._reading.view(ref)
        if view.state is SessionState.STOPPED and holds(view.end):
            return
        run = self._wanted.get(ref.key)
        options = run.options if run is not None else run_options(auto=view.auto)
        await self.want(ref, options)

    async def reconcile(self) -> list[FleetEvent]:
        """Start what ought to run, as far as there is room; tell what was done by itself. For every poll."""
        await self._keep()
        news, self._news = self._news, []
        return news

    async def wait_for_starts(self) -> None:
        """Wait for workers that are being started just now."""
        await self.supervisor.wait_for_starts()

    async def close(self) -> None:
        """Wait for workers that are being started just now; nothing is started any more."""
        await self.supervisor.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Start nothing as long as this lasts, whatever the disk says of the emergency stop."""
        self._frozen = True
        try:
            yield
        finally:
            self._frozen = False

    def emergency_stop(self) -> str | None:
        """Return who pulled the emergency stop that is in force, None if there is none."""
        pulled = emergency_flag.read_flag(self._state_dir)
        return pulled.who if pulled is not None else None

    def refuse_in_panic(self) -> None:
        """Refuse a person's wish that something runs while the emergency stop is in force.

        Raises:
            ConflictError: It is.
        """
        pulled = emergency_flag.read_flag(self._state_dir)
        if pulled is not None:
            raise ConflictError(
                f"{pulled.who} pulled the emergency stop; nothing starts until /resume lifts it."
            )

    # Behind them.

    async def _look(self) -> list[SessionView]:
        views = await self._reading.sessions(self.wanted())
        self._workers.watch(self._reading.worker_pids)
        return views

    def _wish(self, view: SessionView, key: str, places: Mapping[str, int]) -> SessionView:
        """Show a wanted session's place in the queue; the same object as before where nothing has changed."""
        waits_its_turn = not is_held(view) and view.state in (SessionState.IDLE, SessionState.PARKED)
        place = places.get(key) if waits_its_turn else None
        known = self._wished.get(key)
        if known is not None and known[0] is view and known[1] == place:
            return known[2]
        state = SessionState.QUEUED if place is not None else view.state
        shown = view.model_copy(update={"wanted": True, "place": place, "state": state})
        self._wished[key] = (view, place, shown)
        return shown

    async def _keep(self) -> None:
        async with self._keeping:
            ended = self.supervisor.collect()
            await self._look()
            if self._may_start_nothing():
                return
            observed = await self._reading.observe(self.wanted())
            self._news += self.supervisor.reconcile(observed, self._now(), ended)

    def _may_start_nothing(self) -> bool:
        """Whether the emergency stop is in force: also where nobody can tell."""
        trouble = ""
        try:
            stopped = self._frozen or emergency_flag.read_flag(self._state_dir) is not None
        except SamobotError as error:
            trouble, stopped = error.message, True
        if trouble and trouble != self._trouble:
            log.error("Nothing is started: %s", trouble)
        self._trouble = trouble
        return stopped

    async def _start_worker(self, view: SessionView, options: dict[str, Any]) -> int:
        ref = view.ref
        project = await self._reading.project(ref.project)
        folder = await self._reading.folder(ref)
        self.refuse_in_panic()
        request = RunRequest(config=project.file, session=_spoken(ref), auto=bool(options.get("auto")))
        return await self._workers.start(ref.key, request, folder)


def run_options(*, auto: bool) -> dict[str, Any]:
    """The flags of `samobot run` that a wanted run keeps."""
    return {"auto": True} if auto else {}


def is_held(view: SessionView) -> bool:
    """Whether a living worker holds the session, also one whose id cannot be read."""
    return view.has_worker or view.state is SessionState.RUNNING


def _spoken(ref: SessionRef) -> str:
    """The name under which `samobot run` finds the session: a folder that a person made may be named anyhow."""
    try:
        clean_address(ref.folder)
    except UsageError:
        return ref.name
    return ref.folder
