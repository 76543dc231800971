"""Simulated hosts: `python -m benchmarks.host_simulator FOLDER CHANGES NAME…`.

Each is the real host's service with its real ledger, over sessions that are only in memory. CHANGES sessions a second, of
all of them, get a new summary: the time at which it changed. A line `NAME NUMBER` on the input makes a session ask a
question that holds its time. Guidance is appended to the host's `guidance.jsonl`, with its time, and synced.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any, cast

from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import FleetPoll, ProjectView
from samobot.hosts.host import HostService
from samobot.hosts.link import host_link_file, read_link
from samobot.session.status import SessionState
from samobot.system.clock import utc_now
from tests.support.views import asking, at_rest, question

SESSIONS = 20


def ref_of(number: int) -> SessionRef:
    """The reference of a session."""
    return SessionRef(project="demo", folder=f"26-01-15-task-{number}", name=f"task-{number}")


class SimulatedFleet:
    """What a host's service asks of its fleet.

    Args:
        folder: The host's state folder.
    """

    def __init__(self, folder: Path) -> None:
        self._guidance = folder / "guidance.jsonl"
        self._changed = asyncio.Event()
        self._began = utc_now()
        self._views = [self._at_rest(number) for number in range(SESSIONS)]

    def _at_rest(self, number: int, summary: str = "") -> SessionView:
        return at_rest(
            SessionState.STOPPED, ref=ref_of(number), summary=summary, run="run-1", updated=self._began
        )

    def change(self, number: int) -> None:
        self._views[number] = self._at_rest(number, str(time.monotonic_ns()))
        self._changed.set()

    def ask(self, number: int) -> None:
        now = time.monotonic_ns()
        asked = question(text=f"Shall it begin at {now}?", identity=str(now))
        self._views[number] = asking(asked, ref=ref_of(number), updated=utc_now())
        self._changed.set()

    # The calls.

    async def poll(self) -> FleetPoll:
        return FleetPoll([], list(self._views), [])

    async def projects(self) -> list[ProjectView]:
        return [ProjectView(name="demo", repository="/demo")]

    async def past(self) -> list[Any]:
        return []

    async def view(self, ref: SessionRef) -> SessionView:
        return self._views[int(ref.name.rpartition("-")[2])]

    async def wait_for_change(self) -> bool:
        await self._changed.wait()
        self._changed.clear()
        return False

    async def emergency_stop(self) -> str | None:
        return None

    async def add_guidance(self, ref: SessionRef, text: str, *_: Any, **__: Any) -> None:
        with self._guidance.open("ab") as file:
            file.write(json.dumps({"text": text, "at": time.monotonic_ns()}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


async def _run(folder: Path, changes: float, names: list[str]) -> None:
    fleets = {name: SimulatedFleet(folder / name) for name in names}
    chance = random.Random(names[0])
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def serve(name: str) -> None:
        link = read_link(host_link_file(folder / name))
        assert link is not None
        fleet = cast(Fleet, fleets[name])
        await HostService(link, fleet, state_dir=folder / name, now=utc_now, poll_seconds=5.0, most=3).run()

    async def change() -> None:
        while True:
            await asyncio.sleep(chance.expovariate(changes))
            fleets[chance.choice(names)].change(chance.randrange(SESSIONS // 2))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(serve(name)) for name in names]
        if changes:
            tasks.append(group.create_task(change()))
        while line := await reader.readline():
            name, number = line.split()
            fleets[name.decode()].ask(int(number))
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
