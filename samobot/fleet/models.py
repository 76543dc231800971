"""Views of sessions: values that could cross a network, without paths or live objects."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict

from samobot.errors import NotFoundError, SessionDoneError
from samobot.fleet.ask_models import AskView, PermissionView
from samobot.frozen import frozen
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.decisions import DecisionKind
from samobot.session.folder import split_date
from samobot.session.journal import RunEndReason
from samobot.session.question import Question
from samobot.session.signal import SuiteResult
from samobot.session.status import SessionState


class _View(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class SessionRef(_View):
    """A reference to a session, valid for as long as its folder keeps its name.

    Attributes:
        project: The project's name.
        folder: The folder's name, with its date.
        name: The session's name, without the date.
    """

    project: str
    folder: str
    name: str

    @cached_property
    def key(self) -> str:
        """The same as one string, for tables."""
        return f"{self.project}:{self.folder}"

    def in_project(self, project: str) -> Self:
        """Return the reference under another name of its project; a copy would keep the key of this one."""
        return type(self)(project=project, folder=self.folder, name=self.name)

    @classmethod
    def from_key(cls, key: str) -> SessionRef:
        """The reference that a key stands for.

        Raises:
            NotFoundError: It is not a key.
        """
        project, colon, folder = key.partition(":")
        if not colon:
            raise NotFoundError(f"“{key}” is not a session.")
        return cls(project=project, folder=folder, name=split_date(folder)[1])


@frozen
class PastSession:
    """A past session, in one line: without a worker, and unchanged for long.

    Attributes:
        key: The session's key.
        updated: When something last changed.
        state: Where it stands; None as long as it has not been read.
        mark: Changes with its files.
    """

    key: str
    updated: datetime | None
    state: SessionState | None = None
    mark: int | None = None

    @property
    def ref(self) -> SessionRef:
        """The reference to it."""
        return SessionRef.from_key(self.key)

    @property
    def project(self) -> str:
        """The project's name."""
        return self.key.partition(":")[0]

    @property
    def name(self) -> str:
        """The session's name, without the date."""
        return split_date(self.key.partition(":")[2])[1]


class PlanPhaseView(_View):
    """One part of a plan.

    Attributes:
        title: Its title.
        steps: Number of its steps.
        profile: The model and effort that it names; may be no known name. Empty if it names none.
    """

    title: str
    steps: int
    profile: str = ""


