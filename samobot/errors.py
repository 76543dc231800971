"""The errors that are ours.

Each is raised with one sentence that says what is wrong, where, and what to do; each surface (the command
line, the chat) turns it into one line for a person at exactly one place.
"""

from __future__ import annotations


class SamobotError(Exception):
    """Something a person can understand and act on went wrong.

    Args:
        message: One or two plain sentences: what is wrong, where, what to do.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(SamobotError):
    """What was asked for, or how samobot is configured, cannot work as it is; nothing was changed."""

    exit_code = 2


class NotFoundError(UsageError):
    """No session, project or file of that name."""


class BusyError(SamobotError):
    """Another worker holds the session (exit code 75, as `EX_TEMPFAIL` of sysexits.h)."""

    exit_code = 75


class ConflictError(SamobotError):
    """What holds now is not what the person decided about: a changed plan, a question answered meanwhile."""


class DayOverError(ConflictError):
    """All sessions together have used up the day's budget; a person may allow more."""


class StorageError(SamobotError):
    """The disk or the file system refused: full, read-only, or gone."""
