"""The exceptions of this package; the command line and the chat each show the message in exactly one place."""

from __future__ import annotations

import errno
from pathlib import Path


class SamobotError(Exception):
    """An error that the user can understand and act on.

    Args:
        message: One or two plain sentences: what is wrong, where, what to do.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(SamobotError):
    """The request or the configuration is invalid; nothing was changed."""

    exit_code = 2


class WorktreeGoneError(UsageError):
    """A session's worktree was deleted; it can be recreated from its branch."""


class NotFoundError(UsageError):
    """There is no session, project, question or file of that name."""


class BusyError(SamobotError):
    """Another worker holds the session (exit code 75, as `EX_TEMPFAIL` of sysexits.h)."""

    exit_code = 75


class ConflictError(SamobotError):
    """The state has changed since the user decided: another plan, a question that was answered meanwhile."""


class SessionDoneError(ConflictError):
    """The session is done, so no iteration would read a decision or guidance.

    Args:
        session: The session's name.
    """

    def __init__(self, session: str) -> None:
        super().__init__(f"{session} is done; start a session of another name for what is next.")
        self.session = session


class DayOverError(ConflictError):
    """All sessions together have used up the day's budget; the user can raise it."""


class HostAwayError(SamobotError):
    """A host cannot be reached now; nothing was changed there."""


class SavedForHostError(SamobotError):
    """A decision is kept for a host that cannot be reached now, and is carried out once it can be.

    Args:
        message: What is kept, and why.
        decision: Names the decision in the event that reports its end.
    """

    def __init__(self, message: str, decision: str = "") -> None:
        super().__init__(message)
        self.decision = decision


class StorageError(SamobotError):
    """A file operation failed: disk full, read-only, unreadable or missing."""


_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EROFS: "the file system is read-only; mount it writable or move the sessions",
    errno.EACCES: "permission denied; check who owns the file and its folder",
    errno.EPERM: "the system does not permit it; check who owns the file and its folder",
    errno.ENOENT: "its folder is gone; restore it, or start a new session",
    errno.ENOTDIR: "a part of its path is not a folder; check the path",
    errno.EISDIR: "it is a folder where a file belongs; move the folder away",
    errno.ELOOP: "its symbolic links go in a circle; remove them",
    errno.ENAMETOOLONG: "its name is too long; use a shorter one",
    errno.EIO: "the disk reports an error; check the disk",
}


def storage_error(verb: str, path: Path, error: OSError) -> StorageError:
    """Return the error to raise when the file system refused to `verb` a file, with what can be done about it."""
    remedy = _REMEDIES.get(error.errno or 0, f"{error.strerror or error}; check the disk and the path")
    return StorageError(f"Cannot {verb} {path}: {remedy}.")
