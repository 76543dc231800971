"""Running sessions: stop, pause, resume, retry."""

from __future__ import annotations

import asyncio

from samobot.errors import ConflictError, NotFoundError, SamobotError, SavedForHostError, UsageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import ResumeKind, StopReport
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest, is_budget, parse_budget
from samobot.telegram.handlers.context import HandlerContext, about_session
from samobot.telegram.handlers.emergency_handlers import lift_emergency_stop
from samobot.telegram.handlers.recent_sessions import read_past
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.handlers.worktree_handlers import offering_worktree
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.state import ALIVE
from samobot.telegram.store.outbox_rows import Priority
from samobot.telegram.views.blocked import idle_reason, obstacle
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import Icon, name_of
from samobot.text import human_money

_EVERYTHING = frozenset(
    {
        "all",
        "everything",
        "all sessions",
        "all of them",
        "them all",
        "everything now",
        "all now",
        "all please",
    }
)
_AROUND = " \n.,!"
_NOTHING_RUNS = "Nothing is running. /sessions lists all."


async def stop(context: HandlerContext, request: ChatRequest) -> None:
    """`/stop [name|all]`: now."""
    if request.text.strip(_AROUND).casefold() in _EVERYTHING:
        views = [view for view in await context.fleet.sessions() if is_stoppable(view)]
        if not views:
            raise NotFoundError(_NOTHING_RUNS)
        context.receipt(request, "👌", "Stopping…")
        context.background.run(request, "stop", _stop_all(context, request, [view.ref for view in views]))
        return
    target = await find_target(
        context, request, "stop", is_stoppable, question="Stop which one?", none=_NOTHING_RUNS
    )
    if target is not None:
        stop_one(context, request, target.view.ref)


