"""What the fleet tells about a session: values that could cross a network, without paths or live objects."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.decisions import Decision, DecisionKind, question_id
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEnd, RunEndReason
from samobot.session.plan import outline, spoken_phase, spoken_title
from samobot.session.qa import Question
from samobot.session.signal import Signal
from samobot.session.snapshot import SessionState, Snapshot
from samobot.text import without_surrogates


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class SessionRef(_View):
    """Which session: stays the same for as long as its folder keeps its name.

    Attributes:
        project: The project's name.
        folder: The folder's name, with its date.
        name: The session's name, without the date.
    """

    project: str
    folder: str
    name: str

    @property
    def key(self) -> str:
        """The same as one string, for tables."""
        return f"{self.project}:{self.folder}"


class OptionView(_View):
    """One of the answers that the agent offers."""

    letter: str
    text: str


class QuestionView(_View):
    """One question.

    Attributes:
        index: Its place in the file, from 0.
        number: Its number as the agent wrote it.
        label: The same as people say it: `Q2`.
        identity: Fingerprint of its words; another question has another one.
        text: Its words, Markdown.
        options: The answers that are offered.
        suggestion: Letter of the option that the agent suggests.
        reason: Why, in the agent's words; or the suggestion itself where it is none of the options.
        answer: What a person answered; None while it is open.
        round: The round it belongs to, where the file says so.
        by: Who answered; None for an answer written by hand.
        via: Where they did: `telegram`, `terminal`.
        at: When.
    """

    index: int
    number: int
    label: str
    identity: str
    text: str
    options: tuple[OptionView, ...]
    suggestion: str | None
    reason: str
    answer: str | None
    round: str | None
    by: str | None = None
    via: str | None = None
    at: datetime | None = None


class PlanPhaseView(_View):
    """One part of a plan."""

    title: str
    steps: int


class PlanView(_View):
    """The newest plan.

    Attributes:
        name: Its file's name.
        sha256: Of its content; an approval is bound to it.
        title: Its title.
        phases: Its parts.
        size: Its length in characters.
        verdict: `approval` or `rejection`, where this content has been decided about.
        by: Who did that.
        via: Where.
        at: When.
        feedback: Why it was sent back.
    """

    name: str
    sha256: str
    title: str
    phases: tuple[PlanPhaseView, ...]
    size: int
    verdict: str | None = None
    by: str | None = None
    via: str | None = None
    at: datetime | None = None
    feedback: str | None = None

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return sum(phase.steps for phase in self.phases)


class GuidanceView(_View):
    """Something a person told the agent; `given` once an iteration that had it has ended well."""

    who: str
    text: str
    given: bool


class EndView(_View):
    """How the last run ended, where that still says why the session rests.

    A run that was stopped, but not by a person, goes on by itself where it is wanted.
    """

    at: datetime
    reason: RunEndReason
    text: str
    cause: BlockCause | None
    by_person: bool = True
    of_day: bool = False


class DecisionView(_View):
    """What a person decided last: `retry`, `action_done`, `answer`, `approval`, `rejection`; by whom, where, when."""

    kind: DecisionKind
    who: str
    via: str
    at: datetime | None


class RemarkView(_View):
    """Something said in passing: `void` (an agent's forgery was put back) or `notice`."""

    at: datetime
    kind: str
    text: str


class SessionView(_View):
    """Everything the chat knows about a session.

    Attributes:
        ref: Which one.
        state: What it does or waits for.
        phase: Where it is.
        visited: Phases that have been entered, in order.
        iteration: Number of the iteration, over the whole session.
        visit: Number of the iteration in this visit of the phase.
        waiting_for: What a person has to do.
        gate: Names the gate that is open: another question round or plan version has another name.
        asked: What the agent says that it needs, in its words; why it is blocked.
        summary: What the agent said last about what it did.
        questions: All of them, in the order of the file.
        plan: The newest plan.
        guidance: What people told it.
        activity: What the agent is doing right now, in a person's words.
        running_since: When the iteration that runs now began.
        worker_pid: Process of the living worker.
        parked_until: When a parked session goes on.
        limit: What it is parked on, in words.
        end: How the last run ended.
        run: Names the last run.
        lost: Whether its worker died without a word.
        auto: Whether the bot may decide its gates after a while.
        remarks: The newest things said in passing.
        decision: What a person decided last.
        last_action: As the overview says.
        next: As the overview says.
        started: When the session began.
        updated: When something last changed.
        duration_s: Seconds from the first event to the last.
        waited_s: Seconds of these that it waited for a person.
        cost_usd: US dollars so far.
        cost_by_phase: The same by phase.
        cost_by_model: The same by model.
        budget_usd: What it may cost.
        iterations_by_phase: How many each phase had.
        place: Its place in the queue, from 1; None where it does not wait for its turn.
        wanted: Whether it goes on by itself once nothing is in the way.
        problems: Sentences about files that could not be read.
    """

    ref: SessionRef
    state: SessionState
    phase: Phase | None
    visited: tuple[Phase, ...]
    iteration: int
    visit: int
    waiting_for: WaitingFor | None
    gate: str | None
    asked: str
    summary: str
    questions: tuple[QuestionView, ...]
    plan: PlanView | None
    guidance: tuple[GuidanceView, ...]
    activity: str | None
    running_since: datetime | None
    worker_pid: int | None
    parked_until: datetime | None
    limit: str
    end: EndView | None
    run: str | None
    lost: bool
    auto: bool
    remarks: tuple[RemarkView, ...]
    last_action: str | None
    next: str | None
    started: datetime | None
    updated: datetime | None
    duration_s: float
    waited_s: float
    cost_usd: float
    cost_by_phase: dict[str, float]
    cost_by_model: dict[str, float]
    budget_usd: float | None
    iterations_by_phase: dict[str, int]
    place: int | None = None
    wanted: bool = False
    problems: tuple[str, ...] = ()
    decision: DecisionView | None = None

    @property
    def open_questions(self) -> tuple[QuestionView, ...]:
        """The questions that have no answer."""
        return tuple(question for question in self.questions if question.answer is None)


def view_of(current: Snapshot, project: str) -> SessionView:
    """Make the view of a session as it was read."""
    status, standing, journal, held = current.status, current.standing, current.journal, current.holder
    signal = standing.signal if isinstance(standing.signal, Signal) else None
    end = current.end
    running = journal.iteration if held is not None else None
    park = journal.park
    return SessionView(
        ref=_ref(current.folder, project),
        state=status.state,
        phase=status.phase,
        visited=_visited(current),
        iteration=status.total_iterations or 0,
        visit=status.iteration or 0,
        waiting_for=status.waiting_for,
        gate=_gate(current),
        asked=without_surrogates(_asked(current, signal)),
        summary=without_surrogates(signal.summary or "") if signal else "",
        questions=_questions(current),
        plan=_plan(current),
        guidance=tuple(
            GuidanceView(who=item.who, text=without_surrogates(item.text), given=item.done)
            for item in current.guidance
        ),
        activity=held.activity if held else None,
        running_since=running.started if running else None,
        worker_pid=held.pid if held else None,
        parked_until=(held.parked_until if held else None) or (park.until if park else None),
        limit=park.text if park else "",
        end=_end(end) if end else None,
        run=journal.run.id if journal.run else None,
        lost=current.lost,
        auto=journal.run.auto if journal.run else False,
        remarks=tuple(
            RemarkView(at=each.at, kind=kind, text=without_surrogates(each.text))
            for kind, remarks in (("void", journal.voids), ("notice", journal.notices))
            for each in remarks
        ),
        last_action=status.last_action,
        next=status.next,
        started=journal.started,
        updated=status.updated,
        duration_s=journal.duration_s,
        waited_s=journal.waited_s,
        cost_usd=journal.cost_usd,
        cost_by_phase=dict(journal.cost_by_phase),
        cost_by_model=dict(journal.cost_by_model),
        budget_usd=journal.budget_usd,
        iterations_by_phase=dict(journal.iterations_by_phase),
        problems=tuple(status.problems or ()),
        decision=_decision(current),
    )


def unreadable_view(folder: SessionFolder, project: str, problem: str) -> SessionView:
    """Make the view of a session of which nothing can be read, with the sentence that says why."""
    return SessionView(
        ref=_ref(folder, project),
        state=SessionState.IDLE,
        phase=None,
        visited=(),
        iteration=0,
        visit=0,
        waiting_for=None,
        gate=None,
        asked="",
        summary="",
        questions=(),
        plan=None,
        guidance=(),
        activity=None,
        running_since=None,
        worker_pid=None,
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
    """Refer to a session; a folder's name that is no text is shown, and addressed, with replacements."""
    return SessionRef(
        project=project,
        folder=without_surrogates(folder.path.name),
        name=without_surrogates(folder.name),
    )


def _visited(current: Snapshot) -> tuple[Phase, ...]:
    names = [change.source for change in current.journal.phases]
    names += [change.target for change in current.journal.phases]
    found = dict.fromkeys(name for name in names if name in set(Phase))
    return tuple(Phase(name) for name in found)


def _gate(current: Snapshot) -> str | None:
    """Name the open gate so that a new round, version or request is told from the one before."""
    standing = current.standing
    match current.status.waiting_for:
        case None:
            return None
        case WaitingFor.QA_ANSWERS:
            identities = "".join(question_id(question) for question in standing.qa.questions)
            return "qa:" + hashlib.sha256(identities.encode()).hexdigest()
        case WaitingFor.PLAN_APPROVAL:
            return f"plan:{standing.plan.sha256}" if standing.plan else None
        case other:
            return f"{other}:{current.status.total_iterations or 0}"


def _asked(current: Snapshot, signal: Signal | None) -> str:
    if signal is not None and (signal.reason or signal.needs):
        parts = dict.fromkeys(part for part in (signal.reason, signal.needs) if part)
        return "\n".join(parts)
    if current.end is not None and current.end.text:
        return current.end.text
    return current.standing.block or ""


def _questions(current: Snapshot) -> tuple[QuestionView, ...]:
    answered = {
        (decision.asked, decision.text): decision
        for decision in current.standing.decisions.decisions
        if decision.kind is DecisionKind.ANSWER
    }
    return tuple(_question(question, answered) for question in current.standing.qa.questions)


def _question(question: Question, answered: dict[tuple[str | None, str | None], Decision]) -> QuestionView:
    identity = question_id(question)
    decision = answered.get((identity, question.answer))
    return QuestionView(
        index=question.index,
        number=question.number,
        label=question.label,
        identity=identity,
        text=without_surrogates(question.text),
        options=tuple(
            OptionView(letter=option.letter, text=without_surrogates(option.text))
            for option in question.options
        ),
        suggestion=question.suggestion,
        reason=without_surrogates(question.suggestion_text or ""),
        answer=None if question.answer is None else without_surrogates(question.answer),
        round=question.round,
        by=decision.who if decision else None,
        via=decision.via if decision else None,
        at=decision.at if decision else None,
    )


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
            PlanPhaseView(title=without_surrogates(spoken_phase(phase.title)), steps=len(phase.steps))
            for phase in shape.phases
        ),
        size=len(plan.text),
        verdict=verdict.kind.value if verdict else None,
        by=verdict.who if verdict else None,
        via=verdict.via if verdict else None,
        at=verdict.at if verdict else None,
        feedback=verdict.text if verdict else None,
    )


