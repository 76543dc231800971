"""A session's folder: where its files are, how it is found by name, and what a name may be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from samobot.errors import BusyError, NotFoundError, StorageError, UsageError
from samobot.session.files import require_logs_folder
from samobot.session.lock import holder

OVERVIEW = "_overview.md"
ARCHIVE = "_archive"
NAME_RULE = (
    "a name is 1 to 64 characters: lower-case letters, digits, dots, underscores and hyphens, "
    "beginning with a letter or a digit"
)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_DATED = re.compile(r"(\d{2}-\d{2}-\d{2})-(.+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """One session on disk. Only paths: nothing is read or made until it is asked for.

    Attributes:
        path: The folder itself.
    """

    path: Path

    @property
    def name(self) -> str:
        """The session's name: the folder's name without its date."""
        return split_date(self.path.name)[1]

    @property
    def overview(self) -> Path:
        """Where the session stands."""
        return _inside(self.path, OVERVIEW)

    @property
    def signal(self) -> Path:
        """What the agent said at the end of its iteration."""
        return _inside(self.path, "_signal.json")

    @property
    def qa(self) -> Path:
        """The agent's questions and a person's answers."""
        return _inside(self.path, "_qa.md")

    @property
    def guidance(self) -> Path:
        """What a person wants the next iteration to know."""
        return _inside(self.path, "_guidance.md")

    @property
    def decisions(self) -> Path:
        """Every approval, rejection and answer, one a line."""
        return _inside(self.path, "_decisions.jsonl")

    @property
    def logs(self) -> Path:
        """The folder of everything that no repository should hold."""
        return _inside(self.path, "_logs")

    @property
    def journal(self) -> Path:
        """What happened, one event a line."""
        return _inside(self.logs, "journal.jsonl")

    @property
    def state_files(self) -> tuple[str, ...]:
        """The files that say where the session stands, as text: for those who look at them again and again.

        A `Path` for each look would cost more than the look itself.
        """
        found = (
            self.overview, self.signal, self.qa, self.decisions, self.guidance, self.control, self.journal,
        )  # fmt: skip
        return tuple(map(os.fspath, found))

    @property
    def lock(self) -> Path:
        """Held by the living worker."""
        return _inside(self.logs, "run.lock")

    @property
    def control(self) -> Path:
        """Requests to the living worker."""
        return _inside(self.logs, "control.json")

    def check(self) -> None:
        """Refuse a folder whose files would not be where they are looked for.

        Raises:
            UsageError: A nested `_samocode/`, or a `_logs` that leads out of the folder.
        """
        nested = self.path / "_samocode"
        if nested.is_dir():
            raise UsageError(
                f"{self.path} holds a nested _samocode/ folder. Session files belong directly in the session's "
                f"folder: move everything in {nested} one level up and delete the empty folder."
            )
        if self.logs.is_symlink() and not self.logs.resolve().is_relative_to(self.path.resolve()):
            raise UsageError(f"{self.logs} is a link that leads out of the session's folder; remove it.")

    def prepare(self) -> None:
        """Make the folder and its `_logs`, which git is told to ignore. Safe to repeat.

        Raises:
            UsageError: As for `check`.
            StorageError: The folder cannot be made.
        """
        self.check()
        require_logs_folder(self.logs)
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            ignore = self.logs / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise StorageError(f"The session folder {self.path} cannot be made: {error.strerror}.") from error


@lru_cache(maxsize=64)
def _inside(folder: Path, name: str) -> Path:
    """Return a path in a folder: who reads a session asks for the same ones many times in a row."""
    return folder / name


def split_date(folder_name: str) -> tuple[str | None, str]:
    """Split a folder's name into its `YY-MM-DD` date, if it begins with one, and the rest."""
    match = _DATED.fullmatch(folder_name)
    return (match[1], match[2]) if match else (None, folder_name)


