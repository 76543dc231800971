"""Stopping a session: the worker, the agent, and whatever they started; and saying what was checked."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from samobot.claude.reaper import end_session_processes, session_processes, unmarked_processes
from samobot.errors import SamobotError, StorageError
from samobot.session import journal, requests
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, RunEndReason
from samobot.session.lock import Holder, holder
from samobot.session.overview import parse_overview
from samobot.session.requests import RequestKind, WorkerRequest
from samobot.session.snapshot import is_stopped, snapshot
from samobot.session.status import SessionState
from samobot.worker.session_files import SessionFiles

WORKER_SECONDS = 12.0
"""How long a worker is given: its own ladder takes 3 s for SIGINT, 2 s for SIGTERM, and the sweep."""

_LOOK_EVERY = 0.05


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Halted:
    """What stopping found and did.

    Attributes:
        worker: Process id of the worker that was running; None where none was.
        forced: Whether it had to be killed.
        ended: Further processes of the session that had to be ended after it.
        alive: Command lines of what could not be ended; empty unless something is badly wrong.
        done: Whether the session is finished, so that there was nothing to stop.
        unmarked: Command lines of what works in the session's folders without its mark; it was left alone.
    """

    worker: int | None
    forced: bool
    ended: int
    alive: tuple[str, ...]
    done: bool = False
    unmarked: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is left that may be of the session."""
        return not self.alive and not self.unmarked

    @property
    def words(self) -> str:
        """What was checked, in a sentence."""
        if self.alive:
            return f"Still alive: {', '.join(self.alive)[:300]}. End it by hand."
        if self.done and not self.ended and not self.unmarked:
            return "It is done; nothing to stop."
        was = f"worker {self.worker} has ended" if self.worker is not None else "no worker was running"
        if self.forced:
            was = f"worker {self.worker} did not react and was killed"
        more = (
            f"; {self.ended} process{'es' if self.ended != 1 else ''} left behind ended" if self.ended else ""
        )
        if self.unmarked:
            left = ", ".join(self.unmarked)[:300]
            return (
                f"Checked: {was}{more}; what bears the session's mark has ended. Left alone, as it does not bear it, "
                f"though it works in the session's folders: {left}. If the agent started it, end it by hand."
            )
        if self.worker is not None and not self.forced:
            return f"Checked: {was}{more}; nothing of the session is running."
        # Only a worker that ends in order knows of all that it has started.
        return (
            f"Checked: {was}{more}; nothing that bears the session's mark or works in its folders is running."
        )


def halt(folder: SessionFolder, *, now: Callable[[], datetime] = utc_now) -> Halted:
    """Stop a session now, and see that nothing of it is left. Blocks for as long as that takes.

    One that rests is stopped too: what a person decides afterwards is kept and does not make it go on.

    Args:
        folder: The session.
        now: The clock, aware.

    Raises:
        StorageError: The session's files cannot be read, or one that only rests could not be marked as stopped.
        SamobotError: The worker belongs to another user.
    """
    current = holder(folder)
    process = _process(current)
    forced = False
    if process is not None:
        with contextlib.suppress(StorageError):  # a full disk does not keep a session from being stopped
            requests.clear(folder)
            requests.request(folder, WorkerRequest(RequestKind.STOP, "a person"))
        _send(process, signal.SIGTERM)
        forced = not _gone(folder, process, WORKER_SECONDS)
        if forced:
            _send(process, signal.SIGKILL)
            _gone(folder, process, WORKER_SECONDS)
    swept = end_session_processes(folder.path)
    if process is None and holder(folder) is None and _only_rests(folder):
        _speak_for_the_worker(folder, now())  # nothing but this word keeps it from going on
    with contextlib.suppress(StorageError):  # it is stopped, whether or not that can be written down
        if holder(folder) is None and (_was_left_running(folder) or _only_rests(folder)):
            _speak_for_the_worker(folder, now())
    return Halted(
        worker=process.pid if process is not None else None,
        forced=forced,
        ended=swept.ended,
        alive=tuple(f"{pid} {command}" for pid, command in session_processes(folder.path)),
        unmarked=tuple(f"{pid} {command}" for pid, command in _unmarked(folder)),
        done=process is None and snapshot(folder, "").status.state is SessionState.DONE,
    )


def _speak_for_the_worker(folder: SessionFolder, now: datetime) -> None:
    """Write down what a killed worker could not, or none was there for; forgeries are put right by the next one."""
    folder.prepare()
    journal.append(
        folder,
        EventName.RUN_END,
        now,
        reason=RunEndReason.STOPPED,
        text="Stopped by a person.",
        exit_code=RunEndReason.STOPPED.exit_code,
    )
    # The journal alone makes it stopped; the rest is for those who read on.
    with contextlib.suppress(StorageError):
        files = SessionFiles(folder, lambda: now)
        files.flow("Stopped by a person")
        files.clear_signal()


def _unmarked(folder: SessionFolder) -> list[tuple[int, str]]:
    """What may have come from the session although it does not say so.

    A working directory that is not a worktree of its own is the person's as well: what works there says nothing.
    """
    places, since = [folder.path], 0.0
    with contextlib.suppress(StorageError):  # then rather more is looked at than less
        started = journal.read(folder).started
        if started is None:
            return []  # it was never run
        since = started.timestamp()
        named = parse_overview(read_text(folder.overview) or "").working_dir
        if named is not None and (worktree := Path(named)).is_absolute() and (worktree / ".git").is_file():
            places.append(worktree)
    return unmarked_processes(places, since)


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


def _only_rests(folder: SessionFolder) -> bool:
    """Whether a session without a worker could go on by itself, by an answer, or by a limit's end."""
    current = snapshot(folder, "")
    match current.status.state:
        case SessionState.WAITING | SessionState.BLOCKED | SessionState.PARKED:
            return True
        case SessionState.STOPPED:
            return not is_stopped(current.end)
        case _:
            return False
