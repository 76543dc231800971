"""Which runs ought to be running: started, started again, queued, or given up. The deciding part is pure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from samobot.errors import SamobotError
from samobot.session.snapshot import SessionState
from samobot.views import FleetNews, NewsKind, SessionView

MOST_RESTARTS = 3
"""How often in ten minutes a worker that died is started again before a person is asked."""

FIRST_RESTART_DELAY = 2.0
"""Seconds before a worker that died is started again for the second time; each further time four times that."""


class WantedRun(Protocol):
    """A run that a person asked for and that has not come to its end."""

    @property
    def session(self) -> str:
        """The session's key."""

    @property
    def options(self) -> dict[str, Any]:
        """The flags of `samobot run`."""

    @property
    def restarts(self) -> tuple[float, ...]:
        """When it was started again after dying, epoch seconds, within the last ten minutes."""

    @property
    def place(self) -> int | None:
        """Its place in the queue; None: it may run now."""


class Wanted(Protocol):
    """Where it is kept which runs ought to be running."""

    def want(self, session: str, options: dict[str, Any], *, queued: bool = False) -> WantedRun:
        """Want a run; wanting it again renews its options."""

    def get(self, session: str) -> WantedRun | None:
        """One of them."""

    def all(self) -> Sequence[WantedRun]:
        """All of them: first those that may run, then the queue in its order."""

    def admit(self, session: str) -> None:
        """Take a run out of the queue."""

    def restarted(self, session: str) -> int:
        """Note a restart; says how many there were in the last ten minutes."""

    def drop(self, session: str) -> None:
        """Want a run no more."""


class Duty(StrEnum):
    """What is to be done about a wanted run."""

    NOTHING = "nothing"
    START = "start"
    RESTART = "restart"
    GIVE_UP = "give_up"
    DROP = "drop"


def duty(view: SessionView, run: WantedRun, now: datetime) -> Duty:
    """Say what a wanted run needs, by where its session stands.

    Args:
        view: The session.
        run: The run.
        now: The present.
    """
    if view.worker_pid is not None or view.state is SessionState.RUNNING:
        return Duty.NOTHING
    if view.lost:
        if len(run.restarts) >= MOST_RESTARTS:
            return Duty.GIVE_UP
        wait = FIRST_RESTART_DELAY * 4.0 ** (len(run.restarts) - 1) if run.restarts else 0.0
        rested = not run.restarts or now.timestamp() - run.restarts[-1] >= wait
        return Duty.RESTART if rested else Duty.NOTHING
    match view.state:
        case SessionState.WAITING:
            return Duty.NOTHING
        case SessionState.PARKED:
            due = view.parked_until is None or now >= view.parked_until
            return Duty.START if due else Duty.NOTHING
        case SessionState.DONE | SessionState.STOPPED | SessionState.BLOCKED:
            return Duty.DROP
        case SessionState.IDLE | SessionState.QUEUED:
            return Duty.START


class Keeper:
    """Starts what ought to run, as far as there is room.

    Args:
        wanted: Which runs ought to be running.
        most: How many may run at the same time.
        start: Starts a worker for a session with these flags, and returns its process id.
    """

    def __init__(
        self, wanted: Wanted, most: int, start: Callable[[SessionView, dict[str, Any]], Awaitable[int]]
    ) -> None:
        self._wanted = wanted
        self._most = most
        self._start = start
        self._starting: dict[str, asyncio.Future[int]] = {}

    def place(self, session: str) -> int | None:
        """A session's place in the queue, from 1; None where it does not wait for its turn."""
        queue = [run.session for run in self._wanted.all() if run.place is not None]
        return queue.index(session) + 1 if session in queue else None

    def keep(self, views: Sequence[SessionView], now: datetime) -> list[FleetNews]:
        """Do what is due, and tell what was done by itself.

        Args:
            views: All sessions as they are now.
            now: The present.
        """
        by_key = {view.ref.key: view for view in views}
        news = self._take_results(by_key)
        active = {
            key for key, view in by_key.items() if view.state is SessionState.RUNNING
        } | self._starting.keys()
        for run in list(self._wanted.all()):
            key = run.session
            view = by_key.get(key)
            if view is None:
                self._wanted.drop(key)
                continue
            if key in self._starting:
                continue
            match duty(view, run, now):
                case Duty.DROP:
                    self._wanted.drop(key)
                case Duty.GIVE_UP:
                    self._wanted.drop(key)
                    text = f"Its worker died {MOST_RESTARTS + 1} times within ten minutes; it is not started again."
                    news.append(FleetNews(ref=view.ref, key=key, kind=NewsKind.GAVE_UP, text=text))
                case Duty.START | Duty.RESTART as what:
                    if len(active) >= self._most:
                        if run.place is None:
                            self._wanted.want(key, run.options, queued=True)
                        continue
                    if what is Duty.RESTART:
                        self._wanted.restarted(key)
                        text = "Its worker had died and was started again."
                        news.append(FleetNews(ref=view.ref, key=key, kind=NewsKind.RESTARTED, text=text))
                    if run.place is not None:
                        self._wanted.admit(key)
                    active.add(key)
                    self._starting[key] = asyncio.ensure_future(self._start(view, run.options))
                case Duty.NOTHING:
                    if run.place is not None:
                        self._wanted.admit(key)
        return news

    async def settle(self) -> None:
        """Wait for the starts that are under way; their results come with the next `keep`."""
        if self._starting:
            await asyncio.wait(self._starting.values())

    def _take_results(self, by_key: Mapping[str, SessionView]) -> list[FleetNews]:
        news: list[FleetNews] = []
        for key, task in list(self._starting.items()):
            if not task.done():
                continue
            del self._starting[key]
            view = by_key.get(key)
            error = None if task.cancelled() else task.exception()
            if error is None:
                continue
            self._wanted.drop(key)
            text = (
                error.message if isinstance(error, SamobotError) else f"It could not be started ({error!r})."
            )
            news.append(
                FleetNews(ref=view.ref if view else None, key=key, kind=NewsKind.FAILED_TO_START, text=text)
            )
        return news
