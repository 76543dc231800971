"""What a user sets for one session from outside its worker: its budget, its profile and its program, in the journal.

A worker looks there before each iteration. Never in a run's flags, which would bring a setting back after another one,
nor in a request, which a worker that has just started forgets.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from samobot.errors import UsageError
from samobot.session import journal
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person
from samobot.session.journal import EventName
from samobot.text import human_money


def check_budget(usd: float) -> None:
    """Refuse what is no amount of money.

    Raises:
        UsageError: It is not.
    """
    if not (isfinite(usd) and usd > 0):
        raise UsageError(f"“{usd:g}” cannot be a budget; give an amount such as {human_money(5)}.")


def write_budget(folder: SessionFolder, usd: float, by: Person, now: datetime) -> None:
    """Set what the whole session may cost, in US dollars.

    Raises:
        StorageError: The disk refused.
    """
    journal.append(folder, EventName.BUDGET, now, usd=usd, by=by.who)


def write_profile(folder: SessionFolder, profile: str, by: Person, now: datetime) -> None:
    """Set the profile of the session's iterations; an empty one is what is configured.

    Raises:
        StorageError: The disk refused.
    """
    journal.append(folder, EventName.PROFILE, now, profile=profile, by=by.who)


def write_provider(folder: SessionFolder, provider: str, by: Person, now: datetime) -> None:
    """Set the program of the session's iterations; an empty one is what is configured.

    Raises:
        StorageError: The disk refused.
    """
    journal.append(folder, EventName.PROVIDER, now, provider=provider, by=by.who)
