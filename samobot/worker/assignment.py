"""What one iteration is given, shows while it runs, and comes to: plain values."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from samobot.claude.outcome import Outcome
from samobot.phases import Phase
from samobot.session.guidance import GuidanceItem
from samobot.session.signal import Signal, SignalProblem


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one iteration is to do.

    Attributes:
        phase: Its phase.
        number: Its number, counted over the whole session.
        visit: Its number in this visit of the phase.
        budget_left: US dollars it may cost; None is no limit.
        reminder: What went wrong the time before, for the agent; empty where nothing did.
    """

    phase: Phase
    number: int
    visit: int
    budget_left: float | None
    reminder: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one iteration came to, by the facts.

    Attributes:
        number: Its number.
        outcome: What its process did.
        signal: What its agent said.
        put_right: Sentences about what the agent had no right to do and that was undone.
        guidance: What a person had said that it was given.
        changed: Whether it left anything behind: a commit, a file in the working directory or the session.
        lost: Where the session's folder was deleted or moved away meanwhile, that, and what a person can do.
        unfinished: If its agent signals “done”, what is not committed; else empty.
    """

    number: int
    outcome: Outcome
    signal: Signal | SignalProblem
    put_right: tuple[str, ...]
    guidance: tuple[GuidanceItem, ...]
    changed: bool
    lost: str | None = None
    unfinished: str = ""


@dataclass(slots=True)
class Progress:
    """What a running iteration shows of itself; changes while it runs.

    Attributes:
        phase: Its phase.
        number: Its number in the session.
        started: `time.monotonic` of its start, in seconds.
        activity: What the agent is doing, in a person's words.
        cost_before: What the session had cost when it began, in US dollars.
    """

    phase: Phase
    number: int
    cost_before: float
    started: float = field(default_factory=time.monotonic)
    activity: str = "Starting"
