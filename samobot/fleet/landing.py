"""Landing a finished session's branch: what can be done with it, and doing exactly that.

Each step is a gate: the user decides about an offer, and its identity covers the commits that were shown. Right
before it is carried out everything is read again; an offer with another identity is refused and nothing is changed.

The order makes a repetition after a crash safe: the marked decision, which names the commit, then the effect, then
the journal's `landing` event. Repeated, a decided step whose effect is there is only recorded; else it starts over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from samobot.config.project import Project
from samobot.errors import BusyError, ConflictError, NotFoundError, StorageError
from samobot.fleet.forge import Forge, ForgeError, PullRequestState
from samobot.fleet.landing_look import LandingLook, look_at
from samobot.fleet.landing_models import REMOVES, LandingOffer, LandingResult, LandingStep, LandingView
from samobot.fleet.landing_texts import merge_message, sentence
from samobot.fleet.review_reader import read_change
from samobot.session import journal
from samobot.session.branch_removal import Removal, remove_branch, remove_remote_branch
from samobot.session.branch_state import work_dir_of
from samobot.session.decisions import Decision, DecisionKind, is_marked, record
from samobot.session.file_lock import FileLock
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person, journal_decisions, look_closely
from samobot.session.journal import EventName
from samobot.session.last_run import is_done
from samobot.session.lock import holder
from samobot.session.merge import MergeMethod, holds_commit, make_merge, move_base
from samobot.session.push import push
from samobot.session.repository import repository_lock
from samobot.session.vault import edit_lock
from samobot.text import without_surrogates

_LOCK, _LOCK_WAIT_S = ".landing.lock", 60.0
_MERGES = {LandingStep.MERGE: MergeMethod.MERGE, LandingStep.SQUASH: MergeMethod.SQUASH}


def landing_view(project: Project, folder: SessionFolder) -> LandingView:
    """Read what can be done with a session's branch. Asks the remote, which takes up to half a minute.

    Raises:
        ConflictError: The session is not done, or its branch cannot be read.
        NotFoundError: It has no branch of its own.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    _refuse_unless_done(folder)
    look = look_at(project, folder, frozenset(LandingStep))
    change = read_change(look.state.worktree)
    return look.view().model_copy(update={"objections": change.objections if change is not None else ()})


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
            begun = _decided(folder, expected, key) if step in REMOVES else None
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
            commit = make_merge(look.state, method, merge_message(look, method))
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
    text = without_surrogates(sentence(look, step, commit))
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
            case LandingStep.READY_PR:
                assert look.forge is not None
                assert look.pull_request is not None
                look.forge.mark_ready(look.pull_request)
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
            f"{look.forge_name} took the request, but has not merged it yet, as a merge queue does; look again later."
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
        case LandingStep.READY_PR:
            return request is not None and request.head == commit and not request.draft
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
