"""Stopping sessions: after an iteration, now, all at once, or by archiving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from samobot.errors import ConflictError, SamobotError, StorageError
from samobot.fleet import emergency_flag
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import StopReport
from samobot.fleet.run_queue import RunQueue, is_held
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.session import requests
from samobot.session.folder import SessionFolder, archive
from samobot.session.gate import Person
from samobot.session.lock import holder
from samobot.session.requests import RequestKind, WorkerRequest
from samobot.session.status import SessionState
from samobot.system.threads import Threads
from samobot.worker.halt import HaltResult, halt

log = logging.getLogger(__name__)


class SessionStopper:
    """Pauses, stops and archives sessions.

    Args:
        state_dir: Where the emergency stop is kept.
        reading: Where the sessions are.
        running: The queue of runs.
        workers: The worker processes.
        threads: Where files are written and processes are waited for.
        now: The clock, aware.
        changed: Called when a session was stopped.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        reading: SessionReader,
        running: RunQueue,
        workers: WorkerProcesses,
        threads: Threads,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        self._state_dir = state_dir
        self._reading = reading
        self._running = running
        self._supervisor = running.supervisor
        self._workers = workers
        self._threads = threads
        self._now = now
        self._changed = changed

    async def pause(self, ref: SessionRef, by: Person) -> None:
        """Pause a session after its iteration, or take it out of the queue.

        Raises:
            ConflictError: It is not running: a session at a gate is idle already, and continues after the decision.
        """
        await self._supervisor.started(ref.key)
        folder = await self._reading.folder(ref)
        if await self._threads.run(lambda: holder(folder)) is not None:
            await self._threads.run(
                lambda: requests.request(folder, WorkerRequest(RequestKind.PAUSE, by.who))
            )
        elif self._running.is_wanted(ref) and not _needs_user(await self._reading.view(ref)):
            self._supervisor.drop(ref.key)
        else:
            raise ConflictError(f"{ref.name} is not running, so there is nothing to pause.")

    async def stop(self, ref: SessionRef) -> StopReport:
        """Stop a session now, and report what was checked. Takes up to twelve seconds.

        Raises:
            NotFoundError: It is gone.
            StorageError: It was stopped, but that could not be recorded.
        """
        return await self._stop(ref, desired=self._running.is_wanted(ref))

    async def _stop(self, ref: SessionRef, *, desired: bool) -> StopReport:
        with self._supervisor.held_back(ref.key):
            unwritten: StorageError | None = None
            try:
                self._supervisor.drop(ref.key)
            except StorageError as error:
                unwritten = error  # a full disk must not keep anything running
            await self._supervisor.started(ref.key)
            folder = await self._reading.folder(ref)
            halted = await self._threads.run_slowly(lambda: self._halt(ref, folder, desired=desired))
        self._changed()
        if unwritten is not None:
            raise StorageError(f"{halted.summary} But it could not be written down: {unwritten.message}")
        return StopReport(words=halted.summary, clean=halted.clean, done=halted.done)

    async def panic(self, by: Person) -> list[StopReport]:
        """Stop everything at once, and let nothing start until `lift_emergency_stop`."""
        with self._running.frozen():
            return await self._stop_everything(by)

    async def lift_emergency_stop(self) -> bool:
        """Let workers start again; whether the emergency stop was on."""
        return await self._threads.run(lambda: emergency_flag.lower_flag(self._state_dir))

    async def archive(self, ref: SessionRef) -> None:
        """Move a session's folder into the archive.

        Raises:
            BusyError: It is running.
        """
        with self._supervisor.held_back(ref.key):
            await self._supervisor.started(ref.key)
            folder = await self._reading.folder(ref)
            await self._threads.run(lambda: archive(folder))
            self._supervisor.drop(ref.key)

    def _halt(self, ref: SessionRef, folder: SessionFolder, *, desired: bool) -> HaltResult:
        halted = halt(folder, desired=desired, now=self._now)
        if not self._workers.end_stray(ref.key):
            return replace(halted, alive=(*halted.alive, "its worker"))
        return halted

    async def _stop_everything(self, by: Person) -> list[StopReport]:
        reports: list[StopReport] = []
        try:
            await self._threads.run(lambda: emergency_flag.raise_flag(self._state_dir, by.who, self._now()))
        except StorageError as error:
            words = f"The emergency stop could not be written down, so it holds only for now: {error.message}"
            reports.append(StopReport(words=words, clean=False))
        desired = self._running.wanted
        for key in desired:
            try:
                self._supervisor.drop(key)
            except StorageError as error:
                log.warning("%s: %s", key, error.message)
        starting = {SessionRef.from_key(key) for key in self._supervisor.starting}
        views = await self._running.sessions()
        running = starting | {view.ref for view in views if is_held(view)}
        # Their runs were withdrawn already: without a mark they would be idle, and no list would show why.
        waiting = {view.ref for view in views if view.ref.key in desired and view.state is SessionState.IDLE}
        refs = [*running, *(waiting - running)]
        ended = await asyncio.gather(
            *(self._stop(ref, desired=ref.key in desired) for ref in refs), return_exceptions=True
        )
        for ref, end in zip(refs, ended, strict=True):
            if isinstance(end, BaseException):
                words = end.message if isinstance(end, SamobotError) else repr(end)
                reports.append(StopReport(words=f"{ref.name}: {words}", clean=False))
            elif ref in running or not end.clean:
                reports.append(end)
        return reports


def _needs_user(view: SessionView) -> bool:
    return view.state in (SessionState.WAITING, SessionState.BLOCKED)
