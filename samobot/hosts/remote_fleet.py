"""The fleet of another machine, as the hub reaches it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from samobot.errors import HostAwayError, NotFoundError, SamobotError
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
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.request_scope import call_id
from samobot.fleet.results import (
    AnswerReceipt,
    CostReport,
    DiffView,
    Document,
    FileView,
    FleetPoll,
    HostView,
    ProjectView,
    QuestionAnswer,
    ResumeResult,
    StartResult,
    StopReport,
    UserFile,
)
from samobot.fleet.start_request import StartRequest
from samobot.hosts.fleet_calls import FleetCall, call_of
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import HostDecision, Seen, decode_view
from samobot.review.facts import ReviewFacts
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.text import nearest

_P = ParamSpec("_P")
_T = TypeVar("_T")

PANIC_SECONDS = 20.0
"""How long a host may take to stop everything before it counts as not confirmed."""


class RemoteFleet(Fleet):
    """The sessions of one host.

    Lists come from its last snapshots, also while it is away. Reads ask it, and are refused at once if it is away;
    a decision is kept until it has carried it out. Close the link after it.

    Args:
        host: The host's name.
        link: The connection to all hosts.
        now: The clock, aware.
    """

    def __init__(self, host: str, link: HubLink, now: Callable[[], datetime]) -> None:
        self._host = host
        self._link = link
        self._now = now

    @property
    def state(self) -> HostState:
        """What is known of the host."""
        return self._link.host(self._host)

    async def _read(
        self,
        method: Callable[Concatenate[Any, _P], Coroutine[Any, Any, _T]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        call = call_of(method)
        return call.value(await self._link.read(self._host, call.name, call.encode(*args, **kwargs)))

    async def _decide(
        self,
        method: Callable[Concatenate[Any, _P], Coroutine[Any, Any, _T]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        call: FleetCall[_T] = call_of(method)
        values = call.signature.bind(*args, **kwargs).arguments
        about = call.about(values)
        ref = values.get("ref")
        receipt = await self._link.decide(
            self._host,
            HostDecision(
                id=call_id(call.name, f"{self._host} {about}", values.get("request_id")),
                call=call.name,
                about=about,
                at=self._now(),
                seen=self._seen(ref) if isinstance(ref, SessionRef) else None,
            ),
            call.encode(*args, **kwargs),
        )
        return call.value(receipt.outcome)

    def _seen(self, ref: SessionRef) -> Seen | None:
        view = self.state.view(ref.key)
        return Seen(run=view.run, gate=view.gate) if view is not None else None

    # Projects and sessions

    async def hosts(self) -> list[HostView]:
        return [self._link.view(self._host)]

    async def projects(self) -> list[ProjectView]:
        beat = self.state.beat
        return list(beat.projects) if beat is not None else []

    async def sessions(self) -> list[SessionView]:
        return self.state.sessions()

    async def past(self) -> list[PastSession]:
        return self.state.past()

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        if not self._link.is_online(self._host):
            return []
        return await self._read(Fleet.mark_past, keys)

    async def view(self, ref: SessionRef) -> SessionView:
        if self._link.is_online(self._host):
            call = call_of(Fleet.view)
            try:
                outcome = await self._link.read(self._host, call.name, call.encode(ref))
            except HostAwayError:
                pass  # it has just become so
            else:
                return decode_view(outcome.result) if not outcome.error else call.value(outcome)
        known = self.state.view(ref.key)
        if known is not None:
            return known
        if any(each.key == ref.key for each in self.state.past()):
            raise HostAwayError(self._link.away(self._host))
        raise NotFoundError(f"There is no session {ref.name} on {self._host}.")

    async def find(self, address: str) -> list[SessionRef]:
        project, _, name = address.rpartition(":")
        return self._found(project.strip().casefold(), name.strip())

    def _found(self, project: str, name: str) -> list[SessionRef]:
        best: dict[str, SessionRef] = {}
        spoken = "-".join(name.casefold().split())
        for ref in self._refs():
            if project and ref.project.casefold() != project:
                continue
            if ref.folder != name and ref.name.casefold() != spoken:
                continue
            known = best.get(ref.project)
            if known is None or (ref.folder == name, ref.folder) > (known.folder == name, known.folder):
                best[ref.project] = ref
        return [best[each] for each in sorted(best)]

    async def nearest(self, name: str) -> str | None:
        return nearest(name.rpartition(":")[2], sorted({ref.name for ref in self._refs()}))

    def _refs(self) -> list[SessionRef]:
        return [view.ref for view in self.state.sessions()] + [each.ref for each in self.state.past()]

    async def free_name(self, project: str, name: str) -> str:
        return await self._read(Fleet.free_name, project, name)

    async def archived(self) -> list[SessionRef]:
        return await self._read(Fleet.archived)

    async def archived_view(self, ref: SessionRef) -> SessionView:
        return await self._read(Fleet.archived_view, ref)

    async def is_archived(self, ref: SessionRef) -> bool:
        return await self._read(Fleet.is_archived, ref)

    async def wait_for_change(self) -> None:
        await self._link.changed.wait()
        self._link.changed.clear()

    # Runs

    async def poll(self) -> FleetPoll:
        return FleetPoll(self._link.take_news(), self.state.sessions(), self.state.past())

    async def wait_for_starts(self) -> None:
        if self._link.is_online(self._host):
            await self._read(Fleet.wait_for_starts)

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        self._link.refuse_in_panic()
        return await self._decide(Fleet.start, request, by, request_id=request_id)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        self._link.refuse_in_panic()
        return await self._decide(Fleet.resume, ref, by, budget_usd=budget_usd)

    async def recreate_worktree(self, ref: SessionRef, by: Person) -> list[str]:
        return await self._decide(Fleet.recreate_worktree, ref, by)

    async def pause(self, ref: SessionRef, by: Person) -> None:
        await self._decide(Fleet.pause, ref, by)

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        return await self._decide(Fleet.stop, ref, by)

    async def archive(self, ref: SessionRef) -> None:
        await self._decide(Fleet.archive, ref)

    async def restore(self, ref: SessionRef) -> None:
        await self._decide(Fleet.restore, ref)

    async def panic(self, by: Person) -> list[StopReport]:
        await self._link.set_panic(by.who, by.via, on=True)
        return await self.confirm_panic(by)

    async def confirm_panic(self, by: Person) -> list[StopReport]:
        """Ask the host what it has stopped; a report that is not clean if it does not answer."""
        call = call_of(Fleet.panic)
        try:
            outcome = await self._link.read(self._host, call.name, call.encode(by), seconds=PANIC_SECONDS)
            return call.value(outcome)
        except SamobotError as error:
            words = f"{self._host}: not confirmed. {error.message}"
            return [StopReport(words=words, clean=False)]

    async def emergency_stop(self) -> str | None:
        panic = self._link.panic()
        if panic is not None and panic.on:
            return panic.who
        return self.state.beat.emergency if self.state.beat is not None else None

    async def refuse_in_panic(self) -> None:
        self._link.refuse_in_panic()
        if self._link.is_online(self._host):
            await self._read(Fleet.refuse_in_panic)

    async def lift_emergency_stop(self) -> bool:
        panic = self._link.panic()
        was_on = panic is not None and panic.on
        await self._link.set_panic("", "", on=False)
        if self._link.is_online(self._host):
            was_on = await self._read(Fleet.lift_emergency_stop) or was_on
        return was_on

    # Money

    async def costs(self, days: int) -> CostReport:
        return await self._read(Fleet.costs, days)

    async def set_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        await self._decide(Fleet.set_budget, ref, usd, by, request_id=request_id)

    async def raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        await self._decide(Fleet.raise_daily_budget, ref, usd, by, request_id=request_id)

    # Decisions

    async def answer(
        self, ref: SessionRef, answers: Sequence[QuestionAnswer], by: Person, *, change: bool = True
    ) -> AnswerReceipt:
        return await self._decide(Fleet.answer, ref, answers, by, change=change)

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> AnswerReceipt:
        view = self.state.view(ref.key)
        if expected is None and view is not None and not self._link.is_online(self._host):
            expected = [question.identity for question in view.questions]
        return await self._decide(Fleet.accept_suggestions, ref, by, expected=expected)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        await self._decide(Fleet.approve, ref, by, expected=expected or self._shown_plan(ref))

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        await self._decide(Fleet.reject, ref, feedback, by, expected=expected or self._shown_plan(ref))

    def _shown_plan(self, ref: SessionRef) -> str | None:
        """The plan that the user can have seen if the host is away; else the plan is taken as it is."""
        view = self.state.view(ref.key)
        if view is None or view.plan is None or self._link.is_online(self._host):
            return None
        return view.plan.sha256

    async def add_guidance(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        interrupt: bool = False,
        request_id: str | None = None,
    ) -> None:
        await self._decide(Fleet.add_guidance, ref, text, by, interrupt=interrupt, request_id=request_id)

    async def add_files(self, ref: SessionRef, files: Sequence[UserFile], text: str, by: Person) -> list[str]:
        return await self._decide(Fleet.add_files, ref, files, text, by)

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
        await self._decide(Fleet.decide_ask, ref, ask, verdict, by, expected=expected, text=text)

    async def withdraw_permission(self, ref: SessionRef, rule: str, by: Person) -> None:
        await self._decide(Fleet.withdraw_permission, ref, rule, by)

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        await self._decide(Fleet.action_done, ref, by)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        await self._decide(Fleet.retry, ref, by)

    async def follow_up(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        questions: bool = True,
        budget_usd: float | None = None,
    ) -> ResumeResult:
        self._link.refuse_in_panic()
        return await self._decide(Fleet.follow_up, ref, text, by, questions=questions, budget_usd=budget_usd)

    # Landing

    async def landing(self, ref: SessionRef) -> LandingView:
        return await self._read(Fleet.landing, ref)

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        return await self._decide(Fleet.land, ref, step, by, expected=expected)

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        return await self._read(Fleet.pull_request, ref)

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        return await self._read(Fleet.check_log, ref, check)

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        return await self._read(Fleet.work, project, source, label)

    async def pull_request_diff(self, project: str, number: int) -> str:
        return await self._read(Fleet.pull_request_diff, project, number)

    async def leftovers(self) -> list[Leftover]:
        return await self._read(Fleet.leftovers)

    async def clean(
        self, ref: SessionRef, by: Person, *, expected: str, anyway: bool = False
    ) -> LandingResult:
        return await self._decide(Fleet.clean, ref, by, expected=expected, anyway=anyway)

    # Documents

    async def plan_text(self, ref: SessionRef) -> Document:
        return await self._read(Fleet.plan_text, ref)

    async def summary_text(self, ref: SessionRef) -> Document | None:
        return await self._read(Fleet.summary_text, ref)

    async def diff(self, ref: SessionRef) -> DiffView:
        return await self._read(Fleet.diff, ref)

    async def review(self, ref: SessionRef) -> ReviewFacts:
        return await self._read(Fleet.review, ref)

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        return await self._read(Fleet.log_lines, ref, count)

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        return await self._read(Fleet.ask_text, ref, ask)

    async def last_message(self, ref: SessionRef) -> str:
        return await self._read(Fleet.last_message, ref)

    async def files(self, ref: SessionRef) -> list[FileView]:
        return await self._read(Fleet.files, ref)

    async def file(self, ref: SessionRef, name: str) -> bytes:
        return await self._read(Fleet.file, ref, name)

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        return await self._read(Fleet.timeline, ref, theme)

    async def close(self) -> None:
        """Release nothing: the link belongs to all hosts."""
