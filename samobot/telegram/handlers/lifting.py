"""Letting a session go on that was blocked, or waited for something to be done: tapped or said in reply."""

from __future__ import annotations

from samobot.errors import ConflictError
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.session.status import SessionState
from samobot.telegram.handlers.context import Desk, Request
from samobot.telegram.views.pending import need_of

_DONE = frozenset({"done", "ok", "okay", "yes"})


def says_done(text: str) -> bool:
    """Whether somebody says with nothing else that it is done: anything more may well be a question."""
    return text.strip().rstrip(".!").casefold() in _DONE


async def lift(
    desk: Desk, request: Request, ref: SessionRef, kind: DecisionKind, identity: str | None
) -> None:
    """Let a session go on.

    Args:
        desk: What handlers have.
        request: Who lets it.
        ref: The session.
        kind: `RETRY` for one that is blocked, `ACTION_DONE` for one that waited for a person to do something.
        identity: Names what held it up as the person saw it; None: whatever it is.

    Raises:
        ConflictError: Something else holds it up by now, or somebody else was first.
    """
    view = await desk.fleet.view(ref)
    retry = kind is DecisionKind.RETRY
    need = need_of(view)
    with desk.notifier.deciding(ref, request.person):
        if identity is None or identity == ((need and need.name) if retry else view.gate):
            await (desk.fleet.retry if retry else desk.fleet.action_done)(ref, request.person)
        elif _was_cut_short(view, request, kind):
            if not view.has_worker:
                await desk.fleet.resume(ref, request.person)
        else:
            await desk.notifier.refresh(ref)
            raise ConflictError(_let_go_on(view, request))
        paused = (await desk.fleet.view(ref)).paused
        how = "stays paused" if paused else "tries again" if retry else "goes on"
        desk.receipt(request, toast=f"{ref.name} {how}.")
        await desk.notifier.refresh(ref)


def _was_cut_short(view: SessionView, request: Request, kind: DecisionKind) -> bool:
    """Whether this very word was written down before, and the bot died before it could start the worker."""
    last = view.decision
    if last is None or last.kind is not kind or Person(last.who, last.via) != request.person:
        return False
    return view.state in (SessionState.IDLE, SessionState.QUEUED, SessionState.RUNNING)


def _let_go_on(view: SessionView, request: Request) -> str:
    last = view.decision
    lifted = last is not None and last.kind in (DecisionKind.RETRY, DecisionKind.ACTION_DONE)
    if last is None or not lifted or need_of(view) is not None:
        return f"That was for something else; {view.ref.name} is {view.state} now."
    who = "You have" if Person(last.who, last.via) == request.person else f"{last.who} has"
    where = f" at the {last.via}" if last.via != request.person.via else ""
    return f"{who} let {view.ref.name} go on already{where}."
