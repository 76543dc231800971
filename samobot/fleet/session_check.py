"""What is wrong with a session's folder, each with what to do, and the repair of what samobot has a record of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from samobot.config.project import Project
from samobot.config.project_guard import ProjectGuard
from samobot.errors import StorageError, UsageError, WorktreeGoneError
from samobot.fleet.worktree_recreation import recreate
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session.files import JOURNAL_LIMIT, LINE_LIMIT, TEXT_LIMIT, read_bytes, read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import GateState, look
from samobot.session.journal import read as read_journal
from samobot.session.lock import RunLock, holder
from samobot.session.signal import SignalProblem
from samobot.worker.agent_guard import AgentGuard
from samobot.worker.session_files import SessionFiles
from samobot.worker.work_dir import find_work_dir

_AFTER_APPROVAL = frozenset({Phase.IMPLEMENTATION, Phase.TESTING, Phase.QUALITY, Phase.DONE})
_AFTER_ANSWERS = _AFTER_APPROVAL | {Phase.PLANNING}
_UNREADABLE = "make it a readable file, or move it away"
_BY_HAND = "correct it by hand: docs/reference/files.md has its form"


@frozen
class SessionProblem:
    """One thing that is wrong.

    Attributes:
        text: What, as a sentence.
        remedy: What to do.
        is_repairable: Whether `recover_session` repairs it.
    """

    text: str
    remedy: str
    is_repairable: bool = False


def check_session(project: Project, folder: SessionFolder) -> list[SessionProblem]:
    """Find what is wrong with a session. Nothing is changed. What cannot be read is a problem like others."""
    state = look(folder)
    found = [SessionProblem(text, _UNREADABLE) for text in state.unreadable]
    running = False
    try:
        running = holder(folder) is not None
    except StorageError as error:
        found.append(SessionProblem(error.message, _UNREADABLE))
    checks = (
        _overview(folder, state),
        _unreadable(folder.guidance),
        _unreadable(folder.vault.decisions, limit=JOURNAL_LIMIT, lines=None),
        *(() if running else (_records(folder),)),
        _work_dir(project, folder),
        _gates(folder, state, running=running),
    )
    for check in checks:
        try:
            found.extend(check)
        except StorageError as error:
            found.append(SessionProblem(error.message, _UNREADABLE))
    return list(dict.fromkeys(found))


def recover_session(
    project: Project, folder: SessionFolder, who: str, now: datetime, *, state_dir: Path, branch_prefix: str
) -> list[str]:
    """Repair what samobot's own records suffice for, as the next worker would at its start, and a deleted worktree.

    Args:
        project: The session's project.
        folder: The session.
        who: Who asks for it.
        now: The time.
        state_dir: samobot's state folder.
        branch_prefix: Of the branch, if git no longer knows of the worktree.

    Returns:
        A sentence for each thing that was repaired.

    Raises:
        BusyError: A worker holds the session.
        UsageError: The worktree cannot be recreated.
        StorageError: The disk refused.
    """
    folder.prepare()
    files = SessionFiles(folder, lambda: now)
    with RunLock.acquire(folder, now):
        guard = AgentGuard(files, ProjectGuard(state_dir, lambda: now), (project.file,))
        guard.settle(project.file)
        done = list(guard.revert(after_crash=True))
        if guard.restored:
            done.append(guard.restored)
    try:
        find_work_dir(project, files)
    except WorktreeGoneError:
        done += recreate(project, folder, who, now, branch_prefix=branch_prefix)
    except UsageError:
        pass  # named by `check_session`; no record shows where it should be
    return done


def _overview(folder: SessionFolder, state: GateState) -> Iterator[SessionProblem]:
    kept = folder.vault.baseline.exists() and folder.vault.overview.exists()
    text = read_text(folder.overview)
    if text is None:
        remedy = "it is restored from the state folder" if kept else f"write it again, or {_BY_HAND}"
        yield SessionProblem("_overview.md is missing.", remedy, is_repairable=kept)
        return
    for problem in state.overview.problems:
        yield SessionProblem(problem, _BY_HAND)
    if state.overview.phase is None and state.overview.phase_text is None:
        yield SessionProblem("_overview.md names no phase.", f"add “Phase:” under “## Status”; {_BY_HAND}")
    if not state.overview.task:
        yield SessionProblem(
            "_overview.md names no task.", f"add “Task:” above the first section; {_BY_HAND}"
        )


def _unreadable(
    path: Path, *, limit: int = TEXT_LIMIT, lines: int | None = LINE_LIMIT
) -> Iterator[SessionProblem]:
    """Nothing if a file can be read or is missing.

    Raises:
        StorageError: It cannot.
    """
    read_bytes(path, limit=limit, lines=lines)
    yield from ()


def _records(folder: SessionFolder) -> Iterator[SessionProblem]:
    vault = folder.vault
    if vault.baseline.exists():
        yield SessionProblem(
            "An iteration was cut off: what was edited since then does not count yet.",
            "what its agent was not allowed to write is reverted, then edits by hand count again",
            is_repairable=True,
        )
    counts = read_bytes(vault.journal, limit=JOURNAL_LIMIT, lines=None)
    if counts is None:
        if folder.journal.exists():
            yield SessionProblem(
                "The state folder has no record of this session: it was moved here, or the state folder was lost.",
                "its journal is shown and grants nothing; the next run begins a new record",
            )
        return
    try:
        differs = read_bytes(folder.journal, limit=JOURNAL_LIMIT, lines=None) != counts
    except StorageError:
        differs = True
    if differs:
        yield SessionProblem(
            "The journal in _logs is not as samobot wrote it.",
            "it is made again from the state folder",
            is_repairable=True,
        )
    for problem in read_journal(folder).problems:
        yield SessionProblem(problem, "nothing to do: its other lines count")


def _work_dir(project: Project, folder: SessionFolder) -> Iterator[SessionProblem]:
    try:
        find_work_dir(project, SessionFiles(folder, datetime.now))
    except WorktreeGoneError as error:
        yield SessionProblem(
            error.message.partition(": its worktree was deleted.")[0] + ": its worktree was deleted.",
            "it is recreated from its branch, without what was not committed",
            is_repairable=True,
        )
    except UsageError as error:
        text, _, remedy = error.message.partition(". ")
        yield SessionProblem(f"{text}.", remedy)


def _gates(folder: SessionFolder, state: GateState, *, running: bool) -> Iterator[SessionProblem]:
    phase = state.overview.phase
    for problem in state.qa.problems:
        yield SessionProblem(problem, _BY_HAND)
    if phase in _AFTER_ANSWERS and state.qa.open:
        labels = ", ".join(question.label for question in state.qa.open[:5])
        yield SessionProblem(
            f"The phase is {phase}, but {labels} of _qa.md has no answer.",
            f"answer it (samobot answer {folder.name} --suggestions), or ask for requirements again",
        )
    if phase in _AFTER_APPROVAL and state.plan is None:
        yield SessionProblem(
            f"The phase is {phase}, but there is no plan: {state.plan_problem}.",
            "restore the file from git or a backup, or list it under “## Plans” in _overview.md",
        )
    if not running and state.signal_text is not None and isinstance(state.signal, SignalProblem):
        yield SessionProblem(state.signal.message, "nothing to do: the next iteration is reminded of it")
    for problem in state.decisions.problems:
        yield SessionProblem(problem, "nothing to do: the other decisions count")
