"""Running one process of the Claude CLI: starting, following, stopping, and ending what it leaves behind.

- stdout is the log itself, a regular file: the CLI exits without draining a pipe. stderr is a file beside it.
- Only on SIGINT the CLI ends its tools and still writes a result. So stopping is SIGINT, SIGTERM, SIGKILL, with
  pauses between; then a sweep of everything that lost its parent.
- `outcome` classifies the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from samobot.claude.begun_sessions import BegunSessions
from samobot.claude.clocks import Clocks, Timeouts
from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.invocation import Invocation
from samobot.claude.reaper import (
    SESSION_VARIABLE,
    end_session_processes,
    has_tool_process,
    is_subreaper,
    sweep,
)
from samobot.claude.records import (
    Assistant,
    Init,
    PermissionRequest,
    PermissionWithdrawn,
    Record,
    Result,
    TakenUp,
    ToolResult,
)
from samobot.claude.spawn import spawn
from samobot.claude.stderr_file import StderrFile
from samobot.claude.stream import Tail
from samobot.claude.turn_input import TurnInput
from samobot.session.provider import Provider
from samobot.system.processes import Swept

POLL_SECONDS = (0.02, 0.3)
"""Shortest and longest poll interval of the log."""

POLL_GROWTH = 1.05
"""Growth of the interval with each poll that finds nothing: a record is noticed late by 5 % of the silence before it."""

LADDER = ((signal.SIGINT, 3.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0))
"""The signals that stop the CLI, each with the seconds before the next."""

_BATCH = 1024 * 1024
_PENDING_LIMIT = 1000


async def run(
    invocation: Invocation,
    clocks: Timeouts,
    *,
    on_record: Callable[[Record], None],
    on_start: Callable[[int], None],
    stop: asyncio.Event,
    steer: Callable[[TurnInput], Awaitable[None]] | None = None,
    disk_is_full: Callable[[], bool] = lambda: False,
) -> ProcessEnd:
    """Run the CLI to its end, and end everything it leaves behind.

    Call it in the main thread: the kernel ties the CLI's life to the thread that started it. However this call ends,
    also by cancellation or an error in a callback, no process is left.

    Args:
        invocation: What to start.
        clocks: Its timeouts.
        on_record: Called with each record, in order.
        on_start: Called with the process id.
        stop: Stops the process when set.
        steer: Sends messages to a process that is steerable; cancelled when that has ended.
        disk_is_full: Stops the process once it returns True; called several times a second.

    Raises:
        OSError: The log cannot be read.
    """
    running = _ProcessRun(invocation, clocks, on_record, stop, steer, disk_is_full)
    try:
        return await running.run_to_end(on_start)
    finally:
        running.close()


class _ProcessRun:
    """State of one process while it runs."""

    def __init__(
        self,
        invocation: Invocation,
        clocks: Timeouts,
        on_record: Callable[[Record], None],
        stop: asyncio.Event,
        steer: Callable[[TurnInput], Awaitable[None]] | None,
        disk_is_full: Callable[[], bool],
    ) -> None:
        self._invocation = invocation
        self._on_record = on_record
        self._stop = stop
        self._steer = steer
        self._disk_is_full = disk_is_full
        self._input: TurnInput | None = None
        self._clocks = Clocks(clocks, asyncio.get_running_loop().time)
        self._pending: set[str] = set()
        self._begun: BegunSessions | None = None
        self._tail = Tail(invocation.log, invocation.copy)
        self._stderr = StderrFile(invocation.log.with_suffix(".stderr"))

    async def run_to_end(self, on_start: Callable[[int], None]) -> ProcessEnd:
        try:
            process, self._input = await spawn(self._invocation, self._stderr.path)
        except OSError as error:
            return self._end(
                None, None, Swept(), start_error=f"{error.filename or sys.executable}: {error.strerror}"
            )
        stopped_by: StoppedBy | None = None
        try:
            if not is_subreaper():
                self._begun = BegunSessions(process.pid)
            on_start(process.pid)
            stopped_by = await self._watch(process)
            if stopped_by is not None:
                await self._escalate(process)
        finally:
            if self._input is not None:
                self._input.close()
            swept = await self._clean(process)
        self._take(self._tail.finish())
        return self._end(self._exit_code(process.returncode), stopped_by, swept)

    def close(self) -> None:
        self._tail.close()

    def _exit_code(self, code: int | None) -> int | None:
        """The CLI's own exit code: bubblewrap returns 128 and the number of a signal, as a shell does."""
        return 128 - code if self._invocation.fenced and code is not None and code > 128 else code

    async def _watch(self, process: Process) -> StoppedBy | None:
        """Follow the log until the process ends or somebody, or a clock, wants it to."""
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stop.wait())
        waits: list[asyncio.Future[Any]] = [ended, stopping]
        if self._steer is not None and self._input is not None:
            waits.append(asyncio.ensure_future(self._steer(self._input)))
        shortest, longest = POLL_SECONDS
        pause = shortest
        try:
            while not ended.done():
                if stopping.done():
                    return StoppedBy.PERSON
                if self._disk_is_full():
                    return StoppedBy.DISK
                position = self._tail.position
                self._take(self._tail.read(_BATCH))
                grew = self._tail.position != position
                self._clocks.look(grew=grew, asking=self._input is not None and self._input.is_asking)
                if grew:
                    pause = shortest
                elif (clock := self._clocks.overdue(lambda: self._is_at_work(process.pid))) is not None:
                    return clock
                self._stderr.bound()
                if self._begun is not None:
                    self._begun.look()
                await asyncio.wait(
                    (ended, stopping),
                    timeout=0 if self._tail.behind else pause,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                pause = min(pause * POLL_GROWTH, longest)
            return None
        finally:
            for waiting in waits:
                waiting.cancel()

    def _take(self, records: Iterator[Record]) -> None:
        for record in records:
            self._clocks.heard = True
            match record:
                case Result():
                    self._clocks.has_result = True
                    if self._input is not None:
                        self._input.end_turn()
                case Init():
                    self._clocks.has_result = False  # another turn begins
                case TakenUp(uuid=key):
                    self._clocks.has_result = False
                    if self._input is not None:
                        self._input.taken_up(key)
                case PermissionRequest(id=key):
                    if self._input is not None:
                        self._input.asked(key)
                case PermissionWithdrawn(id=key):
                    if self._input is not None:
                        self._input.withdrawn(key)
                case Assistant(tools=tools):
                    if len(self._pending) < _PENDING_LIMIT:
                        self._pending.update(tool.id for tool in tools)
                case ToolResult(ids=ids):
                    # A result that was too long to parse has no ids.
                    self._pending.difference_update(ids or set(self._pending))
                case _:
                    pass
            self._on_record(record)

    def _is_at_work(self, pid: int) -> bool:
        """Whether a tool of the CLI has a living process."""
        call = self._invocation
        nested = call.provider is Provider.CODEX
        return bool(self._pending) and has_tool_process(pid, fenced=call.fenced, nested=nested)

    async def _escalate(self, process: Process) -> None:
        """Stop the CLI, escalating through the signals."""
        for number, seconds in LADDER:
            if process.returncode is not None:
                return
            _signal(process, number)
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                continue

    async def _clean(self, process: Process) -> Swept:
        """End whatever is left; also after an error or a cancellation."""
        try:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
                await asyncio.wait_for(process.wait(), LADDER[-1][1])
        except TimeoutError:
            pass
        finally:
            # Until asyncio has reaped the CLI, its exit status must not be taken here.
            swept = sweep(exclude=() if process.returncode is not None else (process.pid,))
            if self._begun is not None:
                swept += self._begun.end()
                swept += end_session_processes(Path(self._invocation.env[SESSION_VARIABLE]))
        return swept

    def _end(
        self, returncode: int | None, stopped_by: StoppedBy | None, swept: Swept, start_error: str = ""
    ) -> ProcessEnd:
        return ProcessEnd(
            returncode=returncode,
            stopped_by=stopped_by,
            leftover=swept.ended,
            survivors=swept.survivors,
            duration_s=self._clocks.elapsed,
            stderr=self._stderr.finish(),
            start_error=start_error,
            garbage=self._tail.garbage,
            skipped=self._tail.skipped,
        )


def _signal(process: Process, number: signal.Signals) -> None:
    """Signal the CLI's own process group, as Ctrl-C in a terminal does: itself, its hooks and servers."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass
