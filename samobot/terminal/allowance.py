"""Whether a session has budget left: checked before a run goes to the background, where its end would go unread."""

from __future__ import annotations

from datetime import UTC, datetime

from samobot.config.settings import Settings
from samobot.money import spending
from samobot.worker.session_files import SessionFiles


def no_money(files: SessionFiles, wanted: float | None, settings: Settings) -> str | None:
    """Explain why a run would end at once over its budget, and what to do; None if money is left.

    Args:
        files: The session's files.
        wanted: The new budget in US dollars; None keeps the current one.
        settings: The day's budget, and where its spending is kept.

    Raises:
        StorageError: The journal or the day's spending cannot be read.
    """
    over = files.over_budget(wanted)
    if over is not None:
        return f"{over} Give it more for the whole session with --budget USD."
    state_dir = settings.samobot_state_dir
    over = spending.day_is_over(state_dir, datetime.now(UTC), settings.samobot_daily_budget_usd)
    return None if over is None else f"{over} At a terminal, set SAMOBOT_DAILY_BUDGET_USD higher."
