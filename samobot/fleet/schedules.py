"""Schedules: tasks that start a session at a time, kept in one file of the state folder for chat and terminal alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import tzlocal

from samobot.errors import UsageError
from samobot.fleet.numbered_list import NumberedEntry, NumberedList
from samobot.fleet.schedule_times import Timing, next_due

MOST_SCHEDULES = 50
"""A list beyond that cannot be looked over in a chat."""

LATE_SECONDS = 900.0
"""A start that is later than this was missed: the user is asked whether it is still wanted."""


class Schedule(NumberedEntry):
    """One schedule.

    Attributes:
        task: What `/run` is given: the task, or `name: task`, with its flags.
        timing: When it is due.
        zone: IANA name of the time zone in which it is meant.
        next_at: When it is due next; None while it is paused and once it is over.
        missed: When it was due and was not started; the user decides.
        claimed: The time whose session is being started at this moment.
        last: Name of the session that it started last.
    """

    task: str
    timing: Timing
    zone: str
    next_at: datetime | None = None
    missed: datetime | None = None
    claimed: datetime | None = None
    last: str | None = None

    @property
    def paused(self) -> bool:
        """Whether it is not due until it is resumed."""
        return self.next_at is None and self.missed is None and self.claimed is None


class Schedules:
    """All schedules of this machine.

    Args:
        state_dir: The state folder.
        now: The clock, aware.
    """

    def __init__(self, state_dir: Path, now: Callable[[], datetime]) -> None:
        self._entries = NumberedList(state_dir, "schedules", "schedule", Schedule)
        self._now = now

    def all(self) -> tuple[Schedule, ...]:
        """All of them, by number.

        Raises:
            StorageError: The file cannot be read.
        """
        return self._entries.all()

    def add(self, draft: Schedule) -> Schedule:
        """Keep a new schedule, under the next free number.

        Raises:
            UsageError: There are too many, or it is never due.
            StorageError: The disk refused.
        """
        next_at = self._next(draft)
        if next_at is None:
            raise UsageError(f"“{draft.timing.words}” is over.")

        def check(known: tuple[Schedule, ...]) -> None:
            if len(known) >= MOST_SCHEDULES:
                raise UsageError(f"There are {MOST_SCHEDULES} schedules already; delete one first.")

        return self._entries.add(draft.model_copy(update={"next_at": next_at}), check)

    def pause(self, number: int) -> Schedule:
        """Let it start nothing until it is resumed; pausing twice is harmless."""
        return self._entries.update(number, lambda one: {"next_at": None, "missed": None})

    def resume(self, number: int) -> Schedule:
        """Let it start sessions again, from now on.

        Raises:
            UsageError: Its only time is over.
        """

        def again(one: Schedule) -> dict[str, object]:
            next_at = self._next(one)
            if next_at is None:
                raise UsageError(
                    f"Schedule {number} was for {one.timing.words}, which is over; make a new one."
                )
            return {"next_at": next_at, "missed": None}

        return self._entries.update(number, again)

    def delete(self, number: int) -> Schedule:
        """Forget a schedule; what it has started continues."""
        return self._entries.remove(number)

    def claim(self, number: int, due: datetime) -> Schedule | None:
        """Take the start that is due, so that it happens once; None if it was taken before.

        The next time is on disk when this returns. A bot that dies before `settle` finds `claimed` at its next start.
        """

        def take(one: Schedule) -> tuple[Schedule, Schedule | None]:
            if one.next_at != due:
                return one, None
            taken = one.model_copy(update={"claimed": due, "next_at": self._next(one)})
            return taken, taken

        return self._entries.revise(number, take)

    def settle(self, number: int, *, started: str | None = None, missed: datetime | None = None) -> None:
        """End a claim: its session has begun, or the user decides later. What is over is forgotten."""

        def end(one: Schedule) -> tuple[Schedule | None, None]:
            if one.next_at is None and missed is None and one.timing.cron is None:
                return None, None
            ended = one.model_copy(update={"claimed": None, "missed": missed, "last": started or one.last})
            return ended, None

        self._entries.revise(number, end)

    def announce(self, number: int) -> None:
        """Note that the chat knows of a schedule."""
        self._entries.update(number, lambda one: {"announced": True})

    def _next(self, one: Schedule) -> datetime | None:
        return next_due(one.timing, self._now(), zone_named(one.zone))


def is_late(due: datetime, now: datetime) -> bool:
    """Whether a start was missed: the bot was away, or the clock went ahead."""
    return now - due > timedelta(seconds=LATE_SECONDS)


def zone_named(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    Raises:
        UsageError: This machine does not know it.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"This machine does not know the time zone {name}.") from error


def machine_zone() -> str:
    """IANA name of this machine's time zone; UTC if it has none."""
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, OSError, ValueError):
        return "UTC"
