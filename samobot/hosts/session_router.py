"""Calls about one session, passed to the fleet that has it."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef

_Method = TypeVar("_Method", bound=Callable[..., Coroutine[Any, Any, Any]])


def _routed(method: _Method) -> _Method:
    """Make a method that passes its call to the fleet of its session."""

    @functools.wraps(method)
    async def call(self: SessionRouter, ref: SessionRef, *args: Any, **kwargs: Any) -> Any:
        fleet, own = self._of(ref)
        return await getattr(fleet, method.__name__)(own, *args, **kwargs)

    return cast(_Method, call)


class SessionRouter(Fleet):
    """The part of a fleet of several machines that concerns one session at a time."""

    @abstractmethod
    def _of(self, ref: SessionRef) -> tuple[Fleet, SessionRef]:
        """Return the fleet that has a session, and the reference that it has there."""

    is_archived = _routed(Fleet.is_archived)
    resume = _routed(Fleet.resume)
    recreate_worktree = _routed(Fleet.recreate_worktree)
    pause = _routed(Fleet.pause)
    stop = _routed(Fleet.stop)
    archive = _routed(Fleet.archive)
    restore = _routed(Fleet.restore)
    set_budget = _routed(Fleet.set_budget)
    raise_daily_budget = _routed(Fleet.raise_daily_budget)
    answer = _routed(Fleet.answer)
    accept_suggestions = _routed(Fleet.accept_suggestions)
    approve = _routed(Fleet.approve)
    reject = _routed(Fleet.reject)
    add_guidance = _routed(Fleet.add_guidance)
    add_files = _routed(Fleet.add_files)
    decide_ask = _routed(Fleet.decide_ask)
    withdraw_permission = _routed(Fleet.withdraw_permission)
    keep_lessons = _routed(Fleet.keep_lessons)
    decide_trust = _routed(Fleet.decide_trust)
    action_done = _routed(Fleet.action_done)
    retry = _routed(Fleet.retry)
    follow_up = _routed(Fleet.follow_up)
    landing = _routed(Fleet.landing)
    land = _routed(Fleet.land)
    pull_request = _routed(Fleet.pull_request)
    check_log = _routed(Fleet.check_log)
    clean = _routed(Fleet.clean)
    plan_text = _routed(Fleet.plan_text)
    summary_text = _routed(Fleet.summary_text)
    diff = _routed(Fleet.diff)
    review = _routed(Fleet.review)
    lessons = _routed(Fleet.lessons)
    untrusted = _routed(Fleet.untrusted)
    log_lines = _routed(Fleet.log_lines)
    ask_text = _routed(Fleet.ask_text)
    last_message = _routed(Fleet.last_message)
    files = _routed(Fleet.files)
    file = _routed(Fleet.file)
    pictures = _routed(Fleet.pictures)
    timeline = _routed(Fleet.timeline)
