"""Past sessions for a list in the chat: the newest are read in full, the others stay one line each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import TypeVar

from samobot.errors import SamobotError
from samobot.fleet.models import PastSession, SessionView
from samobot.session.status import SessionState
from samobot.telegram.handlers.context import HandlerContext

_Session = TypeVar("_Session", PastSession, SessionView)

NEWEST = 30
"""How many past sessions of a kind are read for a list."""


async def recent_sessions(context: HandlerContext, count: int = NEWEST) -> list[SessionView]:
    """Return every session that is not past, and the newest of those that are: finished ones, and others."""
    views = await context.fleet.sessions()
    past = await context.fleet.past()
    if not past:
        return views
    known = {view.ref.key for view in views}
    past = [each for each in past if each.key not in known]
    done = [each for each in past if each.state is SessionState.DONE]
    others = [each for each in past if each.state is not SessionState.DONE]
    found = [*newest(done, count), *newest(others, count)]
    return [*views, *await read_past(context, found)]


def newest(sessions: Iterable[_Session], count: int | None = None) -> list[_Session]:
    """Sort sessions by their last change, the newest first; return at most so many."""
    return sorted(sessions, key=last_change, reverse=True)[:count]


def last_change(session: PastSession | SessionView) -> float:
    """When a session last changed, in epoch seconds; 0 if that is unknown.

    Numbers: each time of another machine has a time zone object of its own, which makes comparing them three times slower.
    """
    return session.updated.timestamp() if session.updated is not None else 0.0


async def read_past(context: HandlerContext, past: Iterable[PastSession]) -> list[SessionView]:
    """Read past sessions in full, less those that are gone, or on a machine that cannot be reached or fails."""
    found = await asyncio.gather(*(_read(context, each) for each in past))
    return [view for view in found if view is not None]


async def _read(context: HandlerContext, past: PastSession) -> SessionView | None:
    with contextlib.suppress(SamobotError):
        return await context.fleet.view(past.ref)
    return None
