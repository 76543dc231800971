"""What the user can do about an error of the file system."""

from __future__ import annotations

import errno
from pathlib import Path

from samobot.errors import StorageError

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