class PlanView(_View):
    """The newest plan.

    Attributes:
        name: Its file's name.
        sha256: Of its content; an approval is bound to it.
        title: Its title.
        phases: Its parts.
        size: Its length in characters.
        verdict: `approval` or `rejection`, if this content has been decided about.
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
    """A piece of guidance for the agent.

    Attributes:
        who: Who sent it.
        text: The text, as the agent gets it.
        written: What of it the user wrote.
        files: Names of the files that were sent with it.
        given: Whether an iteration that had it has ended well.
        at_work: Whether the iteration that runs now was given it.
        delivered: Whether it was sent to the iteration that runs now, which has not taken it up yet.
        steered: Whether the iteration that runs now took it up after its start.
    """

    who: str
    text: str
    given: bool
    written: str = ""
    files: tuple[str, ...] = ()
    at_work: bool = False
    delivered: bool = False
    steered: bool = False

    @property
    def reached(self) -> bool:
        """Whether the user can be sure that the agent has it."""
        return self.given or self.steered


class RunEndView(_View):
    """How the last run ended, if that is still why the session is idle.

    A run that was stopped, but not by the user, continues automatically if it is wanted. One that was `paused` does
    not, even after the gate it waits at was decided.
    """

    at: datetime
    reason: RunEndReason
    text: str
    cause: BlockCause | None
    by_person: bool = True
    of_day: bool = False
    paused: bool = False


class DecisionView(_View):
    """The last decision: `retry`, `action_done`, `answer`, `approval`, `rejection`; by whom, where, when."""

    kind: DecisionKind
    who: str
    via: str
    at: datetime | None


class RemarkView(_View):
    """A remark: `void` (an agent's forgery was reverted), `notice`, `trust` (something of the project is not used),
    or `landing`: what was done with a finished session from a terminal or automatically, with its step."""

    at: datetime
    kind: str
    text: str
    step: str = ""


class SessionView(_View):
    """Everything the chat knows about a session.

    Attributes:
        ref: Which one.
        project_label: What its project is called where its full name is not needed; empty for the full name.
        state: What it does or waits for.
        phase: Where it is.
        visited: Phases that have been entered, in order.
        iteration: Number of the iteration, over the whole session.
        ended: Number of the iteration that ended last; 0 if none has, or it is unknown.
        visit: Number of the iteration in this visit of the phase.
        waiting_for: What the user has to do.
        gate: Names the gate that is open: another question round or plan version has another name.
        reason: Why it is blocked or waits, as the agent wrote it.
        needs: What it needs from the user, as the agent wrote it, if that is not in the reason.
        summary: The agent's last summary of its work.
        questions: All of them, in the order of the file.
        plan: The newest plan.
        asks: Calls that the agent has asked for lately, oldest first.
        permissions: What it may do in this session without asking.
        guidance: The guidance it was sent.
        activity: What the agent is doing right now, as a readable line.
        running_since: When the iteration that runs now began.
        fenced: Whether the agent that runs now is inside the fence; None if none runs.
        network: What that agent can connect to, as `SAMOBOT_FENCE_NET` names it; empty if none runs.
        steerable: Whether guidance reaches the agent that runs now.
        has_worker: Whether a living worker holds the session.
        pausing: Whether it is to pause after its iteration.
        parked_until: When a parked session continues.
        limit: What it is parked on, as text.
        end: How the last run ended.
        run: Names the last run.
        lost: Whether its worker died without recording an end.
        auto: Whether the bot may decide its gates after a while.
        remarks: The newest remarks of its workers.
        decision: The last decision.
        repository: Whether it works in a git repository, as far as that is known: whether there is a diff.
        archived: Whether it is in the archive, where it can only be read.
        last_action: As in the overview.
        next: As in the overview; None until the agent has written it.
        started: When the session began.
        updated: When something last changed.
        duration_s: Seconds from the first event to the last.
        waited_s: Seconds of these that it waited for the user.
        cost_usd: US dollars so far.
        cost_by_phase: The same by phase.
        cost_by_model: The same by model.
        unpriced: Iterations that reported no cost: the sums are lower bounds.
        budget_usd: What it may cost.
        iterations_by_phase: How many each phase had.
        tests: Result of the last test run that the agent reported.
        place: Its place in the queue, from 1; None if it is not queued.
        wanted: Whether it continues automatically once nothing is in the way.
        problems: Sentences about files that could not be read.
    """

    ref: SessionRef
    project_label: str = ""
    state: SessionState
    phase: Phase | None
    visited: tuple[Phase, ...]
    iteration: int
    visit: int
    waiting_for: WaitingFor | None
    gate: str | None
    reason: str
    needs: str = ""
    summary: str
    questions: tuple[Question, ...]
    plan: PlanView | None
    guidance: tuple[GuidanceView, ...]
    activity: str | None
    running_since: datetime | None
    fenced: bool | None = None
    network: str = ""
    steerable: bool = False
    has_worker: bool
    parked_until: datetime | None
    limit: str
    end: RunEndView | None
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
    ended: int = 0
    pausing: bool = False
    cost_usd: float
    cost_by_phase: dict[str, float]
    cost_by_model: dict[str, float]
    unpriced: int = 0
    budget_usd: float | None
    iterations_by_phase: dict[str, int]
    tests: SuiteResult | None = None
    place: int | None = None
    wanted: bool = False
    problems: tuple[str, ...] = ()
    decision: DecisionView | None = None
    asks: tuple[AskView, ...] = ()
    permissions: tuple[PermissionView, ...] = ()
    repository: bool = True
    archived: bool = False

    @property
    def paused(self) -> bool:
        """Whether the user has paused it."""
        return self.state is SessionState.STOPPED and self.end is not None and self.end.paused

    def refuse_if_done(self) -> None:
        """Refuse guidance and decisions that no iteration would read.

        Raises:
            SessionDoneError: The session is done.
        """
        if self.state is SessionState.DONE:
            raise SessionDoneError(self.ref.name)

    @property
    def asked(self) -> str:
        """Reason and needs together."""
        return "\n".join(dict.fromkeys(part for part in (self.reason, self.needs) if part))

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """The questions that have no answer."""
        return tuple(question for question in self.questions if question.answer is None)
