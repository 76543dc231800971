"""One run of a session: what it is asked for, what its parts share, what it says, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from samobot.backoff import backoff
from samobot.claude.limits import longest_wait
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.journal import RunEndReason

if TYPE_CHECKING:
    from samobot.worker.session_files import SessionFiles


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
class RunResult:
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
        unfinished: What is not committed of a session that is done; empty if all is.
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
    unfinished: str = ""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long the loop waits, in seconds.

    Attributes:
        max_retries: Failed iterations in a row that are tried again.
        retry_delay: Before the first retry; doubles each time.
        back_off_first: Before trying a service at fault again; doubles each time.
        back_off_most: The longest such wait.
        after_reset: How long after a limit's reset the run goes on at the soonest; up to twice that keeps several
            machines apart.
        unknown_reset: How long to wait for a limit that does not say when it resets.
    """

    max_retries: int = 3
    retry_delay: float = 5.0
    back_off_first: float = 30.0
    back_off_most: float = 600.0
    after_reset: float = 60.0
    unknown_reset: float = 1800.0

    def before_retry(self, attempt: int) -> float:
        """Seconds before retry number `attempt`, from 1."""
        return backoff(attempt, self.retry_delay, self.back_off_most)

    def before_next_try(self, attempt: int) -> float:
        """Seconds before a service at fault is tried again, for the `attempt`-th time from 1."""
        return backoff(attempt, self.back_off_first, self.back_off_most)

    def wake_at(self, resets_at: datetime | None, kind: str, now: datetime, spread: float) -> datetime:
        """When a parked run continues.

        Args:
            resets_at: When the limit resets, if that is known; never further away than a limit of this kind can be.
            kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
            now: The present.
            spread: Seconds between 0 and `after_reset` that keep many sessions from waking at once.
        """
        if resets_at is None:
            return now + timedelta(seconds=self.unknown_reset)
        return min(max(resets_at, now), now + longest_wait(kind)) + timedelta(
            seconds=self.after_reset + spread
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened in a run and that a person at the terminal wants to see."""

    text: str


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all parts of one run work with.

    Attributes:
        files: The session's files.
        options: What was asked of it.
        retry_policy: How long it waits, and how often it tries.
        now: The clock, aware.
        tell: Is given what a person at the terminal wants to see.
    """

    files: SessionFiles
    options: RunOptions
    retry_policy: RetryPolicy
    now: Callable[[], datetime]
    tell: Callable[[Notice], None]
