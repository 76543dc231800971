"""Calls about one session, passed to the fleet that has it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import CheckView
from samobot.fleet.landing_models import LandingResult, LandingStep, LandingView, PullRequestReport
from samobot.fleet.models import SessionRef
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
from samobot.review.facts import ReviewFacts
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person


class SessionRouter(Fleet):
    """The part of a fleet of several machines that concerns one session at a time."""

    @abstractmethod
    def _of(self, ref: SessionRef) -> tuple[Fleet, SessionRef]:
        """Return the fleet that has a session, and the reference that it has there."""

    async def is_archived(self, ref: SessionRef) -> bool:
        fleet, own = self._of(ref)
        return await fleet.is_archived(own)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        fleet, own = self._of(ref)
        return await fleet.resume(own, by, budget_usd=budget_usd)

    async def recreate_worktree(self, ref: SessionRef, by: Person) -> list[str]:
        fleet, own = self._of(ref)
        return await fleet.recreate_worktree(own, by)

    async def pause(self, ref: SessionRef, by: Person) -> None:
        fleet, own = self._of(ref)
        await fleet.pause(own, by)

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        fleet, own = self._of(ref)
        return await fleet.stop(own, by)

    async def archive(self, ref: SessionRef) -> None:
        fleet, own = self._of(ref)
        await fleet.archive(own)

    async def restore(self, ref: SessionRef) -> None:
        fleet, own = self._of(ref)
        await fleet.restore(own)

    async def set_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        fleet, own = self._of(ref)
        await fleet.set_budget(own, usd, by, request_id=request_id)

    async def raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        fleet, own = self._of(ref)
        await fleet.raise_daily_budget(own, usd, by, request_id=request_id)

    async def answer(
        self, ref: SessionRef, answers: Sequence[QuestionAnswer], by: Person, *, change: bool = True
    ) -> AnswerReceipt:
        fleet, own = self._of(ref)
        return await fleet.answer(own, answers, by, change=change)

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> AnswerReceipt:
        fleet, own = self._of(ref)
        return await fleet.accept_suggestions(own, by, expected=expected)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        fleet, own = self._of(ref)
        await fleet.approve(own, by, expected=expected)

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        fleet, own = self._of(ref)
        await fleet.reject(own, feedback, by, expected=expected)

    async def add_guidance(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        interrupt: bool = False,
        request_id: str | None = None,
    ) -> None:
        fleet, own = self._of(ref)
        await fleet.add_guidance(own, text, by, interrupt=interrupt, request_id=request_id)

    async def add_files(self, ref: SessionRef, files: Sequence[UserFile], text: str, by: Person) -> list[str]:
        fleet, own = self._of(ref)
        return await fleet.add_files(own, files, text, by)

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
        fleet, own = self._of(ref)
        await fleet.decide_ask(own, ask, verdict, by, expected=expected, text=text)

    async def withdraw_permission(self, ref: SessionRef, rule: str, by: Person) -> None:
        fleet, own = self._of(ref)
        await fleet.withdraw_permission(own, rule, by)

    async def keep_lessons(
        self, ref: SessionRef, by: Person, *, expected: str | None = None
    ) -> tuple[str, ...]:
        fleet, own = self._of(ref)
        return await fleet.keep_lessons(own, by, expected=expected)

    async def decide_trust(self, ref: SessionRef, sha256: str, by: Person, *, accept: bool) -> None:
        fleet, own = self._of(ref)
        await fleet.decide_trust(own, sha256, by, accept=accept)

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        fleet, own = self._of(ref)
        await fleet.action_done(own, by)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        fleet, own = self._of(ref)
        await fleet.retry(own, by)

    async def follow_up(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        questions: bool = True,
        budget_usd: float | None = None,
    ) -> ResumeResult:
        fleet, own = self._of(ref)
        return await fleet.follow_up(own, text, by, questions=questions, budget_usd=budget_usd)

    async def landing(self, ref: SessionRef) -> LandingView:
        fleet, own = self._of(ref)
        return await fleet.landing(own)

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        fleet, own = self._of(ref)
        return await fleet.land(own, step, by, expected=expected)

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        fleet, own = self._of(ref)
        return await fleet.pull_request(own)

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        fleet, own = self._of(ref)
        return await fleet.check_log(own, check)

    async def clean(
        self, ref: SessionRef, by: Person, *, expected: str, anyway: bool = False
    ) -> LandingResult:
        fleet, own = self._of(ref)
        return await fleet.clean(own, by, expected=expected, anyway=anyway)

    async def plan_text(self, ref: SessionRef) -> Document:
        fleet, own = self._of(ref)
        return await fleet.plan_text(own)

    async def summary_text(self, ref: SessionRef) -> Document | None:
        fleet, own = self._of(ref)
        return await fleet.summary_text(own)

    async def diff(self, ref: SessionRef) -> DiffView:
        fleet, own = self._of(ref)
        return await fleet.diff(own)

    async def review(self, ref: SessionRef) -> ReviewFacts:
        fleet, own = self._of(ref)
        return await fleet.review(own)

    async def lessons(self, ref: SessionRef) -> LessonsView:
        fleet, own = self._of(ref)
        return await fleet.lessons(own)

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        fleet, own = self._of(ref)
        return await fleet.untrusted(own)

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        fleet, own = self._of(ref)
        return await fleet.log_lines(own, count)

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        fleet, own = self._of(ref)
        return await fleet.ask_text(own, ask)

    async def last_message(self, ref: SessionRef) -> str:
        fleet, own = self._of(ref)
        return await fleet.last_message(own)

    async def files(self, ref: SessionRef) -> list[FileView]:
        fleet, own = self._of(ref)
        return await fleet.files(own)

    async def file(self, ref: SessionRef, name: str) -> bytes:
        fleet, own = self._of(ref)
        return await fleet.file(own, name)

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        fleet, own = self._of(ref)
        return await fleet.pictures(own)

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        fleet, own = self._of(ref)
        return await fleet.timeline(own, theme)
