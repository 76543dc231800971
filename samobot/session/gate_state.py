"""The state of a session's gates, from all its files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, TypeVar

from samobot.errors import StorageError
from samobot.phases import GateFacts, Phase, SignalStatus, WaitingFor
from samobot.session.asks import AskBook, read_asks
from samobot.session.baseline import Baseline, counting_decisions, counting_overview, counting_qa, load
from samobot.session.decisions import Decision, DecisionKind, DecisionLog, verdict
from samobot.session.file_marks import written_ns
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.overview import Overview, parse_overview
from samobot.session.plan import Plan
from samobot.session.plan_file import PlanChoice, choose_plan
from samobot.session.qa import Qa, parse_qa
from samobot.session.signal import Signal, SignalProblem, parse_signal

_Given = ParamSpec("_Given")
_Read = TypeVar("_Read")
_YES = re.compile(r"\s*yes\s*[-:–—]\s*", re.IGNORECASE)
_NOT_BLOCKED = frozenset({"", "no", "none", "false", "-", "n/a"})

_NO_BASELINE: Baseline | None = Baseline(None, None, 0)
_NO_DECISIONS = DecisionLog()
_UNREADABLE_PLAN = PlanChoice(None, "it cannot be read")
_NO_ASKS = AskBook()


@dataclass(frozen=True)
class GateState:
    """The state of a session's gates at one moment.

    Attributes:
        overview: The overview; empty if there is none.
        signal: The agent's signal.
        signal_text: The signal file's text; None if there is none.
        signal_at: When it was written.
        qa: Questions and answers.
        plan: The plan, if it is clear which file that is.
        plan_problem: Why there is none, as a clause.
        verdict: The newest approval or rejection of the plan as it is now.
        decisions: All decisions.
        asks: Calls that the agent asked for, with the verdicts on them.
        unreadable: Sentences about files that could not be read; nothing may be concluded from those.
        baseline: The baseline in force; None if edits by hand count.
    """

    overview: Overview
    signal: Signal | SignalProblem
    signal_text: str | None
    signal_at: datetime | None
    qa: Qa
    plan: Plan | None
    plan_problem: str
    verdict: Decision | None
    decisions: DecisionLog
    unreadable: tuple[str, ...]
    asks: AskBook = field(default_factory=AskBook)
    baseline: Baseline | None = None

    @property
    def _signal_waits(self) -> bool:
        return isinstance(self.signal, Signal) and self.signal.status is SignalStatus.WAITING

    @property
    def _asked_again(self) -> bool:
        """Whether the agent presents a plan again that was rejected before it signaled."""
        if self.plan_approved or self.verdict is None or self.verdict.at is None:
            return False
        return self._signal_waits and self.signal_at is not None and self.signal_at > self.verdict.at

    @property
    def facts(self) -> GateFacts:
        """The same for the phase table."""
        return GateFacts(
            questions=len(self.qa.questions),
            open_questions=len(self.qa.open),
            plan=self.plan.name if self.plan else None,
            plan_approved=self.plan_approved,
            plan_problem=self.plan_problem,
            unread_questions=self.qa.unread,
        )

    @property
    def plan_approved(self) -> bool:
        """Whether the newest decision on the plan as it is now is an approval."""
        return self.verdict is not None and self.verdict.kind is DecisionKind.APPROVAL

    @cached_property
    def block(self) -> str | None:
        """Why the session is blocked, as its files state it; None if it is not."""
        said = (self.overview.blocked or "").strip()
        words = "" if said.casefold() in _NOT_BLOCKED or is_waiting(said) else said
        prefix = _YES.match(words)
        spoken = words[prefix.end() :] or words if prefix else words
        if isinstance(self.signal, Signal) and self.signal.status is SignalStatus.BLOCKED:
            said_by_agent = dict.fromkeys(filter(None, (self.signal.reason, self.signal.needs)))
            return "\n".join(said_by_agent) or spoken or "The agent gave no reason."
        # Some agents write a bare “yes” beside a signal that waits.
        if not words or (self._signal_waits and words.casefold() == "yes"):
            return None
        return spoken

    @cached_property
    def awaited(self) -> WaitingFor | None:
        """The gate that the session stopped at, whether or not it is satisfied by now."""
        if self.block is not None:
            return None  # the worker has refused the signal
        if isinstance(self.signal, Signal) and self._signal_waits and self.signal.waiting_for is not None:
            return self.signal.waiting_for
        if not self._signal_waits and not is_waiting(self.overview.blocked):
            return None
        if self.overview.phase is Phase.REQUIREMENTS:
            return WaitingFor.QA_ANSWERS
        if self.overview.phase is Phase.PLANNING:
            return WaitingFor.PLAN_APPROVAL
        return WaitingFor.QA_ANSWERS if self.qa.open else WaitingFor.HUMAN_ACTION

    @cached_property
    def open_gate(self) -> WaitingFor | None:
        """What the user still has to do; None if the gate is satisfied."""
        permission = WaitingFor.PERMISSION if self.asks.waiting else None
        match self.awaited:
            case WaitingFor.QA_ANSWERS:
                return WaitingFor.QA_ANSWERS if self.qa.open else permission
            case WaitingFor.PLAN_APPROVAL:
                undecided = self.plan is not None and (self.verdict is None or self._asked_again)
                return WaitingFor.PLAN_APPROVAL if undecided else permission
            case gate:
                return gate or permission


def look(folder: SessionFolder) -> GateState:
    """Read the state of a session's gates. Never fails; see `GateState.unreadable`."""
    unreadable: list[str] = []

    def reading(
        otherwise: _Read, read: Callable[_Given, _Read], *given: _Given.args, **more: _Given.kwargs
    ) -> _Read:
        try:
            return read(*given, **more)
        except StorageError as error:
            unreadable.append(error.message)
            return otherwise

    baseline = reading(_NO_BASELINE, load, folder)
    overview = parse_overview(reading(None, counting_overview, folder, baseline) or "")
    signal_text = reading(None, read_text, folder.signal, follow=False)
    qa = parse_qa(reading(None, counting_qa, folder, baseline) or "")
    decisions = reading(_NO_DECISIONS, counting_decisions, folder, baseline)
    signal = parse_signal(signal_text)
    choice = reading(_UNREADABLE_PLAN, choose_plan, folder, overview, signal, decisions.decisions)
    plan = choice.plan
    asks = reading(_NO_ASKS, read_asks, folder, None)
    return GateState(
        overview=overview,
        signal=signal,
        signal_text=signal_text,
        signal_at=written_at(folder.signal),
        qa=qa,
        plan=plan,
        plan_problem=choice.problem,
        verdict=verdict(decisions.decisions, plan) if plan else None,
        decisions=decisions,
        unreadable=tuple(unreadable),
        asks=asks,
        baseline=baseline,
    )


