"""All sessions of this machine's projects: list them, start them, keep them running, decide about them.

The only way in which the bot reaches sessions. Its calls take and return values, never paths or live objects,
so that sessions of other machines could come in behind the same calls. The catalog is read by one thread of
its own; what may take seconds (git, stopping) has a few of its own too, so that it never delays a look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from samobot.config.settings import Settings
from samobot.fleet.catalog import Catalog
from samobot.fleet.decision_writer import DecisionWriter
from samobot.fleet.run_queue import RunQueue
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.session_starter import SessionStarter
from samobot.fleet.session_stopper import SessionStopper
from samobot.fleet.supervisor import DesiredRunStore
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.session.decisions import load_key
from samobot.system.threads import Threads


def utc_now() -> datetime:
    """The clock of a real fleet."""
    return datetime.now(UTC)


def _unheard() -> None:
    """Where nobody wants a hint."""


class LocalFleet:
    """The sessions of the configured projects.

    Its calls are those of its parts under one name each, so that no signature stands twice: what they take,
    return and raise is said where they are made.

    Args:
        settings: The configuration.
        wanted: Which runs ought to be running; survives restarts.
        environ: The environment that workers get, less the bot's secrets.
        now: The clock, aware.
        on_change: Called on the event loop when something has happened that a poll would only find later: a
            worker has ended or was started. A hint to poll now; polling alone is enough.
    """

    def __init__(
        self,
        settings: Settings,
        wanted: DesiredRunStore,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = utc_now,
        on_change: Callable[[], None] = _unheard,
    ) -> None:
        state_dir = settings.samobot_state_dir
        key = load_key(state_dir)
        threads = Threads()
        workers = WorkerProcesses(state_dir, environ, on_change)
        reading = SessionReader(Catalog(settings.samobot_projects), threads)
        running = RunQueue(
            wanted, settings.samobot_max_parallel, state_dir,
            reading=reading, workers=workers, now=now, changed=on_change,
        )  # fmt: skip
        starting = SessionStarter(settings, key, reading=reading, running=running, threads=threads, now=now)
        deciding = DecisionWriter(key, reading=reading, running=running, threads=threads, now=now)
        stopping = SessionStopper(
            state_dir,
            reading=reading, running=running, workers=workers, threads=threads, now=now, changed=on_change,
        )  # fmt: skip
        self._threads, self._workers, self._running = threads, workers, running

        # What there is.
        self.projects = reading.projects
        self.find = reading.find
        self.nearest = reading.nearest
        self.is_archived = reading.is_archived
        self.free_name = reading.free_name
        self.sessions = running.sessions
        self.view = running.view

        # What runs.
        self.emergency_stop = running.emergency_stop
        self.refuse_in_panic = running.refuse_in_panic
        self.start = starting.start
        self.resume = starting.resume
        self.set_budget = starting.set_budget
        self.raise_daily_budget = starting.raise_daily_budget
        self.reconcile = running.reconcile
        self.wait_for_starts = running.wait_for_starts
        self.pause = stopping.pause
        self.stop = stopping.stop
        self.archive = stopping.archive
        self.panic = stopping.panic
        self.lift_emergency_stop = stopping.lift_emergency_stop

        # What a person decides.
        self.answer = deciding.answer
        self.accept_suggestions = deciding.accept_suggestions
        self.approve = deciding.approve
        self.reject = deciding.reject
        self.add_guidance = deciding.add_guidance
        self.action_done = deciding.action_done
        self.retry = deciding.retry

        # What there is to read.
        self.plan_text = reading.plan_text
        self.summary_text = reading.summary_text
        self.diff = reading.diff
        self.log_lines = reading.log_lines
        self.last_message = reading.last_message
        self.files = reading.files
        self.file = reading.file
        self.timeline = reading.timeline

    async def close(self) -> None:
        """Let go of everything but the workers, which go on."""
        await self._running.close()
        self._workers.close()
        self._threads.close()
