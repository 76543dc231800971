"""What runs: stopped, paused, let go on, put away; and the emergency stop."""

from __future__ import annotations

import asyncio

from samobot.errors import BusyError, ConflictError, NotFoundError, SamobotError, UsageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import ResumeKind, StopReport
from samobot.session.status import SessionState
from samobot.telegram.handlers.context import TAP, Desk, Request, about_session, choice
from samobot.telegram.handlers.parsing import is_budget, read_budget
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.notify.state import ALIVE
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.blocked import obstacle, rest_words
from samobot.telegram.views.buttons import rows
from samobot.telegram.views.pending import NeedKind, need_of
from samobot.telegram.views.wording import Icon
from samobot.text import human_money

_EVERYTHING = frozenset({"all", "everything"})
_NOTHING_RUNS = "Nothing is running. /sessions lists all."


async def stop(desk: Desk, request: Request) -> None:
    """`/stop [name|all]`: now."""
    if request.text.strip().casefold() in _EVERYTHING:
        views = [view for view in await desk.fleet.sessions() if is_stoppable(view)]
        if not views:
            raise NotFoundError(_NOTHING_RUNS)
        desk.receipt(request, "👌", "Stopping…")
        desk.later(request, "stop", _stop_all(desk, request, [view.ref for view in views]))
        return
    target = await find_target(
        desk, request, "stop", is_stoppable, question="Stop which one?", none=_NOTHING_RUNS
    )
    if target is not None:
        stop_one(desk, request, target.view.ref)


