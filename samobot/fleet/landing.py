"""Landing a finished session's branch: what can be done with it, and doing exactly that.

Each step is a gate: the user decides about an offer, and its identity covers the commits that were shown. Right
before it is carried out everything is read again; an offer with another identity is refused and nothing is changed.

The order makes a repetition after a crash safe: the marked decision, which names the commit, then the effect, then
the journal's `landing` event. Repeated, a decided step whose effect is there is only recorded; else it begins anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from samobot.config.project import Project
from samobot.errors import BusyError, ConflictError, StorageError
from samobot.fleet.documents import work_dir_of
from samobot.fleet.landing_models import LandingOffer, LandingResult, LandingStep, LandingView
from samobot.session import journal
from samobot.session.branch_state import BranchState, read_branch
from samobot.session.decisions import Decision, DecisionKind, is_marked, record
from samobot.session.file_lock import FileLock, edit_lock
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import Person, journal_decisions, look_closely
from samobot.session.journal import EventName
from samobot.session.lock import holder
from samobot.session.merge import MergeMethod, holds_commit, make_merge, merge_problem, move_base
from samobot.session.overview import parse_overview
from samobot.session.push import PushTarget, push, read_target
from samobot.session.repository import repository_lock
from samobot.session.snapshot import is_done
from samobot.text import one_line, without_surrogates

_TITLE = 72
_LOCK, _LOCK_WAIT_S = ".landing.lock", 60.0
_MERGES = {LandingStep.MERGE: MergeMethod.MERGE, LandingStep.SQUASH: MergeMethod.SQUASH}


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read of a session's branch.

    Attributes:
        folder: The session.
        state: The branch.
        target: Where it would be pushed to; None if there is no remote.
    """

    folder: SessionFolder
    state: BranchState
    target: PushTarget | None

    def offer(self, step: LandingStep) -> LandingOffer | None:
        state, base = self.state, self.state.base
        # What is shown of a step, and nothing else: a push does not depend on the base branch.
        shown: dict[str, object] = {"step": step, "session": self.folder.path.name}
        shown |= {"branch": state.name, "head": state.head}
        if step is LandingStep.PUSH:
            if self.target is None:
                return None
            shown |= {"address": self.target.address, "there": self.target.head}
            refusal = self.target.problem
        else:
            shown |= {"base": base.name, "base_head": base.head, "tree": state.tree} if base else {}
            refusal = merge_problem(state)
        canonical = json.dumps(shown, sort_keys=True).encode("utf-8", "surrogateescape")
        return LandingOffer(
            step=step, identity=hashlib.sha256(canonical).hexdigest(), refusal=without_surrogates(refusal)
        )


def landing_view(project: Project, folder: SessionFolder) -> LandingView:
    """Read what can be done with a session's branch. Asks the remote, which takes up to half a minute.

    Raises:
        ConflictError: The session is not done, or its branch cannot be read.
        NotFoundError: It has no branch of its own.
        SamobotError: The repository is damaged, or the disk refuses.
    """
    _refuse_unless_done(folder)
    look = _look(project, folder, with_remote=True)
    state, base = look.state, look.state.base
    offers = (look.offer(step) for step in LandingStep)
    return LandingView(
        branch=without_surrogates(state.name),
        head=state.head,
        base=without_surrogates(base.name) if base else "",
        base_head=base.head if base else "",
        ahead=state.ahead,
        behind=state.behind,
        subjects=tuple(map(without_surrogates, state.subjects)),
        files=len(state.files),
        added=sum(each.added or 0 for each in state.files),
        removed=sum(each.removed or 0 for each in state.files),
        uncommitted=state.uncommitted,
        remote=without_surrogates(look.target.address) if look.target else "",
        offers=tuple(each for each in offers if each is not None),
    )


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
        look = _look(project, folder, with_remote=step is LandingStep.PUSH)
        earlier = _decided(folder, expected, key)
        if earlier is not None and _has_effect(look, step, earlier):
            return _repeated(look, step, earlier, now())
        offer = look.offer(step)
        if offer is None or offer.identity != expected:
            raise ConflictError(f"{folder.name} has changed since this was shown; look at it again.")
        if offer.refusal:
            raise ConflictError(offer.refusal)
        method = _MERGES.get(step)
        if method is None:
            return _carry_out(look, offer, look.state.head, by, now, key)
        with repository_lock(look.state.repository.common):
            commit = make_merge(look.state, method, _message(look, method))
            return _carry_out(look, offer, commit, by, now, key)


