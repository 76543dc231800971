"""Files that the user sends to the agent: saved into the session's folder, listed, and named in the guidance.

They are called `MM-DD-HH:mm-from-you-NAME`, listed under `## Files` of the overview, and given to the next iteration
by a guidance item with their paths.
"""

from __future__ import annotations

import itertools
import mimetypes
import os
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from samobot.frozen import frozen
from samobot.session import gate
from samobot.session.files import read_text, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import refuse_if_done
from samobot.session.overview_edits import add_file
from samobot.session.vault import edit_lock
from samobot.text import human_size, one_line

FILE_BYTES = 50 * 1024 * 1024
"""Bytes that one file may have."""

_MARK = "-from-you-"
_NAMED = re.compile(rf"\d\d-\d\d-\d\d:\d\d{_MARK}.+", re.DOTALL)
_NAME_BYTES = 100
_SENT = re.compile(
    r"(?:\A|\n\n)I have sent you (?:this file|these files), so read (?:it|them):\n(- .+)\Z", re.DOTALL
)


@frozen
class NewFile:
    """A file to be saved.

    Attributes:
        name: Its name as the sender's device gave it; anything.
        data: Its content.
    """

    name: str
    data: bytes


def is_from_user(name: str) -> bool:
    """Whether a file of a session was sent by the user: never the agent's plan, summary or note."""
    return _NAMED.fullmatch(name) is not None


def save_files(
    folder: SessionFolder, files: Sequence[NewFile], who: str, text: str, now: datetime
) -> tuple[str, ...]:
    """Save files and announce them to the next iteration. Safe to repeat after a crash: the same file is kept once.

    Args:
        folder: The session.
        files: The files.
        who: Who sent them.
        text: What the sender wrote with them; may be empty.
        now: The time, aware.

    Returns:
        The names under which they are in the folder.

    Raises:
        ConflictError: The session is done.
        StorageError: The disk refused; files that were written before stay, unlisted.
    """
    stamp = f"{now.astimezone():%m-%d-%H:%M}{_MARK}"
    names: list[str] = []
    with edit_lock(folder.path):
        refuse_if_done(folder)
        for file in files:
            names.append(_write(folder.path, stamp, safe_name(file.name), file.data))
        overview = read_text(folder.overview)
        if overview is not None:
            listed = overview
            for name, file in zip(names, files, strict=True):
                if name not in listed:
                    listed = add_file(
                        listed,
                        f"{name}: {_kind(name)} from {one_line(who, 64)}, {human_size(len(file.data))}",
                    )
            if listed != overview:
                write_atomic(folder.overview, listed)
    gate.tell(folder, _guidance(folder.path, names, text), who, now, once=True)
    return tuple(names)


def split_guidance(text: str) -> tuple[str, tuple[str, ...]]:
    """Split guidance into what the user wrote and the names of the files that were sent with it."""
    sent = _SENT.search(text)
    if sent is None:
        return text, ()
    return text[: sent.start()], tuple(line.rpartition(_MARK)[2] for line in sent[1].splitlines())


def safe_name(name: str) -> str:
    """Make a name that is one plain part of a path: no folder, no hidden file, no control or shell character."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = re.sub(r"[^\w.-]+", "-", plain).strip("-.")
    stem, dot, suffix = kept.rpartition(".")
    if not dot or len(suffix.encode()) > 16:
        stem, dot, suffix = kept, "", ""
    room = _NAME_BYTES - len(dot) - len(suffix.encode())
    return (stem.encode()[:room].decode(errors="ignore") + dot + suffix) or "file"


def _write(folder: Path, stamp: str, name: str, data: bytes) -> str:
    """Write a file under a free name; the same file that was sent before, such as before a crash, is kept once."""
    present = os.listdir(folder)
    for each in present:
        if is_from_user(each) and each.endswith(f"{_MARK}{name}") and _holds(folder / each, data):
            return each
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    free = f"{stamp}{name}"
    for number in itertools.count(2):
        if free not in present:
            break
        free = f"{stamp}{stem}-{number}{dot}{suffix}"
    write_atomic(folder / free, data)  # a new file's mode never lets it be executed
    return free


def _holds(path: Path, data: bytes) -> bool:
    return (
        path.is_file()
        and not path.is_symlink()
        and path.stat().st_size == len(data)
        and path.read_bytes() == data
    )


def _guidance(folder: Path, names: Sequence[str], text: str) -> str:
    paths = [f"- {_kind(name)}: {folder / name}" for name in names]
    said = f"{text.strip()}\n\n" if text.strip() else ""
    what = "this file" if len(names) == 1 else "these files"
    return "\n".join(
        [f"{said}I have sent you {what}, so read {'it' if len(names) == 1 else 'them'}:", *paths]
    )


def _kind(name: str) -> str:
    kind = (mimetypes.guess_type(name)[0] or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video", "text") else "file"
