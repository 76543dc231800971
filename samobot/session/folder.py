"""A session's folder: its paths, names of sessions, and finding one by name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from samobot.errors import BusyError, ConflictError, NotFoundError, StorageError, UsageError
from samobot.session.files import is_regular, make_logs_folder, move_aside, real_path, write_atomic
from samobot.session.lock import holder
from samobot.session.vault import Vault, vault_of

OVERVIEW = "_overview.md"
ARCHIVE = "_archive"
NAME_RULE = (
    "a name is 1 to 64 characters: lower-case letters, digits, dots, underscores and hyphens, "
    "beginning with a letter or a digit"
)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_ODD = re.compile(r"[^\w.+-]+")
_DATED = re.compile(r"(\d{2}-\d{2}-\d{2})-(.+)", re.ASCII | re.DOTALL)


_SIGNAL = "_signal.json"
_QA = "_qa.md"
_DECISIONS = "_decisions.jsonl"
_GUIDANCE = "_guidance.md"
LOGS = "_logs"
JOURNAL = "journal.jsonl"
_LOCK = "run.lock"
_STATE_FILES = (OVERVIEW, _SIGNAL, _QA, _DECISIONS, _GUIDANCE, f"{LOGS}/{JOURNAL}")


@dataclass(frozen=True)
class SessionFolder:
    """One session on disk; only paths, nothing is read or created.

    Each path is made once: a decision needs the same ones many times.

    Attributes:
        path: The folder itself.
    """

    path: Path

    @cached_property
    def name(self) -> str:
        """The session's name: the folder's name without its date."""
        return split_date(self.path.name)[1]

    @cached_property
    def overview(self) -> Path:
        """The state of the session."""
        return self.path / OVERVIEW

    @cached_property
    def signal(self) -> Path:
        """The agent's signal at the end of its iteration."""
        return self.path / _SIGNAL

    @cached_property
    def qa(self) -> Path:
        """The agent's questions and the user's answers."""
        return self.path / _QA

    @cached_property
    def guidance(self) -> Path:
        """The user's messages to the next iteration."""
        return self.path / _GUIDANCE

    @cached_property
    def decisions(self) -> Path:
        """Every approval, rejection and answer, one per line."""
        return self.path / _DECISIONS

    @cached_property
    def logs(self) -> Path:
        """The folder of logs, which git ignores."""
        return self.path / LOGS

    @cached_property
    def vault(self) -> Vault:
        """What samobot records of the session outside it."""
        return vault_of(self.path)

    @cached_property
    def journal(self) -> Path:
        """A copy of the session's events for reading, one per line; the vault's journal is what counts."""
        return self.logs / JOURNAL

    @property
    def state_files(self) -> tuple[str, ...]:
        """The files that hold the session's state, as strings: for callers that stat them at every poll.

        Making a `Path` costs more than the stat.
        """
        return (*self._files(_STATE_FILES), *self.vault.state_files)

    @property
    def all_files(self) -> tuple[str, ...]:
        """The state files, the lock and the folder itself: what changes with anything that a status shows."""
        return (os.fspath(self.path), *self.state_files, *self._files((f"{LOGS}/{_LOCK}",)))

    def _files(self, names: Iterable[str]) -> list[str]:
        path = os.fspath(self.path)
        return [f"{path}/{name}" for name in names]

    @cached_property
    def lock(self) -> Path:
        """Held by the living worker."""
        return self.logs / _LOCK

    @property
    def is_archived(self) -> bool:
        """Whether the session is in the archive."""
        return self.path.parent.name == ARCHIVE

    def check(self) -> None:
        """Refuse a folder whose files are elsewhere.

        Raises:
            UsageError: A nested `_samocode/`, or a `_logs` that leads out of the folder.
        """
        nested = self.path / "_samocode"
        # A folder that cannot be searched is reported by whoever reads its files; pathlib would raise here.
        if os.path.isdir(nested):
            raise UsageError(
                f"{self.path} holds a nested _samocode/ folder. Session files belong directly in the session's "
                f"folder: move everything in {nested} one level up and delete the empty folder."
            )
        if os.path.islink(self.logs) and not real_path(self.logs).is_relative_to(real_path(self.path)):
            raise UsageError(f"{self.logs} is a link that leads out of the session's folder; remove it.")

    def prepare(self) -> None:
        """Create the folder and its `_logs`, which git ignores. Safe to repeat.

        Raises:
            UsageError: As for `check`.
            StorageError: The folder cannot be created.
        """
        self.check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            make_logs_folder(self.logs)
            ignore = self.logs / ".gitignore"
            if not is_regular(ignore):
                move_aside(ignore, self.logs)  # writing would follow a link
            if not ignore.exists():
                write_atomic(ignore, "*\n")
        except OSError as error:
            raise StorageError(f"The session folder {self.path} cannot be made: {error.strerror}.") from error


def split_date(folder_name: str) -> tuple[str | None, str]:
    """Split a folder's name into its `YY-MM-DD` date, if it begins with one, and the session's name.

    That has letters, digits, `.`, `_`, `-` and `+` only: whoever makes a folder by hand, as an agent may, could otherwise
    put a sentence, a mention or a command into each message about the session.
    """
    match = _DATED.fullmatch(folder_name)
    when, rest = (match[1], match[2]) if match else (None, folder_name)
    return when, _ODD.sub("-", rest).lstrip("-") or "session"


def clean_name(text: str) -> str:
    """Convert user input to a session's name: lower case, hyphens for spaces.

    Raises:
        UsageError: It is not a valid name; nothing that could leave the sessions folder is.
    """
    name = _normalize(text)
    if not _NAME.fullmatch(name):
        shown = text.strip() if len(text.strip()) <= 80 else text.strip()[:80] + "…"
        raise UsageError(f"“{shown}” cannot be a session's name: {NAME_RULE}.")
    return name


