"""What the fleet reads and leaves as it is: the projects, the sessions as their files say, and their documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from samobot.config.learned import session_lessons
from samobot.config.project import Project
from samobot.errors import NotFoundError
from samobot.fleet import documents
from samobot.fleet.ask_views import ask_document
from samobot.fleet.catalog import Catalog
from samobot.fleet.catalog_entry import CatalogEntry
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.pictures import list_pictures
from samobot.fleet.project_trust import untrusted_views
from samobot.fleet.results import (
    CostReport,
    DiffView,
    Document,
    FileView,
    LessonsView,
    ProjectView,
    UntrustedView,
)
from samobot.fleet.review_reader import read_review
from samobot.fleet.supervisor import Observation
from samobot.money.charges import collect
from samobot.money.costs import add_up, first_day
from samobot.review.facts import ReviewFacts
from samobot.session.folder import SessionFolder, restore
from samobot.system.threads import Threads
from samobot.text import without_surrogates

_T = TypeVar("_T")


class SessionReader:
    """The catalog behind an event loop, and what a session's folder holds for reading.

    Args:
        catalog: The configured projects and their sessions; used by nothing else.
        threads: Where it is read.
        state_dir: samobot's state folder.
        daily_budget_usd: What all sessions together may cost a day.
        now: The clock, aware.
    """

    def __init__(
        self,
        catalog: Catalog,
        threads: Threads,
        state_dir: Path,
        daily_budget_usd: float | None,
        now: Callable[[], datetime],
    ) -> None:
        self._state_dir = state_dir
        self._daily_budget_usd = daily_budget_usd
        self._now = now
        self._catalog = catalog
        self._threads = threads

    # The sessions as their files say.

    async def projects(self) -> list[ProjectView]:
        """The configured projects, with what is wrong with them."""
        return await self._threads.read(self._catalog.folders.views)

    def find(self, address: str) -> Coroutine[Any, Any, list[SessionRef]]:
        """The sessions that `name` or `project:name` means: none, one, or one in each of several projects."""
        return self._threads.read(lambda: self._catalog.folders.find(address))

    async def nearest(self, name: str) -> str | None:
        """The session's name that was probably meant."""
        return await self._threads.read(lambda: self._catalog.folders.nearest(name))

    async def sessions(self, closely: Collection[str]) -> tuple[list[SessionView], Observation]:
        """Every session, and what was seen of each; those with the keys in `closely` are looked at in full although idle."""
        return await self._threads.read(lambda: (self._catalog.sessions(closely), self._observed(closely)))

    async def past(self) -> list[PastSession]:
        """The sessions of which no more than a line is kept."""
        return self._catalog.past()

    async def mark_past(self, keys: Collection[str]) -> list[PastSession]:
        """Keep only a line of these sessions, if nothing has happened in them for long."""
        return await self._threads.read(lambda: self._catalog.mark_past(keys))

    @property
    def pending(self) -> bool:
        """Whether the next look finds more without anything having happened."""
        return self._catalog.pending

    @property
    def worker_pids(self) -> list[int]:
        """The processes that held a session at the last look."""
        return self._catalog.worker_pids

    def view(self, ref: SessionRef) -> Coroutine[Any, Any, SessionView]:
        """One session as it is now, without its place in the queue.

        Raises:
            NotFoundError: It is gone.
        """
        return self._threads.read(lambda: self._catalog.view(ref))

    async def archived(self) -> list[SessionRef]:
        """List the archived sessions of every project, the newest first."""
        return await self._threads.read(self._catalog.folders.archived)

    async def archived_view(self, ref: SessionRef) -> SessionView:
        """Read an archived session.

        Raises:
            NotFoundError: It is not in the archive.
        """
        return await self._threads.read(lambda: self._archived_view(ref))

    def _archived_view(self, ref: SessionRef) -> SessionView:
        entry = CatalogEntry(self._catalog.folders.archived_folder(ref), ref.key)
        return entry.look(0.0, closely=True).model_copy(update={"archived": True})

    async def restore(self, ref: SessionRef) -> None:
        """Move an archived session back beside the others."""
        await self._threads.read(lambda: restore(self._catalog.folders.archived_folder(ref)))

    async def free_name(self, project: str, name: str, branch_prefix: str) -> str:
        """Return a name that no session, archived one or branch with commits of its own has."""
        return await self._threads.read(lambda: self._catalog.folders.free_name(project, name, branch_prefix))

    async def is_archived(self, ref: SessionRef) -> bool:
        """Whether a session that is not there was put into the archive."""
        return await self._threads.read(lambda: self._catalog.folders.is_archived(ref))

    async def view_among(self, ref: SessionRef, keys: Collection[str]) -> tuple[SessionView, Observation]:
        """One session as it is now, and what was seen of each session last.

        Raises:
            NotFoundError: It is gone.
        """
        return await self._threads.read(lambda: (self._catalog.view(ref), self._observed(keys)))

    def _observed(self, keys: Collection[str]) -> Observation:
        seen, folders = self._catalog.seen, self._catalog.folders
        gone = {key for key in keys if key not in seen and folders.gone(key)}
        return Observation(seen, gone.__contains__)

    async def project(self, name: str) -> Project:
        """The project of that name.

        Raises:
            NotFoundError: There is none.
        """
        return await self._threads.read(lambda: self._catalog.folders.project(name))

    def folder(self, ref: SessionRef) -> Coroutine[Any, Any, SessionFolder]:
        """Where a session is; it is looked at closely next time.

        Raises:
            NotFoundError: It is gone.
            UsageError: Its folder cannot be used as it is.
        """
        return self._threads.read(lambda: self._catalog.folder(ref))

    def in_folder(self, ref: SessionRef, decide: Callable[[SessionFolder], _T]) -> Coroutine[Any, Any, _T]:
        """Decide something in what `folder` returns."""
        return self._threads.run_after_read(lambda: self._catalog.folder(ref), decide)

    def place(self, ref: SessionRef) -> Coroutine[Any, Any, tuple[Project, SessionFolder]]:
        """The project of a session, and what `folder` returns."""
        folders = self._catalog.folders
        return self._threads.read(lambda: (folders.project(ref.project), self._catalog.folder(ref)))

    async def costs(self, days: int) -> CostReport:
        """What all sessions have cost in the last `days` local days."""
        since = first_day(self._now(), days)
        projects = await self._threads.read(self._catalog.folders.projects)
        charges, problems = await self._threads.run_slowly(lambda: collect(projects, since))
        return CostReport(
            costs=add_up(charges, since=since),
            problems=tuple(map(without_surrogates, problems)),
            daily_budget_usd=self._daily_budget_usd,
        )

    # What they hold.

    async def readable(self, ref: SessionRef) -> SessionFolder:
        """Where a session's documents are: in its folder, else in the archive.

        Raises:
            NotFoundError: It is in neither.
        """
        try:
            return await self.folder(ref)
        except NotFoundError:
            if not await self.is_archived(ref):
                raise
            return await self._threads.read(lambda: self._catalog.folders.archived_folder(ref))

    async def plan_text(self, ref: SessionRef) -> Document:
        """The newest plan."""
        return await documents.plan_text(await self.readable(ref))

    async def summary_text(self, ref: SessionRef) -> Document | None:
        """The newest summary that the agent wrote."""
        return await documents.summary_text(await self.readable(ref))

    async def diff(self, ref: SessionRef) -> DiffView:
        """What the session has changed."""
        project = await self.project(ref.project)
        return await documents.diff(await self.readable(ref), project.main_repo)

    async def review(self, ref: SessionRef) -> ReviewFacts:
        """What the session's review guide shows."""
        project, folder = await self.project(ref.project), await self.readable(ref)
        return await asyncio.to_thread(read_review, folder, project.main_repo, ref.name)

    async def lessons(self, ref: SessionRef) -> LessonsView:
        """What the session learned about the project."""
        project, folder = await self.project(ref.project), await self.readable(ref)
        found = await self._threads.run(lambda: session_lessons(project, folder))
        return LessonsView(new=found.new, sha256=found.sha256)

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        """What of its project is not used in the session."""
        project, folder = await self.project(ref.project), await self.readable(ref)
        return await self._threads.run(lambda: untrusted_views(self._state_dir, project, folder))

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        """What the agent did last, a line each."""
        project = await self.project(ref.project)
        from samobot.fleet import agent_log  # takes memory, with the records of two agents

        return await agent_log.log_lines(await self.readable(ref), project.main_repo, count)

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        """The whole of a call that the agent asks for."""
        return await ask_document(await self.readable(ref), ask)

    async def last_message(self, ref: SessionRef) -> str:
        """The last thing that the agent said."""
        from samobot.fleet import agent_log

        return await agent_log.last_message(await self.readable(ref))

    async def files(self, ref: SessionRef) -> list[FileView]:
        """The session's artefacts."""
        return await documents.files(await self.readable(ref))

    async def file(self, ref: SessionRef, name: str) -> bytes:
        """One artefact."""
        return await documents.file(await self.readable(ref), name)

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        """The screenshots that its agents want to be seen."""
        return await asyncio.to_thread(list_pictures, await self.readable(ref))

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        """A picture of the session's course, as PNG."""
        return await documents.timeline(await self.readable(ref), ref.name, theme)
