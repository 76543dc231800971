"""The ends of a run: what each writes into the session's files and the journal."""

from __future__ import annotations

from samobot.errors import SamobotError, StorageError
from samobot.phases import BlockCause, Phase, WaitingFor
from samobot.session import requests
from samobot.session.asks import end_waiting
from samobot.session.journal import EventName, RunEndReason
from samobot.worker.run import RunResult
from samobot.worker.session_files import SessionFiles
from samobot.worker.sleep import Sleeper

ENDED_FROM_OUTSIDE = "Ended from outside, as when the machine or a service goes down"
"""The end of a run that nobody stopped on purpose: if it is desired, it continues automatically."""


class RunEnds:
    """Ends a run in the session's files.

    Args:
        files: The session's files.
        sleeper: Knows whether a pause was requested during a sleep.
    """

    def __init__(self, files: SessionFiles, sleeper: Sleeper) -> None:
        self._files = files
        self._sleeper = sleeper

    def is_to_pause(self) -> bool:
        """Whether the user has asked for a pause."""
        return self._sleeper.pause_requested or self._files.take_request(requests.RequestKind.PAUSE)

    def waiting(self, phase: Phase, waiting_for: WaitingFor, text: str) -> RunResult:
        """End at a gate; a pause that was requested meanwhile applies after it."""
        paused = self.is_to_pause()
        if paused:
            self._files.flow("The user asked for a pause: it applies after this gate")
        return RunResult(RunEndReason.WAITING, text, phase, waiting_for=waiting_for, paused=paused)

    def paused(self, phase: Phase) -> RunResult:
        """End because the user asked for a pause."""
        return RunResult(RunEndReason.PAUSED, "Paused, as asked.", phase, paused=True)

    def blocked(self, phase: Phase, cause: BlockCause, reason: str, number: int | None) -> RunResult:
        """Block the session.

        Args:
            phase: Its phase.
            cause: What blocks it.
            reason: The same for the user.
            number: The iteration that led to it, if one did.
        """
        self._files.block(phase, reason, number)
        return RunResult(RunEndReason.BLOCKED, reason, phase, cause=cause)

    def stopped(self, phase: Phase, *, from_outside: bool) -> RunResult:
        """End at once.

        Args:
            phase: The session's phase.
            from_outside: Whether the signal came from the machine or a service; a request of the user counts more.
        """
        by_person = self._files.take_request(requests.RequestKind.STOP) or not from_outside
        text = "Stopped by the user" if by_person else ENDED_FROM_OUTSIDE
        if by_person:
            end_waiting(self._files.folder)
        self._files.stopped(phase, text)
        return RunResult(RunEndReason.STOPPED, f"{text}.", phase, by_person=by_person)

    def log(self, end: RunResult) -> None:
        """Append the end to the journal.

        Raises:
            StorageError: The disk refused.
        """
        self._files.log(
            EventName.RUN_END,
            reason=end.reason,
            cause=end.cause,
            text=end.text,
            exit_code=end.reason.exit_code,
            phase=end.phase,
            by="person" if end.by_person else "outside",
            of_day=end.of_day,
            paused=end.paused,
        )

    def log_failure(self, error: SamobotError) -> None:
        """Append the end by an error to the journal, if the disk still accepts it."""
        try:
            self._files.log(
                EventName.RUN_END,
                reason=RunEndReason.FAILED,
                cause=BlockCause.FAILURES,
                text=error.message,
                exit_code=error.exit_code,
                phase=None,
            )
        except StorageError:
            return
