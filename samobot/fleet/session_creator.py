"""Creating a session: its folder, its worktree and its `_overview.md`, without asking a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from samobot.config.project import Project
from samobot.errors import UsageError
from samobot.fleet.ledger import LedgerEntry
from samobot.fleet.start_request import StartRequest
from samobot.fleet.worktree_setup import set_up_worktree
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session import gate, journal
from samobot.session.branch_state import BranchState, read_branch, work_dir_of
from samobot.session.files import read_text, write_atomic
from samobot.session.folder import ARCHIVE, SessionFolder, clean_name, list_folders, new_folder, resolve
from samobot.session.journal_events import EventName
from samobot.session.lock import holder
from samobot.session.overview_edits import new_overview
from samobot.session.vault import edit_lock
from samobot.session.worktree import prepare_worktree
from samobot.text import nearest, without_surrogates


@frozen
class Opened:
    """A session that is ready to run.

    Attributes:
        folder: Its folder.
        created: Whether this call created it.
        notes: Warnings, such as a remote that could not be reached.
    """

    folder: SessionFolder
    created: bool
    notes: tuple[str, ...] = ()


def find_session(project: Project, name: str) -> SessionFolder | None:
    """Find a session that has an overview or a worker.

    Raises:
        UsageError: The name cannot be used.
    """
    folder = resolve(project.sessions, name)
    return folder if folder is not None and _is_begun(folder) else None


def open_session(
    project: Project,
    request: StartRequest,
    now: datetime,
    branch_prefix: str = "",
) -> Opened:
    """Find the session of that name, or create it.

    Creation can be repeated: the overview is written last, so a crash in between leaves a worktree that the
    next call resumes, never half a session.

    Args:
        project: The project of that name.
        request: What is asked for.
        now: The local time; its date goes into a new folder's name.
        branch_prefix: Put before the session's name in its git branch, with a slash.

    Raises:
        UsageError: The name cannot be used, or looks like a typo of an existing one.
        StorageError: The folder cannot be made.
    """
    folder = find_session(project, request.session)
    if folder is not None:
        folder.prepare()  # git leaves the logs out, so a session that came with a clone has no folder for them
        return Opened(folder, created=False)
    wanted = clean_name(request.session)
    if not request.text:
        _refuse_typo(project, wanted)
    folder = resolve(project.sessions, request.session) or new_folder(project.sessions, wanted, now.date())
    base = _base_of(project, request.base) if request.base is not None else None
    worktree = prepare_worktree(
        project.main_repo,
        project.worktrees,
        folder.name,
        branch_prefix,
        on_top_of=base.head if base is not None else None,
    )
    notes = [worktree.note] if worktree.note else []
    if base is not None and base.uncommitted:
        notes.append(f"{request.base} has uncommitted changes, which this session does not have.")
    if worktree.root is not None:
        notes += set_up_worktree(project, worktree.root)
    folder.prepare()
    overview = new_overview(
        folder.name,
        started=now.strftime("%Y-%m-%d %H:%M"),
        working_dir=str(worktree.path),
        task=_task_text(folder.name, request, base),
        phase=Phase.INVESTIGATION,
    )
    with edit_lock(folder.path):
        if _is_begun(folder):  # by somebody else, while the worktree was made
            return Opened(folder, created=False)
        folder.vault.clear()  # of an earlier session in a folder of this name
        write_atomic(folder.overview, overview)
    for note in notes:
        journal.append(folder, EventName.NOTICE, now, text=note)
    return Opened(folder, created=True, notes=tuple(notes))


def open_or_guide(
    project: Project,
    request: StartRequest,
    who: str,
    now: datetime,
    *,
    branch_prefix: str = "",
    refuse: Callable[[SessionFolder], None],
    attempt: LedgerEntry | None = None,
) -> Opened:
    """Find or create a session; the text of a request for one that exists becomes guidance.

    Args:
        project: The project of that name.
        request: What is asked for.
        who: Who asks.
        now: The local time.
        branch_prefix: Put before the session's name in its git branch, with a slash.
        refuse: Raises if an existing session takes no guidance now.
        attempt: The call that this is part of; what an earlier attempt at it has done is not done again.

    Raises:
        SamobotError: What `open_session` and `refuse` raise.
    """
    opened = open_session(project, request, now, branch_prefix)
    repeated = attempt is not None and attempt.repeated
    if attempt is not None and repeated and not attempt.existed:
        return replace(opened, created=True)  # by the earlier attempt, with the text as its task
    if not opened.created and request.base is not None:
        raise UsageError(
            f"{opened.folder.name} is there already; --from is for a new session: give it another name."
        )
    if not opened.created and request.text:
        refuse(opened.folder)
        gate.tell(opened.folder, request.text, who, now, repeated=repeated)
    return opened


def _is_begun(folder: SessionFolder) -> bool:
    """Whether there is a session already; an overview that its agent removed is restored by the worker."""
    if read_text(folder.overview) is not None or holder(folder) is not None:
        return True
    return folder.vault.overview.exists()


def _base_of(project: Project, name: str) -> BranchState:
    """Read the branch of the session that a new one begins on, archived or not.

    Raises:
        UsageError: There is no such session.
        NotFoundError: It has no branch of its own.
        ConflictError: Its branch cannot be read.
    """
    folder = find_session(project, name) or resolve(project.sessions / ARCHIVE, name)
    if folder is None:
        raise UsageError(
            f"There is no session “{name}” in {project.name} to begin on. "
            "If --from belongs to the task, put the task in quotes."
        )
    return read_branch(project.main_repo, work_dir_of(folder, project.main_repo))


def _task_text(name: str, request: StartRequest, base: BranchState | None) -> str:
    text = _own_task(name, request)
    if base is None:
        return text
    return (
        f"{text}\n\nThis branch begins on the commits of the session {request.base} (branch "
        f"{without_surrogates(base.name)}, at {base.head[:9]}). They are not part of this task: build on them."
    )


def _own_task(name: str, request: StartRequest) -> str:
    task = (request.task or "").strip()
    dive = (request.dive or "").strip()
    if task and dive:
        return f"{task}\n\nLook into this first: {dive}"
    if dive:
        return f"Look into this: {dive}"
    return task or name.replace("-", " ")


def _refuse_typo(project: Project, wanted: str) -> None:
    """Refuse a new name without a task that is nearly another session's: it is a typo."""
    names = sorted({folder.name for folder in list_folders(project.sessions)})
    close = nearest(wanted, names)
    if close is not None:
        raise UsageError(
            f"There is no session “{wanted}” in {project.name}. Did you mean “{close}”? "
            "To start a new one under this name, say what it is about with --task."
        )
