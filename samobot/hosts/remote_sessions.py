"""Calls about one session of another machine."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import CheckView
from samobot.fleet.landing_models import (
    LandingResult,
    LandingStep,
    LandingView,
    PullRequestReport,
)
from samobot.fleet.models import SessionRef
from samobot.fleet.request_scope import call_id
from samobot.fleet.results import (
    AnswerReceipt,
    DiffView,
    Document,
    FileView,
    LessonsView,
    QuestionAnswer,
    ResumeResult,
    StopReport,
    UntrustedView,
)
from samobot.fleet.start_request import UserFile
from samobot.hosts.fleet_calls import FleetCall, call_of
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import HostDecision, Seen
from samobot.review.facts import ReviewFacts
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person

_P = ParamSpec("_P")
_T = TypeVar("_T")


class RemoteSessions(Fleet):
    """The part of a host's fleet that concerns one session at a time.

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

    async def is_archived(self, ref: SessionRef) -> bool:
        return await self._read(Fleet.is_archived, ref)

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

    async def keep_lessons(
        self, ref: SessionRef, by: Person, *, expected: str | None = None
    ) -> tuple[str, ...]:
        return await self._decide(Fleet.keep_lessons, ref, by, expected=expected)

    async def decide_trust(self, ref: SessionRef, sha256: str, by: Person, *, accept: bool) -> None:
        await self._decide(Fleet.decide_trust, ref, sha256, by, accept=accept)

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

    async def landing(self, ref: SessionRef) -> LandingView:
        return await self._read(Fleet.landing, ref)

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        return await self._decide(Fleet.land, ref, step, by, expected=expected)

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        return await self._read(Fleet.pull_request, ref)

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        return await self._read(Fleet.check_log, ref, check)

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

    async def lessons(self, ref: SessionRef) -> LessonsView:
        return await self._read(Fleet.lessons, ref)

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        return await self._read(Fleet.untrusted, ref)

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

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        return await self._read(Fleet.pictures, ref)

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        return await self._read(Fleet.timeline, ref, theme)
