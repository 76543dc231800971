"""One session at one moment: the object of `status --json`, and what else the chat needs to know.

Nothing is assumed about who worked on the session: one that was never run by samobot has no journal and no
lock, and its state follows from its files alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime

from samobot.errors import StorageError, UsageError
from samobot.frozen import frozen
from samobot.phases import WaitingFor
from samobot.session.baseline import counting_guidance
from samobot.session.file_marks import stat_keys
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import GateState, look, written_at
from samobot.session.guidance import GuidanceItem, parse_guidance
from samobot.session.journal import Journal, JournalReader, RunEnd, RunEndReason, source
from samobot.session.journal import read as read_journal
from samobot.session.last_run import is_done, is_stopped, standing_end, unlifted_end
from samobot.session.lock import holder
from samobot.session.lock_holder import Holder
from samobot.session.requests import is_pause_asked
from samobot.session.signal import SignalProblem
from samobot.session.status import SessionState, Status, WorkerStatus
from samobot.session.turn import Delivery, Turn, load_turn
from samobot.text import without_surrogates

_MOST_PROBLEMS = 20
"""Sentences about unreadable lines and files that are shown."""

_READINGS = 4
"""How often a session is read again because a worker has come or gone meanwhile."""


@frozen
class Snapshot:
    """A session's status with what it was made of.

    Attributes:
        folder: The session.
        status: What everybody may see.
        standing: Its files as they were read: overview, signal, questions, plan, decisions.
        journal: The sums over its journal.
        holder: The living worker.
        guidance: The guidance it was sent.
        end: How the last run ended, if that is still why it is idle.
        lost: Whether the last worker died without recording an end.
        pausing: Whether the living worker is to pause after its iteration.
        deliveries: What became of guidance that was sent to the running iteration, by the guidance's index.
    """

    folder: SessionFolder
    status: Status
    standing: GateState
    journal: Journal
    holder: Holder | None
    guidance: tuple[GuidanceItem, ...]
    end: RunEnd | None
    lost: bool
    pausing: bool = False
    deliveries: Mapping[int, Delivery] = field(default_factory=dict)


def snapshot(
    folder: SessionFolder,
    project: str,
    *,
    journal: Callable[[], Journal | None] | None = None,
    held: Holder | str | None = "",
) -> Snapshot:
    """Read a session. Never fails: what could not be read is listed in the status' `problems`.

    A worker that leaves while its files are being read would seem to have died: its journal was read before its
    last record, its lock after. So where one comes or goes meanwhile, all is read again.

    Args:
        folder: The session.
        project: Name of its project.
        journal: Reads the sums, where the caller keeps a `JournalReader`; None where that does not work.
        held: The living worker, if the caller has just read it; a text if it has not, or that failed.
    """
    before = _worker(folder) if isinstance(held, str) else _identity(held)
    current = _read(folder, project, journal)
    for _ in range(_READINGS):
        after = _identity(current.holder)
        if before == after:
            break
        before, current = after, _read(folder, project, journal)
    return current


def _worker(folder: SessionFolder) -> tuple[object, ...] | None:
    try:
        return _identity(holder(folder))
    except StorageError:
        return None


def _identity(held: Holder | None) -> tuple[object, ...] | None:
    return None if held is None else (held.pid, held.start_ticks, held.boot_id, held.started)


def _read(folder: SessionFolder, project: str, journal_of: Callable[[], Journal | None] | None) -> Snapshot:
    standing = look(folder)
    problems = list(standing.unreadable)
    try:
        folder.check()
    except UsageError as error:
        problems.append(error.message)
    held: Holder | None = None
    journal: Journal | None = None
    guidance: tuple[GuidanceItem, ...] = ()
    turn: Turn | None = None
    try:
        journal = journal_of() if journal_of is not None else None
        journal = read_journal(folder) if journal is None else journal
        guidance = parse_guidance(counting_guidance(folder, standing.baseline) or "")
        turn = load_turn(folder) if journal.iteration is not None else None
    except StorageError as error:
        problems.append(error.message)
    pausing = False
    try:
        held = holder(folder)
        pausing = held is not None and is_pause_asked(folder, held.pid)
    except StorageError as error:
        problems.append(error.message)
    journal = journal or Journal()
    problems += [*standing.overview.problems, *standing.qa.problems, *standing.decisions.problems]
    problems += journal.problems
    if standing.signal_text is not None and isinstance(standing.signal, SignalProblem):
        problems.insert(0, standing.signal.message)
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = [f"… and {len(problems) - _MOST_PROBLEMS:,} more of this kind."]
    lost = held is None and journal.run is not None and journal.run.end is None
    end = standing_end(folder, journal) or unlifted_end(folder, journal, standing)
    state, blocked = _state(standing, journal, held, end)
    overview = standing.overview
    status = Status(
        project=project,
        session=_clean(folder.name) or "",
        path=_clean(str(folder.path)) or "",
        state=state,
        phase=overview.phase,
        iteration=overview.iteration,
        total_iterations=overview.total_iterations,
        blocked=_clean(blocked),
        last_action=_clean(overview.last_action),
        next=_clean(overview.next),
        waiting_for=_waiting_for(standing, held) if state is SessionState.WAITING else None,
        questions=tuple(question.encodable() for question in standing.qa.questions),
        worker=WorkerStatus(pid=held.pid, started=held.started, iteration=held.iteration) if held else None,
        cost_usd=journal.cost_usd if journal.started is not None else None,
        updated=_updated(folder),
        problems=tuple(map(without_surrogates, problems)),
    )
    running = journal.iteration.session_id if held is not None and journal.iteration is not None else None
    deliveries = turn.delivery_of(guidance) if turn is not None and turn.session_id == running else {}
    return Snapshot(folder, status, standing, journal, held, guidance, end, lost, pausing, deliveries)


class SnapshotReader:
    """Reads one session again and again; while none of its files has changed, that costs a few `stat` calls.

    Args:
        folder: The session.
        project: Name of its project.
    """

    def __init__(self, folder: SessionFolder, project: str) -> None:
        self._folder = folder
        self._project = project
        self._journal = JournalReader(folder).keep()
        self._files = (os.fspath(folder.path), *folder.state_files)
        self._plan: str | None = None
        self._seen: tuple[object, ...] = ()
        self._held: Holder | str | None = None
        self._last: Snapshot | None = None

    def read(self) -> Snapshot:
        """Return the session as it is now; the same object as last time if nothing has changed."""
        held = self._holder()
        seen = self._marks()
        if self._last is None or seen != self._seen:
            return self._read(held, seen)
        if held == self._held:
            return self._last
        if (
            isinstance(held, Holder)
            and isinstance(self._held, Holder)
            and held.differs_in_activity(self._held)
        ):
            # Several times a second, while all else stays.
            self._held, self._last = held, replace(self._last, holder=held)
            return self._last
        return self._read(held, seen)

    def _read(self, held: Holder | str | None, seen: tuple[object, ...]) -> Snapshot:
        self._last = snapshot(self._folder, self._project, journal=self._sums, held=held)
        plan = self._last.standing.plan
        self._plan = os.fspath(plan.path) if plan else None
        # What was seen before reading: a change in between is read again next time.
        self._held, self._seen = held, (seen[0], self._plan_mark())
        return self._last

    def _sums(self) -> Journal | None:
        try:
            return self._journal.read()
        except StorageError:
            return None  # `snapshot` tries itself, and reports what is wrong

    def _holder(self) -> Holder | str | None:
        """The living worker, or why its lock cannot be read."""
        try:
            return holder(self._folder)
        except StorageError as error:
            return error.message

    def _marks(self) -> tuple[object, ...]:
        return stat_keys(self._files), self._plan_mark()

    def _plan_mark(self) -> object:
        return stat_keys((self._plan,)) if self._plan else None


def _state(
    standing: GateState, journal: Journal, held: Holder | None, end: RunEnd | None
) -> tuple[SessionState, str | None]:
    """Return the state and the value of `blocked`."""
    said = standing.overview.blocked
    if held is not None:
        parked = held.parked or held.parked_until is not None
        if standing.asks.waiting and not parked:
            return SessionState.WAITING, said
        return (SessionState.PARKED if parked else SessionState.RUNNING), said
    if is_done(standing, journal):
        return SessionState.DONE, said
    if is_stopped(end):
        return SessionState.STOPPED, said  # answers and approvals are kept; they do not resume it
    if standing.open_gate is not None:
        return SessionState.WAITING, said
    if standing.block is not None:
        return SessionState.BLOCKED, standing.block
    if end is not None and end.paused:
        return SessionState.STOPPED, said
    match end.reason if end else None:
        case RunEndReason.PARKED:
            return SessionState.PARKED, said
        case RunEndReason.STOPPED:
            return SessionState.STOPPED, said
        case RunEndReason.BUDGET | RunEndReason.ITERATIONS | RunEndReason.FAILED:
            return SessionState.BLOCKED, (end.text if end else "") or said
        case _:
            return SessionState.IDLE, said


def _waiting_for(standing: GateState, held: Holder | None) -> WaitingFor | None:
    return WaitingFor.PERMISSION if held is not None else standing.open_gate


def _updated(folder: SessionFolder) -> datetime | None:
    paths = [folder.overview, folder.signal, folder.qa, folder.decisions]
    with contextlib.suppress(StorageError):  # listed among the problems by whoever reads it
        paths.append(source(folder)[0])
    return max(filter(None, map(written_at, paths)), default=None)


def _clean(text: str | None) -> str | None:
    return text if text is None or text.isascii() else without_surrogates(text)
