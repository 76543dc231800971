"""Decisions at a session's gates: each is recorded, and the session continues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from samobot.config.learned import keep_lessons
from samobot.errors import UsageError
from samobot.fleet.ledger import Ledger, LedgerEntry
from samobot.fleet.models import SessionRef
from samobot.fleet.project_trust import decide_trust
from samobot.fleet.results import AnsweredView, AnswerReceipt, QuestionAnswer
from samobot.fleet.run_queue import RunQueue
from samobot.fleet.session_reader import SessionReader
from samobot.fleet.start_request import UserFile
from samobot.fleet.worktree_recreation import refuse_without_worktree
from samobot.session import gate, permissions
from samobot.session.decisions import DecisionKind
from samobot.session.gate import Person
from samobot.session.user_files import NewFile, save_files
from samobot.system.threads import Threads

_NOTHING: TypeAdapter[None] = TypeAdapter(None)


class DecisionWriter:
    """Records the decisions about sessions, and continues those that no longer wait.

    Args:
        key: Marks the decisions that samobot writes.
        state_dir: samobot's state folder.
        reading: Where the sessions are.
        running: Continues sessions.
        ledger: What was carried out already.
        threads: Where files are written.
        now: The clock, aware.
    """

    def __init__(
        self,
        key: bytes,
        *,
        state_dir: Path,
        reading: SessionReader,
        running: RunQueue,
        ledger: Ledger,
        threads: Threads,
        now: Callable[[], datetime],
    ) -> None:
        self._key = key
        self._state_dir = state_dir
        self._reading = reading
        self._running = running
        self._ledger = ledger
        self._threads = threads
        self._now = now

    async def answer(
        self, ref: SessionRef, answers: Sequence[QuestionAnswer], by: Person, *, change: bool = True
    ) -> AnswerReceipt:
        """Answer questions; the session continues once none is open."""
        texts: dict[str | int, str] = {}
        for each in answers:
            question = each.label if each.index is None else each.index
            if question is None or question in texts:
                raise UsageError(f"There are two answers to {question}; give one.")
            texts[question] = each.text
        expect = {each.index: each.identity for each in answers if each.index is not None and each.identity}
        receipt = await self._reading.in_folder(
            ref,
            lambda folder: gate.answer(
                folder, texts, by, self._now(), self._key, expect=expect, change=change
            ),
        )
        return await self._answered(ref, receipt)

    async def accept_suggestions(
        self, ref: SessionRef, by: Person, *, expected: Sequence[str] | None
    ) -> AnswerReceipt:
        """Answer every open question as the agent suggests.

        Raises:
            SamobotError: See `samobot.session.gate.answer_suggestions`.
        """
        receipt = await self._reading.in_folder(
            ref,
            lambda folder: gate.answer_suggestions(folder, by, self._now(), self._key, expected=expected),
        )
        return await self._answered(ref, receipt)

    async def approve(self, ref: SessionRef, by: Person, *, expected: str | None = None) -> None:
        """Approve the plan; the session continues.

        Raises:
            SamobotError: See `samobot.session.gate.approve`.
        """
        await self._reading.in_folder(
            ref, lambda folder: gate.approve(folder, by, self._now(), self._key, expected=expected)
        )
        await self._running.continue_run(ref)

    async def reject(
        self, ref: SessionRef, feedback: str, by: Person, *, expected: str | None = None
    ) -> None:
        """Return the plan with feedback; planning continues.

        Raises:
            SamobotError: See `samobot.session.gate.reject`.
        """
        await self._reading.in_folder(
            ref, lambda folder: gate.reject(folder, feedback, by, self._now(), self._key, expected=expected)
        )
        await self._running.continue_run(ref)

    async def add_guidance(
        self, ref: SessionRef, words: str, by: Person, *, interrupt: bool, request_id: str | None
    ) -> None:
        """Leave guidance for the running agent, or for the next iteration.

        Raises:
            UsageError: The text is empty.
        """
        folder = await self._reading.folder(ref)

        async def tell(attempt: LedgerEntry) -> None:
            await self._threads.run(
                lambda: gate.tell(
                    folder, words, by.who, attempt.at, interrupt=interrupt, repeated=attempt.repeated
                )
            )

        await self._ledger.once(request_id, f"guidance for {ref.key}", tell, _NOTHING)

    async def add_files(self, ref: SessionRef, files: Sequence[UserFile], text: str, by: Person) -> list[str]:
        """Save files into a session's folder, with guidance about them.

        Raises:
            SamobotError: See `samobot.session.user_files.save_files`.
        """
        folder = await self._reading.folder(ref)
        new = [NewFile(file.name, file.data) for file in files]
        return list(
            await self._threads.run_slowly(lambda: save_files(folder, new, by.who, text, self._now()))
        )

    async def decide_ask(
        self,
        ref: SessionRef,
        ask: str,
        verdict: DecisionKind,
        by: Person,
        *,
        expected: str | None,
        text: str,
    ) -> None:
        """Allow or deny a call that the agent asks for; the session continues.

        Raises:
            SamobotError: See `samobot.session.permissions.decide`.
        """
        await self._reading.in_folder(
            ref,
            lambda folder: permissions.decide(
                folder, ask, verdict, by, self._now(), self._key, expected=expected, text=text
            ),
        )
        await self._running.continue_run(ref)

    async def withdraw_permission(self, ref: SessionRef, rule: str, by: Person) -> None:
        """End a permission for the session."""
        await self._reading.in_folder(
            ref, lambda folder: permissions.withdraw(folder, rule, by, self._now(), self._key)
        )

    async def keep_lessons(self, ref: SessionRef, by: Person, *, expected: str | None) -> tuple[str, ...]:
        """Add what the session learned to its project.

        Raises:
            SamobotError: See `samobot.config.learned.keep_lessons`.
        """
        project, folder = await self._reading.project(ref.project), await self._reading.readable(ref)
        return await self._threads.run(
            lambda: keep_lessons(self._state_dir, project, folder, by.who, self._now(), expected=expected)
        )

    async def decide_trust(self, ref: SessionRef, sha256: str, by: Person, *, accept: bool) -> None:
        """Trust something of the session's project, or leave it out.

        Raises:
            SamobotError: See `samobot.fleet.project_trust.decide_trust`.
        """
        project, folder = await self._reading.project(ref.project), await self._reading.readable(ref)
        await self._threads.run(
            lambda: decide_trust(self._state_dir, project, folder, sha256, by.who, self._now(), accept=accept)
        )

    async def action_done(self, ref: SessionRef, by: Person) -> None:
        """Record that what the agent asked for is done; the session continues.

        Raises:
            ConflictError: It does not wait for that.
        """
        await self._reading.in_folder(
            ref, lambda folder: gate.action_done(folder, by, self._now(), self._key)
        )
        await self._running.continue_run(ref)

    async def retry(self, ref: SessionRef, by: Person) -> None:
        """Let a blocked session try again.

        Raises:
            ConflictError: It is running.
            WorktreeGoneError: Its worktree was deleted.
        """
        project, folder = await self._reading.place(ref)
        await self._threads.run(lambda: refuse_without_worktree(project, folder, self._now()))
        await self._threads.run(lambda: gate.retry(folder, by, self._now(), self._key))
        await self._running.continue_run(ref)

    async def _answered(self, ref: SessionRef, receipt: gate.Receipt) -> AnswerReceipt:
        if not receipt.open_questions:
            await self._running.continue_run(ref)
        return AnswerReceipt(
            answered=tuple(
                AnsweredView(label=each.question.label, answer=each.answer, before=each.before)
                for each in receipt.answered
            ),
            open=receipt.open_questions,
        )
