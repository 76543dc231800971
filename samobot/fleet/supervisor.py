"""The supervisor: starts, restarts, queues and gives up desired runs, as `run_policy` decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from samobot.errors import SamobotError, StorageError
from samobot.fleet.desired_runs import MAX_RESTARTS, DesiredRun, DesiredRuns, RunAction, next_action
from samobot.fleet.launch import StartInterruptedError
from samobot.fleet.models import SessionView
from samobot.fleet.results import FleetEvent, FleetEventKind
from samobot.frozen import frozen
from samobot.session.status import SessionState

log = logging.getLogger(__name__)


@frozen
class StartEnded:
    """A start that has ended: of which session, and its error, if any."""

    session: str
    error: BaseException | None


@frozen
class Observation:
    """All sessions as they are now.

    Attributes:
        views: Those that could be read, by key, as read from their files.
        gone: Whether a session's folder is certainly gone.
    """

    views: Mapping[str, SessionView]
    gone: Callable[[str], bool]


class Supervisor:
    """Starts desired runs, as far as there is room. One call at a time, with a fresh observation each.

    Args:
        wanted: The desired runs.
        most: How many may run at the same time; those that are parked do not count.
        start: Starts a worker for a session with these flags, and returns its process id.
        lives: Whether a worker that was started for a session is still there, holding it or not.
        changed: Called when a start has ended.
    """

    def __init__(
        self,
        wanted: DesiredRuns,
        most: int,
        start: Callable[[SessionView, dict[str, Any]], Awaitable[int]],
        *,
        lives: Callable[[str], bool] = lambda session: False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._wanted = wanted
        self._most = most
        self._start = start
        self._lives = lives
        self._changed = changed
        self._starting: dict[str, asyncio.Future[int]] = {}
        self._held_back: Counter[str] = Counter()
        self._unwanted: set[str] = set()
        self._to_drop: set[str] = set()
        self._begun_at: dict[str, int] = {}

    def places(self) -> dict[str, int]:
        """The queued sessions, with their places from 1."""
        queue = (run.session for run in self._wanted.all() if run.place is not None)
        return {session: number for number, session in enumerate(queue, start=1)}

    def want(self, session: str, options: dict[str, Any]) -> None:
        """Request a run; one that is queued keeps its place.

        Raises:
            StorageError: It cannot be recorded.
        """
        known = self._wanted.get(session)
        self._wanted.want(session, options, queued=known is not None and known.place is not None)
        self._unwanted.discard(session)
        self._to_drop.discard(session)
        self._begun_at.pop(session, None)

    def drop(self, session: str) -> None:
        """Withdraw a run, even if that cannot be recorded right now."""
        self._unwanted.add(session)
        self._begun_at.pop(session, None)
        self._wanted.drop(session)
        self._unwanted.discard(session)

    @contextlib.contextmanager
    def held_back(self, session: str) -> Iterator[None]:
        """Start nothing for a session inside this context."""
        self._held_back[session] += 1
        try:
            yield
        finally:
            self._held_back[session] -= 1
            if not self._held_back[session]:
                del self._held_back[session]

    @property
    def starting(self) -> frozenset[str]:
        """The sessions whose workers are being started."""
        return frozenset(self._starting)

    async def started(self, session: str) -> None:
        """Wait until a start of a session that is under way has ended."""
        task = self._starting.get(session)
        if task is not None:
            await asyncio.wait([task])

    async def wait_for_starts(self) -> None:
        """Wait for the starts that are under way; their results come with the next `reconcile`."""
        if self._starting:
            await asyncio.wait(self._starting.values())

    async def close(self) -> None:
        """Wait for the starts that are under way; the next supervisor sees their results."""
        await self.wait_for_starts()
        for start in self.collect():
            if start.error is not None:
                log.warning(
                    "%s was not started, the bot's next start tries again: %s", start.session, start.error
                )

    def collect(self) -> tuple[StartEnded, ...]:
        """Take the starts that have ended. Call it before observing, so that their effects are seen."""
        ended = []
        for key, task in list(self._starting.items()):
            if task.done():
                del self._starting[key]
                ended.append(StartEnded(key, None if task.cancelled() else task.exception()))
        return tuple(ended)

    def reconcile(
        self, observed: Observation, now: datetime, ended: Sequence[StartEnded] = ()
    ) -> list[FleetEvent]:
        """Start and restart what is due, and return what was done.

        Args:
            observed: All sessions as they are now.
            now: The present.
            ended: What `collect` returned before the observation.
        """
        self._unwanted |= self._to_drop  # their events have been sent since
        self._to_drop.clear()
        news = [told for each in ended if (told := self._failed(each, observed)) is not None]
        duties = self._duties(observed, now, news)
        # A session in its backoff before a restart keeps its place among those that run.
        active = {key for key, view in observed.views.items() if _works(view)}
        active |= self._starting.keys() | {run.session for run, what in duties if what is RunAction.REST}
        for run, what in sorted(duties, key=_turn):
            try:
                told = self._do(run, what, observed.views[run.session], active)
            except StorageError as error:
                # A start that cannot be recorded would not be counted, so it is not made. The others continue.
                log.warning("%s: %s", run.session, error.message)
                continue
            if told is not None:
                news.append(told)
        return news

    def _duties(
        self, observed: Observation, now: datetime, news: list[FleetEvent]
    ) -> list[tuple[DesiredRun, RunAction]]:
        found: list[tuple[DesiredRun, RunAction]] = []
        for run in self._wanted.all():
            key = run.session
            if key in self._unwanted:
                self._drop_quietly(key)
                continue
            if key in self._to_drop:
                continue
            if key in self._starting or self._held_back[key] or self._lives_unseen(key, observed):
                continue
            view = observed.views.get(key)
            if view is not None:
                idle = self._begun_at.get(key) == view.iteration
                found.append((run, next_action(view, run, now, idle=idle)))
            elif observed.gone(key) and self._drop_quietly(key):
                text = "Its folder is gone, so it cannot continue. It was archived, renamed or deleted."
                news.append(FleetEvent(ref=None, key=key, kind=FleetEventKind.FAILED_TO_START, text=text))
        return found

    def _do(self, run: DesiredRun, what: RunAction, view: SessionView, active: set[str]) -> FleetEvent | None:
        key = run.session
        match what:
            case RunAction.DROP:
                self.drop(key)
            case RunAction.GIVE_UP:
                self._drop_after_event(key)
                text = (
                    f"Its worker ended {MAX_RESTARTS + 1} times within ten minutes; it is not started again."
                )
                return FleetEvent(ref=view.ref, key=key, kind=FleetEventKind.GAVE_UP, text=text)
            case RunAction.NOTHING | RunAction.REST:
                if run.place is not None:
                    self._wanted.admit(key)
                if view.state is SessionState.WAITING:
                    self._begun_at.pop(key, None)
            case RunAction.START | RunAction.RESTART:
                if len(active | {key}) > self._most:
                    if run.place is None:
                        self._line_up(run)
                    return None
                if what is RunAction.RESTART:
                    self._wanted.restarted(key)
                if run.place is not None:
                    self._wanted.admit(key)
                active.add(key)
                self._begun_at[key] = view.iteration
                task = asyncio.ensure_future(self._start(view, run.options))
                # A bot that ends before it has looked at a failed start must not log a traceback.
                task.add_done_callback(_mark_retrieved)
                task.add_done_callback(lambda _: self._changed())
                self._starting[key] = task
                if view.lost:
                    text = "Its worker had died and was started again."
                    return FleetEvent(ref=view.ref, key=key, kind=FleetEventKind.RESTARTED, text=text)
                if run.place is not None:
                    text = "Its turn has come."
                    return FleetEvent(ref=view.ref, key=key, kind=FleetEventKind.STARTED, text=text)
        return None

    def _failed(self, start: StartEnded, observed: Observation) -> FleetEvent | None:
        """Return the event of a failed start, unless another worker holds the session meanwhile."""
        view = observed.views.get(start.session)
        if start.error is None or (view is not None and _is_run(view)):
            return None
        if isinstance(start.error, StartInterruptedError):
            return None  # it is restarted, and counted, since it led to nothing
        self._drop_after_event(start.session)
        error = start.error
        text = error.message if isinstance(error, SamobotError) else f"It could not be started ({error!r})."
        ref = view.ref if view is not None else None
        return FleetEvent(ref=ref, key=start.session, kind=FleetEventKind.FAILED_TO_START, text=text)

    def _line_up(self, run: DesiredRun) -> None:
        """Queue a run, without forgetting how often it was restarted."""
        self._wanted.want(run.session, run.options, queued=True)
        for _ in run.restarts:
            self._wanted.restarted(run.session)

    def _lives_unseen(self, key: str, observed: Observation) -> bool:
        """Whether our worker lives and does not hold its session: it is still starting or ending."""
        view = observed.views.get(key)
        return (view is None or not _is_run(view)) and self._lives(key)

    def _drop_after_event(self, key: str) -> None:
        """Withdraw a run at the next `reconcile`, after its event has been sent.

        If we die before, it is still desired: it is tried again, instead of staying idle without anybody knowing.
        """
        self._to_drop.add(key)
        self._begun_at.pop(key, None)

    def _drop_quietly(self, key: str) -> bool:
        try:
            self.drop(key)
        except StorageError as error:
            log.warning("%s: %s", key, error.message)  # tried again at the next poll
            return False
        return True


def _works(view: SessionView) -> bool:
    """Whether it takes one of the places: also with an agent that waits for a permission, and continues at a tap."""
    return view.state is SessionState.RUNNING or (view.has_worker and view.state is SessionState.WAITING)


def _is_run(view: SessionView) -> bool:
    """Whether a living worker holds the session; its id is unknown if its description cannot be read."""
    return view.has_worker or view.state is SessionState.RUNNING


def _turn(due: tuple[DesiredRun, RunAction]) -> tuple[int, int]:
    """Sort key of due runs: crashed workers, which had their place already; then the queue; then new runs."""
    run, what = due
    if what is RunAction.RESTART:
        return 0, 0
    return (1, run.place) if run.place is not None else (2, 0)


def _mark_retrieved(task: asyncio.Task[int]) -> None:
    if not task.cancelled():
        task.exception()