def _carry_out(
    look: _Look, offer: LandingOffer, commit: str, by: Person, now: Callable[[], datetime], key: bytes
) -> LandingResult:
    folder, step = look.folder, offer.step
    text = without_surrogates(_sentence(look, step, commit))
    decision = Decision(
        now(), by.who, by.via, DecisionKind.LANDING, text=text, sha256=offer.identity, commit=commit
    )
    with edit_lock(folder.path):
        decision = record(folder, decision, key)
        journal_decisions(folder, now(), key)
    if step is LandingStep.PUSH:
        assert look.target is not None
        push(look.state, look.target)
    else:
        move_base(look.state, commit)
    try:
        _note(look, step, decision, now())
    except StorageError as error:
        raise StorageError(f"{text} But that could not be recorded: {error.message}") from error
    return LandingResult(step=step, text=text, commit=commit)


def _repeated(look: _Look, step: LandingStep, decision: Decision, now: datetime) -> LandingResult:
    """Record a step whose effect is there already."""
    known = {event.get("id") for event in journal.events(look.folder) if event["event"] == EventName.LANDING}
    if decision.id not in known:
        _note(look, step, decision, now)
    return LandingResult(step=step, text=decision.text or "", commit=decision.commit or "", repeated=True)


def _look(project: Project, folder: SessionFolder, *, with_remote: bool) -> _Look:
    state = read_branch(project.main_repo, work_dir_of(folder, project.main_repo))
    return _Look(folder, state, read_target(state) if with_remote else None)


def _refuse_unless_done(folder: SessionFolder) -> None:
    held = holder(folder)
    if held is not None:
        raise ConflictError(f"{folder.name} is running; its branch can be landed once it is done.")
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


def _has_effect(look: _Look, step: LandingStep, decision: Decision) -> bool:
    if decision.commit is None:
        return False
    if step is LandingStep.PUSH:
        return look.target is not None and look.target.head == decision.commit
    return holds_commit(look.state, decision.commit)


def _note(look: _Look, step: LandingStep, decision: Decision, now: datetime) -> None:
    journal.append(
        look.folder,
        EventName.LANDING,
        now,
        id=decision.id,
        step=step,
        branch=without_surrogates(look.state.name),
        head=look.state.head,
        base=without_surrogates(look.state.base.name) if look.state.base else None,
        commit=decision.commit,
        text=decision.text,
        who=decision.who,
        via=decision.via,
    )


def _message(look: _Look, method: MergeMethod) -> str:
    if method is MergeMethod.MERGE:
        return f"Merge branch '{look.state.name}'"
    task = parse_overview(read_text(look.folder.overview) or "").task or look.folder.name
    title = one_line(task.strip().split("\n")[0], _TITLE) or look.folder.name
    return "\n".join([title, "", *(f"* {subject}" for subject in look.state.subjects)])


def _sentence(look: _Look, step: LandingStep, commit: str) -> str:
    state, base = look.state, look.state.base
    if step is LandingStep.PUSH:
        return f"{state.name} is pushed to {look.target.remote if look.target else 'the remote'}, at {commit[:9]}."
    commits = "1 commit" if state.ahead == 1 else f"{state.ahead} commits"
    how = " as one" if step is LandingStep.SQUASH and state.ahead > 1 else ""
    return f"{commits} of {state.name} merged into {base.name if base else 'the base'}{how}, now at {commit[:9]}."
