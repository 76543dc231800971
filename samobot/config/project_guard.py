"""Keeps an agent from moving a project: while an iteration runs, its `.samocode` counts as it was when that began.

The file often lies in the repository that an agent works on. It names the folder of the sessions and what prepares a
worktree, so an edit would hide a session and its open questions from the user. The copy is in the state folder,
together with who runs an iteration on it: a worker that was killed leaves its entry, and the next reader settles it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from samobot.config.project import KEYS, SETUP_KEY, parse_values
from samobot.errors import StorageError
from samobot.frozen import frozen
from samobot.session import journal
from samobot.session.file_lock import locked
from samobot.session.files import (
    is_unusable,
    make_folder,
    move_aside,
    read_bytes,
    real_path,
    remove,
    write_atomic,
)
from samobot.session.folder import SessionFolder
from samobot.session.journal_events import EventName
from samobot.session.lock import holder
from samobot.system.platform.current import identify, own_identity
from samobot.system.platform.process_identity import ProcessIdentity

_FOLDER = "projects"
_LOCK_WAIT_S = 10.0
VOID_KIND = "project"
"""The kind of the journal's event."""


@frozen
class _Runner:
    """A worker with an iteration of a session of the project."""

    session: str
    process: ProcessIdentity

    @property
    def is_alive(self) -> bool:
        if identify(self.process.pid) == self.process:
            return True
        # It may have been identified on another platform; a held lock is a worker, whatever else is known.
        try:
            held = holder(SessionFolder(Path(self.session)))
        except StorageError:
            return False
        return held is not None and held.identity == self.process


@frozen
class _Record:
    """A project's file as it was, and whose iterations began since.

    Attributes:
        content: What it held.
        link: Where it pointed, if it is a symbolic link of the user.
        folder: The project's folder, with all links followed.
        target: The file itself, with all links followed.
        runners: Workers, alive or not; never empty on disk.
    """

    content: bytes
    link: str | None
    folder: str
    target: str
    runners: tuple[_Runner, ...]


class ProjectGuard:
    """The `.samocode` files of this machine.

    Args:
        state_dir: The state folder.
        now: The clock, aware.
    """

    def __init__(self, state_dir: Path, now: Callable[[], datetime]) -> None:
        self._folder = state_dir / _FOLDER
        self._now = now

    def read(self, file: Path) -> bytes | None:
        """Return the content of a project's file; None if it is missing.

        Raises:
            StorageError: It cannot be read.
        """
        record = self._record(file)
        if record is None:
            return read_bytes(file)
        if not any(runner.is_alive for runner in record.runners):
            # A copy that cannot be restored, as on a full disk, still counts.
            with contextlib.suppress(StorageError):
                self.settle(file)
        return record.content

    def begin(self, file: Path, session: SessionFolder) -> None:
        """Keep the file as it is, as an iteration of a session begins.

        Raises:
            StorageError: The copy cannot be written.
        """
        process = own_identity()
        if process is None:
            return  # the system does not show processes: its end could not be seen later
        self.settle(file)
        with self._locked(file):
            record = self._record(file)
            if record is None:
                content = read_bytes(file)
                if content is None:
                    return
                link = os.readlink(file) if file.is_symlink() else None
                record = _Record(content, link, os.path.realpath(file.parent), os.path.realpath(file), ())
            runner = _Runner(os.fspath(session.path), process)
            self._write(file, replace(record, runners=(*record.runners, runner)))

    def end(self, file: Path, session: SessionFolder) -> str | None:
        """Put the file back if it was changed during the iteration that ends.

        Returns:
            A sentence for the user; None if it was not changed.

        Raises:
            StorageError: It cannot be restored.
        """
        with self._locked(file):
            record = self._record(file)
            if record is None:
                return None
            text = _restore(file, record, session.logs)
            own = _Runner(os.fspath(session.path), own_identity() or ProcessIdentity(os.getpid(), 0, ""))
            self._write(file, replace(record, runners=tuple(each for each in record.runners if each != own)))
            return text

    def settle(self, file: Path) -> None:
        """Put the file back where workers were killed during an iteration, and write that into their journals.

        Raises:
            StorageError: It cannot be restored.
        """
        with self._locked(file):
            record = self._record(file)
            if record is None:
                return
            dead = [runner for runner in record.runners if not runner.is_alive]
            if not dead:
                return
            for session in {runner.session for runner in dead}:
                folder = SessionFolder(Path(session))
                is_there = folder.logs.is_dir()
                text = _restore(file, record, folder.logs if is_there else self._folder)
                if text is not None and is_there:
                    journal.append(folder, EventName.VOID, self._now(), kind=VOID_KIND, detail=text)
            self._write(
                file, replace(record, runners=tuple(each for each in record.runners if each.is_alive))
            )

    def _path(self, file: Path) -> Path:
        digest = hashlib.sha256(os.fsencode(file.absolute())).hexdigest()
        return self._folder / f"{digest[:16]}.json"

    @contextlib.contextmanager
    def _locked(self, file: Path) -> Iterator[None]:
        make_folder(self._folder.parent, 0o700)
        make_folder(self._folder, 0o700)
        with locked(self._path(file).with_suffix(".lock"), wait=_LOCK_WAIT_S):
            yield

    def _record(self, file: Path) -> _Record | None:
        content = read_bytes(self._path(file))
        if content is None:
            return None
        try:
            values = json.loads(content)
            runners = tuple(
                _Runner(each["session"], ProcessIdentity(**each["process"])) for each in values["runners"]
            )
            content = base64.b64decode(values["content"], validate=True)
            return _Record(content, values["link"], values["folder"], values["target"], runners)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def _write(self, file: Path, record: _Record) -> None:
        if not record.runners:
            remove(self._path(file))
            return
        values = asdict(record) | {"content": base64.b64encode(record.content).decode("ascii")}
        write_atomic(self._path(file), json.dumps(values) + "\n", mode=0o600)


