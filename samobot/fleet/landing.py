"""Landing a finished session's branch: what can be done with it, and doing exactly that.

Each step is a gate: the user decides about an offer, and its identity covers the commits that were shown. Right
before it is carried out everything is read again; an offer with another identity is refused and nothing is changed.

The order makes a repetition after a crash safe: the marked decision, which names the commit, then the effect, then
the journal's `landing` event. Repeated, a decided step whose effect is there is only recorded; else it begins anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from samobot.config.project import Project
from samobot.errors import BusyError, ConflictError, NotFoundError, StorageError
from samobot.fleet.documents import work_dir_of
from samobot.fleet.forge import (
    CheckView,
    CommentView,
    Forge,
    ForgeError,
    PullRequestState,
    problem_of,
)
from samobot.fleet.landing_look import LandingLook, look_at
from samobot.fleet.landing_models import (
    LandingOffer,
    LandingResult,
    LandingStep,
    LandingView,
    PullRequestReport,
)
from samobot.session import journal
from samobot.session.branch_removal import Removal, remove_branch, remove_remote_branch
from samobot.session.decisions import Decision, DecisionKind, is_marked, record
from samobot.session.file_lock import FileLock
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person, journal_decisions, look_closely
from samobot.session.journal import EventName
from samobot.session.lock import holder
from samobot.session.merge import MergeMethod, holds_commit, make_merge, move_base
from samobot.session.push import push
from samobot.session.repository import repository_lock
from samobot.session.snapshot import is_done
from samobot.session.vault import edit_lock
from samobot.text import clip, printable, without_surrogates

_LOCK, _LOCK_WAIT_S = ".landing.lock", 60.0
_REMOVES = frozenset({LandingStep.CLEAN_UP, LandingStep.DISCARD})
_LOG_LINES, _LOG_WIDTH = 40, 300
_LOG_PREFIX = re.compile(r"\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")
_MERGES = {LandingStep.MERGE: MergeMethod.MERGE, LandingStep.SQUASH: MergeMethod.SQUASH}


def landing_view(project: Project, folder: SessionFolder) -> LandingView:
    """Read what can be done with a session's branch. Asks the remote, which takes up to half a minute.

    Raises:
        ConflictError: The session is not done, or its branch cannot be read.
        NotFoundError: It has no branch of its own.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    _refuse_unless_done(folder)
    return look_at(project, folder, frozenset(LandingStep)).view()


