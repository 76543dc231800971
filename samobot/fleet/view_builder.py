"""Builds the view of a session from its snapshot."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from operator import attrgetter

from samobot.config.model_choice import profile_named
from samobot.fleet.ask_views import ask_views, permission_views
from samobot.fleet.models import (
    DecisionView,
    GuidanceView,
    PlanPhaseView,
    PlanView,
    RemarkView,
    RunEndView,
    SessionRef,
    SessionView,
)
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.decisions import Decision, DecisionKind
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEnd, RunningIteration
from samobot.session.overview_edits import NOTHING_PLANNED
from samobot.session.plan import outline, spoken_phase, spoken_title
from samobot.session.question import Question
from samobot.session.signal import Signal
from samobot.session.snapshot import Snapshot
from samobot.session.status import SessionState
from samobot.session.user_files import split_guidance
from samobot.session.worktree import is_in_checkout
from samobot.text import clip, without_surrogates


def view_of(current: Snapshot, project: str) -> SessionView:
    """Build the view of a snapshot."""
    status, standing, journal, held = current.status, current.standing, current.journal, current.holder
    signal = standing.signal if isinstance(standing.signal, Signal) else None
    end = current.end
    running = journal.iteration if held is not None else None
    park = journal.park
    reason, needs = _asked(current, signal)
    return SessionView(
        ref=_ref(current.folder, project),
        state=status.state,
        phase=status.phase,
        visited=_visited(current),
        iteration=status.total_iterations or 0,
        ended=journal.last_ended,
        visit=status.iteration or 0,
        waiting_for=status.waiting_for,
        gate=_gate(current),
        reason=without_surrogates(reason),
        needs=without_surrogates(needs),
        summary=without_surrogates(signal.summary or "") if signal else "",
        questions=_questions(current),
        plan=_plan(current),
        guidance=_guidance(current, running),
        activity=held.activity if held else None,
        running_since=running.started if running else None,
        fenced=running.fenced if running else None,
        network=running.network if running else "",
        steerable=held is not None and running is not None and running.steerable,
        has_worker=held is not None,
        pausing=current.pausing,
        parked_until=(held.parked_until if held else None) or (park.until if park else None),
        limit=park.text if park else "",
        end=_end(end) if end else None,
        run=journal.run.id if journal.run else None,
        lost=current.lost,
        auto=journal.run.auto if journal.run else False,
        remarks=tuple(
            RemarkView(at=each.at, kind=kind or each.kind, text=without_surrogates(each.text), step=each.step)
            for kind, remarks in (("void", journal.voids), ("", journal.notices))
            for each in remarks
        ),
        last_action=status.last_action,
        next=None if status.next == NOTHING_PLANNED else status.next,
        started=journal.started,
        updated=status.updated,
        duration_s=journal.duration_s,
        waited_s=journal.waited_s,
        cost_usd=journal.cost_usd,
        cost_by_phase=dict(journal.cost_by_phase),
        tests=(signal.tests if signal else None) or journal.tests,
        cost_by_model=dict(journal.cost_by_model),
        unpriced=journal.unpriced,
        budget_usd=journal.budget_usd,
        iterations_by_phase=dict(journal.iterations_by_phase),
        problems=status.problems,
        decision=_decision(current),
        repository=_has_repository(current),
        asks=ask_views(standing.asks),
        permissions=permission_views(standing.asks),
    )


def with_activity(view: SessionView, current: Snapshot) -> SessionView:
    """Update the view of a session in which only the agent's activity has changed."""
    return view.model_copy(update={"activity": current.holder.activity if current.holder else None})


def unreadable_view(folder: SessionFolder, project: str, problem: str) -> SessionView:
    """Build the view of a session that cannot be read, with the reason."""
    return SessionView(
        ref=_ref(folder, project),
        state=SessionState.IDLE,
        phase=None,
        visited=(),
        iteration=0,
        visit=0,
        waiting_for=None,
        gate=None,
        reason="",
        summary="",
        questions=(),
        plan=None,
        guidance=(),
        activity=None,
        running_since=None,
        has_worker=False,
        parked_until=None,
        limit="",
        end=None,
        run=None,
        lost=False,
        auto=False,
        remarks=(),
        last_action=None,
        next=None,
        started=None,
        updated=None,
        duration_s=0.0,
        waited_s=0.0,
        cost_usd=0.0,
        cost_by_phase={},
        cost_by_model={},
        budget_usd=None,
        iterations_by_phase={},
        problems=(without_surrogates(problem),),
    )


def _ref(folder: SessionFolder, project: str) -> SessionRef:
    """Refer to a session; a folder name that is not valid text is shown, and addressed, with replacements."""
    return SessionRef(
        project=project,
        folder=without_surrogates(folder.path.name),
        name=without_surrogates(folder.name),
    )