def _restore(file: Path, record: _Record, copies: Path) -> str | None:
    """Put a project's file back; returns a sentence for the user, None if it is as it was.

    What stood there is kept in the folder `copies`.
    """
    target = Path(record.target)
    link = os.readlink(file) if file.is_symlink() else None
    moved = [
        now
        for was, now in ((Path(record.folder), file.parent), (target.parent, target.parent))
        if real_path(now) != was
    ]
    is_same = link == record.link and (bool(moved) or real_path(file) == target)
    try:
        found = read_bytes(file) if is_same and not is_unusable(real_path(file)) else None
    except (StorageError, RuntimeError):
        found = None
    if found == record.content:
        return None
    if moved:
        # Through a link, the file of another project would be the one that is replaced.
        raise StorageError(
            f"{moved[0]} became a link to another folder during an iteration, so {file.name} there was not restored. "
            "Put the folder back where the link is."
        )
    kept = _clear_way(file)
    if found is not None:
        copy = copies / f"samocode-{hashlib.sha256(found).hexdigest()[:12]}"
        write_atomic(copy, found, mode=0o600)
        kept = f"; what stood there is in {copies.name}/{copy.name}"
    elif os.path.lexists(file):
        kept = f"; what stood there is {move_aside(file, file.parent).name} beside it"
    if record.link is not None and found is None:
        make_folder(file.parent)
        os.symlink(record.link, file)
    make_folder(target.parent)
    if is_unusable(target):
        move_aside(target, target.parent)
    write_atomic(target, record.content)
    what = "deleted or replaced" if found is None else f"changed ({_changes(record.content, found)})"
    return (
        f"{file.name} of the project {file.parent.name} was {what} during the iteration; it is back{kept}. "
        "If that was you, change it again while no iteration runs."
    )


def _clear_way(file: Path) -> str:
    """Move away what took the place of a folder on a file's path; returns where it is, for the user."""
    there = next(folder for folder in file.parents if os.path.lexists(folder))
    if there.is_dir():
        return ""
    return f"; what stood in the place of {there} is {move_aside(there, there.parent).name} beside it"


def _changes(before: bytes, after: bytes) -> str:
    """Name the keys whose values differ."""
    was, now = (parse_values(text.decode("utf-8", "replace")) for text in (before, after))
    return ", ".join(key for key in (*KEYS, SETUP_KEY) if was.get(key) != now.get(key)) or "other lines"
