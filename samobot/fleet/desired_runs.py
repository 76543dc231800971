"""Which runs should be running, in the state folder's `desired_runs.json`, and what is due for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from samobot.errors import StorageError
from samobot.fleet.models import SessionView
from samobot.session.files import read_bytes, write_atomic
from samobot.session.status import SessionState

log = logging.getLogger(__name__)

FILE_NAME = "desired_runs.json"

RESTART_WINDOW_SECONDS = 600.0
"""Only restarts this recent are remembered."""


class DesiredRun(BaseModel):
    """A run that a user asked for and that has not come to its end.

    Attributes:
        session: The session's key.
        options: How to start it: flags of `samobot run`.
        since: When it was asked for, epoch seconds.
        restarts: When it was restarted after a crash, epoch seconds, within the last ten minutes.
        place: Its place in the queue, lowest first; None: it may run now.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    session: str
    options: dict[str, Any] = {}
    since: float = 0.0
    restarts: tuple[float, ...] = ()
    place: int | None = None


_RUNS = TypeAdapter(list[DesiredRun])


def desired_sessions(state_dir: Path) -> frozenset[str]:
    """The keys of the sessions whose runs are desired, for a process that does not own the list.

    A list that cannot be read is taken for an empty one: it must not keep anything from being stopped.
    """
    try:
        return frozenset(
            run.session for run in _RUNS.validate_json(read_bytes(state_dir / FILE_NAME) or b"[]")
        )
    except (StorageError, ValidationError):
        return frozenset()


class DesiredRuns:
    """The list of desired runs. One process at a time owns it; each change is on disk when the call returns.

    Args:
        state_dir: The state folder; made with mode 0700 if it is missing.
        clock: Epoch seconds.

    Raises:
        StorageError: The file cannot be read. One that is damaged is moved aside and logged instead.
    """

    def __init__(self, state_dir: Path, clock: Callable[[], float]) -> None:
        self._path = state_dir / FILE_NAME
        self._clock = clock
        self._take({run.session: run for run in self._load()})

    def want(self, session: str, options: dict[str, Any], *, queued: bool = False) -> DesiredRun:
        """Desire a run; asking again renews the options and forgets the restarts.

        Args:
            session: The session's key.
            options: The flags of `samobot run`, as JSON.
            queued: Whether it waits at the end of the queue; one that waits already keeps its place.
        """
        known = self._runs.get(session)
        last = max((run.place for run in self._runs.values() if run.place is not None), default=0)
        place = (known and known.place) or last + 1
        run = DesiredRun(
            session=session, options=options, since=self._clock(), place=place if queued else None
        )
        self._save({**self._runs, session: run})
        return run

    def get(self, session: str) -> DesiredRun | None:
        """Return one, or None if it is not desired."""
        run = self._runs.get(session)
        return None if run is None else self._current(run)

    def all(self) -> tuple[DesiredRun, ...]:
        """List them: first those that may run, then the queue in its order."""
        return tuple(map(self._current, self._ordered)) if self._restarted else self._ordered

    @property
    def sessions(self) -> frozenset[str]:
        """The keys of the sessions whose runs are desired."""
        return self._sessions

    def admit(self, session: str) -> None:
        """Take a run out of the queue: it may run now."""
        run = self._runs.get(session)
        if run is not None and run.place is not None:
            self._save({**self._runs, session: run.model_copy(update={"place": None})})

    def restarted(self, session: str) -> int:
        """Record that a crashed run is restarted; return how many times within the last ten minutes."""
        run = self.get(session)
        if run is None:
            return 0
        restarts = (*run.restarts, self._clock())
        self._save({**self._runs, session: run.model_copy(update={"restarts": restarts})})
        return len(restarts)

    def drop(self, session: str) -> None:
        """Remove a run: it ended, or a user stopped it."""
        if session in self._runs:
            self._save({key: run for key, run in self._runs.items() if key != session})

    def adopt(self, runs: Iterable[DesiredRun]) -> None:
        """Take over runs that were kept elsewhere; those that are known stay as they are."""
        added = {run.session: run for run in runs if run.session not in self._runs}
        if added:
            self._save({**added, **self._runs})

    def _current(self, run: DesiredRun) -> DesiredRun:
        if not run.restarts:
            return run
        oldest = self._clock() - RESTART_WINDOW_SECONDS
        return run.model_copy(update={"restarts": tuple(at for at in run.restarts if at > oldest)})

    def _load(self) -> list[DesiredRun]:
        content = read_bytes(self._path)
        if content is None:
            return []
        try:
            return _RUNS.validate_json(content)
        except ValidationError:
            aside = self._path.with_suffix(".damaged")
            log.error(
                "%s is damaged; it was moved to %s. Start what should run with /resume.", self._path, aside
            )
            try:
                self._path.replace(aside)
            except OSError as error:
                raise StorageError(
                    f"{self._path} is damaged and cannot be moved: {error.strerror}."
                ) from error
            return []

    def _save(self, runs: dict[str, DesiredRun]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"{self._path.parent} cannot be made: {error.strerror}.") from error
        write_atomic(self._path, _RUNS.dump_json(list(runs.values()), indent=1), mode=0o600)
        self._take(runs)

    def _take(self, runs: dict[str, DesiredRun]) -> None:
        """Keep the runs, and what every poll asks of them."""
        self._runs = runs
        self._sessions = frozenset(runs)
        self._ordered = tuple(
            sorted(runs.values(), key=lambda run: (run.place is not None, run.place or 0, run.since))
        )
        self._restarted = any(run.restarts for run in runs.values())


