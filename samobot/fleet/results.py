"""What the fleet's calls return: values that could cross a network, like the views."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, model_validator

from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.frozen import frozen
from samobot.money.costs import Costs


class _Reply(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class QuestionAnswer(_Reply):
    """An answer to one question, named by its index or by its label.

    Attributes:
        text: The answer; a letter takes that option.
        index: The question's place in the file, from 0.
        label: Its name for users (`Q2`); of several questions, the newest open one.
        identity: Fingerprint of the question that the user saw; needs `index`.
    """

    text: str
    index: int | None = None
    label: str | None = None
    identity: str | None = None

    @model_validator(mode="after")
    def _name_one(self) -> QuestionAnswer:
        if (self.index is None) == (self.label is None):
            raise ValueError("a question is named by its index or by its label")
        return self


class CostReport(_Reply):
    """What sessions have cost.

    Attributes:
        costs: The sums.
        problems: A sentence for each journal that could not be read.
        daily_budget_usd: What all sessions together may cost a day.
    """

    costs: Costs
    problems: tuple[str, ...] = ()
    daily_budget_usd: float | None = None


class AnsweredView(_Reply):
    """One answer as it was written: the question's label, the text, and the previous answer, if any."""

    label: str
    answer: str
    before: str | None


class AnswerReceipt(_Reply):
    """What was answered, and how many questions are still open."""

    answered: tuple[AnsweredView, ...]
    open: int


class StartResult(_Reply):
    """A run that was requested: its session, if it is known already, and its place in the queue."""

    ref: SessionRef | None
    project: str
    name: str
    place: int | None
    created: bool


class ResumeKind(StrEnum):
    """The outcome of `resume`."""

    RUNNING = "running"
    QUEUED = "queued"
    WOKEN = "woken"


class ResumeResult(_Reply):
    """How a session continues, and its place if it is queued."""

    kind: ResumeKind
    place: int | None = None


class StopReport(_Reply):
    """What stopping found.

    Attributes:
        words: The details.
        clean: Whether no process is left.
        done: Whether the session was finished before.
        confirmed: Whether its machine has answered; if not, nothing is known.
    """

    words: str
    clean: bool
    done: bool = False
    confirmed: bool = True


class FleetEventKind(StrEnum):
    """What the fleet did automatically."""

    STARTED = "started"
    RESTARTED = "restarted"
    GAVE_UP = "gave_up"
    FAILED_TO_START = "failed_to_start"
    DELIVERED = "delivered"
    """A decision that was kept for its host was carried out there."""
    REFUSED = "refused"
    """It came too late, or failed."""


DECISION_ENDS = frozenset({FleetEventKind.DELIVERED, FleetEventKind.REFUSED})
"""Events about a decision; the key is the decision's."""


class FleetEvent(_Reply):
    """Something the fleet did automatically that the user may want to know.

    Attributes:
        ref: The session; None if it is not known yet.
        key: The session's key, or what the event is about.
        kind: What it did.
        text: Details, for the user.
        host: The machine; empty for this one.
        id: Names it, so that it is posted once; empty for one of this machine, which comes once.
    """

    ref: SessionRef | None
    key: str
    kind: FleetEventKind
    text: str
    host: str = ""
    id: str = ""


@frozen
class FleetPoll:
    """What a poll found: what was done automatically, and all sessions.

    Attributes:
        events: What was done.
        sessions: As `Fleet.sessions` lists them.
        past: As `Fleet.past` lists them.
    """

    events: list[FleetEvent]
    sessions: list[SessionView]
    past: list[PastSession]


class ProjectView(_Reply):
    """A configured project; problems explain why it cannot be used.

    Attributes:
        name: Its name, with its machine (`demo@laptop`) if that is another one.
        repository: Its repository.
        problems: Why it cannot be used.
        host: Its machine; empty for this one.
        is_away: Whether that cannot be reached.
        is_full: Whether as many sessions run there as may.
    """

    name: str
    repository: str
    problems: tuple[str, ...] = ()
    host: str = ""
    is_away: bool = False
    is_full: bool = False

    @property
    def plain_name(self) -> str:
        """Its name without its machine."""
        return self.name.removesuffix(f"@{self.host}") if self.host else self.name


class HostView(_Reply):
    """Another machine with sessions.

    Attributes:
        name: Its name.
        is_online: Whether it can be reached.
        away: Why not, as a sentence; empty if it can.
        running: Workers that run there.
        most: Workers that may run there.
        sessions: Its sessions that are not past.
        pending: Decisions that are kept for it.
        version: Its samobot's.
        clock: How its clock differs from the hub's, as a sentence; empty if it does not.
    """

    name: str
    is_online: bool
    away: str = ""
    running: int = 0
    most: int = 0
    sessions: int = 0
    pending: int = 0
    version: str = ""
    clock: str = ""


class Document(_Reply):
    """A text of a session's folder, under its file's name."""

    name: str
    text: str


class LessonsView(_Reply):
    """What a session learned that its project does not have yet, and the digest of all that it learned."""

    new: tuple[str, ...] = ()
    sha256: str = ""


class UntrustedView(_Reply):
    """Something of a project that is not used until the user has trusted exactly it.

    Attributes:
        title: What it is.
        lines: What it would run or change; long ones are cut.
        sha256: Names exactly this content in a decision; empty if it cannot be trusted from here.
        document: All that it holds; None if it is too long.
        problem: Why it cannot be trusted from here, as a sentence.
        left_out: Whether the user has decided not to trust it.
    """

    title: str
    lines: tuple[str, ...]
    sha256: str
    document: Document | None = None
    problem: str = ""
    left_out: bool = False


class FileView(_Reply):
    """One artefact of a session: its name and its size in bytes."""

    name: str
    size: int


class ChangedFile(_Reply):
    """One file that a session changed; both counts are None for a binary one."""

    path: str
    added: int | None
    removed: int | None


class DiffView(_Reply):
    """The changes of a session's branch since its base; `more` files are not listed."""

    branch: str | None
    commits: int
    files: tuple[ChangedFile, ...]
    added: int
    removed: int
    uncommitted: int
    text: str
    more: int = 0
    unfinished: str = ""