def clean_name(text: str) -> str:
    """Turn what a person typed into a session's name: lower case, hyphens for spaces.

    Raises:
        UsageError: What remains is not a name; nothing that could leave the sessions folder is one.
    """
    name = _spelled(text)
    if not _NAME.fullmatch(name):
        shown = text.strip() if len(text.strip()) <= 80 else text.strip()[:80] + "…"
        raise UsageError(f"“{shown}” cannot be a session's name: {NAME_RULE}.")
    return name


def clean_address(text: str) -> str:
    """Turn what a person typed into the name of a session or of its folder, which has a date in front.

    Raises:
        UsageError: What remains is neither.
    """
    when, rest = split_date(_spelled(text))
    return clean_name(text) if when is None else f"{when}-{clean_name(rest)}"


def resolve(sessions_dir: Path, name: str) -> SessionFolder | None:
    """Find a session: the folder of exactly that name, else the newest `YY-MM-DD-name`, else None.

    Raises:
        UsageError: The name is not a name, the folder is a link that leads out of `sessions_dir`, or it
            holds a nested `_samocode/`.
    """
    wanted = clean_address(name)
    exact: str | None = None
    dated: list[tuple[str, str]] = []
    for entry in _entries(sessions_dir):
        when, rest = split_date(entry.name)
        if _spelled(entry.name) == wanted and entry.is_dir():
            exact = entry.name
        elif when is not None and _spelled(rest) == wanted and entry.is_dir():
            dated.append((when, entry.name))
    found = exact or max(dated, default=("", None))[1]
    if found is None:
        return None
    path = sessions_dir / found
    if not _stays_inside(path, sessions_dir):
        raise UsageError(
            f"{path} is a link that leads out of {sessions_dir}; a session has to be a folder in there."
        )
    folder = SessionFolder(path)
    folder.check()
    return folder


def new_folder(sessions_dir: Path, name: str, today: date) -> SessionFolder:
    """Say where a new session goes; makes nothing.

    Raises:
        UsageError: The name is not a name.
    """
    return SessionFolder(sessions_dir / f"{today:%y-%m-%d}-{clean_name(name)}")


def list_folders(sessions_dir: Path) -> list[SessionFolder]:
    """List the sessions in a folder, by folder name: those that look dated or hold an overview.

    Archived ones, hidden ones, and links that lead elsewhere are left out. A missing folder has none.
    """
    found: list[str] = []
    for entry in _entries(sessions_dir):
        if entry.name.startswith((".", "_")):
            continue
        dated = split_date(entry.name)[0] is not None
        if entry.is_symlink() and not _stays_inside(Path(entry.path), sessions_dir):
            continue
        if entry.is_dir() and (dated or os.path.lexists(os.path.join(entry.path, OVERVIEW))):
            found.append(entry.name)
    return [SessionFolder(sessions_dir / name) for name in sorted(found)]


def archive(folder: SessionFolder) -> Path:
    """Move a session to `_archive/` beside it and return where it is now.

    Raises:
        BusyError: A worker holds the session.
        NotFoundError: There is no such folder.
        StorageError: It cannot be moved.
    """
    held = holder(folder)
    if held is not None:
        raise BusyError(f"{folder.name} is running ({held.describe()}); stop it before archiving it.")
    if not folder.path.is_dir():
        raise NotFoundError(f"There is no session folder {folder.path}.")
    shelf = folder.path.parent / ARCHIVE
    try:
        shelf.mkdir(exist_ok=True)
        target = shelf / folder.path.name
        number = 2
        while os.path.lexists(target):
            target = shelf / f"{folder.path.name}-{number}"
            number += 1
        folder.path.rename(target)
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be moved to {shelf}: {error.strerror}.") from error
    return target


def _spelled(text: str) -> str:
    return re.sub(r"\s+", "-", text.strip()).lower()


def _stays_inside(path: Path, parent: Path) -> bool:
    return path.resolve().parent == parent.resolve()


def _entries(sessions_dir: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(sessions_dir) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StorageError(f"The sessions folder {sessions_dir} cannot be read: {error.strerror}.") from error
