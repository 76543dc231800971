"""A run that is asked for is judged by its session as it is then."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, cast

from samobot.fleet.desired_runs import DesiredRuns
from samobot.fleet.models import SessionView
from samobot.fleet.run_queue import RunQueue
from samobot.fleet.supervisor import Observation
from samobot.session.status import SessionState
from samobot.system.clock import utc_now
from tests.support.views import at_rest


class OneSession:
    """The reading of one session, which takes until `go` is set, and the workers that are started for it."""

    def __init__(self) -> None:
        self.now = at_rest(SessionState.STOPPED)
        self.looking, self.go = asyncio.Event(), asyncio.Event()
        self.started: list[str] = []
        self.worker_pids = ()

    async def sessions(self, _: object) -> tuple[list[SessionView], Observation]:
        view = self.now
        self.looking.set()
        await self.go.wait()
        return [view], Observation({view.ref.key: view}, lambda _: False)

    async def past(self) -> list[Any]:
        return []

    async def place(self, _: object) -> tuple[Any, Any]:
        return self, self

    file = Path("demo.samocode")

    async def start(self, key: str, *_: object) -> int:
        self.started.append(key)
        return 1

    def lives(self, _: str) -> bool:
        return False

    def watch(self, _: object) -> None:
        """Its workers have no processes."""


async def test_a_run_that_is_asked_for_while_a_poll_looks_is_started(tmp_path: Path) -> None:
    one = OneSession()
    queue = RunQueue(
        DesiredRuns(tmp_path, time.time), 2, tmp_path, reading=cast(Any, one), workers=cast(Any, one), now=utc_now,
        changed=lambda: None,
    )  # fmt: skip
    poll = asyncio.create_task(queue.poll())
    await one.looking.wait()
    one.now = at_rest(SessionState.IDLE)  # a resume was recorded after the poll had read the session
    wanted = asyncio.create_task(queue.want(one.now.ref, {}))
    await asyncio.sleep(0)
    one.go.set()
    await asyncio.gather(poll, wanted)
    await queue.wait_for_starts()
    assert one.started == [one.now.ref.key]
    assert queue.is_wanted(one.now.ref)