def look_again(folder: SessionFolder, before: GateState) -> GateState:
    """Read again what answers change: questions and decisions. The rest was read under the same edit lock.

    Raises:
        StorageError: A file cannot be read.
    """
    qa = parse_qa(counting_qa(folder, before.baseline) or "")
    decisions = counting_decisions(folder, before.baseline)
    newest = verdict(decisions.decisions, before.plan) if before.plan else None
    return replace(before, qa=qa, decisions=decisions, verdict=newest)


def read_plan(folder: SessionFolder) -> PlanChoice:
    """Find and read the plan of a session.

    Raises:
        StorageError: A file cannot be read.
    """
    baseline = load(folder)
    return choose_plan(
        folder,
        parse_overview(counting_overview(folder, baseline) or ""),
        parse_signal(read_text(folder.signal, follow=False)),
        counting_decisions(folder, baseline).decisions,
    )


def written_at(path: Path) -> datetime | None:
    """Return when a file was last written; None if it is not there."""
    try:
        return datetime.fromtimestamp(written_ns(path.stat()) / 1e9, UTC)
    except (OSError, OverflowError, ValueError):
        return None


BLOCKED_WAITING = "waiting_human"
"""The value of `Blocked:` while the user has to answer, approve or do something."""


def is_waiting(blocked: str | None) -> bool:
    """Whether a `Blocked:` value means that the session waits for the user."""
    return (blocked or "").strip().casefold().startswith("waiting")
