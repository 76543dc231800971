"""One bot a token on this machine: two pollers would take each other's updates and both report a conflict."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from samobot.errors import BusyError, StorageError


def lock_folder(environ: Mapping[str, str]) -> Path:
    """Where the locks are: one place a user, whatever SAMOBOT_STATE_DIR says, as the token is what counts."""
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
        path = folder / f"bot-{hashlib.sha256(token.encode()).hexdigest()[:16]}.lock"
        try:
            for each in (folder.parent, folder):  # what is above a new folder would be open to everybody
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Not inherited by children: a worker that outlives the bot must not hold the bot's lock.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"The lock {path} cannot be opened: {error}. Check the folder.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise BusyError(
                f"Another samobot bot with this token runs on this machine (pid {holder}). "
                "Stop it first, or give this one a token of its own."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in; the file stays, as removing it would race with a waiting process."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a child between fork and exec shares it
        os.close(self._descriptor)
