"""How a process of the Claude CLI ended: made by `process`, classified by `outcome`."""

from __future__ import annotations

from enum import StrEnum

from samobot.frozen import frozen


class StoppedBy(StrEnum):
    """Who or which timeout ended a process; None if it ended on its own."""

    PERSON = "person"
    FIRST_EVENT = "first_event"
    SILENCE = "silence"
    EXIT = "exit"
    TIMEOUT = "timeout"
    DISK = "disk"


@frozen
class ProcessEnd:
    """How a process ended.

    Attributes:
        returncode: Its exit code; the negative number of the signal that killed it; None if it never ran.
        stopped_by: Who or which timeout ended it; None if it ended on its own.
        leftover: Number of processes that it left behind and that were ended.
        survivors: Process ids that could not be ended; normally empty.
        duration_s: Seconds from start to end.
        stderr: The last kilobytes it wrote to stderr.
        start_error: Why it could not be started; empty if it could.
        garbage: Lines on its stdout that were not JSON objects.
        skipped: Lines on its stdout that were too long to parse.
    """

    returncode: int | None
    stopped_by: StoppedBy | None = None
    leftover: int = 0
    survivors: tuple[int, ...] = ()
    duration_s: float = 0.0
    stderr: str = ""
    start_error: str = ""
    garbage: int = 0
    skipped: int = 0
