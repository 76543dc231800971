"""Keeps the journal as it was when an iteration began, so that the agent cannot remove costs or events."""

from __future__ import annotations

import json
import zlib

from samobot.session.files import JOURNAL_LIMIT, is_unusable, move_aside, read_bytes, write_atomic
from samobot.session.folder import SessionFolder


class JournalGuard:
    """A session's journal, kept in memory for as long as an iteration runs.

    In memory, because an agent that takes the journal away mostly takes the whole folder.

    Args:
        folder: The session.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self._kept = b""

    def save(self) -> None:
        """Keep the journal as it is now.

        Raises:
            StorageError: It cannot be read.
        """
        self._kept = zlib.compress(read_bytes(self._folder.journal, limit=JOURNAL_LIMIT) or b"", 1)

    def restore(self) -> str | None:
        """Restore the journal if it was deleted, shortened or rewritten; what was appended since stays.

        Returns:
            A sentence for the user; None if nothing was wrong.

        Raises:
            StorageError: The folder cannot be written.
        """
        kept, self._kept = zlib.decompress(self._kept) if self._kept else b"", b""
        path = self._folder.journal
        aside = move_aside(path, self._folder.logs) if is_unusable(path, limit=JOURNAL_LIMIT) else None
        found = read_bytes(self._folder.journal, limit=JOURNAL_LIMIT)
        if not kept or (found is not None and found.startswith(kept)):
            return None
        known = set(kept.splitlines())
        added = [line for line in (found or b"").splitlines() if line not in known and _is_event(line)]
        write_atomic(self._folder.journal, b"".join(line + b"\n" for line in [kept.rstrip(b"\n"), *added]))
        what = "deleted" if found is None else "rewritten"
        where = f"; what stood there is in _logs/{aside.name}" if aside is not None else ""
        return f"The journal was {what} during the iteration; it is back{where}."


def _is_event(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
