"""One run of a session: its options, what its parts share, its notices, and its result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from samobot.backoff import backoff
from samobot.claude.limits import longest_wait
from samobot.frozen import frozen
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session.journal import RunEndReason

if TYPE_CHECKING:
    from samobot.worker.session_files import SessionFiles


@frozen
class RunOptions:
    """The options of one run.

    Attributes:
        budget_usd: What the whole session may cost, in US dollars.
        default_budget_usd: The same for a session without a budget of its own.
        max_iterations: Iterations of this run after which it ends.
        wait_for_limits: Wait for a usage limit's reset; else end as parked.
        auto: Whether the bot may decide gates automatically (`--auto`); only recorded here.
        model_is_fixed: Whether it was started with a model or a profile.
        provider_is_fixed: Whether it was started with a program.
    """

    budget_usd: float | None = None
    default_budget_usd: float | None = None
    max_iterations: int | None = None
    wait_for_limits: bool = True
    auto: bool = False
    model_is_fixed: bool = False
    provider_is_fixed: bool = False


@frozen
class RunResult:
    """Why a run ended.

    Attributes:
        reason: One of the reasons that have an exit code.
        text: The same for the user.
        phase: The phase the session is in now.
        waiting_for: What the user has to do, if it waits.
        cause: What blocked it, if it is blocked.
        until: When a parked session may continue.
        by_person: Whether the user stopped it, if it is stopped.
        of_day: Whether the budget that is used up is the day's, over all sessions.
        paused: Whether the user asked for a pause: it applies also after the gate was decided.
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


@frozen
class RetryPolicy:
    """How long the loop waits, in seconds.

    Attributes:
        max_retries: Failed iterations in a row that are retried.
        retry_delay: Before the first retry; doubles each time.
        back_off_first: Before trying a service at fault again; doubles each time.
        back_off_most: The longest such wait.
        after_reset: Shortest time after a limit's reset until the run continues; up to twice that keeps several
            machines apart.
        unknown_reset: How long to wait for a limit without a known reset.
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


@frozen
class Notice:
    """An event of a run that is shown in the terminal."""

    text: str


@frozen
class RunContext:
    """What the parts of one run share.

    Attributes:
        files: The session's files.
        options: Its options.
        retry_policy: How long it waits, and how often it tries.
        now: The clock, aware.
        notify: Receives the notices for the terminal.
    """

    files: SessionFiles
    options: RunOptions
    retry_policy: RetryPolicy
    now: Callable[[], datetime]
    notify: Callable[[Notice], None]