def clean_address(text: str) -> str:
    """Convert user input to the name of a session or of its folder, which has a date in front.

    Raises:
        UsageError: It is neither.
    """
    when, rest = split_date(_normalize(text))
    return clean_name(text) if when is None else f"{when}-{clean_name(rest)}"


def resolve(sessions_dir: Path, name: str) -> SessionFolder | None:
    """Find a session: the folder of exactly that name, else the newest `YY-MM-DD-name`, else None.

    A link never stands before a folder: an agent may have made it.

    Raises:
        UsageError: The name is not valid, the folder is a link out of `sessions_dir`, or it holds a
            nested `_samocode/`.
    """
    address = clean_address(name)
    found = sorted(_named(sessions_dir, address))
    if not found:
        return None
    path = sessions_dir / found[-1].name
    if not vault_of(path).journal.exists():
        # An agent may have made it, while it works on another one of that name.
        open_ones = (sessions_dir / each.name for each in reversed(found))
        path = next((each for each in open_ones if vault_of(each).baseline.exists()), path)
    if not _stays_inside(path, sessions_dir):
        raise UsageError(
            f"{path} is a link that leads out of {sessions_dir}; a session has to be a folder in there."
        )
    folder = SessionFolder(path)
    folder.check()
    return folder


class _Named(NamedTuple):
    """A folder that an address may mean; the greatest one is meant."""

    is_folder: bool
    is_exact: bool
    date: str
    name: str


def _named(sessions_dir: Path, address: str) -> Iterator[_Named]:
    for entry in _entries(sessions_dir):
        when, rest = split_date(entry.name)
        is_exact = _normalize(entry.name) == address
        if is_exact or (when is not None and _normalize(rest) == address):
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder or os.path.isdir(entry.path):
                yield _Named(is_folder, is_exact, when or "", entry.name)


def usurpers(folder: SessionFolder) -> set[str]:
    """Names of folders without records that its name would find before this session: an agent may have made them.

    Raises:
        StorageError: The folder of sessions cannot be read.
    """
    place = folder.path.parent
    found = sorted(_named(place, _normalize(folder.name)))
    own = next((index for index, each in enumerate(found) if each.name == folder.path.name), len(found))
    return {
        each.name
        for each in found[own + 1 :]
        if each.is_folder and not vault_of(place / each.name).journal.exists()
    }


def new_folder(sessions_dir: Path, name: str, today: date) -> SessionFolder:
    """Return the folder of a new session; nothing is created.

    Raises:
        UsageError: The name is not valid.
    """
    return SessionFolder(sessions_dir / f"{today:%y-%m-%d}-{clean_name(name)}")


def list_folders(sessions_dir: Path) -> list[SessionFolder]:
    """List the sessions in a folder, by folder name: see `list_names`."""
    return [SessionFolder(sessions_dir / name) for name in list_names(sessions_dir)]


def list_names(sessions_dir: Path) -> list[str]:
    """List the names of the sessions' folders in a folder, sorted: subfolders with a date or an overview.

    Archived and hidden ones and links are excluded. A missing folder has none.

    Raises:
        StorageError: The folder cannot be read.
    """
    found: list[str] = []
    for entry in _entries(sessions_dir):
        if entry.name.startswith((".", "_")) or not entry.is_dir(follow_symlinks=False):
            continue
        dated = split_date(entry.name)[0] is not None
        if dated or os.path.lexists(os.path.join(entry.path, OVERVIEW)):
            found.append(entry.name)
    return sorted(found)


def archive(folder: SessionFolder) -> Path:
    """Move a session to `_archive/` beside it and return its new path.

    Raises:
        BusyError: A worker holds the session.
        NotFoundError: The folder does not exist.
        StorageError: It cannot be moved.
    """
    held = holder(folder)
    if held is not None:
        raise BusyError(f"{folder.name} is running ({held.describe()}); stop it before archiving it.")
    if not folder.path.is_dir():
        raise NotFoundError(f"There is no session folder {folder.path}.")
    archive_dir = folder.path.parent / ARCHIVE
    try:
        archive_dir.mkdir(exist_ok=True)
        target = archive_dir / folder.path.name
        number = 2
        while os.path.lexists(target):
            target = archive_dir / f"{folder.path.name}-{number}"
            number += 1
        folder.path.rename(target)
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be moved to {archive_dir}: {error.strerror}.") from error
    folder.vault.move(vault_of(target))
    return target


def restore(folder: SessionFolder) -> Path:
    """Move an archived session back beside the others and return its new path.

    Raises:
        NotFoundError: The folder does not exist.
        ConflictError: A session of that folder name exists.
        StorageError: It cannot be moved.
    """
    target = folder.path.parent.parent / folder.path.name
    if folder.path.parent.name != ARCHIVE or not folder.path.is_dir():
        raise NotFoundError(f"There is no archived session {folder.path.name}.")
    if os.path.lexists(target):
        raise ConflictError(f"{target} exists already; archive or rename it first.")
    try:
        folder.path.rename(target)
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be moved to {target}: {error.strerror}.") from error
    folder.vault.move(vault_of(target))
    return target


def _normalize(text: str) -> str:
    return re.sub(r"\s+", "-", text.strip()).lower()


def _stays_inside(path: Path, parent: Path) -> bool:
    return real_path(path).parent == real_path(parent)


def _entries(sessions_dir: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(sessions_dir) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"The sessions folder {sessions_dir} cannot be read: {error.strerror}.") from error
