"""Landing through the fleet: each call in a thread, and the session as it was found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from samobot.config.project import Project
from samobot.fleet.clean_up import clean, leftovers
from samobot.fleet.forge import CheckView, WorkSource
from samobot.fleet.forge_work import pull_request_diff, work_report
from samobot.fleet.landing import land, landing_view
from samobot.fleet.landing_models import (
    LandingResult,
    LandingStep,
    LandingView,
    Leftover,
    PullRequestReport,
    WorkReport,
)
from samobot.fleet.models import SessionRef
from samobot.fleet.pull_request_report import check_log, pull_request_report
from samobot.fleet.session_reader import SessionReader
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.system.threads import Threads

_T = TypeVar("_T")


class Landings:
    """What becomes of finished branches.

    Args:
        key: Marks the decisions that samobot writes.
        reading: Where the sessions are.
        threads: Where git runs.
        now: The clock, aware.
    """

    def __init__(
        self, key: bytes, *, reading: SessionReader, threads: Threads, now: Callable[[], datetime]
    ) -> None:
        self._key = key
        self._reading = reading
        self._threads = threads
        self._now = now

    async def view(self, ref: SessionRef) -> LandingView:
        """Read what can be done with a session's branch; see `Fleet.landing`."""
        return await self._at(ref, landing_view)

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        """Do one of these things; see `Fleet.land`."""
        return await self._at(
            ref,
            lambda project, folder: land(
                project, folder, step, by, expected=expected, now=self._now, key=self._key
            ),
        )

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        """Read a session's pull request; see `Fleet.pull_request`."""
        return await self._at(ref, pull_request_report)

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        """Return the end of a failed check's log; see `Fleet.check_log`."""
        return await self._at(ref, lambda project, folder: check_log(project, folder, check))

    async def work(self, project: str, source: WorkSource, label: str) -> WorkReport:
        """Read what waits at a project's forge; see `Fleet.work`."""
        found = await self._reading.project(project)
        return await self._threads.run_slowly(lambda: work_report(found, source, label))

    async def pull_request_diff(self, project: str, number: int) -> str:
        """Return a pull request's changes; see `Fleet.pull_request_diff`."""
        found = await self._reading.project(project)
        return await self._threads.run_slowly(lambda: pull_request_diff(found, number))

    async def leftovers(self) -> list[Leftover]:
        """List what is left of archived and merged sessions; see `Fleet.leftovers`."""
        names = [each.name for each in await self._reading.projects()]
        projects = [await self._reading.project(name) for name in names]
        found = [await self._threads.run_slowly(functools.partial(leftovers, each)) for each in projects]
        return [each for project in found for each in project]

    async def clean(self, ref: SessionRef, by: Person, *, expected: str, anyway: bool) -> LandingResult:
        """Remove what is left of a session; see `Fleet.clean`."""
        project = await self._reading.project(ref.project)
        folder = await self._reading.readable(ref)
        return await self._threads.run_slowly(
            lambda: clean(project, folder, by, expected=expected, anyway=anyway, now=self._now, key=self._key)
        )

    async def _at(self, ref: SessionRef, work: Callable[[Project, SessionFolder], _T]) -> _T:
        project = await self._reading.project(ref.project)
        folder = await self._reading.folder(ref)
        return await self._threads.run_slowly(lambda: work(project, folder))
