"""Past sessions that cannot be read now are left out of a list; the others are read side by side."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from samobot.errors import HostAwayError, NotFoundError
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.recent_sessions import read_past
from tests.support.views import session


async def test_a_machine_that_is_away_keeps_no_list_from_being_shown() -> None:
    began, both_began = [], asyncio.Event()

    async def view(ref: SessionRef) -> SessionView:
        if ref.name == "gone":
            raise NotFoundError("It is gone.")
        if ref.name == "away":
            raise HostAwayError("laptop not reachable since 14:05.")
        began.append(ref.name)
        if len(began) == 2:
            both_began.set()
        await asyncio.wait_for(both_began.wait(), 60)
        return session(ref=ref)

    fleet: Any = SimpleNamespace(view=view)
    context = cast(HandlerContext, SimpleNamespace(fleet=fleet))
    past = [
        PastSession(key=f"demo@laptop:26-01-15-{name}", updated=None)
        for name in ("one", "gone", "away", "two")
    ]
    assert [each.ref.name for each in await read_past(context, past)] == ["one", "two"]
