"""The fleet of this machine: its sessions are folders here, its workers processes here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from samobot.config.project_guard import ProjectGuard
from samobot.config.settings import Settings
from samobot.errors import SamobotError
from samobot.fleet.catalog import Catalog
from samobot.fleet.decision_writer import DecisionWriter
from samobot.fleet.desired_runs import DesiredRuns
from samobot.fleet.file_watch import watch
from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import CheckView, WorkSource
from samobot.fleet.landing_models import (
    LandingResult,
    LandingStep,
    LandingView,
    Leftover,
    PullRequestReport,
    WorkReport,
)
from samobot.fleet.landings import Landings
from samobot.fleet.ledger import Ledger
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import (
    AnswerReceipt,
    CostReport,
    DiffView,
    Document,
    FileView,
    FleetPoll,
    HostView,
    LessonsView,
    ProjectView,
    QuestionAnswer,
    ResumeResult,
    StartResult,
    StopReport,
    UntrustedView,
)
from samobot.fleet.run_queue import RunQueue
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.session_starter import SessionStarter
from samobot.fleet.session_stopper import SessionStopper
from samobot.fleet.start_request import StartRequest, UserFile
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.review.facts import ReviewFacts
from samobot.session.decisions import DecisionKind, load_key
from samobot.session.gate import Person
from samobot.system.clock import utc_now
from samobot.system.threads import Threads

log = logging.getLogger(__name__)


class LocalFleet(Fleet):
    """The sessions of the projects that are configured on this machine.

    One thread reads the catalog. What may take seconds (git, stopping) has a few threads of its own, so that it
    never delays a poll.

    Args:
        settings: The configuration.
        environ: The environment that workers get, less the bot's secrets.
        now: The clock, aware.
        watch_files: Whether `wait_for_change` also notices changed files.
        past: The past sessions as `mark_past` returned them, for a start that need not read them again.

    Attributes:
        desired_runs: Which runs should be running; survives restarts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = utc_now,
        watch_files: bool = False,
        past: Iterable[PastSession] = (),
    ) -> None:
        state_dir = settings.samobot_state_dir
        key = load_key(state_dir)
        self._changed = asyncio.Event()
        self._watch_files = watch_files
        self._watching: asyncio.Task[None] | None = None
        self._projects: list[ProjectView] = []
        self._branch_prefix = settings.git_branch_prefix
        self.desired_runs = DesiredRuns(state_dir, lambda: now().timestamp())
        self._threads = Threads()
        self._workers = WorkerProcesses(state_dir, environ, self._changed.set)
        self._read_project = ProjectGuard(state_dir, now).read
        self._catalog = Catalog(settings.samobot_projects, past=past, read=self._read_project)
        self._reader = SessionReader(
            self._catalog, self._threads, state_dir, settings.samobot_daily_budget_usd, now
        )
        self._queue = RunQueue(
            self.desired_runs, settings.samobot_max_parallel, state_dir,
            reading=self._reader, workers=self._workers, now=now, changed=self._changed.set,
        )  # fmt: skip
        ledger = Ledger(state_dir, self._threads, now)
        self._starter = SessionStarter(
            settings, key, reading=self._reader, running=self._queue, ledger=ledger,
            threads=self._threads, now=now,
        )  # fmt: skip
        self._decisions = DecisionWriter(
            key,
            state_dir=state_dir,
            reading=self._reader,
            running=self._queue,
            ledger=ledger,
            threads=self._threads,
            now=now,
        )
        self._landings = Landings(key, reading=self._reader, threads=self._threads, now=now)
        self._stopper = SessionStopper(
            state_dir, reading=self._reader, running=self._queue, workers=self._workers,
            threads=self._threads, now=now, changed=self._changed.set,
        )  # fmt: skip
        self._project_paths = settings.samobot_projects

    # Projects and sessions

    async def hosts(self) -> list[HostView]:
        return []

    async def projects(self) -> list[ProjectView]:
        try:
            self._projects = await self._reader.projects()
        except SamobotError as error:
            log.warning("the projects cannot be read: %s", error.message)
        return self._projects

    async def sessions(self) -> list[SessionView]:
        return await self._queue.sessions()

    async def past(self) -> list[PastSession]:
        return await self._reader.past()

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        return await self._reader.mark_past(keys)

    # Those of every decision are no coroutines of their own: each that waits is resumed with all of its callers.

    def view(self, ref: SessionRef) -> Coroutine[Any, Any, SessionView]:
        return self._queue.view(ref)

    def find(self, address: str) -> Coroutine[Any, Any, list[SessionRef]]:
        return self._reader.find(address)

    async def nearest(self, name: str) -> str | None:
        return await self._reader.nearest(name)

    async def free_name(self, project: str, name: str) -> str:
        return await self._reader.free_name(project, name, self._branch_prefix)

    async def archived(self) -> list[SessionRef]:
        return await self._reader.archived()

    async def archived_view(self, ref: SessionRef) -> SessionView:
        return await self._reader.archived_view(ref)

    async def restore(self, ref: SessionRef) -> None:
        await self._reader.restore(ref)

    async def is_archived(self, ref: SessionRef) -> bool:
        return await self._reader.is_archived(ref)

    async def wait_for_change(self) -> bool:
        if self._watch_files and self._watching is None:
            watching = watch(
                self._project_paths, self._changed.set,
                cover=self._catalog.cover, touch=self._catalog.touch, read=self._read_project,
            )  # fmt: skip
            self._watching = asyncio.create_task(watching, name="file-watch")
        await self._changed.wait()
        self._changed.clear()
        return False  # which sessions have changed, and how, is only known after a look

    # Runs

    async def poll(self) -> FleetPoll:
        found = await self._queue.poll()
        if self._reader.pending:
            self._changed.set()
        return found

    async def wait_for_starts(self) -> None:
        await self._queue.wait_for_starts()

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        return await self._starter.start(request, by, request_id=request_id)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        return await self._starter.resume(ref, by, budget_usd=budget_usd)

    async def recreate_worktree(self, ref: SessionRef, by: Person) -> list[str]:
        return await self._starter.recreate_worktree(ref, by)

    async def pause(self, ref: SessionRef, by: Person) -> None:
        await self._stopper.pause(ref, by)

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        return await self._stopper.stop(ref)

    async def archive(self, ref: SessionRef) -> None:
        await self._stopper.archive(ref)

    async def panic(self, by: Person) -> list[StopReport]:
        return await self._stopper.panic(by)

    async def emergency_stop(self) -> str | None:
        return await self._threads.run(self._queue.emergency_stop)

    async def refuse_in_panic(self) -> None:
        await self._threads.run(self._queue.refuse_in_panic)

    async def lift_emergency_stop(self) -> bool:
        return await self._stopper.lift_emergency_stop()

    # Money

    async def costs(self, days: int) -> CostReport:
        return await self._reader.costs(days)

    async def set_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        await self._starter.set_budget(ref, usd, by, request_id=request_id)

    async def raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        await self._starter.raise_daily_budget(ref, usd, by, request_id=request_id)

    # Decisions

    def answer(
        self, ref: SessionRef, answers: Sequence[QuestionAnswer], by: Person, *, change: bool = True
    ) -> Coroutine[Any, Any, AnswerReceipt]:
        return self._decisions.answer(ref, answers, by, change=change)

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> AnswerReceipt:
        return await self._decisions.accept_suggestions(ref, by, expected=expected)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        await self._decisions.approve(ref, by, expected=expected)

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        await self._decisions.reject(ref, feedback, by, expected=expected)

    async def add_guidance(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        interrupt: bool = False,
        request_id: str | None = None,
    ) -> None:
        await self._decisions.add_guidance(ref, text, by, interrupt=interrupt, request_id=request_id)

    async def add_files(self, ref: SessionRef, files: Sequence[UserFile], text: str, by: Person) -> list[str]:
        return await self._decisions.add_files(ref, files, text, by)

    async def decide_ask(
        self,
        ref: SessionRef,
        ask: str,
        verdict: DecisionKind,
        by: Person,
        *,
        expected: str | None = None,
        text: str = "",
    ) -> None:
        await self._decisions.decide_ask(ref, ask, verdict, by, expected=expected, text=text)

    async def withdraw_permission(self, ref: SessionRef, rule: str, by: Person) -> None:
        await self._decisions.withdraw_permission(ref, rule, by)

    async def keep_lessons(
        self, ref: SessionRef, by: Person, *, expected: str | None = None
    ) -> tuple[str, ...]:
        return await self._decisions.keep_lessons(ref, by, expected=expected)

    async def decide_trust(self, ref: SessionRef, sha256: str, by: Person, *, accept: bool) -> None:
        await self._decisions.decide_trust(ref, sha256, by, accept=accept)

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        await self._decisions.action_done(ref, by)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        await self._decisions.retry(ref, by)

    async def follow_up(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        questions: bool = True,
        budget_usd: float | None = None,
    ) -> ResumeResult:
        return await self._starter.follow_up(ref, text, by, questions=questions, budget_usd=budget_usd)

    # Landing

    async def landing(self, ref: SessionRef) -> LandingView:
        return await self._landings.view(ref)

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        return await self._landings.land(ref, step, by, expected=expected)

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        return await self._landings.pull_request(ref)

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        return await self._landings.check_log(ref, check)

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        return await self._landings.work(project, source, label)

    async def pull_request_diff(self, project: str, number: int) -> str:
        return await self._landings.pull_request_diff(project, number)

    async def leftovers(self) -> list[Leftover]:
        return await self._landings.leftovers()

    async def clean(
        self, ref: SessionRef, by: Person, *, expected: str, anyway: bool = False
    ) -> LandingResult:
        return await self._landings.clean(ref, by, expected=expected, anyway=anyway)

    # Documents

    async def plan_text(self, ref: SessionRef) -> Document:
        return await self._reader.plan_text(ref)

    async def summary_text(self, ref: SessionRef) -> Document | None:
        return await self._reader.summary_text(ref)

    async def diff(self, ref: SessionRef) -> DiffView:
        return await self._reader.diff(ref)

    async def review(self, ref: SessionRef) -> ReviewFacts:
        return await self._reader.review(ref)

    async def lessons(self, ref: SessionRef) -> LessonsView:
        return await self._reader.lessons(ref)

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        return await self._reader.untrusted(ref)

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        return await self._reader.log_lines(ref, count)

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        return await self._reader.ask_text(ref, ask)

    async def last_message(self, ref: SessionRef) -> str:
        return await self._reader.last_message(ref)

    async def files(self, ref: SessionRef) -> list[FileView]:
        return await self._reader.files(ref)

    async def file(self, ref: SessionRef, name: str) -> bytes:
        return await self._reader.file(ref, name)

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        return await self._reader.pictures(ref)

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        return await self._reader.timeline(ref, theme)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._queue.close()
        self._workers.close()
        self._threads.close()
