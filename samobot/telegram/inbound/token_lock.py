"""One bot a token on this machine: two pollers would take each other's updates and both report a conflict."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import BusyError
from samobot.session.file_lock import FileLock
from samobot.session.files import make_folder


def lock_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the locks: one a user, independent of SAMOBOT_STATE_DIR, as the token is what counts."""
    base = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "samobot" / "locks"


class TokenLock:
    """A lock on a token, held from construction until `release` or the end of the process.

    Args:
        token: The bot's token; only a hash of it is in the file's name.
        folder: Where the locks are, see `lock_folder`.

    Raises:
        BusyError: Another process holds it; the message names its pid.
        StorageError: The folder cannot be used.
    """

    def __init__(self, token: str, folder: Path) -> None:
        for each in (folder.parent, folder):  # what is above a new folder would be open to everybody
            make_folder(each, 0o700)
        self._lock = FileLock(folder / f"bot-{hashlib.sha256(token.encode()).hexdigest()[:16]}.lock")
        if not self._lock.acquire():
            holder = self._lock.read(32).decode("ascii", "replace").strip() or "unknown"
            self._lock.release()
            raise BusyError(
                f"Another samobot bot with this token runs on this machine (pid {holder}). "
                "Stop it first, or give this one a token of its own."
            )
        self._lock.write(f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the token; the file stays, as removing it would race with a waiting process."""
        self._lock.release()
