"""The calls with which the bot reads sessions and their documents."""

from __future__ import annotations

from typing import Protocol

from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import (
    DiffView,
    Document,
    FileView,
    HostView,
    LessonsView,
    ProjectView,
    UntrustedView,
)
from samobot.review.facts import ReviewFacts


class FleetReads(Protocol):
    """What can be read of sessions; see `Fleet` for what holds for every call."""

    async def hosts(self) -> list[HostView]:
        """List the other machines; empty if there is only this one."""

    async def projects(self) -> list[ProjectView]:
        """List the configured projects with their problems; the last known list if they cannot be read now."""

    async def sessions(self) -> list[SessionView]:
        """List every session that is not past; the same object as before for one in which nothing has changed."""

    async def past(self) -> list[PastSession]:
        """List the past sessions, in no order: those marked so, and old ones that have not been read since the start.

        The same object as before if nothing has changed.
        """

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        """Keep no more than a line of these sessions until something happens to them.

        Returns the lines: of those unchanged for long that do not need the user.
        """

    async def view(self, ref: SessionRef) -> SessionView:
        """Read one session as it is now."""

    async def find(self, address: str) -> list[SessionRef]:
        """Find the sessions that `name` or `project:name` means: none, one, or one in each of several projects."""

    async def nearest(self, name: str) -> str | None:
        """Return the session name that was probably meant."""

    async def free_name(self, project: str, name: str) -> str:
        """Return a name that was not used in the project: `greet-2` if `greet` was.

        Sessions, archived ones, and branches with commits of their own use a name.
        """

    async def archived(self) -> list[SessionRef]:
        """List the archived sessions of every project, the newest first."""

    async def archived_view(self, ref: SessionRef) -> SessionView:
        """Read an archived session; its documents are read like those of any other.

        Raises:
            NotFoundError: It is not in the archive.
        """

    async def is_archived(self, ref: SessionRef) -> bool:
        """Whether a session that is gone is in the archive."""

    async def wait_for_change(self) -> bool:
        """Wait until something has changed since the last call. A hint: polling alone finds every change.

        Returns:
            Whether a session is known to have begun or ceased to need the user.
        """

    async def plan_text(self, ref: SessionRef) -> Document:
        """Read the newest plan; `NotFoundError` if there is none."""

    async def summary_text(self, ref: SessionRef) -> Document | None:
        """Read the newest summary that the agent wrote."""

    async def diff(self, ref: SessionRef) -> DiffView:
        """Read what the session has changed; `NotFoundError` if it does not work in a git worktree."""

    async def review(self, ref: SessionRef) -> ReviewFacts:
        """Read what the session's review guide shows."""

    async def lessons(self, ref: SessionRef) -> LessonsView:
        """Read what the session learned about the project."""

    async def untrusted(self, ref: SessionRef) -> list[UntrustedView]:
        """Read what of the project is not used in the session, as the user has not trusted it."""

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        """Read what the agent did last, one line each."""

    async def ask_text(self, ref: SessionRef, ask: str) -> Document:
        """Read the whole of a call that the agent asks for: the command, the diff, the input.

        Raises:
            NotFoundError: It is not known any longer.
        """

    async def last_message(self, ref: SessionRef) -> str:
        """Read the last thing that the agent wrote in its last iteration; empty if it wrote nothing."""

    async def files(self, ref: SessionRef) -> list[FileView]:
        """List the session's artefacts by name."""

    async def file(self, ref: SessionRef, name: str) -> bytes:
        """Read one artefact by the name that `files` gave it.

        Raises:
            UsageError: It is larger than 50 MB.
        """

    async def pictures(self, ref: SessionRef) -> list[FileView]:
        """List the screenshots that the session's agents want to be seen, at most ten; `file` reads one."""

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        """Draw the session's course as PNG; `theme` is `light` or `dark`.

        Raises:
            NotFoundError: Nothing has happened yet.
            UsageError: The plotting library is not installed.
        """
