"""The process sessions that a CLI and its tools have begun, for systems on which orphans do not come back to the worker.

Without a child subreaper, what a tool leaves behind is nobody's descendant, and some systems hide the environment with
its mark. But it cannot leave its process session except for a new one of its own: so each session that is seen while
its parents live is remembered, and what is in one of them in the end is ended. What comes and goes between two looks is
found by its mark only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil

from samobot.claude.reaper import GRACE_SECONDS, SWEEP_SECONDS, send_to_group, session_of
from samobot.system.platform.current import identify
from samobot.system.platform.process_identity import ProcessIdentity
from samobot.system.processes import Swept, descendants, end_processes, other_processes

LOOK_SECONDS = 1.0
"""How often the machine's processes are listed at most."""


class BegunSessions:
    """The process sessions of one CLI.

    Args:
        cli: Process id of the CLI, which leads a session of its own.
        clock: Seconds that only grow.
    """

    def __init__(self, cli: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cli = cli
        self._clock = clock
        self._looked = clock() - LOOK_SECONDS
        self._leaders: dict[int, ProcessIdentity | None] = {cli: identify(cli)}

    def look(self) -> None:
        """Remember the sessions below the CLI, if the last look was long enough ago."""
        if self._clock() - self._looked < LOOK_SECONDS:
            return
        self._looked = self._clock()
        for process in descendants(of=self._cli):
            session = session_of(process.pid)
            if session is not None and session not in self._leaders:
                self._leaders[session] = identify(session)

    def end(self) -> Swept:
        """End what is left in the sessions. Blocks, as `reaper.sweep`."""
        return end_processes(self._left, grace=GRACE_SECONDS, seconds=SWEEP_SECONDS, send=send_to_group)

    def _left(self) -> list[psutil.Process]:
        # The id of a session passes to another one only after all of it has ended; then it has another leader.
        own = os.getsid(0)
        sessions = {
            session
            for session, leader in self._leaders.items()
            if session != own and identify(session) in (None, leader)
        }
        return [process for process in other_processes() if session_of(process.pid) in sessions]