def stop_one(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Stop a session in the background, and say what was checked."""
    desk.receipt(request, "👌", f"Stopping {ref.name}…")
    named = request.saying(f"{ref.project}:{ref.folder}")
    desk.later(named, "stop", _stop_all(desk, request, [ref]))


async def _stop_all(desk: Desk, request: Request, refs: list[SessionRef]) -> None:
    reports = await asyncio.gather(*(_stopped(desk, request, ref) for ref in refs), return_exceptions=True)
    lines = []
    for ref, report in zip(refs, reports, strict=True):
        if isinstance(report, SamobotError):
            lines.append(f"⚠️ {bold(ref.name)}: {escape(report.message)}")
        elif isinstance(report, BaseException):
            raise report
        elif report.done and report.clean:
            lines.append(f"{Icon.DONE} {bold(ref.name)} is done; nothing to stop.")
        else:
            sign = "⏹" if report.clean else "⚠️"
            lines.append(f"{sign} {bold(ref.name)} is stopped. {escape(report.words)}")
    about = about_session(refs[0]) if len(refs) == 1 else None
    desk.reply(request, "\n".join(lines), about=about, part="stopped")


async def _stopped(desk: Desk, request: Request, ref: SessionRef) -> StopReport:
    """Stop one session, and show in the chat that it is."""
    with desk.notifier.deciding(ref, request.person):
        try:
            return await desk.fleet.stop(ref, request.person)
        finally:
            await desk.notifier.refresh(ref)


async def pause(desk: Desk, request: Request) -> None:
    """`/pause [name]`: after the iteration."""
    target = await find_target(
        desk, request, "pause", _is_going, question="Pause which one?", none=_NOTHING_RUNS
    )
    if target is not None:
        await pause_one(desk, request, target.view.ref)


async def pause_one(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Pause a session after its iteration; of one that does not work just now, say what it is."""
    view = await desk.fleet.view(ref)
    before = rest_words(view)
    with desk.notifier.deciding(ref, request.person):
        try:
            await desk.fleet.pause(ref, request.person)
        except ConflictError as error:
            holds = ""
            if view.state is SessionState.WAITING:
                paused = view.end is not None and view.end.paused
                holds = f" {'It stays paused' if paused else '/stop keeps it from going on'} after that."
            raise ConflictError(f"{error.message}{f' It is {before}.{holds}' if before else ''}") from None
        if before:
            _say(desk, request, ref, Icon.PAUSED, f"is paused; it was {before}.")
        else:
            desk.receipt(request, "👌", f"{ref.name} pauses after this iteration.")
        await desk.notifier.refresh(ref)


async def resume(desk: Desk, request: Request) -> None:
    """`/resume [name] [budget]`: go on; after `/panic`, let things run again."""
    if await asyncio.to_thread(desk.fleet.lift_emergency_stop):
        desk.receipt(request, "👍", "Sessions may run again.")
        desk.reply(
            request,
            "▶️ Sessions may run again. Those that were stopped wait for /resume, one by one.",
            part="calm",
        )
        if not request.text.strip() and request.session is None:
            return
    target = await find_target(
        desk, request, "resume", _rests, takes=is_budget, question="Which one goes on?"
    )
    if target is None:
        return
    await go_on(desk, request, target.view.ref, budget_usd=read_budget(target.rest))


async def go_on(desk: Desk, request: Request, ref: SessionRef, *, budget_usd: float | None = None) -> None:
    """Let a session go on, and say what had held it up: nobody named that."""
    with desk.notifier.deciding(ref, request.person):
        await _go_on(desk, request, ref, budget_usd)


async def _go_on(desk: Desk, request: Request, ref: SessionRef, budget_usd: float | None) -> None:
    view = await desk.fleet.view(ref)
    if _lacks_money(view, budget_usd):
        if budget_usd is not None:
            spent = human_money(view.cost_usd)
            raise UsageError(f"{ref.name} has cost {spent} already; a budget has to be more than that.")
        here = desk.places.at(request.chat_id, request.thread_id)
        shown = obstacle(view, NeedKind.BUDGET, "", here, desk.now())
        desk.toast(request)
        desk.reply(request, shown.text, buttons=shown.buttons, about=about_session(ref), part="money")
        return
    # That it was stopped or in line says nothing new.
    before = "" if view.state in (SessionState.STOPPED, SessionState.QUEUED) else rest_words(view)
    try:
        resumed = await desk.fleet.resume(ref, request.person, budget_usd=budget_usd)
    except ConflictError:
        await desk.notifier.refresh(ref)  # of one that was stopped it asks again what is awaited
        raise
    match resumed.kind:
        case ResumeKind.QUEUED:
            desk.toast(request)
            place = f"number {resumed.place}" if resumed.place else "next"
            was = f" It was {escape(before)}." if before else ""
            desk.reply(
                request,
                f"⏳ {bold(ref.name)} is {place} in line; it goes on by itself.{was}",
                about=about_session(ref),
            )
        case ResumeKind.RUNNING | ResumeKind.WOKEN if before:
            _say(desk, request, ref, Icon.RUNNING, f"goes on; it was {before}.")
        case ResumeKind.RUNNING | ResumeKind.WOKEN:
            desk.receipt(request, "👍", f"{ref.name} goes on.")
    await desk.notifier.refresh(ref)


def _lacks_money(view: SessionView, budget_usd: float | None) -> bool:
    """Whether a session has used up its budget and would end at once with the one that it is given."""
    need = need_of(view)
    if need is None or need.kind is not NeedKind.BUDGET or (view.end is not None and view.end.of_day):
        return False
    budget = view.budget_usd if budget_usd is None else budget_usd
    return budget is not None and budget <= view.cost_usd


def _say(desk: Desk, request: Request, ref: SessionRef, sign: Icon, words: str) -> None:
    """Acknowledge with words: at the top of the chat for a tap, with a message for a message."""
    desk.receipt(request, "👍", f"{ref.name} {words}")
    if request.query_id is None:
        desk.reply(request, f"{sign} {bold(ref.name)} {escape(words)}", about=about_session(ref))


async def archive(desk: Desk, request: Request) -> None:
    """`/archive [name]`: put a session away; one that nobody named and that is not finished, after asking."""
    named = bool(request.text.strip())
    if not named and request.session is None:
        target = await find_target(desk, request, "archive", _is_over, question="Put which one away?")
    else:
        target = await find_target(desk, request, "archive", any_session)
    if target is None:
        return
    picked = request.about is not None and request.about.kind == TAP
    if named or picked or _is_over(target.view) or target.view.has_worker:
        await archive_one(desk, request, target.view.ref)
    else:
        _ask_whether_away(desk, request, target.view.ref)


def _ask_whether_away(desk: Desk, request: Request, ref: SessionRef) -> None:
    desk.reply(
        request,
        f"{bold(ref.name)} is not finished: put it away all the same?",
        buttons=rows(
            choice("📦 Put it away", Action(do=ActionKind.ARCHIVE, session=ref.key)),
            choice("No", Action(do=ActionKind.CANCEL)),
        ),
        about=about_session(ref),
        part="archive",
    )


async def archive_one(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Put a session away, and close what the chat shows of it."""
    try:
        await desk.fleet.archive(ref)
    except BusyError:
        raise ConflictError(f"{ref.name} is running. Stop it first, then it can be put away.") from None
    await desk.notifier.archive(ref, request.person)
    desk.toast(request, f"{ref.name} is put away.")
    if request.query_id is None:
        desk.reply(
            request, f"{Icon.ARCHIVED} {bold(ref.name)} is put away. Its branch stays.", part="archived"
        )


async def panic(desk: Desk, request: Request) -> None:
    """`/panic`: stop everything, and keep it stopped until `/resume`."""
    desk.receipt(request, "👌", "Stopping everything…")
    desk.later(request, "panic", _panic(desk, request))


async def _panic(desk: Desk, request: Request) -> None:
    reports = await desk.fleet.panic(request.person)
    lines = [escape(report.words) for report in reports if not report.clean]
    count = len(reports)
    stopped = "Nothing was running" if not count else f"{count} stopped" if count > 1 else "1 stopped"
    head = f"⏹ {bold('Everything is stopped')} and stays so until /resume. {stopped}."
    desk.reply(request, "\n".join([head, *(f"⚠️ {line}" for line in lines)]), part="panic", silent=False)
    for view in await desk.fleet.sessions():
        if view.state is SessionState.STOPPED:
            await desk.notifier.refresh(view.ref)


def is_stoppable(view: SessionView) -> bool:
    """Whether there is something to stop."""
    return view.has_worker or view.wanted or view.state in ALIVE


def _is_going(view: SessionView) -> bool:
    return view.has_worker or view.state in (SessionState.RUNNING, SessionState.QUEUED)


def _rests(view: SessionView) -> bool:
    return (not view.has_worker and view.state not in (SessionState.DONE, SessionState.QUEUED)) or (
        view.state is SessionState.PARKED
    )


def _is_over(view: SessionView) -> bool:
    return view.state in (SessionState.DONE, SessionState.STOPPED)
