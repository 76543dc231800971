"""Stopping a session: the worker, the agent, and whatever they started."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil

from samobot.claude.reaper import (
    GRACE_SECONDS,
    SWEEP_SECONDS,
    end_session_processes,
    session_processes,
    unmarked_processes,
)
from samobot.errors import SamobotError, StorageError
from samobot.frozen import frozen
from samobot.session import journal, requests
from samobot.session.files import is_regular, move_aside, read_text
from samobot.session.folder import SessionFolder
from samobot.session.git_seal import top_of
from samobot.session.journal import EventName, RunEndReason
from samobot.session.last_run import is_stopped
from samobot.session.lock import holder, holder_of, lock_files
from samobot.session.lock_holder import Holder
from samobot.session.overview import parse_overview
from samobot.session.requests import RequestKind, WorkerRequest
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.system.clock import utc_now
from samobot.system.platform.current import boot_id, platform
from samobot.system.process_handle import ProcessHandle
from samobot.system.processes import Swept, end_processes, own_line
from samobot.system.scope import is_scope_of, scope_members
from samobot.worker.session_files import SessionFiles
from samobot.worker.worker_process import is_worker, worker_pids

WORKER_SECONDS = 12.0
"""Seconds for the worker to end: it takes 3 s for SIGINT to the agent, 2 s for SIGTERM, and the sweep."""


@frozen
class HaltResult:
    """The result of stopping a session.

    Attributes:
        worker: Process id of the worker that was running; None if none was.
        forced: Whether it had to be killed.
        ended: Further processes of the session that had to be ended after it.
        alive: Command lines of what could not be ended; normally empty.
        done: Whether the session is finished, so that there was nothing to stop.
        unmarked: Command lines of processes in the session's folders without its mark; they were left alone.
        untracked: When the last worker was killed of which it cannot be known what it left behind; None if of all
            workers everything is known.
    """

    worker: int | None
    forced: bool
    ended: int
    alive: tuple[str, ...]
    done: bool = False
    unmarked: tuple[str, ...] = ()
    untracked: datetime | None = None

    @property
    def clean(self) -> bool:
        """Whether no process is left that may belong to the session."""
        return not self.alive and not self.unmarked

    @property
    def summary(self) -> str:
        """What was checked, in a sentence."""
        if self.alive:
            return f"Still alive: {', '.join(self.alive)[:300]}. End it by hand."
        if self.done and not self.ended and not self.unmarked:
            return "It is done; nothing to stop."
        checked = f"Worker {self.worker} ended" if self.worker is not None else "No worker was running"
        if self.forced:
            checked = f"Worker {self.worker} did not react and was killed"
        if self.ended:
            checked += f"; {self.ended} process{'es' if self.ended != 1 else ''} left behind ended too"
        if self.unmarked:
            left = ", ".join(self.unmarked)[:300]
            return (
                f"{checked}; no process has the session's mark. Left alone, as it lacks that mark but works in the "
                f"session's folders: {left}. If the agent started it, end it by hand."
            )
        if self.worker is not None and not self.forced and self.untracked is None:
            return f"{checked}; nothing of the session is running."
        # Only a worker that ends in order, and a scope of its own, know of all that it has started.
        text = f"{checked}; no process has the session's mark or works in its folders."
        if self.untracked is not None:
            text += (
                f" A worker of this session (started {self.untracked.astimezone():%m-%d %H:%M}) was killed: a process "
                "that it had started and that hid its origin would not be found."
            )
        return text


def halt(
    folder: SessionFolder, *, desired: bool = False, now: Callable[[], datetime] = utc_now
) -> HaltResult:
    """Stop a session now and end all its processes. Blocks for as long as that takes.

    A session without a worker is stopped too: later decisions are kept and do not resume it.

    Args:
        folder: The session.
        desired: Whether a worker was about to be started, so that an idle session is to be marked as stopped.
        now: The clock, aware.

    Raises:
        StorageError: The session's files cannot be read, or one without a worker could not be marked as stopped.
        SamobotError: The worker belongs to another user.
    """
    worker, forced, unknown = _end_worker(folder)
    swept = end_leftovers(folder)
    about_to_run = desired or worker is not None
    if worker is None and holder(folder) is None and _may_resume(folder, about_to_run):
        _write_run_end(folder, now())  # only this keeps it from being resumed
    with contextlib.suppress(StorageError):  # it is stopped even if that cannot be written
        if holder(folder) is None and (_was_left_running(folder) or _may_resume(folder, about_to_run)):
            _write_run_end(folder, now())
    alive = [f"{pid} {command}" for pid, command in session_processes(folder.path)]
    if unknown is not None:
        alive.insert(0, f"the worker that holds the session ({unknown.describe()})")
    return HaltResult(
        worker=worker,
        forced=forced,
        ended=swept.ended,
        alive=tuple(alive),
        unmarked=tuple(f"{pid} {command}" for pid, command in _unmarked(folder)),
        untracked=_untracked(folder),
        done=worker is None and snapshot(folder, "").status.state is SessionState.DONE,
    )


def _end_worker(folder: SessionFolder) -> tuple[int | None, bool, Holder | None]:
    """End the session's worker, if there is one: a held lock is one, whatever its description.

    Returns:
        Its process id, None if none was ended; whether it had to be killed; and who still holds the session.
    """
    if not is_regular(folder.lock):
        with contextlib.suppress(StorageError):  # its agent put something in the place of the lock
            move_aside(folder.lock, folder.logs)
    held = [path for path in lock_files(folder) if holder_of(path) is not None]
    # An agent's process may hold the lock that it took from the worker, or all locks be gone.
    found = [_find_worker(path) for path in held] or [_worker_above(folder)]
    workers = [each for each in found if each is not None]
    if not held and not workers:
        return None, False, None
    with contextlib.suppress(StorageError):  # a full disk does not keep a session from being stopped
        requests.clear(folder)
        requests.request(folder, WorkerRequest(RequestKind.STOP, "a person"))
    ended: list[int] = []
    forced = False
    for worker in workers:
        with worker:
            _send(worker, signal.SIGTERM)
            killed = not worker.wait(WORKER_SECONDS)
            if killed:
                _send(worker, signal.SIGKILL)
                worker.wait(WORKER_SECONDS)
        forced = forced or killed
        ended.append(worker.pid)
    after = holder(folder)
    # Another one may have started since; but who was not found has not been ended.
    still = after if after is not None and (None in found or after.pid in ended) else None
    return next(iter(ended), None), forced, still


def _worker_above(folder: SessionFolder) -> ProcessHandle | None:
    """The worker that a process of the session descends from, if all locks were deleted.

    Never one that this process descends from: a worker takes over what its agent's own workers leave behind.
    """
    spared = own_line()
    for pid, _ in session_processes(folder.path):
        with contextlib.suppress(psutil.Error):
            parents = psutil.Process(pid).parents()
            above = next((each for each in parents if is_worker(each) and each.pid not in spared), None)
            if above is not None:
                return ProcessHandle.open(above.pid)
    return None


def _find_worker(lock: Path) -> ProcessHandle | None:
    """The process that holds a lock of the session: from the kernel, else from the lock's description."""
    current = holder_of(lock)
    if current is None:
        return None
    described = [] if current.pid is None else [current.pid]
    owner = platform().lock_owner(lock, described)
    if owner is None:  # the kernel does not name it, and the description may be old or forged
        owner = platform().lock_owner(lock, worker_pids())
    if owner is not None:
        # Asked again while it is held: the id cannot have passed to another process in between.
        return ProcessHandle.open(owner, lambda _: platform().lock_owner(lock, [owner]) == owner)
    identity = current.identity
    if identity is None:
        return None
    return ProcessHandle.open(identity.pid, lambda found: found == identity)