def pull_request_report(project: Project, folder: SessionFolder) -> PullRequestReport:
    """Read a session's pull request with all comments, also while the session works on its next round.

    Raises:
        ConflictError: The branch cannot be read.
        NotFoundError: It has no branch of its own.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    look = look_at(project, folder, frozenset(LandingStep))
    comments: tuple[CommentView, ...] = ()
    problem = look.forge_problem
    if look.forge is None:
        problem = f"The remote of {folder.name} cannot be read, or is at no forge that samobot knows."
    elif look.pull_request is not None:
        try:
            comments = look.forge.comments(look.pull_request.number)
        except ForgeError as failure:
            problem = failure.message
    kind = problem_of(problem) if problem else None
    return PullRequestReport(landing=look.view(), comments=comments, problem=kind, problem_text=problem)


def check_log(project: Project, folder: SessionFolder, check: CheckView) -> str:
    """Return the last lines of a failed check's log; empty if it cannot be had, or not yet.

    Raises:
        SamobotError: See `pull_request_report`.
    """
    look = look_at(project, folder, frozenset({LandingStep.MERGE_PR}))
    try:
        text = look.forge.check_log(check) if look.forge is not None else ""
    except ForgeError:
        return ""
    lines = [printable(line.rstrip()) for line in text.splitlines() if line.strip()]
    return "\n".join(clip(_without_job(line), _LOG_WIDTH) for line in lines[-_LOG_LINES:])


def _without_job(line: str) -> str:
    """A line of a log without the names of its job and step and its time, which `gh` puts before each."""
    return _LOG_PREFIX.sub("", line.rpartition("\t")[2])


def land(
    project: Project,
    folder: SessionFolder,
    step: LandingStep,
    by: Person,
    *,
    expected: str,
    now: Callable[[], datetime],
    key: bytes,
) -> LandingResult:
    """Carry out a step that the user decided about. Safe to repeat.

    Args:
        project: The session's project.
        folder: The session.
        step: What to do.
        by: Who decides.
        expected: Identity of the offer that was shown.
        now: The clock.
        key: Marks the decisions that samobot writes.

    Raises:
        ConflictError: Something has changed since it was shown, or it cannot be done; nothing was changed.
        StorageError: The disk refused. If it was done all the same, the message contains that.
        SamobotError: See `landing_view`.
    """
    folder.prepare()
    with FileLock(folder.logs / _LOCK) as lock:
        if not lock.acquire(wait=_LOCK_WAIT_S):
            raise BusyError(f"{folder.name} is being landed already; try again in a minute.")
        _refuse_unless_done(folder)
        try:
            look = look_at(project, folder, frozenset({step}))
        except NotFoundError:
            begun = _decided(folder, expected, key) if step in _REMOVES else None
            if begun is None:
                raise
            return _finish_removal(project, folder, step, begun, now())
        earlier = _decided(folder, expected, key)
        if earlier is not None and _has_effect(look, step, earlier):
            return _repeated(folder, step, earlier, now(), base=_base(look))
        offer = look.offer(step)
        if offer is None or offer.identity != expected:
            raise ConflictError(f"{folder.name} has changed since this was shown; look at it again.")
        if offer.refusal:
            raise ConflictError(offer.refusal)
        method = _MERGES.get(step)
        if method is None:
            return _carry_out(project, look, offer, look.state.head, by, now, key)
        with repository_lock(look.state.repository.common):
            commit = make_merge(look.state, method, _message(look, method))
            return _carry_out(project, look, offer, commit, by, now, key)


def _carry_out(
    project: Project,
    look: LandingLook,
    offer: LandingOffer,
    commit: str,
    by: Person,
    now: Callable[[], datetime],
    key: bytes,
) -> LandingResult:
    folder, step = look.folder, offer.step
    text = without_surrogates(_sentence(look, step, commit))
    decision = Decision(
        now(),
        by.who,
        by.via,
        DecisionKind.LANDING,
        text=text,
        file=without_surrogates(look.state.name),
        sha256=offer.identity,
        commit=commit,
    )
    with edit_lock(folder.path):
        decision = record(folder, decision, key)
        journal_decisions(folder, now(), key)
    _take_effect(project, look, step, commit)
    try:
        _note(folder, step, decision, now(), base=_base(look))
    except StorageError as error:
        raise StorageError(f"{text} But that could not be recorded: {error.message}") from error
    return LandingResult(step=step, text=text, commit=commit)


def _finish_removal(
    project: Project, folder: SessionFolder, step: LandingStep, decision: Decision, now: datetime
) -> LandingResult:
    """Finish a removal whose worktree is gone already, so that there is nothing left to look at."""
    _remove(project, folder, step, decision.file or "", decision.commit or "")
    return _repeated(folder, step, decision, now, base=None)


def _remove(project: Project, folder: SessionFolder, step: LandingStep, branch: str, head: str) -> None:
    removal = Removal(branch, head, keep=step is LandingStep.DISCARD)
    remove_branch(project.main_repo, work_dir_of(folder, project.main_repo), removal)


def _take_effect(project: Project, look: LandingLook, step: LandingStep, commit: str) -> None:
    try:
        match step:
            case LandingStep.MERGE | LandingStep.SQUASH:
                move_base(look.state, commit)
            case LandingStep.PUSH:
                assert look.target is not None
                push(look.state, look.target)
            case LandingStep.CLEAN_UP | LandingStep.DISCARD:
                if step is LandingStep.CLEAN_UP and look.target is not None and look.target.head is not None:
                    remove_remote_branch(look.state, look.target)
                _remove(project, look.folder, step, look.state.name, commit)
            case LandingStep.OPEN_PR | LandingStep.OPEN_DRAFT:
                assert look.forge is not None
                assert look.state.base is not None
                draft = step is LandingStep.OPEN_DRAFT
                look.forge.open(look.state.name, look.state.base.name, look.title, look.body, draft=draft)
            case LandingStep.MERGE_PR | LandingStep.SQUASH_PR:
                assert look.forge is not None
                assert look.pull_request is not None
                squash = step is LandingStep.SQUASH_PR
                look.forge.merge(look.pull_request.number, commit, squash=squash)
                _require_merged(look, look.forge, commit)
    except ForgeError as failure:
        raise ConflictError(f"{look.forge_name} did not do it: {failure.message}") from failure


def _require_merged(look: LandingLook, forge: Forge, commit: str) -> None:
    """Believe the forge's state, not its tool's exit code: a merge queue takes a request and merges later, or never."""
    request = forge.find(look.state.name)
    if request is None or request.state is not PullRequestState.MERGED or request.head != commit:
        raise ConflictError(
            f"{look.forge_name} took the request, but has not merged it yet; look again later."
        )


def _repeated(
    folder: SessionFolder, step: LandingStep, decision: Decision, now: datetime, *, base: str | None
) -> LandingResult:
    """Record a step whose effect is there already."""
    known = {event.get("id") for event in journal.events(folder) if event["event"] == EventName.LANDING}
    if decision.id not in known:
        _note(folder, step, decision, now, base=base)
    return LandingResult(step=step, text=decision.text or "", commit=decision.commit or "", repeated=True)


def _refuse_unless_done(folder: SessionFolder) -> None:
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running; its branch can be landed once it is done.")
    if folder.is_archived:
        return
    if not is_done(look_closely(folder), journal.read(folder)):
        raise ConflictError(f"{folder.name} is not done yet; its branch can be landed once it is.")


def _decided(folder: SessionFolder, identity: str, key: bytes) -> Decision | None:
    """Return the newest decision of the user about this offer."""
    found = [
        each
        for each in look_closely(folder).decisions.decisions
        if each.kind is DecisionKind.LANDING and each.sha256 == identity and is_marked(folder, each, key)
    ]
    return found[-1] if found else None


def _has_effect(look: LandingLook, step: LandingStep, decision: Decision) -> bool:
    """Whether what was decided is there; only this counts, whatever was recorded."""
    commit, request = decision.commit, look.pull_request
    if commit is None:
        return False
    match step:
        case LandingStep.MERGE | LandingStep.SQUASH:
            return holds_commit(look.state, commit)
        case LandingStep.PUSH:
            return look.target is not None and look.target.head == commit
        case LandingStep.OPEN_PR | LandingStep.OPEN_DRAFT:
            return request is not None and request.head == commit
        case LandingStep.MERGE_PR | LandingStep.SQUASH_PR:
            merged = request is not None and request.state is PullRequestState.MERGED
            return merged and request is not None and request.head == commit
        case LandingStep.CLEAN_UP | LandingStep.DISCARD:
            return False  # there is a branch to look at


def _note(
    folder: SessionFolder, step: LandingStep, decision: Decision, now: datetime, *, base: str | None
) -> None:
    journal.append(
        folder,
        EventName.LANDING,
        now,
        id=decision.id,
        step=step,
        branch=decision.file,
        base=base,
        commit=decision.commit,
        text=decision.text,
        who=decision.who,
        via=decision.via,
    )


def _base(look: LandingLook) -> str | None:
    return without_surrogates(look.state.base.name) if look.state.base else None


def _message(look: LandingLook, method: MergeMethod) -> str:
    if method is MergeMethod.MERGE:
        return f"Merge branch '{look.state.name}'"
    return "\n".join([look.title, "", *(f"* {subject}" for subject in look.state.subjects)])


def _sentence(look: LandingLook, step: LandingStep, commit: str) -> str:
    state, base, request = look.state, look.state.base, look.pull_request
    into = base.name if base else "the base"
    match step:
        case LandingStep.PUSH:
            remote = look.target.remote if look.target else "the remote"
            return f"{state.name} is pushed to {remote}, at {commit[:9]}."
        case LandingStep.OPEN_PR | LandingStep.OPEN_DRAFT:
            kind = "draft pull request" if step is LandingStep.OPEN_DRAFT else "pull request"
            return f"A {kind} of {state.name} into {into} is open at {look.forge_name}."
        case LandingStep.MERGE_PR | LandingStep.SQUASH_PR:
            assert request is not None
            return f"#{request.number} is merged into {request.base}, at {commit[:9]}: {request.url}"
        case LandingStep.CLEAN_UP:
            there = look.target is not None and look.target.head is not None
            also = f", here and at {look.target.remote}" if look.target is not None and there else ""
            return f"{state.name} is merged; its branch and worktree are removed{also}."
        case LandingStep.DISCARD:
            return f"{state.name} is discarded, with its worktree. “git branch {state.name} {commit[:12]}” restores its commits."
        case LandingStep.MERGE | LandingStep.SQUASH:
            commits = "1 commit" if state.ahead == 1 else f"{state.ahead} commits"
            how = " as one" if step is LandingStep.SQUASH and state.ahead > 1 else ""
            return f"{commits} of {state.name} merged into {into}{how}, now at {commit[:9]}."