def stop_one(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Stop a session in the background, and report what was checked."""
    context.receipt(request, "👌", f"Stopping {ref.name}…")
    named = request.with_text(f"{ref.project}:{ref.folder}")
    context.background.run(named, "stop", _stop_all(context, request, [ref]))


async def _stop_all(context: HandlerContext, request: ChatRequest, refs: list[SessionRef]) -> None:
    reports = await asyncio.gather(*(_stopped(context, request, ref) for ref in refs), return_exceptions=True)
    lines = []
    for ref, report in zip(refs, reports, strict=True):
        if isinstance(report, SavedForHostError):
            context.show_saved(request, report)
        elif isinstance(report, SamobotError):
            lines.append(f"⚠️ {name_of(ref)}: {escape(report.message)}")
        elif isinstance(report, BaseException):
            raise report
        elif report.done and report.clean:
            lines.append(f"{Icon.DONE} {name_of(ref)} is done; nothing to stop.")
        else:
            sign = "⏹" if report.clean else "⚠️"
            lines.append(f"{sign} {name_of(ref)} is stopped. {escape(report.words)}")
    about = about_session(refs[0]) if len(refs) == 1 else None
    if lines:
        context.reply(request, "\n".join(lines), about=about, part="stopped", priority=Priority.NEEDED)


async def _stopped(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> StopReport:
    """Stop one session, and show in the chat that it is."""
    with context.notifier.deciding(ref, request.person):
        try:
            return await context.fleet.stop(ref, request.person)
        finally:
            await context.notifier.refresh(ref)


async def pause(context: HandlerContext, request: ChatRequest) -> None:
    """`/pause [name]`: after the iteration."""
    target = await find_target(
        context, request, "pause", _is_going, question="Pause which one?", none=_NOTHING_RUNS
    )
    if target is not None:
        await pause_one(context, request, target.view.ref)


async def pause_one(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Pause a session after its iteration; if none is running, report its state."""
    view = await context.fleet.view(ref)
    before = idle_reason(view)
    with context.notifier.deciding(ref, request.person):
        try:
            await context.fleet.pause(ref, request.person)
        except ConflictError as error:
            holds = ""
            if view.state is SessionState.WAITING:
                paused = view.end is not None and view.end.paused
                holds = f" {'It stays paused' if paused else '/stop keeps it stopped'} after that."
            raise ConflictError(f"{error.message}{f' It is {before}.{holds}' if before else ''}") from None
        if before:
            acknowledge(context, request, ref, Icon.PAUSED, f"is paused; it was {before}.")
        else:
            context.receipt(request, "👌", f"{ref.name} pauses after this iteration.")
        await context.notifier.refresh(ref)


async def resume(context: HandlerContext, request: ChatRequest) -> None:
    """`/resume [name|all] [budget]`: resume; also turns the emergency stop off."""
    if await lift_emergency_stop(context, request) and not request.text.strip() and request.session is None:
        return
    if request.text.strip(_AROUND).casefold() in _EVERYTHING:
        await _resume_all(context, request)
        return
    target = await find_target(
        context, request, "resume", _is_idle, takes=is_budget, question="Which one should continue?"
    )
    if target is None:
        return
    await resume_one(context, request, target.view.ref, budget_usd=parse_budget(target.rest))


async def _resume_all(context: HandlerContext, request: ChatRequest) -> None:
    """Resume every session that was stopped or paused, or that waits for a limit or another try."""
    stopped = [each for each in await context.fleet.past() if each.state is SessionState.STOPPED]
    views = [*await context.fleet.sessions(), *await read_past(context, stopped)]
    views = [view for view in views if _is_resumable(view)]
    if not views:
        raise NotFoundError("Nothing is stopped or paused. /sessions lists all.")
    lines = []
    for view in views:
        try:
            with context.notifier.deciding(view.ref, request.person):
                resumed = await context.fleet.resume(view.ref, request.person)
                await context.notifier.refresh(view.ref)
        except SavedForHostError as error:
            context.show_saved(request, error)
        except SamobotError as error:
            lines.append(f"{name_of(view.ref)}: {escape(error.message)}")
        else:
            sign, state = (
                (Icon.QUEUED, "queued") if resumed.kind is ResumeKind.QUEUED else (Icon.RUNNING, "resumed")
            )
            lines.append(f"{sign} {name_of(view.ref)} {state}")
    context.receipt(request, "👍")
    if lines:
        context.reply(request, "\n".join(lines), part="resumed", priority=Priority.NEEDED)


def _is_resumable(view: SessionView) -> bool:
    """Whether `/resume all` is about a session: it was stopped or paused, or its worker was lost."""
    need = need_of(view)
    lost = need is not None and need.kind in (NeedKind.LOST, NeedKind.ITERATIONS)
    return not view.has_worker and not view.wanted and (view.state is SessionState.STOPPED or lost)


async def resume_one(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, *, budget_usd: float | None = None
) -> None:
    """Resume a session, and report what it was waiting for."""
    with offering_worktree(context, request, ref), context.notifier.deciding(ref, request.person):
        await _resume(context, request, ref, budget_usd)


async def _resume(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, budget_usd: float | None
) -> None:
    view = await context.fleet.view(ref)
    if _lacks_money(view, budget_usd):
        if budget_usd is not None:
            spent = human_money(view.cost_usd)
            raise UsageError(f"{ref.name} has cost {spent} already; a budget has to be more than that.")
        here = context.places.at(request.chat_id, request.thread_id)
        shown = obstacle(view, NeedKind.BUDGET, "", here, context.now())
        context.toast(request)
        context.reply(request, shown.text, buttons=shown.buttons, about=about_session(ref), part="money")
        return
    # That it was stopped or queued is not news.
    before = "" if view.state in (SessionState.STOPPED, SessionState.QUEUED) else idle_reason(view)
    try:
        resumed = await context.fleet.resume(ref, request.person, budget_usd=budget_usd)
    except ConflictError:
        await context.notifier.refresh(ref)  # of one that was stopped it asks again what is awaited
        raise
    match resumed.kind:
        case ResumeKind.QUEUED:
            context.toast(request)
            place = f"number {resumed.place}" if resumed.place else "next"
            was = f" It was {escape(before)}." if before else ""
            context.reply(
                request,
                f"⏳ {name_of(ref)} is {place} in line and continues automatically.{was}",
                about=about_session(ref),
                priority=Priority.NEEDED,
            )
        case ResumeKind.RUNNING | ResumeKind.WOKEN if before:
            acknowledge(context, request, ref, Icon.RUNNING, f"continues; it was {before}.")
        case ResumeKind.RUNNING | ResumeKind.WOKEN:
            context.receipt(request, "👍", f"{ref.name} continues.")
    await context.notifier.refresh(ref)


def _lacks_money(view: SessionView, budget_usd: float | None) -> bool:
    """Whether a session has used up its budget and would end at once with the one that it is given."""
    need = need_of(view)
    if need is None or need.kind is not NeedKind.BUDGET or (view.end is not None and view.end.of_day):
        return False
    budget = view.budget_usd if budget_usd is None else budget_usd
    return budget is not None and budget <= view.cost_usd


def acknowledge(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, sign: Icon, words: str
) -> None:
    """Acknowledge with a text: a toast for a callback query, a message for a message."""
    context.receipt(request, "👍", f"{ref.name} {words}")
    if request.query_id is None:
        context.reply(
            request,
            f"{sign} {name_of(ref)} {escape(words)}",
            about=about_session(ref),
            priority=Priority.NEEDED,
        )


async def unblock(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, kind: DecisionKind, identity: str | None
) -> None:
    """Resume a session that is blocked, or waited for the user to do something.

    Args:
        context: What handlers share.
        request: Who lets it.
        ref: The session.
        kind: `RETRY` for one that is blocked, `ACTION_DONE` for one that waited for the user to do something.
        identity: Names the block that the user saw; None: whatever it is.

    Raises:
        ConflictError: It is blocked on something else by now, or another user was first.
    """
    view = await context.fleet.view(ref)
    retry = kind is DecisionKind.RETRY
    need = need_of(view)
    with offering_worktree(context, request, ref), context.notifier.deciding(ref, request.person):
        if identity is None or identity == ((need and need.name) if retry else view.gate):
            await (context.fleet.retry if retry else context.fleet.action_done)(ref, request.person)
        elif _was_cut_short(view, request, kind):
            if not view.has_worker:
                await context.fleet.resume(ref, request.person)
        else:
            await context.notifier.refresh(ref)
            raise ConflictError(_already_resumed(view, request))
        paused = (await context.fleet.view(ref)).paused
        how = "stays paused" if paused else "tries again" if retry else "continues"
        context.receipt(request, toast=f"{ref.name} {how}.")
        await context.notifier.refresh(ref)


def _was_cut_short(view: SessionView, request: ChatRequest, kind: DecisionKind) -> bool:
    """Whether this decision was recorded before, and the bot died before it started the worker."""
    last = view.decision
    if last is None or last.kind is not kind or Person(last.who, last.via) != request.person:
        return False
    return view.state in (SessionState.IDLE, SessionState.QUEUED, SessionState.RUNNING)


def _already_resumed(view: SessionView, request: ChatRequest) -> str:
    last = view.decision
    lifted = last is not None and last.kind in (DecisionKind.RETRY, DecisionKind.ACTION_DONE)
    if last is None or not lifted or need_of(view) is not None:
        return f"That was for something else; {view.ref.name} is {view.state} now."
    who = "You" if Person(last.who, last.via) == request.person else last.who
    where = f" from the {last.via}" if last.via != request.person.via else ""
    return f"{who} resumed {view.ref.name} already{where}."


def is_stoppable(view: SessionView) -> bool:
    """Whether there is something to stop."""
    return view.has_worker or view.wanted or view.state in ALIVE


def _is_going(view: SessionView) -> bool:
    return view.has_worker or view.state in (SessionState.RUNNING, SessionState.QUEUED)


def _is_idle(view: SessionView) -> bool:
    return (not view.has_worker and view.state not in (SessionState.DONE, SessionState.QUEUED)) or (
        view.state is SessionState.PARKED
    )


def is_over(view: SessionView) -> bool:
    """Whether a session is done or stopped."""
    return view.state in (SessionState.DONE, SessionState.STOPPED)
