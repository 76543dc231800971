"""One run of a session: what it is asked for, what its parts share, what it says, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.journal import RunEndReason
from samobot.worker.patience import Patience

if TYPE_CHECKING:
    from samobot.worker.session_files import Book


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person asked of one run.

    Attributes:
        budget_usd: What the whole session may cost, in US dollars.
        default_budget_usd: The same for a session for which nobody has said a budget.
        max_iterations: Iterations of this run after which it ends.
        wait_for_limits: Wait for a usage limit's reset; else end as parked.
        auto: Whether the bot may decide gates by itself (`--auto`); only noted here.
    """

    budget_usd: float | None = None
    default_budget_usd: float | None = None
    max_iterations: int | None = None
    wait_for_limits: bool = True
    auto: bool = False


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended.

    Attributes:
        reason: One of the reasons that have an exit code.
        text: The same in words for a person.
        phase: The phase the session is in now.
        waiting_for: What a person has to do, where it waits.
        cause: Who blocked it, where it is blocked.
        until: When a parked session may go on.
        by_person: Whether a person stopped it, where it is stopped.
        of_day: Whether it was the day's budget over all sessions that is used up, where a budget is.
        paused: Whether a person had asked for a pause: it holds also after what a session waits for was decided.
    """

    reason: RunEndReason
    text: str
    phase: Phase
    waiting_for: WaitingFor | None = None
    cause: BlockCause | None = None
    until: datetime | None = None
    by_person: bool = True
    of_day: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened in a run and that a person at the terminal wants to see."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """What all parts of one run work with.

    Attributes:
        book: The session's files.
        options: What was asked of it.
        patience: How long it waits, and how often it tries.
        now: The clock, aware.
        tell: Is given what a person at the terminal wants to see.
    """

    book: Book
    options: RunOptions
    patience: Patience
    now: Callable[[], datetime]
    tell: Callable[[Notice], None]
