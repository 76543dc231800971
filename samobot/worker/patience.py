"""How long the loop waits after an iteration that did not end well. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Patience:
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
        return min(self.retry_delay * 2.0 ** min(attempt - 1, 20), self.back_off_most)

    def before_next_try(self, attempt: int) -> float:
        """Seconds before a service at fault is tried again, for the `attempt`-th time from 1."""
        return min(self.back_off_first * 2.0 ** min(attempt - 1, 20), self.back_off_most)

    def wake_at(self, resets_at: datetime | None, now: datetime, spread: float) -> datetime:
        """When a parked run goes on.

        Args:
            resets_at: When the limit is lifted, where that is known.
            now: The present.
            spread: Seconds between 0 and `after_reset` that keep many sessions from waking at once.
        """
        if resets_at is None:
            return now + timedelta(seconds=self.unknown_reset)
        return max(resets_at, now) + timedelta(seconds=self.after_reset + spread)
