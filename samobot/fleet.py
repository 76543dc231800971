"""All sessions of this machine's projects: list them, start them, keep them running, decide about them.

The only way in which the bot reaches sessions. Its calls take and return values, never paths or live objects,
so that sessions of other machines could come in behind the same calls. What touches the disk runs in a thread,
one call at a time where it reads the catalogue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from samobot import documents, panic
from samobot.catalogue import Catalogue
from samobot.creation import Opening, open_session
from samobot.errors import ConflictError, NotFoundError
from samobot.halt import halt
from samobot.keeping import Keeper, Wanted
from samobot.launch import RunRequest, start_detached
from samobot.phases import WaitingFor
from samobot.session import control, gate, journal
from samobot.session import folder as folders
from samobot.session.control import Request, RequestKind
from samobot.session.decisions import load_key
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.journal import EventName
from samobot.session.lock import holder
from samobot.session.snapshot import SessionState
from samobot.settings import Settings
from samobot.views import (
    AnsweredView,
    AnswerReceipt,
    DiffView,
    Document,
    FileView,
    FleetNews,
    ProjectView,
    Resumed,
    ResumeKind,
    SessionRef,
    SessionView,
    Started,
    StopReport,
)

_T = TypeVar("_T")

_STOPPED_KINDS = (SessionState.RUNNING, SessionState.PARKED)


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
    """

    def __init__(
        self,
        settings: Settings,
        wanted: Wanted,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._wanted = wanted
        self._environ = environ
        self._now = now
        self._key = load_key(settings.samobot_state_dir)
        self._catalogue = Catalogue(settings.samobot_projects)
        self._keeper = Keeper(wanted, settings.samobot_max_parallel, self._start_worker)
        self._reading = asyncio.Lock()

    # What there is.

    async def projects(self) -> list[ProjectView]:
        """The configured projects, with what is wrong with them."""
        return await self._read(self._catalogue.views)

    async def look(self) -> list[SessionView]:
        """Every session; the same object as before for one in which nothing has changed."""
        return [self._with_wishes(view) for view in await self._read(self._catalogue.look)]

    async def view(self, ref: SessionRef) -> SessionView:
        """One session as it is now.

        Raises:
            NotFoundError: It is gone.
        """
        return self._with_wishes(await self._read(lambda: self._catalogue.view(ref)))

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
        opened = await asyncio.to_thread(
            open_session, found, name, Opening(task, dive), now, self._settings.git_branch_prefix
        )
        ref = SessionRef(project=found.name, folder=opened.folder.path.name, name=opened.folder.name)
        words = "\n\n".join(text for text in (task, dive) if text)
        if words and not opened.created:
            await self.tell(ref, words, by)
        if not opened.created:
            await self._lift(ref, by)
        place = await self._want(ref, _options(budget_usd, auto=auto))
        return Started(ref=ref, project=found.name, name=ref.name, place=place, created=opened.created)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> Resumed:
        """Let a session go on: paused, stopped, blocked, parked, or out of money.

        Raises:
            ConflictError: It is done, or waits for a decision.
        """
        self._refuse_in_panic()
        view = await self.view(ref)
        if view.worker_pid is not None:
            folder = await self._folder(ref)
            await asyncio.to_thread(control.request, folder, Request(RequestKind.RESUME, by.who))
            return Resumed(kind=ResumeKind.WOKEN)
        if view.state is SessionState.DONE:
            raise ConflictError(f"{ref.name} is done; start a new session for what is next.")
        await self._lift(ref, by)
        place = await self._want(ref, _options(budget_usd, auto=view.auto))
        return Resumed(kind=ResumeKind.RUNNING if place is None else ResumeKind.QUEUED, place=place)

    async def pause(self, ref: SessionRef, by: Person) -> None:
        """Pause a session after its iteration.

        Raises:
            ConflictError: It is not running.
        """
        folder = await self._folder(ref)
        if self._wanted.get(ref.key) is not None and await asyncio.to_thread(holder, folder) is None:
            self._wanted.drop(ref.key)
            return
        if await asyncio.to_thread(holder, folder) is None:
            raise ConflictError(f"{ref.name} is not running, so there is nothing to pause.")
        await asyncio.to_thread(control.request, folder, Request(RequestKind.PAUSE, by.who))

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        """Stop a session now, and say what was checked. Takes up to twelve seconds."""
        self._wanted.drop(ref.key)
        folder = await self._folder(ref)
        halted = await asyncio.to_thread(halt, folder)
        return StopReport(words=halted.words, clean=not halted.alive)

    async def keep(self) -> list[FleetNews]:
        """Start what ought to run, as far as there is room; tell what was done by itself. For every poll."""
        if panic.pulled(self._settings.samobot_state_dir) is not None:
            return []
        return self._keeper.keep(await self.look(), self._now())

    async def settle(self) -> None:
        """Wait for workers that are being started just now."""
        await self._keeper.settle()

    # The emergency stop.

    async def panic(self, by: Person) -> list[StopReport]:
        """Stop everything at once, and let nothing start until `calm`."""
        panic.pull(self._settings.samobot_state_dir, by.who, self._now())
        for run in self._wanted.all():
            self._wanted.drop(run.session)
        active = [view.ref for view in await self.look() if view.worker_pid is not None]
        return list(await asyncio.gather(*(self.stop(ref, by) for ref in active)))

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
        receipt = await asyncio.to_thread(
            gate.answer, folder, answers, by, self._now(), self._key, expect=expect, change=change
        )
        return await self._answered(ref, receipt)

    async def accept_suggestions(self, ref: SessionRef, by: Person) -> AnswerReceipt:
        """Answer every open question as the agent suggests.

        Raises:
            SamobotError: See `samobot.session.gate.answer_suggestions`.
        """
        folder = await self._folder(ref)
        receipt = await asyncio.to_thread(gate.answer_suggestions, folder, by, self._now(), self._key)
        return await self._answered(ref, receipt)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        """Approve the plan; the session goes on.

        Raises:
            SamobotError: See `samobot.session.gate.approve`.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(gate.approve, folder, by, self._now(), self._key, expected=expected)
        await self._go_on(ref)

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        """Send the plan back with feedback; planning goes on.

        Raises:
            SamobotError: See `samobot.session.gate.reject`.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(gate.reject, folder, feedback, by, self._now(), self._key, expected=expected)
        await self._go_on(ref)

    async def tell(self, ref: SessionRef, words: str, by: Person) -> None:
        """Leave guidance for the next iteration.

        Raises:
            UsageError: There are no words.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(gate.tell, folder, words, by.who, self._now())

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        """Say that what the agent asked for is done; the session goes on.

        Raises:
            ConflictError: It does not wait for that.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(gate.action_done, folder, by, self._now(), self._key)
        await self._go_on(ref)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        """Let a blocked session try again.

        Raises:
            ConflictError: It is running.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(gate.retry, folder, by, self._now(), self._key)
        await self._go_on(ref)

    async def set_budget(self, ref: SessionRef, usd: float, by: Person) -> None:
        """Set what the whole session may cost; one that had used it up goes on."""
        folder = await self._folder(ref)
        if await asyncio.to_thread(holder, folder) is not None:
            await asyncio.to_thread(control.request, folder, Request(RequestKind.BUDGET, by.who, usd))
            return
        await asyncio.to_thread(journal.append, folder, EventName.BUDGET, self._now(), usd=usd, by=by.who)
        await self._go_on(ref)

    async def archive(self, ref: SessionRef) -> None:
        """Put a session's folder away.

        Raises:
            BusyError: It is running.
        """
        folder = await self._folder(ref)
        await asyncio.to_thread(folders.archive, folder)
        self._wanted.drop(ref.key)

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

    async def _read(self, call: Callable[[], _T]) -> _T:
        async with self._reading:
            return await asyncio.to_thread(call)

    async def _folder(self, ref: SessionRef) -> SessionFolder:
        return await self._read(lambda: self._catalogue.folder(ref))

    def _with_wishes(self, view: SessionView) -> SessionView:
        run = self._wanted.get(view.ref.key)
        if run is None:
            return view
        place = self._keeper.place(view.ref.key) if view.worker_pid is None else None
        state = SessionState.QUEUED if place is not None else view.state
        return view.model_copy(update={"wanted": True, "place": place, "state": state})

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
                await asyncio.to_thread(gate.action_done, folder, by, self._now(), self._key)
            case WaitingFor.QA_ANSWERS | WaitingFor.PLAN_APPROVAL:
                return
            case None if view.state is not SessionState.IDLE:
                folder = await self._folder(ref)
                await asyncio.to_thread(gate.retry, folder, by, self._now(), self._key)
            case None:
                return

    async def _go_on(self, ref: SessionRef) -> None:
        """A person has decided in the chat: the run goes on by itself."""
        run = self._wanted.get(ref.key)
        options = run.options if run is not None else _options(None, auto=(await self.view(ref)).auto)
        await self._want(ref, options)

    async def _want(self, ref: SessionRef, options: dict[str, Any]) -> int | None:
        """Want a run and do at once what is due; returns its place in the queue, where it has one."""
        self._wanted.want(ref.key, options)
        await self.keep()
        return self._keeper.place(ref.key)

    async def _start_worker(self, view: SessionView, options: dict[str, Any]) -> int:
        project = await self._read(lambda: self._catalogue.project(view.ref.project))
        folder = await self._folder(view.ref)
        request = RunRequest(config=project.file, session=view.ref.folder, **options)
        return await start_detached(request, folder, self._settings.samobot_state_dir, self._environ)

    def _refuse_in_panic(self) -> None:
        pulled = panic.pulled(self._settings.samobot_state_dir)
        if pulled is not None:
            raise ConflictError(
                f"{pulled.who} pulled the emergency stop; nothing starts until /resume lifts it."
            )


def _options(budget_usd: float | None, *, auto: bool) -> dict[str, Any]:
    """The flags of `samobot run` that a wanted run keeps."""
    options: dict[str, Any] = {}
    if budget_usd is not None:
        options["budget_usd"] = budget_usd
    if auto:
        options["auto"] = True
    return options
