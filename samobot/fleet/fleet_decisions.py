"""The calls with which the bot writes decisions of the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from samobot.fleet.models import SessionRef
from samobot.fleet.results import (
    AnswerReceipt,
    QuestionAnswer,
    ResumeResult,
)
from samobot.fleet.start_request import UserFile
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person


class FleetDecisions(Protocol):
    """What the user decides about a session; see `Fleet` for what holds for every call."""

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
            interrupt: Whether it interrupts what the agent is doing.
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

    async def decide_ask(
        self,
        ref: SessionRef,
        ask: str,
        verdict: DecisionKind,
        by: Person,
        *,
        expected: str | None = None,
        text: str = "",
    ) -> None:
        """Allow or deny a call that the agent asks for; the session continues. Safe to repeat.

        Args:
            ref: The session.
            ask: Id of what it asks for.
            verdict: `ALLOW_ONCE`, `ALLOW_SESSION` or `DENY`.
            by: Who decides.
            expected: SHA-256 of the call that was shown.
            text: What the agent reads with a denial; may be empty.

        Raises:
            ConflictError: It is another call, was decided otherwise, or does not wait any longer.
        """

    async def withdraw_permission(self, ref: SessionRef, rule: str, by: Person) -> None:
        """End a permission for the session: what it allows is asked again. Safe to repeat."""

    async def keep_lessons(
        self, ref: SessionRef, by: Person, *, expected: str | None = None
    ) -> tuple[str, ...]:
        """Add what the session learned to its project, for the agents of later sessions. Safe to repeat.

        Args:
            ref: The session.
            by: Who accepts it.
            expected: `LessonsView.sha256` as it was shown.

        Returns:
            What was added.

        Raises:
            ConflictError: The session has learned something else since, or the project's lessons were changed by hand.
            UsageError: The project's lessons would be too long.
        """

    async def decide_trust(self, ref: SessionRef, sha256: str, by: Person, *, accept: bool) -> None:
        """Trust something of the session's project, for all its sessions, or leave it out. Safe to repeat.

        Args:
            ref: The session.
            sha256: `UntrustedView.sha256` as it was shown.
            by: Who decides.
            accept: Whether it is trusted.

        Raises:
            ConflictError: The files were changed since.
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
