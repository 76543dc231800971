"""A hold on a session's folder for as long as an iteration runs: is it still the same one afterwards, or where is it?"""

from __future__ import annotations

import os
from pathlib import Path

from samobot.errors import StorageError


class Hold:
    """Keeps a folder open, so that it is told from another one that stands in its place later.

    Args:
        path: The folder.

    Raises:
        StorageError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}.") from error

    def lost(self) -> str | None:
        """Say that the folder is no longer at its path, and what a person can do; None where it is.

        To be asked before anything is made anew there, but acted on after that: the words say what is back.
        """
        held = os.fstat(self._descriptor)
        try:
            if os.path.samestat(held, os.stat(self._path)):
                return None
        except OSError:
            pass  # nothing is there any more
        where = self._whereabouts(held)
        if where is not None:
            return (
                f"The session's folder was moved to {where} during the iteration. So that it does not go on in two "
                f"places, it waits for you: delete the new {self._path}, which holds little more than the overview, "
                f"and move {where} back there; then let it go on."
            )
        return (
            "The session's folder was deleted during the iteration. Overview, journal and answers are back; "
            f"plans, guidance and logs are lost. If you have a copy, put them back into {self._path}; then let it go on."
        )

    def release(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)

    def _whereabouts(self, held: os.stat_result) -> Path | None:
        """Where the folder is now; None where it was deleted, or the system does not say."""
        try:
            found = Path(os.readlink(f"/proc/self/fd/{self._descriptor}"))
            return found if os.path.samestat(held, found.stat()) else None
        except OSError:
            return None
