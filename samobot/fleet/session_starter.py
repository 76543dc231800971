"""Starting a session: a new one, one that continues, or one that gets a larger budget."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from pydantic import TypeAdapter

from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.errors import ConflictError, DayOverError
from samobot.fleet.catalog_entry import require_regular
from samobot.fleet.ledger import Ledger, LedgerEntry
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import ResumeKind, ResumeResult, StartResult
from samobot.fleet.run_queue import RunQueue, is_held, run_options
from samobot.fleet.session_creator import find_session, open_or_guide
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.session_settings import check_budget, write_budget, write_profile, write_provider
from samobot.fleet.start_request import StartRequest
from samobot.fleet.worktree_recreation import recreate, refuse_without_worktree
from samobot.money import spending
from samobot.phases import WaitingFor
from samobot.session import gate, requests
from samobot.session.folder import SessionFolder
from samobot.session.follow_up import follow_up
from samobot.session.gate import Person
from samobot.session.gate_effects import refuse_if_done
from samobot.session.journal import RunEndReason
from samobot.session.status import SessionState
from samobot.session.user_files import NewFile, save_files
from samobot.system.threads import Threads

_START_RESULT = TypeAdapter(StartResult)
_NOTHING: TypeAdapter[None] = TypeAdapter(None)

_KEPT = " Your message is kept for its next iteration."
_BUDGET_SAVED = " Its new budget is saved."


class SessionStarter:
    """Creates, starts and resumes sessions, and sets their budgets.

    Args:
        settings: The configuration.
        key: Marks the decisions that samobot writes.
        reading: Reads sessions from their files.
        running: The queue of runs.
        ledger: What was carried out already.
        threads: Where files are written and git is run.
        now: The clock, aware.
    """

    def __init__(
        self,
        settings: Settings,
        key: bytes,
        *,
        reading: SessionReader,
        running: RunQueue,
        ledger: Ledger,
        threads: Threads,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._key = key
        self._reading = reading
        self._running = running
        self._ledger = ledger
        self._threads = threads
        self._now = now
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None) -> StartResult:
        """Start a new session or continue an existing one; it is queued if too many run.

        Raises:
            DayOverError: The day's budget is used up; text for an existing session is kept for it.
            SessionDoneError: It is done.
            ConflictError: It waits for a decision; it continues automatically after that.
            SamobotError: It cannot be started.
        """
        self._running.refuse_in_panic()
        found = await self._reading.project(request.project)
        existing = await self._threads.run_slowly(lambda: find_session(found, request.session))
        return await self._ledger.once(
            request_id,
            f"start in {found.name}",
            lambda attempt: self._start(found, request, by, attempt),
            _START_RESULT,
            session=request.session,
            existed=existing is not None,
        )

    async def _start(
        self, found: Project, request: StartRequest, by: Person, attempt: LedgerEntry
    ) -> StartResult:
        request = request.model_copy(update={"session": attempt.session})
        now = attempt.at.astimezone()
        prefix = self._settings.git_branch_prefix
        async with self._opening[found.name]:
            opened = await self._threads.run_slowly(
                lambda: open_or_guide(
                    found,
                    request,
                    by.who,
                    now,
                    branch_prefix=prefix,
                    refuse=_refuse_unusable,
                    attempt=attempt,
                )
            )
        ref = SessionRef(project=found.name, folder=opened.folder.path.name, name=opened.folder.name)
        kept = bool(request.text or request.files)
        if request.files:
            new = [NewFile(file.name, file.data) for file in request.files]
            await self._threads.run_slowly(lambda: save_files(opened.folder, new, by.who, "", now))
        if not opened.created:
            (await self._reading.view(ref)).refuse_if_done()
            await self._refuse_if_the_day_is_over(kept=kept)
            await self._refuse_without_worktree(ref)
            await self._lift(ref, by)
        saved = _KEPT if kept else ""
        if request.budget_usd is not None:
            await self._write_budget(ref, request.budget_usd, by)
            saved += _BUDGET_SAVED
        if request.profile is not None:
            profile = request.profile
            await self._threads.run(lambda: write_profile(opened.folder, profile, by, self._now()))
            saved += " Its new profile is saved."
        if request.provider is not None:
            provider = request.provider
            await self._threads.run(lambda: write_provider(opened.folder, provider, by, self._now()))
            saved += " Its new program is saved."
        place = await self._running.want(ref, run_options(auto=request.auto))
        if not opened.created:
            _refuse_at_gate(await self._reading.view(ref), saved)
        return StartResult(ref=ref, project=found.name, name=ref.name, place=place, created=opened.created)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        """Continue a session that is paused, stopped, blocked, parked or out of money.

        Raises:
            DayOverError: The day's budget is used up.
            SessionDoneError: It is done.
            ConflictError: It waits for a decision; it continues automatically after that.
            WorktreeGoneError: Its worktree was deleted.
        """
        self._running.refuse_in_panic()
        view = await self._reading.view(ref)
        view.refuse_if_done()
        await self._refuse_if_the_day_is_over()
        if budget_usd is not None:
            await self._write_budget(ref, budget_usd, by)
        if is_held(view):
            folder = await self._reading.folder(ref)
            await self._threads.run(lambda: requests.wake(folder, by.who))
            return ResumeResult(kind=ResumeKind.WOKEN)
        await self._refuse_without_worktree(ref)
        await self._lift(ref, by)
        place = await self._running.want(ref, run_options(auto=view.auto))
        _refuse_at_gate(await self._reading.view(ref), "" if budget_usd is None else _BUDGET_SAVED)
        return ResumeResult(kind=ResumeKind.RUNNING if place is None else ResumeKind.QUEUED, place=place)

    async def follow_up(
        self, ref: SessionRef, text: str, by: Person, *, questions: bool, budget_usd: float | None
    ) -> ResumeResult:
        """Begin another round of a session that is done; see `Fleet.follow_up`."""
        self._running.refuse_in_panic()
        folder = await self._reading.folder(ref)
        await self._threads.run(
            lambda: follow_up(folder, text, by, self._now(), self._key, questions=questions)
        )
        view = await self._running.view(ref)
        if is_held(view) or view.place is not None:
            return ResumeResult(kind=ResumeKind.RUNNING, place=view.place)  # started before, and resumed
        return await self.resume(ref, by, budget_usd=budget_usd)

    async def set_budget(self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None) -> None:
        """Set what the whole session may cost; one that had used its budget up continues.

        Raises:
            UsageError: It is no amount of money.
        """
        check_budget(usd)
        await self._ledger.once(
            request_id,
            f"budget of {ref.key}",
            lambda attempt: self._set_budget(ref, usd if attempt.usd is None else attempt.usd, by),
            _NOTHING,
            usd=usd,
        )

    async def _set_budget(self, ref: SessionRef, usd: float, by: Person) -> None:
        before = await self._reading.view(ref)
        await self._write_budget(ref, usd, by)
        after = await self._reading.view(ref)
        # A worker may just then have ended because of the old one.
        if not is_held(after) and (_is_out_of_money(before) or _is_out_of_money(after)):
            await self._lift(ref, by)
            await self._running.continue_run(ref)

    async def raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None
    ) -> None:
        """Let all sessions together spend more today than the day's budget; this one continues.

        Raises:
            StorageError: The disk refused.
        """
        await self._ledger.once(
            request_id,
            "budget of the day",
            lambda attempt: self._raise_daily_budget(ref, usd, by, attempt),
            _NOTHING,
        )

    async def _raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, attempt: LedgerEntry
    ) -> None:
        state_dir = self._settings.samobot_state_dir
        await self._threads.run(
            lambda: spending.allow(state_dir, attempt.at, usd, by.who, request=attempt.request)
        )
        await self._lift(ref, by)
        await self._running.continue_run(ref)

    async def recreate_worktree(self, ref: SessionRef, by: Person) -> list[str]:
        """Create a session's deleted worktree again; see `Fleet.recreate_worktree`."""
        project, folder = await self._reading.project(ref.project), await self._reading.folder(ref)
        async with self._opening[project.name]:
            return await self._threads.run_slowly(
                lambda: recreate(
                    project,
                    folder,
                    by.who,
                    self._now(),
                    branch_prefix=self._settings.git_branch_prefix,
                )
            )

    async def _refuse_without_worktree(self, ref: SessionRef) -> None:
        project, folder = await self._reading.project(ref.project), await self._reading.folder(ref)
        await self._threads.run(lambda: refuse_without_worktree(project, folder, self._now()))

    async def _refuse_if_the_day_is_over(self, *, kept: bool = False) -> None:
        """Refuse a start that would end at once, after the user was notified that the session continues.

        Args:
            kept: Whether guidance was saved for the next iteration.
        """
        settings = self._settings
        words = await self._threads.run(
            lambda: spending.day_is_over(
                settings.samobot_state_dir, self._now(), settings.samobot_daily_budget_usd
            )
        )
        if words is not None:
            raise DayOverError(words + (_KEPT if kept else ""))

    async def _write_budget(self, ref: SessionRef, usd: float, by: Person) -> None:
        check_budget(usd)
        folder = await self._reading.folder(ref)
        await self._threads.run(lambda: write_budget(folder, usd, by, self._now()))

    async def _lift(self, ref: SessionRef, by: Person) -> None:
        """Lift what an explicit resume lifts: a block, a stop, a pause; never an open question or plan.

        Raises:
            ConflictError: It waits for a decision.
        """
        view = await self._running.view(ref)
        if view.has_worker or view.state is SessionState.DONE:
            return
        match view.waiting_for:
            case WaitingFor.HUMAN_ACTION | WaitingFor.FILE_UPDATE:
                folder = await self._reading.folder(ref)
                await self._threads.run(lambda: gate.action_done(folder, by, self._now(), self._key))
            case WaitingFor.QA_ANSWERS | WaitingFor.PLAN_APPROVAL | WaitingFor.PERMISSION if (
                view.end is None or not view.end.paused
            ):
                return
            case None if view.state is SessionState.IDLE:
                return
            case _:
                folder = await self._reading.folder(ref)
                await self._threads.run(lambda: gate.retry(folder, by, self._now(), self._key))


def _refuse_unusable(folder: SessionFolder) -> None:
    """Refuse guidance for a session that cannot take any."""
    folder.check()
    require_regular(folder)
    refuse_if_done(folder)


def _refuse_at_gate(view: SessionView, saved: str) -> None:
    """Refuse to continue a session whose questions or plan have to be decided first.

    Args:
        view: The session.
        saved: What was saved for it all the same, as sentences.
    """
    match view.waiting_for:
        case WaitingFor.QA_ANSWERS:
            what = "your answers"
        case WaitingFor.PLAN_APPROVAL:
            what = "your decision on its plan"
        case WaitingFor.PERMISSION:
            what = "your permission"
        case _:
            return
    raise ConflictError(f"{view.ref.name} waits for {what}; it continues automatically after that.{saved}")


def _is_out_of_money(view: SessionView) -> bool:
    return view.end is not None and view.end.reason is RunEndReason.BUDGET