def _has_repository(current: Snapshot) -> bool:
    """Whether it works in a git repository; looked up only once it is done, when a diff is first offered."""
    named = current.standing.overview.working_dir
    if current.status.state is not SessionState.DONE or not named:
        return True
    return is_in_checkout(named)


def _visited(current: Snapshot) -> tuple[Phase, ...]:
    changes, phases = current.journal.phases, {phase.value: phase for phase in Phase}
    names = (*map(attrgetter("source"), changes), *map(attrgetter("target"), changes))
    return tuple(filter(None, map(phases.get, dict.fromkeys(names))))


def _gate(current: Snapshot) -> str | None:
    """Name the open gate so that a new round, version or request has another name."""
    standing = current.standing
    match current.status.waiting_for:
        case None:
            return None
        case WaitingFor.QA_ANSWERS:
            identities = "".join(question.identity for question in standing.qa.questions)
            return "qa:" + hashlib.sha256(identities.encode()).hexdigest()
        case WaitingFor.PLAN_APPROVAL:
            return f"plan:{standing.plan.sha256}" if standing.plan else None
        case WaitingFor.PERMISSION:
            waiting = standing.asks.waiting
            return f"permission:{waiting[0].id}" if waiting else None
        case other:
            return f"{other}:{current.status.total_iterations or 0}"


def _asked(current: Snapshot, signal: Signal | None) -> tuple[str, str]:
    """Why it is held up, and what it needs; either may be empty."""
    if signal is not None and (signal.reason or signal.needs):
        return signal.reason, signal.needs
    if current.end is not None and current.end.text:
        return current.end.text, ""
    return current.standing.block or "", ""


def _questions(current: Snapshot) -> tuple[Question, ...]:
    """The questions, with who answered them if that is on record."""
    answered = {
        (decision.asked, decision.text): decision
        for decision in current.standing.decisions.decisions
        if decision.kind is DecisionKind.ANSWER
    }
    return tuple(
        _with_decision(question, answered.get((read.identity, read.answer)))
        for read, question in zip(current.standing.qa.questions, current.status.questions, strict=True)
    )


def _with_decision(question: Question, decision: Decision | None) -> Question:
    if decision is None:
        return question
    return replace(question, by=decision.who, via=decision.via, at=decision.at)


def _plan(current: Snapshot) -> PlanView | None:
    plan, verdict = current.standing.plan, current.standing.verdict
    if plan is None:
        return None
    shape = outline(plan.text)
    return PlanView(
        name=without_surrogates(plan.name),
        sha256=plan.sha256,
        title=without_surrogates(spoken_title(shape.title)),
        phases=tuple(
            PlanPhaseView(
                title=without_surrogates(spoken_phase(phase.title)),
                steps=len(phase.steps),
                profile=profile_named(phase.profile) or without_surrogates(clip(phase.profile, 40)),
            )
            for phase in shape.phases
        ),
        size=len(plan.text),
        verdict=verdict.kind.value if verdict else None,
        by=verdict.who if verdict else None,
        via=verdict.via if verdict else None,
        at=verdict.at if verdict else None,
        feedback=verdict.text if verdict else None,
    )


def _guidance(current: Snapshot, running: RunningIteration | None) -> tuple[GuidanceView, ...]:
    """The guidance; the running iteration was given the first items that are not ticked."""
    waiting = [item.index for item in current.guidance if not item.done]
    at_work = frozenset(waiting[: running.guidance] if running is not None else ())
    sent = current.deliveries
    said = {item.index: split_guidance(without_surrogates(item.text)) for item in current.guidance}
    return tuple(
        GuidanceView(
            who=without_surrogates(item.who or "somebody"),
            text=without_surrogates(item.text),
            written=said[item.index][0],
            files=said[item.index][1],
            given=item.done,
            at_work=item.index in at_work,
            delivered=item.index in sent and not sent[item.index].taken_up,
            steered=item.index in sent and sent[item.index].taken_up,
        )
        for item in current.guidance
    )


def _decision(current: Snapshot) -> DecisionView | None:
    last = current.standing.decisions.decisions[-1:]
    if not last:
        return None
    who = without_surrogates(last[0].who)
    return DecisionView(kind=last[0].kind, who=who, via=last[0].via, at=last[0].at)


def _end(end: RunEnd) -> RunEndView:
    return RunEndView(
        at=end.at,
        reason=end.reason,
        text=end.text,
        cause=_cause(end.cause),
        by_person=end.by_person,
        of_day=end.of_day,
        paused=end.paused,
    )


def _cause(name: str | None) -> BlockCause | None:
    try:
        return BlockCause(name) if name else None
    except ValueError:
        return None
