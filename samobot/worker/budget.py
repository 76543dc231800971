"""What a run may still spend: the session's own budget, and the day's over all sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from samobot.claude.codex_program import NO_CODEX_PRICE
from samobot.claude.outcome import Outcome
from samobot.errors import StorageError
from samobot.money import spending
from samobot.money.spending import DayBudget, Threshold
from samobot.session.journal import EventName
from samobot.session.provider import Provider
from samobot.text import human_money
from samobot.worker.session_files import SessionFiles

UNPRICED_AFTER = 5
"""Iterations in a row without a reported cost after which a budget can no longer be kept."""


class BudgetGuard:
    """Counts the costs of iterations, and reports when a budget is used up.

    Args:
        files: The session's files.
        state_dir: Where the day's spending of all sessions is kept.
        daily_usd: What all sessions together may cost in a day, in US dollars; None is no limit.
        now: The clock, aware.
        codex_is_priced: Whether the user has configured what Codex costs, or accepts that no budget counts it.
    """

    def __init__(
        self,
        files: SessionFiles,
        state_dir: Path,
        daily_usd: float | None,
        *,
        now: Callable[[], datetime],
        codex_is_priced: bool = False,
    ) -> None:
        self._files = files
        self._state_dir = state_dir
        self._daily_usd = daily_usd
        self._now = now
        self._codex_is_priced = codex_is_priced
        self._unpriced = 0

    def left(self) -> float | None:
        """US dollars that the next iteration may cost; None is no limit.

        Raises:
            StorageError: The day's spending cannot be read.
        """
        budget = self._files.budget()
        lefts = [] if budget is None else [budget - self._files.cost()]
        day = self._day()
        if day is not None:
            lefts.append(day.left)
        return min(lefts, default=None)

    def day_is_over(self) -> str | None:
        """Return the message that the day's budget of all sessions is used up; None if something is left.

        Raises:
            StorageError: The day's spending cannot be read.
        """
        return spending.day_is_over(self._state_dir, self._now(), self._daily_usd)

    def out_of_sight(self, provider: Provider) -> str | None:
        """Return the message that the budget cannot be kept, as costs are unknown; None if it can.

        Args:
            provider: The program of the next iteration.
        """
        unknown = provider is Provider.CODEX and not self._codex_is_priced
        if not unknown and self._unpriced < UNPRICED_AFTER:
            return None
        if self._files.budget() is None and self._day() is None:
            return None
        if unknown:
            return NO_CODEX_PRICE
        return (
            f"{self._unpriced} iterations in a row reported no cost, so the budget cannot be kept. "
            "The log shows how they ended; a retry continues."
        )

    def charge(self, outcome: Outcome) -> list[str]:
        """Count an iteration's cost, once it is in the journal; return a notice for each threshold that was crossed.

        That of the session's own budget is not noted: the chat reads it off the journal's sums. A disk that refuses
        does not end the run: the journal counts the same money.
        """
        usd = outcome.cost_usd
        if usd is not None:
            self._unpriced = 0
        elif not outcome.kind.remedy.is_no_fault_of_the_iteration:
            self._unpriced += 1
        if not usd:
            return []
        said = [self._of_session(usd), self._of_day(usd)]
        return [text for text in said if text is not None]

    def _of_session(self, usd: float) -> str | None:
        """Return the notice of a crossed threshold of the session's budget; the last one is the run's end itself."""
        budget, cost = self._files.budget(), self._files.cost()
        crossed = None if budget is None else spending.newly_crossed(cost - usd, cost, budget)
        if budget is None or crossed in (None, Threshold.ALL):
            return None
        return f"{crossed} % of the budget is spent: {human_money(cost)} of {human_money(budget)}."

    def _of_day(self, usd: float) -> str | None:
        try:
            spent = spending.add(self._state_dir, self._now(), self._files.folder.path, usd)
        except StorageError as error:
            return f"What this iteration cost could not be counted for the day: {error.message}"
        day = self._day()
        if day is None:
            return None
        elsewhere = day.spent - day.here
        before, after = elsewhere + spent.before, elsewhere + spent.after
        crossed = spending.newly_crossed(before, after, day.cap)
        if crossed is None:
            return None
        text = (
            f"{crossed} % of the day's budget over {day.scope} is spent: "
            f"{human_money(after)} of {human_money(day.cap)}."
        )
        self._files.log(EventName.NOTICE, text=text)
        return text

    def _day(self) -> DayBudget | None:
        return spending.day_budget(self._state_dir, self._now(), self._daily_usd)
