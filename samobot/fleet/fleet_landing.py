"""The calls with which the bot lands and removes finished work."""

from __future__ import annotations

from typing import Protocol

from samobot.fleet.forge import CheckView, WorkSource
from samobot.fleet.landing_models import (
    LandingResult,
    LandingStep,
    LandingView,
    Leftover,
    PullRequestReport,
    WorkReport,
)
from samobot.fleet.models import SessionRef
from samobot.session.gate import Person


class FleetLanding(Protocol):
    """What happens to the branch of a session; see `Fleet` for what holds for every call."""

    async def landing(self, ref: SessionRef) -> LandingView:
        """Read what can be done with a finished session's branch. Takes up to half a minute if there is a remote.

        Raises:
            ConflictError: The session is not done, or its branch cannot be read.
        """

    async def land(self, ref: SessionRef, step: LandingStep, by: Person, *, expected: str) -> LandingResult:
        """Do one of these things, exactly as it was shown; a repetition does nothing.

        Args:
            ref: The session.
            step: What to do.
            by: Who decides.
            expected: Identity of the offer that was shown.

        Raises:
            ConflictError: Something has changed since, or it cannot be done; nothing was changed.
            BusyError: The session is being landed just now.
        """

    async def pull_request(self, ref: SessionRef) -> PullRequestReport:
        """Read a session's pull request with its comments, also while the session works. Takes up to some minutes.

        Raises:
            ConflictError: Its branch cannot be read.
        """

    async def check_log(self, ref: SessionRef, check: CheckView) -> str:
        """Read the last lines of a failed check's log; empty if they cannot be had, or not yet."""

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        """Read what waits at a project's forge; takes up to a minute.

        Args:
            project: The project's name.
            source: What is asked for.
            label: The label of the issues.
        """

    async def pull_request_diff(self, project: str, number: int) -> str:
        """Return the changes of any pull request of a project's repository; empty if they cannot be had."""

    async def leftovers(self) -> list[Leftover]:
        """List worktrees with branches of sessions that are archived or done; takes seconds."""

    async def clean(
        self, ref: SessionRef, by: Person, *, expected: str, anyway: bool = False
    ) -> LandingResult:
        """Remove a session's worktree and branch as they were shown, and archive it.

        Args:
            ref: The session, archived or not.
            by: Who decides.
            expected: Identity of what was shown.
            anyway: Whether it was named although it is not merged or has changes.

        Raises:
            ConflictError: Something has changed since, or it is not safe and was not named; nothing was changed.
        """
