"""The queue of runs: starts desired runs when there is room, and shows each session's place."""

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
from samobot.fleet.results import FleetEvent, FleetPoll
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.supervisor import Observation, Supervisor
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.session.folder import clean_address
from samobot.session.last_run import holds
from samobot.session.status import SessionState

log = logging.getLogger(__name__)


class RunQueue:
    """The sessions as they run, and the workers that are started for them.

    Args:
        wanted: The desired runs; survives restarts.
        most: How many may run at the same time.
        state_dir: Where the emergency stop is kept.
        reading: Reads sessions from their files.
        workers: The worker processes.
        now: The clock, aware.
        changed: Called after something that a poll would only find later.
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

    # Sessions and their runs

    async def sessions(self) -> list[SessionView]:
        """List every session; the same object as before for one in which nothing has changed."""
        views, _ = await self._look()
        return self._shown(views)

    def _shown(self, views: list[SessionView]) -> list[SessionView]:
        """The sessions with their places in the queue."""
        runs = self._wanted.sessions
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
        view, key = await self._reading.view(ref), ref.key
        return self._wish(view, key, self.supervisor.places()) if key in self._wanted.sessions else view

    @property
    def wanted(self) -> frozenset[str]:
        """The keys of the desired sessions."""
        return self._wanted.sessions

    def is_wanted(self, ref: SessionRef) -> bool:
        """Whether a run of the session is desired."""
        return ref.key in self._wanted.sessions

    # Desired runs

    async def want(self, ref: SessionRef, options: dict[str, Any]) -> int | None:
        """Request a run and reconcile at once; return its place in the queue, if it is queued.

        Raises:
            StorageError: It cannot be recorded.
        """
        async with self._keeping:
            # Not while a poll looks: it would judge this run by what the session was before.
            self.supervisor.want(ref.key, options)
            await self._look_and_reconcile()
        return self.supervisor.places().get(ref.key)

    async def continue_run(self, ref: SessionRef) -> None:
        """Continue a run after a decision from Telegram, with the options of its last request.

        Not one that the user has stopped or paused: that waits for an explicit resume.

        Not during the emergency stop, and not automatically after it either: then it waits for `/resume`.
        """
        async with self._keeping:
            # Of the others what the last poll saw does, as nothing was collected since.
            view, observed = await self._reading.view_among(ref, {*self._wanted.sessions, ref.key})
            held = view.state is SessionState.STOPPED and holds(view.end)
            if not held and not self._may_start_nothing():
                run = self._wanted.get(ref.key)
                self.supervisor.want(ref.key, run.options if run is not None else run_options(auto=view.auto))
                self._news += self.supervisor.reconcile(observed, self._now())

    async def poll(self) -> FleetPoll:
        """Start desired runs, as far as there is room; return what was done, and all sessions from one look."""
        views = await self._keep()
        news, self._news = self._news, []
        return FleetPoll(news, self._shown(views), await self._reading.past())

    async def wait_for_starts(self) -> None:
        """Wait for workers that are being started just now."""
        await self.supervisor.wait_for_starts()

    async def close(self) -> None:
        """Wait for workers that are being started; nothing further is started."""
        await self.supervisor.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Start nothing inside this context, whatever the emergency flag on disk."""
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
        """Refuse to start something during the emergency stop.

        Raises:
            ConflictError: It is.
        """
        pulled = emergency_flag.read_flag(self._state_dir)
        if pulled is not None:
            raise ConflictError(
                f"The emergency stop is on ({pulled.who}): nothing starts until /resume turns it off."
            )

    # Helpers

    async def _look(self) -> tuple[list[SessionView], Observation]:
        found = await self._reading.sessions(self._wanted.sessions)
        self._workers.watch(self._reading.worker_pids)
        return found

    def _wish(self, view: SessionView, key: str, places: Mapping[str, int]) -> SessionView:
        """Add a session's place in the queue to its view; the same object as before if nothing has changed."""
        waits_its_turn = not is_held(view) and view.state in (SessionState.IDLE, SessionState.PARKED)
        place = places.get(key) if waits_its_turn else None
        known = self._wished.get(key)
        if known is not None and known[0] is view and known[1] == place:
            return known[2]
        state = SessionState.QUEUED if place is not None else view.state
        shown = view.model_copy(update={"wanted": True, "place": place, "state": state})
        self._wished[key] = (view, place, shown)
        return shown

    async def _keep(self) -> list[SessionView]:
        async with self._keeping:
            return await self._look_and_reconcile()

    async def _look_and_reconcile(self) -> list[SessionView]:
        ended = self.supervisor.collect()
        views, observed = await self._look()
        if not self._may_start_nothing():
            self._news += self.supervisor.reconcile(observed, self._now(), ended)
        return views

    def _may_start_nothing(self) -> bool:
        """Whether the emergency stop is in force, or may be because its flag cannot be read."""
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
        project, folder = await self._reading.place(ref)
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
    """The name under which `samobot run` finds the session: a folder made by hand may have any name."""
    try:
        clean_address(ref.folder)
    except UsageError:
        return ref.name
    return ref.folder
