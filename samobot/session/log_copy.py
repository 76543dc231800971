"""The logs of iterations in `_logs`: copies of what the CLI wrote to its stdout, which is a file in the vault.

The worker reads cost and outcome from the file in the vault, so nothing that an agent adds to the copy changes them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from samobot.errors import StorageError, storage_error
from samobot.session.files import make_folder, move_aside, open_regular
from samobot.session.folder import SessionFolder

LOG_LIMIT = 512 * 1024 * 1024
"""Bytes of an iteration's log that are kept: the longest ones have a hundredth of that."""

_BLOCK = 1024 * 1024


def new_stream(folder: SessionFolder, name: str) -> Path:
    """The file that becomes the stdout of an iteration whose log has this name.

    Raises:
        StorageError: Its folder cannot be made.
    """
    streams = folder.vault.streams
    folder.vault.prepare()
    make_folder(streams, 0o700)
    return streams / name


def restore_logs(folder: SessionFolder, *, after_crash: bool = False) -> tuple[str, ...]:
    """Complete the logs of iterations that have ended, and remove the files that they are copies of.

    Args:
        folder: The session; its `_logs` is a folder.
        after_crash: Whether a worker may have died before it had copied all: then that is completed silently.

    Returns:
        A sentence for the user for each log that was not as the CLI wrote it.

    Raises:
        StorageError: A file cannot be read or written.
    """
    found: list[str] = []
    for path in sorted(_streams(folder)):
        copy = folder.logs / path.name
        try:
            if path.suffix == ".jsonl":
                sentence = _complete(path, copy, silent=after_crash)
                found += [] if sentence is None else [sentence]
            elif path.stat().st_size:
                _replace(path, copy)
            path.unlink()
        except OSError as error:
            raise storage_error("copy", path, error) from error
    return tuple(found)


def _streams(folder: SessionFolder) -> Iterator[Path]:
    try:
        yield from folder.vault.streams.iterdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error("read", folder.vault.streams, error) from error


def _complete(path: Path, copy: Path, *, silent: bool) -> str | None:
    size = path.stat().st_size
    if size > LOG_LIMIT:
        return f"The output of an iteration was blown up to {size:,} bytes; {copy.name} holds what samobot has copied of it."
    copied = _length_of_copy(path, copy)
    if copied == size:
        return None
    if copied is None and os.path.lexists(copy):
        aside = move_aside(copy, copy.parent)
        _replace(path, copy)
        return f"The log of an iteration was not as it was written; it is back, what differed is in _logs/{aside.name}."
    _replace(path, copy)
    if silent or not size:
        return None
    return f"The log {copy.name} was {'deleted' if copied is None else 'shortened'}; it is back."


def _length_of_copy(path: Path, copy: Path) -> int | None:
    """Bytes of a copy that is the beginning of a file; None if it is something else or missing."""
    try:
        with open_regular(copy) as theirs, open_regular(path) as ours:
            if os.path.islink(copy):
                return None
            length = os.fstat(theirs.fileno()).st_size
            if length > os.fstat(ours.fileno()).st_size:
                return None
            mine, other = hashlib.sha256(), hashlib.sha256()
            left = length
            while left and (block := theirs.read(min(_BLOCK, left))):
                other.update(block)
                mine.update(ours.read(len(block)))
                left -= len(block)
            return length if mine.digest() == other.digest() else None
    except (OSError, StorageError):
        return None


def _replace(path: Path, copy: Path) -> None:
    """Copy a file whole: a reader sees the old one or the new one."""
    draft = copy.with_name(f".samobot-{secrets.token_hex(8)}.tmp")
    shutil.copyfile(path, draft)
    os.replace(draft, copy)
