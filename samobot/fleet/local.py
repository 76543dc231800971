"""All sessions of this machine's projects: list them, start them, keep them running, decide about them.

The only way in which the bot reaches sessions. Its calls take and return values, never paths or live objects,
so that sessions of other machines could come in behind the same calls. The catalogue is read by one thread of
its own; what may take seconds (git, stopping) has a few of its own too, so that it never delays a look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from samobot.config.settings import Settings
from samobot.fleet.catalog import Catalogue
from samobot.fleet.decide import Deciding
from samobot.fleet.read import Reading, ref_of
from samobot.fleet.run_queue import Running
from samobot.fleet.start import Starting
from samobot.fleet.stop import Stopping
from samobot.fleet.supervisor import Wanted
from samobot.fleet.workers import Workers
from samobot.session.decisions import load_key
from samobot.system.threads import Threads


def utc_now() -> datetime:
    """The clock of a real fleet."""
    return datetime.now(UTC)


def _unheard() -> None:
    """Where nobody wants a hint."""


class Fleet:
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

    ref_of = staticmethod(ref_of)

    def __init__(
        self,
        settings: Settings,
        wanted: Wanted,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = utc_now,
        on_change: Callable[[], None] = _unheard,
    ) -> None:
        state_dir = settings.samobot_state_dir
        key = load_key(state_dir)
        threads = Threads()
        workers = Workers(state_dir, environ, on_change)
        reading = Reading(Catalogue(settings.samobot_projects), threads)
        running = Running(
            wanted, settings.samobot_max_parallel, state_dir,
            reading=reading, workers=workers, now=now, changed=on_change,
        )  # fmt: skip
        starting = Starting(settings, key, reading=reading, running=running, threads=threads, now=now)
        deciding = Deciding(key, reading=reading, running=running, threads=threads, now=now)
        stopping = Stopping(
            state_dir,
            reading=reading, running=running, workers=workers, threads=threads, now=now, changed=on_change,
        )  # fmt: skip
        self._threads, self._workers, self._running = threads, workers, running

        # What there is.
        self.projects = reading.projects
        self.find = reading.find
        self.nearest = reading.nearest
        self.is_put_away = reading.is_put_away
        self.look = running.look
        self.view = running.view

        # What runs.
        self.start = starting.start
        self.resume = starting.resume
        self.set_budget = starting.set_budget
        self.allow_today = starting.allow_today
        self.keep = running.keep
        self.settle = running.settle
        self.pause = stopping.pause
        self.stop = stopping.stop
        self.archive = stopping.archive
        self.panic = stopping.panic
        self.calm = stopping.calm

        # What a person decides.
        self.answer = deciding.answer
        self.accept_suggestions = deciding.accept_suggestions
        self.approve = deciding.approve
        self.reject = deciding.reject
        self.tell = deciding.tell
        self.action_done = deciding.action_done
        self.retry = deciding.retry

        # What there is to read.
        self.plan_text = reading.plan_text
        self.summary_text = reading.summary_text
        self.diff = reading.diff
        self.log_lines = reading.log_lines
        self.said = reading.said
        self.files = reading.files
        self.file = reading.file
        self.timeline = reading.timeline

    async def close(self) -> None:
        """Let go of everything but the workers, which go on."""
        await self._running.close()
        self._workers.close()
        self._threads.close()
