"""The input, progress and result of one iteration, as plain values."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from samobot.claude.outcome import Outcome
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session.guidance import GuidanceItem
from samobot.session.provider import Provider
from samobot.session.signal import Signal, SignalProblem


@frozen
class Assignment:
    """The input of one iteration.

    Attributes:
        phase: Its phase.
        number: Its number, counted over the whole session.
        visit: Its number in this visit of the phase.
        budget_left: US dollars it may cost; None is no limit.
        provider: The program that it runs in: the one whose limits and costs were looked at before.
        reminder: What went wrong in the previous iteration, for the agent; empty if nothing did.
        stronger: Whether it is a second try with a stronger model or more effort.
    """

    phase: Phase
    number: int
    visit: int
    budget_left: float | None
    provider: Provider
    reminder: str
    stronger: bool = False


@frozen
class Report:
    """The result of one iteration, judged by facts.

    Attributes:
        number: Its number.
        outcome: What its process did.
        signal: Its agent's signal.
        reverted: Sentences about forbidden changes of the agent that were reverted.
        guidance: The guidance that it has worked with: its prompt's, and what it took up later.
        process: The CLI's session.
        asks_reported: Ids of the asks whose verdict its prompt held.
        changed: Whether it left anything behind: a commit, a file in the working directory or the session.
        restored: What it changed of the tracked files in a phase that only observes; empty if nothing.
        lost: If the session's folder was deleted or moved meanwhile, or a disk became full: that, and how to recover.
        unfinished: If its agent signals “done”, what is not committed; else empty.
    """

    number: int
    outcome: Outcome
    signal: Signal | SignalProblem
    reverted: tuple[str, ...]
    guidance: tuple[GuidanceItem, ...]
    changed: bool
    process: str = ""
    asks_reported: tuple[str, ...] = ()
    lost: str | None = None
    restored: str = ""
    unfinished: str = ""

    @property
    def ended_well(self) -> bool:
        """Whether its signal counts, and with it what it was given: else another iteration is given the same."""
        is_whole = self.lost is None and not self.outcome.unreported_agents
        return isinstance(self.signal, Signal) and is_whole


@dataclass(slots=True)
class Progress:
    """The progress of a running iteration; updated while it runs.

    Attributes:
        phase: Its phase.
        number: Its number in the session.
        started: `time.monotonic` of its start, in seconds.
        activity: What the agent is doing, as a readable line.
        cost_before: What the session had cost when it began, in US dollars.
    """

    phase: Phase
    number: int
    cost_before: float
    started: float = field(default_factory=time.monotonic)
    activity: str = "Starting"