def _write_run_end(folder: SessionFolder, now: datetime) -> None:
    """Write the end of the run in place of a worker that was killed or not running."""
    folder.prepare()
    journal.append(
        folder,
        EventName.RUN_END,
        now,
        reason=RunEndReason.STOPPED,
        text="Stopped by the user.",
        exit_code=RunEndReason.STOPPED.exit_code,
        **({"killed": True} if _was_left_running(folder) else {}),
    )
    # The journal decides; the rest is for display.
    with contextlib.suppress(StorageError):
        files = SessionFiles(folder, lambda: now)
        files.flow("Stopped by the user")
        files.clear_signal()


def _unmarked(folder: SessionFolder) -> list[tuple[int, str]]:
    """Processes that may belong to the session although they do not carry its mark.

    A working directory that is not a worktree of the session is used by others too and is not searched.
    """
    places, first = [folder.path], None
    with contextlib.suppress(StorageError):  # then the first worker is unknown, and more is listed
        known = journal.read(folder)
        if known.started is None:
            return []  # it has never run
        first = known.first_worker
        named = parse_overview(read_text(folder.overview) or "").working_dir
        # The session may work in a folder of its worktree, and the agent anywhere in it.
        top = top_of(Path(named)) if named is not None and Path(named).is_absolute() else None
        if top is not None and (top / ".git").is_file():
            places.append(top)
    return unmarked_processes(places, first)


def _send(worker: ProcessHandle, number: signal.Signals) -> None:
    """Signal the worker.

    Raises:
        SamobotError: It belongs to another user.
    """
    try:
        worker.send(number)
    except PermissionError:
        raise SamobotError(
            f"The worker (process {worker.pid}) belongs to another user: stop it as that user."
        ) from None


def end_leftovers(folder: SessionFolder) -> Swept:
    """End what earlier workers of a session left behind: by its mark, and in the scopes that the workers had.

    Only for the holder of the session's run lock, or if there is none.
    """
    scopes: set[str] = set()
    with contextlib.suppress(StorageError):
        known = journal.read(folder)
        scopes = {
            run.scope
            for run in (*known.killed_runs, known.run)
            if run is not None and run.scope is not None and is_scope_of(run.scope, folder.name)
        }
    return end_session_processes(folder.path) + end_processes(
        lambda: scope_members(scopes), grace=GRACE_SECONDS, seconds=SWEEP_SECONDS
    )


def _untracked(folder: SessionFolder) -> datetime | None:
    """When the last worker started that was killed, since the machine booted, and had no scope of its own."""
    with contextlib.suppress(StorageError):
        known = journal.read(folder)
        runs = list(known.killed_runs)
        if known.run is not None and known.run.end is None and holder(folder) is None:
            runs.append(known.run)
        boot = boot_id()
        return max(
            (
                run.started
                for run in runs
                if run.worker is not None and run.worker.may_be_of_boot(boot) and run.scope is None
            ),
            default=None,
        )
    return None


def _was_left_running(folder: SessionFolder) -> bool:
    """Whether the journal's last run has no end: its worker was killed."""
    run = journal.read(folder).run
    return run is not None and run.end is None


def _may_resume(folder: SessionFolder, about_to_run: bool) -> bool:
    """Whether a session without a worker could resume automatically: by an answer or a limit's reset.

    Args:
        folder: The session.
        about_to_run: Whether it had a worker, which may have died before it recorded that it had begun, or was to get
            one.
    """
    current = snapshot(folder, "")
    match current.status.state:
        case SessionState.WAITING | SessionState.BLOCKED | SessionState.PARKED:
            return True
        case SessionState.STOPPED:
            return not is_stopped(current.end)
        case SessionState.IDLE:
            return about_to_run
        case _:
            return False
