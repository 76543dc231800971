"""All sessions of this machine's projects: list them, start them, keep them running, decide about them.

The only way in which the bot reaches sessions. Its calls take and return values, never paths or live objects,
so that sessions of other machines could come in behind the same calls. The catalogue is read by one thread of
its own; what may take seconds (git, stopping) has a few of its own too, so that it never delays a look.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypeVar

from samobot import documents, panic, spending
from samobot.catalogue import Catalogue
from samobot.creation import Opening, open_session
from samobot.errors import ConflictError, NotFoundError, SamobotError, StorageError, UsageError
from samobot.halt import Halted, halt
from samobot.keeping import Keeper, Sight, Wanted
from samobot.launch import RunRequest
from samobot.phases import WaitingFor
from samobot.replies import (
    AnsweredView,
    AnswerReceipt,
    DiffView,
    Document,
    FileView,
    FleetNews,
    ProjectView,
    Resumed,
    ResumeKind,
    Started,
    StopReport,
)
from samobot.session import control, gate, journal
from samobot.session import folder as folders
from samobot.session.control import Request, RequestKind
from samobot.session.decisions import load_key
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.journal import EventName, RunEndReason
from samobot.session.lock import holder
from samobot.session.status import SessionState
from samobot.settings import Settings
from samobot.text import human_money
from samobot.views import SessionRef, SessionView
from samobot.workers import Workers

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_SLOW_CALLS = 8
"""Calls that may take seconds and run at the same time."""


def utc_now() -> datetime:
    """The clock of a real fleet."""
    return datetime.now(UTC)


class Fleet:
    """The sessions of the configured projects.

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
        wanted: Wanted,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = utc_now,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._settings = settings
        self._wanted = wanted
        self._now = now
        self._key = load_key(settings.samobot_state_dir)
        self._catalogue = Catalogue(settings.samobot_projects)
        self._on_change = on_change
        self._workers = Workers(settings.samobot_state_dir, environ, self._changed)
        self._keeper = Keeper(
            wanted,
            settings.samobot_max_parallel,
            self._start_worker,
            lives=self._workers.lives,
            changed=self._changed,
        )
        self._keeping = asyncio.Lock()
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._news: list[FleetNews] = []
        self._wished: dict[str, tuple[SessionView, int | None, SessionView]] = {}
        self._trouble = ""
        self._panicking = False
        self._reader = ThreadPoolExecutor(1, "fleet-reader")
        self._slow = ThreadPoolExecutor(_SLOW_CALLS, "fleet-slow")

    async def close(self) -> None:
        """Let go of everything but the workers, which go on."""
        await self._keeper.settle()
        self._workers.close()
        self._reader.shutdown(wait=False)
        self._slow.shutdown(wait=False)

    # What there is.

    async def projects(self) -> list[ProjectView]:
        """The configured projects, with what is wrong with them."""
        return await self._read(self._catalogue.views)

    async def look(self) -> list[SessionView]:
        """Every session; the same object as before for one in which nothing has changed."""
        views = await self._look()
        runs = {run.session for run in self._wanted.all()}
        places = self._keeper.places()
        self._wished = {key: kept for key, kept in self._wished.items() if key in runs}
        if not runs:
            return views
        return [self._wish(view, key, places) if (key := view.ref.key) in runs else view for view in views]

    async def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        view = await self._view(ref)
        wanted = self._wanted.get(ref.key) is not None
        return self._wish(view, ref.key, self._keeper.places()) if wanted else view

    async def find(self, address: str) -> list[SessionRef]:
        """The sessions that `name` or `project:name` means: none, one, or one in each of several projects."""
        return await self._read(lambda: self._catalogue.find(address))

    async def nearest(self, name: str) -> str | None:
        """The session's name that was probably meant."""
        return await self._read(lambda: self._catalogue.nearest(name))

    @staticmethod
    def ref_of(key: str) -> SessionRef:
        """The reference that a key stands for.

        Raises:
            NotFoundError: It is not a key.
        """
        project, colon, folder = key.partition(":")
        if not colon:
            raise NotFoundError(f"“{key}” is not a session.")
        return SessionRef(project=project, folder=folder, name=folders.split_date(folder)[1])

    # Running.

    async def start(
        self,
        project: str,
        name: str,
        by: Person,
        *,
        task: str | None = None,
        dive: str | None = None,
        budget_usd: float | None = None,
        auto: bool = False,
    ) -> Started:
        """Start a new session, or let an existing one go on; it waits for its turn where too many run.

        Raises:
            SamobotError: It cannot be started; in words.
        """
        self._refuse_in_panic()
        found = await self._read(lambda: self._catalogue.project(project))
        now = self._now().astimezone()
        async with self._opening[found.name]:
            opened = await self._run(
                lambda: open_session(found, name, Opening(task, dive), now, self._settings.git_branch_prefix),
                self._slow,
            )
        ref = SessionRef(project=found.name, folder=opened.folder.path.name, name=opened.folder.name)
        if not opened.created:
            words = "\n\n".join(text for text in (task, dive) if text)
            view = await self._view(ref)
            if view.state is SessionState.DONE:
                raise ConflictError(f"{ref.name} is done; start a new session for what is next.")
            if words:
                await self.tell(ref, words, by)
            await self._lift(ref, by)
        if budget_usd is not None:
            await self._write_budget(ref, budget_usd, by)
        place = await self._want(ref, _options(auto=auto))
        return Started(ref=ref, project=found.name, name=ref.name, place=place, created=opened.created)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> Resumed:
        """Let a session go on: paused, stopped, blocked, parked, or out of money.

        Raises:
            ConflictError: It is done, or waits for a decision; then it goes on by itself after that.
        """
        self._refuse_in_panic()
        view = await self._view(ref)
        if view.state is SessionState.DONE:
            raise ConflictError(f"{ref.name} is done; start a new session for what is next.")
        if budget_usd is not None:
            await self._write_budget(ref, budget_usd, by)
        if _is_held(view):
            folder = await self._folder(ref)
            await self._run(lambda: _wake(folder, by))
            return Resumed(kind=ResumeKind.WOKEN)
        await self._lift(ref, by)
        place = await self._want(ref, _options(auto=view.auto))
        if view.waiting_for in (WaitingFor.QA_ANSWERS, WaitingFor.PLAN_APPROVAL):
            what = "your answers" if view.waiting_for is WaitingFor.QA_ANSWERS else "your word on its plan"
            raise ConflictError(f"{ref.name} waits for {what}; it goes on by itself after that.")
        return Resumed(kind=ResumeKind.RUNNING if place is None else ResumeKind.QUEUED, place=place)

    async def pause(self, ref: SessionRef, by: Person) -> None:
        """Pause a session after its iteration, or take it out of the queue.

        Raises:
            ConflictError: It is not running.
        """
        await self._keeper.started(ref.key)
        folder = await self._folder(ref)
        if await self._run(lambda: holder(folder)) is not None:
            await self._run(lambda: control.request(folder, Request(RequestKind.PAUSE, by.who)))
        elif self._wanted.get(ref.key) is not None:
            self._keeper.drop(ref.key)
        else:
            raise ConflictError(f"{ref.name} is not running, so there is nothing to pause.")

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        """Stop a session now, and say what was checked. Takes up to twelve seconds.

        Raises:
            NotFoundError: It is gone.
            StorageError: It was stopped, but that could not be written down.
        """
        with self._keeper.held_back(ref.key):
            unwritten: StorageError | None = None
            try:
                self._keeper.drop(ref.key)
            except StorageError as error:
                unwritten = error  # a full disk must not keep anything running
            await self._keeper.started(ref.key)
            folder = await self._folder(ref)
            halted = await self._run(lambda: self._halt(ref, folder), self._slow)
        self._changed()
        if unwritten is not None:
            raise StorageError(f"{halted.words} But it could not be written down: {unwritten.message}")
        return StopReport(words=halted.words, clean=not halted.alive)

    def _halt(self, ref: SessionRef, folder: SessionFolder) -> Halted:
        halted = halt(folder)
        if not self._workers.end_stray(ref.key):
            return Halted(halted.worker, halted.forced, halted.ended, (*halted.alive, "its worker"))
        return halted

    async def keep(self) -> list[FleetNews]:
        """Start what ought to run, as far as there is room; tell what was done by itself. For every poll."""
        await self._keep()
        news, self._news = self._news, []
        return news

    async def settle(self) -> None:
        """Wait for workers that are being started just now."""
        await self._keeper.settle()

    # The emergency stop.

    async def panic(self, by: Person) -> list[StopReport]:
        """Stop everything at once, and let nothing start until `calm`."""
        self._panicking = True
        try:
            return await self._stop_everything(by)
        finally:
            self._panicking = False

    async def _stop_everything(self, by: Person) -> list[StopReport]:
        reports: list[StopReport] = []
        try:
            await self._run(lambda: panic.pull(self._settings.samobot_state_dir, by.who, self._now()))
        except StorageError as error:
            words = f"The emergency stop could not be written down, so it holds only for now: {error.message}"
            reports.append(StopReport(words=words, clean=False))
        for run in self._wanted.all():
            try:
                self._keeper.drop(run.session)
            except StorageError as error:
                log.warning("%s: %s", run.session, error.message)
        starting = {self.ref_of(key) for key in self._keeper.starting}
        active = {view.ref for view in await self._look() if _is_held(view)}
        ended = await asyncio.gather(
            *(self.stop(ref, by) for ref in active | starting), return_exceptions=True
        )
        for ref, end in zip(active | starting, ended, strict=True):
            if isinstance(end, BaseException):
                words = end.message if isinstance(end, SamobotError) else repr(end)
                reports.append(StopReport(words=f"{ref.name}: {words}", clean=False))
            else:
                reports.append(end)
        return reports

    def calm(self) -> bool:
        """Let workers start again; whether they had been kept from it."""
        return panic.release(self._settings.samobot_state_dir)

    # Deciding.

    async def answer(
        self,
        ref: SessionRef,
        answers: Mapping[str | int, str],
        by: Person,
        *,
        expect: Mapping[int, str] | None = None,
        change: bool = True,
    ) -> AnswerReceipt:
        """Answer questions; the session goes on by itself once none is open.

        Raises:
            SamobotError: See `samobot.session.gate.answer`.
        """
        folder = await self._folder(ref)
        receipt = await self._run(
            lambda: gate.answer(folder, answers, by, self._now(), self._key, expect=expect, change=change)
        )
        return await self._answered(ref, receipt)

    async def accept_suggestions(self, ref: SessionRef, by: Person) -> AnswerReceipt:
        """Answer every open question as the agent suggests.

        Raises:
            SamobotError: See `samobot.session.gate.answer_suggestions`.
        """
        folder = await self._folder(ref)
        receipt = await self._run(lambda: gate.answer_suggestions(folder, by, self._now(), self._key))
        return await self._answered(ref, receipt)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        """Approve the plan; the session goes on.

        Raises:
            SamobotError: See `samobot.session.gate.approve`.
        """
        folder = await self._folder(ref)
        await self._run(lambda: gate.approve(folder, by, self._now(), self._key, expected=expected))
        await self._go_on(ref)

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        """Send the plan back with feedback; planning goes on.

        Raises:
            SamobotError: See `samobot.session.gate.reject`.
        """
        folder = await self._folder(ref)
        await self._run(lambda: gate.reject(folder, feedback, by, self._now(), self._key, expected=expected))
        await self._go_on(ref)

    async def tell(self, ref: SessionRef, words: str, by: Person) -> None:
        """Leave guidance for the next iteration.

        Raises:
            UsageError: There are no words.
        """
        folder = await self._folder(ref)
        await self._run(lambda: gate.tell(folder, words, by.who, self._now()))

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        """Say that what the agent asked for is done; the session goes on.

        Raises:
            ConflictError: It does not wait for that.
        """
        folder = await self._folder(ref)
        await self._run(lambda: gate.action_done(folder, by, self._now(), self._key))
        await self._go_on(ref)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        """Let a blocked session try again.

        Raises:
            ConflictError: It is running.
        """
        folder = await self._folder(ref)
        await self._run(lambda: gate.retry(folder, by, self._now(), self._key))
        await self._go_on(ref)

    async def set_budget(self, ref: SessionRef, usd: float, by: Person) -> None:
        """Set what the whole session may cost; one that had used it up goes on.

        Raises:
            UsageError: It is no amount of money.
        """
        before = await self._view(ref)
        await self._write_budget(ref, usd, by)
        after = await self._view(ref)
        # A worker may just then have ended because of the old one.
        if not _is_held(after) and (_is_out_of_money(before) or _is_out_of_money(after)):
            await self._lift(ref, by)
            await self._go_on(ref)

    async def _write_budget(self, ref: SessionRef, usd: float, by: Person) -> None:
        """Write a budget into the journal, where a worker looks before each iteration.

        Never into a run's flags, which would bring it back after another one, nor into a request, which a
        worker that has just started forgets.
        """
        if not (isfinite(usd) and usd > 0):
            raise UsageError(f"“{usd:g}” cannot be a budget; give an amount such as {human_money(5)}.")
        folder = await self._folder(ref)
        await self._run(lambda: journal.append(folder, EventName.BUDGET, self._now(), usd=usd, by=by.who))

    async def allow_today(self, ref: SessionRef, usd: float, by: Person) -> None:
        """Let all sessions together spend more today than the day's budget; this one goes on.

        Raises:
            StorageError: The disk refused.
        """
        await asyncio.to_thread(spending.allow, self._settings.samobot_state_dir, self._now(), usd, by.who)
        await self._lift(ref, by)
        await self._go_on(ref)

    async def archive(self, ref: SessionRef) -> None:
        """Put a session's folder away.

        Raises:
            BusyError: It is running.
        """
        with self._keeper.held_back(ref.key):
            await self._keeper.started(ref.key)
            folder = await self._folder(ref)
            await self._run(lambda: folders.archive(folder))
            self._keeper.drop(ref.key)

    # Reading.

    async def plan_text(self, ref: SessionRef) -> Document:
        """The newest plan."""
        return await documents.plan_text(await self._folder(ref))

    async def summary_text(self, ref: SessionRef) -> Document | None:
        """The newest summary that the agent wrote."""
        return await documents.summary_text(await self._folder(ref))

    async def diff(self, ref: SessionRef) -> DiffView:
        """What the session has changed."""
        project = await self._read(lambda: self._catalogue.project(ref.project))
        return await documents.diff(await self._folder(ref), project.main_repo)

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        """What the agent did last, a line each."""
        project = await self._read(lambda: self._catalogue.project(ref.project))
        return await documents.log_lines(await self._folder(ref), project.main_repo, count)

    async def said(self, ref: SessionRef) -> str:
        """The last thing that the agent said."""
        return await documents.said(await self._folder(ref))

    async def files(self, ref: SessionRef) -> list[FileView]:
        """The session's artefacts."""
        return await documents.files(await self._folder(ref))

    async def file(self, ref: SessionRef, name: str) -> bytes:
        """One artefact."""
        return await documents.file(await self._folder(ref), name)

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        """A picture of the session's course, as PNG."""
        return await documents.timeline(await self._folder(ref), ref.name, theme)

    # Behind them.

    async def _run(self, call: Callable[[], _T], executor: Executor | None = None) -> _T:
        """Run something in a thread; what the file system says comes out as one sentence."""
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, call)
        except OSError as error:
            raise StorageError(f"{error.filename or 'The disk'}: {error.strerror or error}.") from error

    async def _read(self, call: Callable[[], _T]) -> _T:
        return await self._run(call, self._reader)

    async def _folder(self, ref: SessionRef) -> SessionFolder:
        return await self._read(lambda: self._catalogue.folder(ref))

    async def _view(self, ref: SessionRef) -> SessionView:
        return await self._read(lambda: self._catalogue.view(ref))

    async def _look(self) -> list[SessionView]:
        wanted = frozenset(run.session for run in self._wanted.all())
        views = await self._read(lambda: self._catalogue.look(wanted))
        self._workers.watch([view.worker_pid for view in views if view.worker_pid is not None])
        return views

    def _wish(self, view: SessionView, key: str, places: Mapping[str, int]) -> SessionView:
        """Show a wanted session's place in the queue; the same object as before where nothing has changed."""
        waits_its_turn = not _is_held(view) and view.state in (SessionState.IDLE, SessionState.PARKED)
        place = places.get(key) if waits_its_turn else None
        known = self._wished.get(key)
        if known is not None and known[0] is view and known[1] == place:
            return known[2]
        state = SessionState.QUEUED if place is not None else view.state
        shown = view.model_copy(update={"wanted": True, "place": place, "state": state})
        self._wished[key] = (view, place, shown)
        return shown

    async def _keep(self) -> None:
        async with self._keeping:
            ended = self._keeper.collect()
            await self._look()
            if self._is_in_panic():
                return
            wanted = [run.session for run in self._wanted.all()]
            seen = self._catalogue.seen
            missing = [key for key in wanted if key not in seen]
            gone = await self._read(lambda: {key for key in missing if self._catalogue.gone(key)})
            sight = Sight(seen, gone.__contains__)
            self._news += self._keeper.keep(sight, self._now(), ended)

    def _is_in_panic(self) -> bool:
        """Whether nothing may start: also where nobody can tell."""
        trouble = ""
        try:
            stopped = self._panicking or panic.pulled(self._settings.samobot_state_dir) is not None
        except SamobotError as error:
            trouble, stopped = error.message, True
        if trouble and trouble != self._trouble:
            log.error("Nothing is started: %s", trouble)
        self._trouble = trouble
        return stopped

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    async def _answered(self, ref: SessionRef, receipt: gate.Receipt) -> AnswerReceipt:
        if not receipt.open_questions:
            await self._go_on(ref)
        return AnswerReceipt(
            answered=tuple(
                AnsweredView(label=each.question.label, answer=each.answer, before=each.before)
                for each in receipt.answered
            ),
            open=receipt.open_questions,
        )

    async def _lift(self, ref: SessionRef, by: Person) -> None:
        """Lift what a person's wish to go on lifts: a block, a stop; never an open question or plan.

        Raises:
            ConflictError: It waits for a decision.
        """
        view = await self.view(ref)
        if view.worker_pid is not None or view.state is SessionState.DONE:
            return
        match view.waiting_for:
            case WaitingFor.HUMAN_ACTION | WaitingFor.FILE_UPDATE:
                folder = await self._folder(ref)
                await self._run(lambda: gate.action_done(folder, by, self._now(), self._key))
            case WaitingFor.QA_ANSWERS | WaitingFor.PLAN_APPROVAL:
                return
            case None if view.state is not SessionState.IDLE:
                folder = await self._folder(ref)
                await self._run(lambda: gate.retry(folder, by, self._now(), self._key))
            case None:
                return

    async def _go_on(self, ref: SessionRef) -> None:
        """A person has decided in the chat: the run goes on by itself."""
        run = self._wanted.get(ref.key)
        options = run.options if run is not None else _options(auto=(await self._view(ref)).auto)
        await self._want(ref, options)

    async def _want(self, ref: SessionRef, options: dict[str, Any]) -> int | None:
        """Want a run and do at once what is due; returns its place in the queue, where it has one."""
        self._keeper.want(ref.key, options)
        await self._keep()
        return self._keeper.places().get(ref.key)

    async def _start_worker(self, view: SessionView, options: dict[str, Any]) -> int:
        ref = view.ref
        project = await self._read(lambda: self._catalogue.project(ref.project))
        folder = await self._folder(ref)
        self._refuse_in_panic()
        request = RunRequest(config=project.file, session=_spoken(ref), auto=bool(options.get("auto")))
        return await self._workers.start(ref.key, request, folder)

    def _refuse_in_panic(self) -> None:
        pulled = panic.pulled(self._settings.samobot_state_dir)
        if pulled is not None:
            raise ConflictError(
                f"{pulled.who} pulled the emergency stop; nothing starts until /resume lifts it."
            )


def _options(*, auto: bool) -> dict[str, Any]:
    """The flags of `samobot run` that a wanted run keeps."""
    return {"auto": True} if auto else {}


def _spoken(ref: SessionRef) -> str:
    """The name under which `samobot run` finds the session: a folder that a person made may be named anyhow."""
    try:
        folders.clean_address(ref.folder)
    except UsageError:
        return ref.name
    return ref.folder


def _is_held(view: SessionView) -> bool:
    """Whether a living worker holds the session, also one whose id cannot be read."""
    return view.worker_pid is not None or view.state is SessionState.RUNNING


def _is_out_of_money(view: SessionView) -> bool:
    return view.end is not None and view.end.reason is RunEndReason.BUDGET


def _wake(folder: SessionFolder, by: Person) -> None:
    """Let a living worker go on: no pause any more, and no waiting for a limit to pass."""
    while control.take_kind(folder, RequestKind.PAUSE):
        pass
    held = holder(folder)
    # Left for a worker that does not rest, it would end its next rest as soon as that begins.
    if held is not None and (held.parked or held.parked_until is not None):
        control.request(folder, Request(RequestKind.RESUME, by.who))
