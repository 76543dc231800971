"""Stopping a session: the worker, the agent, and whatever they started; and saying what was checked."""

from __future__ import annotations

import contextlib
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from samobot.book import Book
from samobot.claude.reaper import end_session_processes, session_processes
from samobot.errors import SamobotError, StorageError
from samobot.session import control, journal
from samobot.session.control import Request, RequestKind
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
        SamobotError: The worker belongs to another user.
    """
    current = holder(folder)
    process = _process(current)
    forced = False
    if process is not None:
        with contextlib.suppress(StorageError):  # a full disk does not keep a session from being stopped
            control.clear(folder)
            control.request(folder, Request(RequestKind.STOP, "a person"))
        _send(process, signal.SIGTERM)
        forced = not _gone(folder, process, WORKER_SECONDS)
        if forced:
            _send(process, signal.SIGKILL)
            _gone(folder, process, WORKER_SECONDS)
    swept = end_session_processes(folder.path)
    if holder(folder) is None and _was_left_running(folder):
        _speak_for_the_worker(folder)
    return Halted(
        worker=process.pid if process is not None else None,
        forced=forced,
        ended=swept.ended,
        alive=tuple(f"{pid} {command}" for pid, command in session_processes(folder.path)),
    )


def _speak_for_the_worker(folder: SessionFolder) -> None:
    """Write down what a killed worker could not; what its agent forged is put right by the next one."""
    now = datetime.now(UTC)
    journal.append(
        folder,
        EventName.RUN_END,
        now,
        reason=RunEndReason.STOPPED,
        text="Stopped by a person.",
        exit_code=RunEndReason.STOPPED.exit_code,
    )
    book = Book(folder, lambda: now)
    book.flow("Stopped by a person")
    book.clear_signal()


def _send(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process that may have ended by itself meanwhile.

    Raises:
        SamobotError: It belongs to somebody else.
    """
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise SamobotError(
            f"The worker (process {process.pid}) belongs to another user: stop it as that user."
        ) from None


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
