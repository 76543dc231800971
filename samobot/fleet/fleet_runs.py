"""The calls with which the bot starts, stops and pays for sessions."""

from __future__ import annotations

from typing import Protocol

from samobot.fleet.models import SessionRef
from samobot.fleet.results import (
    CostReport,
    FleetPoll,
    ResumeResult,
    StartResult,
    StopReport,
)
from samobot.fleet.start_request import StartRequest
from samobot.session.gate import Person


class FleetRuns(Protocol):
    """What makes sessions run or stop, and what it may cost; see `Fleet` for what holds for every call."""

    async def poll(self) -> FleetPoll:
        """Start what should run, as far as there is room; report what was done automatically, and list all sessions."""

    async def wait_for_starts(self) -> None:
        """Wait for the workers that are being started just now."""

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        """Start a new session or continue an existing one; it is queued if too many run.

        Raises:
            DayOverError: The day's budget is used up; text for an existing session is kept for it.
            SessionDoneError: The session is done.
            ConflictError: The session waits for a decision; it continues automatically after that.
            SamobotError: It cannot be started.
        """

    async def resume(self, ref: SessionRef, by: Person, *, budget_usd: float | None = None) -> ResumeResult:
        """Continue a session that is paused, stopped, blocked, parked or out of money.

        Raises:
            DayOverError: The day's budget is used up.
            SessionDoneError: It is done.
            ConflictError: It waits for a decision; it continues automatically after that.
            WorktreeGoneError: Its worktree was deleted; `recreate_worktree` restores it.
        """

    async def recreate_worktree(self, ref: SessionRef, by: Person) -> list[str]:
        """Create a session's deleted worktree again from its branch, prepared for building; `resume` continues it.

        Args:
            ref: The session.
            by: Who asks for it.

        Returns:
            Sentences: what it was recreated from, what is missing now, and what cannot come back.

        Raises:
            ConflictError: The worktree is there, or the session is running.
            UsageError: It cannot be recreated: its branch is gone as well, or something is in the way.
        """

    async def pause(self, ref: SessionRef, by: Person) -> None:
        """Pause a session after its iteration, or take it out of the queue.

        Raises:
            ConflictError: It is not running.
        """

    async def stop(self, ref: SessionRef, by: Person) -> StopReport:
        """Stop a session now, within twelve seconds, and report what was checked.

        Raises:
            StorageError: It was stopped, but that could not be recorded.
        """

    async def archive(self, ref: SessionRef) -> None:
        """Move a session's folder into the archive.

        Raises:
            BusyError: It is running.
        """

    async def restore(self, ref: SessionRef) -> None:
        """Move an archived session back beside the others.

        Raises:
            NotFoundError: It is not in the archive.
            ConflictError: A session of that folder name exists.
        """

    async def panic(self, by: Person) -> list[StopReport]:
        """Stop everything at once, and let nothing start until `lift_emergency_stop`."""

    async def emergency_stop(self) -> str | None:
        """Return who pulled the emergency stop that is in force, None if there is none."""

    async def refuse_in_panic(self) -> None:
        """Refuse a start while the emergency stop is in force.

        Raises:
            ConflictError: It is.
        """

    async def lift_emergency_stop(self) -> bool:
        """Let workers start again; whether the emergency stop was on."""

    async def costs(self, days: int) -> CostReport:
        """Add up what all sessions, archived ones too, have cost in the last `days` local days."""

    async def set_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        """Set what the whole session may cost; one that had used its budget up continues.

        Raises:
            UsageError: It is no amount of money.
        """

    async def raise_daily_budget(
        self, ref: SessionRef, usd: float, by: Person, *, request_id: str | None = None
    ) -> None:
        """Let all sessions together spend `usd` more today; this one continues."""