def _decision(current: Snapshot) -> DecisionView | None:
    last = current.standing.decisions.decisions[-1:]
    if not last:
        return None
    who = without_surrogates(last[0].who)
    return DecisionView(kind=last[0].kind, who=who, via=last[0].via, at=last[0].at)


def _end(end: RunEnd) -> EndView:
    return EndView(
        at=end.at,
        reason=end.reason,
        text=end.text,
        cause=_cause(end.cause),
        by_person=end.by_person,
        of_day=end.of_day,
    )


def _cause(name: str | None) -> BlockCause | None:
    try:
        return BlockCause(name) if name else None
    except ValueError:
        return None


class AnsweredView(_View):
    """One answer as it was written: the question's label, the words, and the answer before, if there was one."""

    label: str
    answer: str
    before: str | None


class AnswerReceipt(_View):
    """What was answered, and how many questions are still open."""

    answered: tuple[AnsweredView, ...]
    open: int


class Started(_View):
    """A run that was asked for: its session where that is known already, and its place in the queue."""

    ref: SessionRef | None
    project: str
    name: str
    place: int | None
    created: bool


class ResumeKind(StrEnum):
    """What going on came to."""

    RUNNING = "running"
    QUEUED = "queued"
    WOKEN = "woken"


class Resumed(_View):
    """How a session goes on; its place where it waits for its turn."""

    kind: ResumeKind
    place: int | None = None


class StopReport(_View):
    """What stopping found; `clean` unless something could not be ended."""

    words: str
    clean: bool


class NewsKind(StrEnum):
    """What the fleet did by itself."""

    STARTED = "started"
    RESTARTED = "restarted"
    GAVE_UP = "gave_up"
    FAILED_TO_START = "failed_to_start"


class FleetNews(_View):
    """Something the fleet did by itself that a person may want to know."""

    ref: SessionRef | None
    key: str
    kind: NewsKind
    text: str


class ProjectView(_View):
    """A configured project; problems say why it cannot be used."""

    name: str
    repository: str
    problems: tuple[str, ...] = ()


class Document(_View):
    """A text of a session's folder, under its file's name."""

    name: str
    text: str


class FileView(_View):
    """One artefact of a session: its name and its size in bytes."""

    name: str
    size: int


class ChangedFile(_View):
    """One file that a session changed; both counts are None for a binary one."""

    path: str
    added: int | None
    removed: int | None


class DiffView(_View):
    """What a session's branch holds beyond where it began; `more` files are not listed."""

    branch: str | None
    commits: int
    files: tuple[ChangedFile, ...]
    added: int
    removed: int
    uncommitted: int
    text: str
    more: int = 0