MAX_RESTARTS = 3
"""How often in ten minutes a crashed worker is restarted before the user is asked."""

FIRST_RESTART_DELAY = 2.0
"""Seconds before a crashed worker is restarted for the second time; each further time four times that."""


class RunAction(StrEnum):
    """The next action for a desired run."""

    NOTHING = "nothing"
    START = "start"
    RESTART = "restart"
    REST = "rest"
    GIVE_UP = "give_up"
    DROP = "drop"


def next_action(view: SessionView, run: DesiredRun, now: datetime, *, idle: bool = False) -> RunAction:
    """Return the next action for a desired run, from its session's state.

    Args:
        view: The session as read from its files, without the queue's additions.
        run: The run.
        now: The present.
        idle: Whether the last start led to nothing: no iteration, and no decision since.
    """
    if view.has_worker or view.state is SessionState.RUNNING:
        return RunAction.NOTHING
    match view.state:
        case SessionState.STOPPED if view.end is not None and not view.end.by_person:
            # The service or the machine went down: the user did not end this run.
            return _again(run, now) if idle else RunAction.START
        case SessionState.DONE | SessionState.STOPPED | SessionState.BLOCKED:
            # Also if the worker died before it could record the gate: the user is asked, and nothing is left to do.
            return RunAction.DROP
        case SessionState.WAITING if not view.lost:
            return RunAction.NOTHING
        case SessionState.PARKED if view.parked_until is not None and now < view.parked_until:
            return RunAction.NOTHING
        case _:
            # A dead worker's agent may still be at work: only another worker cleans up, also before a gate.
            return _again(run, now) if view.lost or idle else RunAction.START


def _again(run: DesiredRun, now: datetime) -> RunAction:
    if not run.restarts:
        return RunAction.RESTART
    if len(run.restarts) >= MAX_RESTARTS:
        return RunAction.GIVE_UP
    wait = FIRST_RESTART_DELAY * 4.0 ** (len(run.restarts) - 1)
    since = now.timestamp() - run.restarts[-1]
    # A clock that was set back must not make it wait forever.
    return RunAction.RESTART if since >= wait or since < 0 else RunAction.REST
