"""Watching a pull request: what is new about it since the user was last notified. Pure; nothing is read here.

What the forge returns is always a state, never an event: late, repeated and reordered answers lead to the same news.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from samobot.fleet.comment_marks import comment_mark, not_reported
from samobot.fleet.forge import (
    CheckState,
    CheckView,
    ForgeProblem,
    PullRequestState,
    PullRequestView,
)
from samobot.fleet.landing_models import LandingStep, PullRequestReport
from samobot.fleet.pull_request_news import News, NewsKind

FIRST_DELAY_S, LONGEST_DELAY_S = 30.0, 600.0
"""Seconds between two looks: after something has changed, and after nothing has for long."""

_PENDING_DELAY_S, _PROBLEM_DELAY_S, _RATE_LIMIT_DELAY_S = 120.0, 900.0, 1800.0
_SLOWER = 1.5
_SETTLE_S = 600.0  # red checks are reported together once all have ended, at the latest after this
_QUIET_FAILURES = 5
_COMMENTS_AT_ONCE, _CHECKS_AT_ONCE = 8, 20
_KEPT_KEYS, _KEPT_HEADS = 1000, 100


class _Model(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class KeepFixing(_Model):
    """The user's choice that red checks are fixed and pushed without further taps.

    Attributes:
        who: Who chose it.
        rounds_left: Rounds that may still begin.
        limit_usd: What the whole session may cost before no further round begins.
        from_head: The commit that the running round began at; empty if none runs.
        task: The task of a round that is to begin; empty once it has begun.
    """

    who: str
    rounds_left: int
    limit_usd: float
    from_head: str = ""
    task: str = ""


class PullRequestWatch(_Model):
    """What was seen and reported of a pull request.

    Attributes:
        number: Its number; 0 before the first look.
        url: Its page.
        base: The branch that it goes into.
        ours: Heads that were the session's own commits, the newest last.
        comments: Marks of the comments that were reported.
        removals: Ids of the removals from the merge queue that were reported.
        red: Keys of the red checks that were reported.
        red_since: Since when red checks wait for others to end, epoch seconds.
        ready: Fingerprint of the request that was reported as ready.
        foreign: The foreign head that was reported.
        offered: The unpushed commit that was reported.
        missing: Whether it was reported as missing.
        problem: The problem that was reported.
        failures: Looks in a row that failed.
        delay_s: Seconds until the next look.
        digest: Fingerprint of the last report.
        keep: The user's choice to keep fixing.
        posted: Number of messages so far; makes their keys.
    """

    number: int = 0
    url: str = ""
    base: str = ""
    ours: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    removals: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    red_since: float | None = None
    ready: str = ""
    foreign: str = ""
    offered: str = ""
    missing: bool = False
    problem: ForgeProblem | None = None
    failures: int = 0
    delay_s: float = FIRST_DELAY_S
    digest: str = ""
    keep: KeepFixing | None = None
    posted: int = 0


class WatchStep(_Model):
    """What one look leads to.

    Attributes:
        watch: What is known now; `over` if nothing more is to be watched.
        news: What the user is notified of, in this order.
        over: Whether the request is merged or closed.
    """

    watch: PullRequestWatch
    news: tuple[News, ...] = ()
    over: bool = False


def advance(watch: PullRequestWatch, report: PullRequestReport, *, done: bool, now: float) -> WatchStep:
    """Compare a pull request with what was reported of it.

    Args:
        watch: What was reported so far.
        report: The pull request as it is now.
        done: Whether the session is done, so that its branch can be pushed and merged.
        now: Epoch seconds.
    """
    if report.problem is not None:
        return _failed(watch, report.problem, report.problem_text)
    request = report.landing.pull_request
    if request is None:
        return _missing(watch)
    news: list[News] = []
    changes: dict[str, object] = {"failures": 0, "problem": None, "missing": False}

    def add(kind: NewsKind, **values: object) -> None:
        news.append(
            News.model_validate({"kind": kind, "number": request.number, "url": request.url} | values)
        )

    if watch.problem is not None:
        add(NewsKind.RECOVERED)
    if watch.number not in (0, request.number):
        add(NewsKind.REPLACED, text=f"#{watch.number}")
        watch = watch.model_copy(update={"base": "", "ready": "", "foreign": "", "keep": None})
    elif watch.base not in ("", request.base):
        add(NewsKind.RETARGETED, text=request.base)
    changes |= {"number": request.number, "url": request.url, "base": request.base}
    fresh, changes["comments"] = not_reported(watch.comments, report.comments, _COMMENTS_AT_ONCE)
    if request.state is not PullRequestState.OPEN:
        if fresh:
            add(NewsKind.ATTENTION, head=request.head, comments=fresh)
        if len(fresh) == _COMMENTS_AT_ONCE:
            return WatchStep(watch=watch.model_copy(update=changes), news=tuple(news))
        merged = request.state is PullRequestState.MERGED
        add(NewsKind.MERGED if merged else NewsKind.CLOSED, head=request.head)
        return WatchStep(watch=watch.model_copy(update=changes), news=tuple(news), over=True)

    red, changes["red"], changes["red_since"] = _red(watch, request, now, with_comments=bool(fresh))
    if fresh or red:
        add(NewsKind.ATTENTION, head=request.head, checks=red, comments=fresh)
    changes |= _heads(watch, report, request, add, done=done)
    removals = [each for each in report.queue.removals if each.id not in watch.removals]
    if removals:
        add(NewsKind.UNQUEUED, head=request.head, removal=removals[-1])
        changes["removals"] = (*watch.removals, *(each.id for each in removals))[-_KEPT_KEYS:]
    fingerprint = fingerprint_of(request)
    is_shown = watch.ready == fingerprint and not removals
    if done and not is_shown and not report.queue.waiting and not request.merge_problem(report.landing.head):
        add(NewsKind.READY, head=request.head)
        changes |= {"ready": fingerprint, "keep": None}
    return WatchStep(watch=_paced(watch.model_copy(update=changes), report, request), news=tuple(news))


def fingerprint_of(request: PullRequestView) -> str:
    """Fingerprint of everything that a user sees of a pull request before merging it."""
    return hashlib.sha256(
        json.dumps(request.model_dump(mode="json"), sort_keys=True).encode("utf-8", "surrogatepass")
    ).hexdigest()


def _red(
    watch: PullRequestWatch, request: PullRequestView, now: float, *, with_comments: bool
) -> tuple[tuple[CheckView, ...], tuple[str, ...], float | None]:
    """Return the red checks to report now, the keys of those reported, and since when others are waited for."""
    red = {_key(request.head, each): each for each in request.checks if each.state is CheckState.RED}
    # A check that is red no longer may become red again; one of another head may come back with that.
    kept = [key for key in watch.red if key in red or not key.startswith(request.head)]
    fresh = [key for key in red if key not in kept]
    if not fresh:
        return (), tuple(kept), None
    since = now if watch.red_since is None else watch.red_since
    pending = any(each.state is CheckState.PENDING for each in request.checks)
    if pending and not with_comments and now - since < _SETTLE_S:
        return (), tuple(kept), since
    fresh = fresh[:_CHECKS_AT_ONCE]
    return tuple(red[key] for key in fresh), tuple([*kept, *fresh][-_KEPT_KEYS:]), None


def _heads(
    watch: PullRequestWatch,
    report: PullRequestReport,
    request: PullRequestView,
    add: Callable[..., None],
    *,
    done: bool,
) -> dict[str, object]:
    """Compare the request's head with the session's branch."""
    here, there = report.landing.head, request.head
    if there == here:
        ours = (*(each for each in watch.ours if each != here), here)[-_KEPT_HEADS:]
        changes: dict[str, object] = {"ours": ours, "foreign": "", "offered": ""}
        if done and watch.keep is not None and watch.keep.from_head == here and not watch.keep.task:
            add(NewsKind.UNFIXED, head=here)
            changes["keep"] = None
        return changes
    if there not in watch.ours:
        if watch.foreign != there:
            add(NewsKind.FOREIGN, head=there)
        return {"foreign": there, "keep": None}
    if not done or watch.offered == here:
        return {}
    push = report.landing.offer(LandingStep.PUSH)
    add(NewsKind.AHEAD, head=here, text=push.refusal if push is not None else "There is no remote.")
    return {"offered": here}


def _failed(watch: PullRequestWatch, problem: ForgeProblem, text: str) -> WatchStep:
    failures = watch.failures + 1
    limited = problem is ForgeProblem.RATE_LIMIT
    delay = _RATE_LIMIT_DELAY_S if limited else min(_PROBLEM_DELAY_S, watch.delay_s * 2)
    changes: dict[str, object] = {"failures": failures, "delay_s": delay}
    # One look without a network is no news; a lost login or a limit is.
    reportable = problem is not ForgeProblem.OTHER or failures >= _QUIET_FAILURES
    if not reportable or watch.problem is problem:
        return WatchStep(watch=watch.model_copy(update=changes))
    news = News(kind=NewsKind.PROBLEM, number=watch.number, url=watch.url, text=text)
    return WatchStep(watch=watch.model_copy(update=changes | {"problem": problem}), news=(news,))


def _missing(watch: PullRequestWatch) -> WatchStep:
    """The forge has no request of the branch: it was renamed or deleted there, or is not listed yet."""
    slower = min(LONGEST_DELAY_S, watch.delay_s * _SLOWER)
    changes: dict[str, object] = {"failures": 0, "problem": None, "delay_s": slower}
    if watch.number == 0 or watch.missing:
        return WatchStep(watch=watch.model_copy(update=changes))
    changes |= {"missing": True, "keep": None}
    news = News(kind=NewsKind.MISSING, number=watch.number, url=watch.url)
    return WatchStep(watch=watch.model_copy(update=changes), news=(news,))


def _paced(watch: PullRequestWatch, report: PullRequestReport, request: PullRequestView) -> PullRequestWatch:
    """Look soon after a change, and ever more seldom after that."""
    content = json.dumps(
        [
            fingerprint_of(request),
            report.landing.head,
            report.queue.model_dump(),
            [comment_mark(each) for each in report.comments],
        ]
    )
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    if digest != watch.digest:
        return watch.model_copy(update={"digest": digest, "delay_s": FIRST_DELAY_S})
    pending = any(each.state is CheckState.PENDING for each in request.checks)
    longest = _PENDING_DELAY_S if pending else LONGEST_DELAY_S
    return watch.model_copy(update={"delay_s": max(FIRST_DELAY_S, min(longest, watch.delay_s * _SLOWER))})


def _key(head: str, check: CheckView) -> str:
    return f"{head} {check.name} {check.url}"
