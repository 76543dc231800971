"""The session's own journal, recreated from the vault's if anything else has written in it."""

from __future__ import annotations

import hashlib
import os

from samobot.session.files import (
    JOURNAL_LIMIT,
    append_line,
    is_unusable,
    move_aside,
    open_regular,
    read_bytes,
    write_atomic,
)
from samobot.session.folder import SessionFolder

_LONGEST_EVENT = 1024 * 1024
"""Bytes of an event that is still copied late."""


def restore_copy(folder: SessionFolder, *, after_crash: bool = False) -> str | None:
    """Make the session's journal the vault's again; what it held instead is kept in `_logs`.

    Args:
        folder: The session; its `_logs` is a folder.
        after_crash: Whether a worker may have died between writing an event and copying it: then events that only
            lack at the end of the copy are added silently.

    Returns:
        A sentence for the user; None if nothing was wrong.

    Raises:
        StorageError: The folder cannot be written.
    """
    vault, path = folder.vault, folder.journal
    with vault.locked():
        counts = read_bytes(vault.journal, limit=JOURNAL_LIMIT, lines=None)
        if counts is None:
            return None  # nothing is recorded yet, so nothing is a copy of it
        if is_unusable(path, limit=JOURNAL_LIMIT, lines=None):
            aside = move_aside(path, folder.logs)
            write_atomic(path, counts)
            return f"The journal was replaced; it is back, what stood there is in _logs/{aside.name}."
        found = read_bytes(path, limit=JOURNAL_LIMIT, lines=None)
        if found == counts:
            return None
        kept = None
        if found is not None and not counts.startswith(found):
            kept = f"journal-differing-{hashlib.sha256(found).hexdigest()[:12]}.jsonl"
            write_atomic(folder.logs / kept, found)
        write_atomic(path, counts)
    if kept is not None:
        return f"The journal in _logs was not as samobot wrote it; it is back, and what differed is in _logs/{kept}."
    if after_crash and found is not None:
        return None
    return f"The journal was {'deleted' if found is None else 'shortened'} during the iteration; it is back."


def append_copy(folder: SessionFolder, line: str, recorded: int) -> None:
    """Append an event to the session's journal, after the one before it if whoever recorded that died before copying it.

    Args:
        folder: The session.
        line: The event.
        recorded: How many bytes the vault's journal had before it.

    Raises:
        StorageError: The copy cannot be written.
    """
    path = folder.journal
    size = os.lstat(path).st_size if os.path.lexists(path) else recorded
    if 0 < recorded - size <= _LONGEST_EVENT:
        start = max(0, size - 1)
        with open_regular(folder.vault.journal) as file:
            file.seek(start)
            lines = file.read(recorded - start).split(b"\n")
        if size:
            lines = lines[1:] if not lines[0] else []  # else it was cut in the middle of a line
        # More than one were not lost by a death: they are restored and reported.
        if len(lines) == 2 and not lines[1]:
            append_line(path, lines[0].decode("utf-8", "surrogateescape"), durable=False)
    append_line(path, line, durable=False)


def remove_requests(folder: SessionFolder) -> str | None:
    """Move away a `control.json` from where samobot once took requests; nothing there was asked by a user.

    Returns:
        A sentence for the user; None if there was none.

    Raises:
        StorageError: It cannot be moved.
    """
    path = folder.logs / "control.json"
    if not os.path.lexists(path):
        return None
    aside = move_aside(path, folder.logs)
    return f"A request in _logs/control.json, which is not where users' requests are, had no effect: _logs/{aside.name}."
