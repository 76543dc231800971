"""Stopping a session: the worker, the agent, and whatever they started; and saying what was checked."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from samobot.claude.reaper import end_session_processes, session_processes
from samobot.session import control, journal
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, RunEndReason
from samobot.session.lock import Holder, holder

WORKER_SECONDS = 12.0
"""How long a worker is given: its own ladder takes 3 s for SIGINT, 2 s for SIGTERM, and the sweep."""

_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Halted:
    """What stopping found and did.

    Attributes:
        worker: Process id of the worker that was running; None where none was.
        forced: Whether it had to be killed.
        ended: Further processes of the session that had to be ended after it.
        alive: Command lines of what could not be ended; empty unless something is badly wrong.
    """

    worker: int | None
    forced: bool
    ended: int
    alive: tuple[str, ...]

    @property
    def words(self) -> str:
        """What was checked, in a sentence."""
        if self.alive:
            return f"Still alive: {', '.join(self.alive)[:300]}. End it by hand."
        was = f"worker {self.worker} has ended" if self.worker is not None else "no worker was running"
        if self.forced:
            was = f"worker {self.worker} did not react and was killed"
        more = (
            f"; {self.ended} process{'es' if self.ended != 1 else ''} left behind ended" if self.ended else ""
        )
        return f"Checked: {was}{more}; nothing of the session is running."


def halt(folder: SessionFolder) -> Halted:
    """Stop a session now, and see that nothing of it is left. Blocks for as long as that takes.

    Args:
        folder: The session.

    Raises:
        StorageError: The session's files cannot be read.
    """
    current = holder(folder)
    process = _process(current)
    forced = False
    if process is not None:
        control.clear(folder)
        process.send_signal(signal.SIGTERM)
        forced = not _gone(folder, process, WORKER_SECONDS)
        if forced:
            process.kill()
            _gone(folder, process, WORKER_SECONDS)
    swept = end_session_processes(folder.path)
    if forced or (process is None and _was_left_running(folder)):
        # The worker could not say it itself.
        journal.append(
            folder,
            EventName.RUN_END,
            datetime.now(UTC),
            reason=RunEndReason.STOPPED,
            text="Stopped by a person.",
            exit_code=RunEndReason.STOPPED.exit_code,
        )
    return Halted(
        worker=process.pid if process is not None else None,
        forced=forced,
        ended=swept.ended,
        alive=tuple(f"{pid} {command}" for pid, command in session_processes(folder.path)),
    )


def _process(current: Holder | None) -> psutil.Process | None:
    """The holder's process, unless its id has gone to another program meanwhile."""
    if current is None or current.pid is None:
        return None
    try:
        process = psutil.Process(current.pid)
        born = process.create_time()
    except psutil.Error:
        return None
    if current.process_start is not None and abs(born - current.process_start) > 1.0:
        return None
    return process


def _gone(folder: SessionFolder, process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        current = holder(folder)
        if current is None or current.pid != process.pid:
            return True
        time.sleep(_LOOK_EVERY)
    return False


def _was_left_running(folder: SessionFolder) -> bool:
    """Whether the journal's last run never said that it ended: its worker was killed."""
    run = journal.read(folder).run
    return run is not None and run.end is None
