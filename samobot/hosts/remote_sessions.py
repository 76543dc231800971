"""Calls about one session of another machine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef
from samobot.fleet.request_scope import call_id
from samobot.fleet.results import (
    AnswerReceipt,
    ResumeResult,
)
from samobot.hosts.fleet_calls import FleetCall, call_of
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import HostDecision, Seen
from samobot.session.gate import Person

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Method = TypeVar("_Method", bound=Callable[..., Coroutine[Any, Any, Any]])


def _reads(method: _Method) -> _Method:
    """Make a method that asks the host for what it returns."""

    @functools.wraps(method)
    async def call(self: RemoteSessions, *args: Any, **kwargs: Any) -> Any:
        return await self._read(method, *args, **kwargs)

    return cast(_Method, call)


def _decides(method: _Method) -> _Method:
    """Make a method that lets the host carry something out, once."""

    @functools.wraps(method)
    async def call(self: RemoteSessions, *args: Any, **kwargs: Any) -> Any:
        return await self._decide(method, *args, **kwargs)

    return cast(_Method, call)


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

    is_archived = _reads(Fleet.is_archived)

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        self._link.panic.refuse_start()
        return await self._decide(Fleet.resume, ref, by, budget_usd=budget_usd)

    recreate_worktree = _decides(Fleet.recreate_worktree)
    pause = _decides(Fleet.pause)
    stop = _decides(Fleet.stop)
    archive = _decides(Fleet.archive)
    restore = _decides(Fleet.restore)
    set_budget = _decides(Fleet.set_budget)
    raise_daily_budget = _decides(Fleet.raise_daily_budget)

    # Decisions

    answer = _decides(Fleet.answer)

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

    add_guidance = _decides(Fleet.add_guidance)
    add_files = _decides(Fleet.add_files)
    decide_ask = _decides(Fleet.decide_ask)
    withdraw_permission = _decides(Fleet.withdraw_permission)
    keep_lessons = _decides(Fleet.keep_lessons)
    decide_trust = _decides(Fleet.decide_trust)
    action_done = _decides(Fleet.action_done)
    retry = _decides(Fleet.retry)

    async def follow_up(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        questions: bool = True,
        budget_usd: float | None = None,
    ) -> ResumeResult:
        self._link.panic.refuse_start()
        return await self._decide(Fleet.follow_up, ref, text, by, questions=questions, budget_usd=budget_usd)

    landing = _reads(Fleet.landing)
    land = _decides(Fleet.land)
    pull_request = _reads(Fleet.pull_request)
    check_log = _reads(Fleet.check_log)
    clean = _decides(Fleet.clean)

    # Documents

    plan_text = _reads(Fleet.plan_text)
    summary_text = _reads(Fleet.summary_text)
    diff = _reads(Fleet.diff)
    review = _reads(Fleet.review)
    lessons = _reads(Fleet.lessons)
    untrusted = _reads(Fleet.untrusted)
    log_lines = _reads(Fleet.log_lines)
    ask_text = _reads(Fleet.ask_text)
    last_message = _reads(Fleet.last_message)
    files = _reads(Fleet.files)
    file = _reads(Fleet.file)
    pictures = _reads(Fleet.pictures)
    timeline = _reads(Fleet.timeline)
