"""The calls with which the bot reaches sessions, whichever machine they are on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from samobot.fleet.forge import CheckView
from samobot.fleet.landing_models import (
    LandingResult,
    LandingStep,
    LandingView,
    Leftover,
    PullRequestReport,
)
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import (
    AnswerReceipt,
    CostReport,
    DiffView,
    Document,
    FileView,
    FleetPoll,
    ProjectView,
    QuestionAnswer,
    ResumeResult,
    StartResult,
    StopReport,
    UserFile,
)
from samobot.fleet.start_request import StartRequest
from samobot.session.gate import Person


class Fleet(Protocol):
    """The sessions of all configured projects.

    Arguments and results are values that survive a round trip through JSON: references and models, never paths,
    processes or open files. Every call that names a session raises `NotFoundError` if the session is gone, and
    `StorageError` if the disk refuses.

    Every call may be repeated after a crash. Those that would add something a second time take `request_id`, which
    names what the user sent: a repetition under the same name returns what the first attempt did, and completes
    one that was cut off. None acts each time.
    """

    # Projects and sessions ---------------------------------------------------------------------------------------

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

    async def wait_for_change(self) -> None:
        """Wait until something has changed since the last call. A hint: polling alone finds every change."""

    # Runs --------------------------------------------------------------------------------------------------------

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

    # Money -------------------------------------------------------------------------------------------------------

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

    # Decisions ---------------------------------------------------------------------------------------------------

    async def answer(
        self, ref: SessionRef, answers: Sequence[QuestionAnswer], by: Person, *, change: bool = True
    ) -> AnswerReceipt:
        """Answer questions, all or none; the session continues once none is open.

        Args:
            ref: The session.
            answers: One for each question.
            by: Who answers.
            change: Whether an answer that is there already may be changed.

        Raises:
            NotFoundError: There is no such question.
            UsageError: An answer is empty, names no option, or a question is answered twice.
            SessionDoneError: The session is done.
            ConflictError: A question has changed or was answered meanwhile.
        """

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None = None
    ) -> AnswerReceipt:
        """Answer every open question as the agent suggests.

        Args:
            ref: The session.
            by: Who answers.
            expected: Fingerprints of the questions that were shown; None takes them as they are.

        Raises:
            SessionDoneError: The session is done.
            ConflictError: No question is open, or one was not shown; nothing was answered.
            UsageError: None of the open ones has a suggestion.
        """

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        """Approve the plan; the session continues.

        Args:
            ref: The session.
            by: Who approves.
            expected: SHA-256 of the plan that was shown.

        Raises:
            ConflictError: There is no plan to approve, or it is not the one that was shown.
        """

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        """Return the plan with feedback; planning continues.

        Raises:
            ConflictError: There is no plan to decide about, or it is not the one that was shown.
            UsageError: The feedback is empty.
        """

    async def add_guidance(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        interrupt: bool = False,
        request_id: str | None = None,
    ) -> None:
        """Leave guidance for the running agent, or for the next iteration.

        Args:
            ref: The session.
            text: The guidance.
            by: Who gives it.
            interrupt: Whether it breaks off what the agent is doing.
            request_id: Names the request; see `Fleet`.

        Raises:
            SessionDoneError: There will be no further iteration.
            UsageError: The text is empty.
        """

    async def add_files(self, ref: SessionRef, files: Sequence[UserFile], text: str, by: Person) -> list[str]:
        """Save files into a session's folder and leave guidance about them for its next iteration.

        Args:
            ref: The session.
            files: The files.
            text: What the user wrote with them; may be empty.
            by: Who sends them.

        Returns:
            The names under which they were saved.

        Raises:
            ConflictError: The session is done.
            StorageError: The disk refused.
        """

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        """Record that what the agent asked for is done; the session continues.

        Raises:
            ConflictError: It does not wait for that.
        """

    async def retry(self, ref: SessionRef, by: Person) -> None:
        """Let a blocked session try again.

        Raises:
            ConflictError: It is running.
            WorktreeGoneError: Its worktree was deleted; `recreate_worktree` restores it.
        """

    async def follow_up(
        self,
        ref: SessionRef,
        text: str,
        by: Person,
        *,
        questions: bool = True,
        budget_usd: float | None = None,
    ) -> ResumeResult:
        """Begin another round of a session that is done, with a task of its own; it continues. Safe to repeat.

        Args:
            ref: The session.
            text: What is to be done now, verbatim.
            by: Who asks for it.
            questions: Whether the round starts in requirements; else in planning.
            budget_usd: What the whole session may cost, earlier rounds included.

        Raises:
            UsageError: There is no text.
            ConflictError: It is running, or is not done.
            DayOverError: The day's budget is used up; the round is kept and begins with `resume`.
        """

    # Landing -----------------------------------------------------------------------------------------------------

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

    # Documents ---------------------------------------------------------------------------------------------------

    async def plan_text(self, ref: SessionRef) -> Document:
        """Read the newest plan; `NotFoundError` if there is none."""

    async def summary_text(self, ref: SessionRef) -> Document | None:
        """Read the newest summary that the agent wrote."""

    async def diff(self, ref: SessionRef) -> DiffView:
        """Read what the session has changed; `NotFoundError` if it does not work in a git worktree."""

    async def log_lines(self, ref: SessionRef, count: int = 20) -> list[str]:
        """Read what the agent did last, one line each."""

    async def last_message(self, ref: SessionRef) -> str:
        """Read the last thing that the agent wrote in its last iteration; empty if it wrote nothing."""

    async def files(self, ref: SessionRef) -> list[FileView]:
        """List the session's artefacts by name."""

    async def file(self, ref: SessionRef, name: str) -> bytes:
        """Read one artefact by the name that `files` gave it.

        Raises:
            UsageError: It is larger than 50 MB.
        """

    async def timeline(self, ref: SessionRef, theme: str = "light") -> bytes:
        """Draw the session's course as PNG; `theme` is `light` or `dark`.

        Raises:
            NotFoundError: Nothing has happened yet.
            UsageError: The plotting library is not installed.
        """

    async def close(self) -> None:
        """Release everything but the workers, which continue."""
