"""A session's folder and overview while an iteration runs: what the worker keeps there is not the agent's to change.

What the overview has to hold is in the vault, also for the worker that comes after one that was killed; see `baseline`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.files import is_regular, is_too_large, move_aside, read_text, real_path, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.overview_restore import kept_name, restore_overview
from samobot.session.vault import edit_lock
from samobot.system.platform.current import platform


class OverviewGuard:
    """The overview of one session, as it was before an iteration.

    Args:
        folder: The session.

    Attributes:
        lost: After `restore`, that the folder itself had been deleted or moved away, and how to recover;
            None if it had not.
    """

    def __init__(self, folder: SessionFolder) -> None:
        self.lost: str | None = None
        self._folder = folder
        self._hold: FolderHandle | None = None

    def hold(self) -> None:
        """Remember which folder this is, until `restore`.

        Raises:
            StorageError: It cannot be opened.
        """
        self._let_go()
        self._hold = FolderHandle(self._folder.path)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def restore(self) -> tuple[str, ...]:
        """Revert forbidden changes of the overview: deleting it, overwriting it, changing the phase.

        The agent's own lines stay. What stands in the place of a file is moved into `_logs`, never deleted. Safe to
        repeat.

        Returns:
            A sentence for the user for each thing that was restored; usually none.

        Raises:
            StorageError: The folder cannot be written.
        """
        folder = self._folder
        self.lost = self._hold.lost() if self._hold is not None else None
        _unlock(folder)
        moved = tuple(self._clear_the_logs())
        folder.prepare()
        with edit_lock(folder.path):
            moved += tuple(self._clear_the_way())
            before = read_text(folder.vault.overview) if folder.vault.baseline.exists() else None
            notes = () if before is None else self._restore_lines(before)
        self._let_go()
        # That the folder is another one explains all the rest.
        return (self.lost,) if self.lost is not None else (*moved, *notes)

    def _clear_the_logs(self) -> Iterator[str]:
        logs = self._folder.logs
        inside = real_path(logs).is_relative_to(real_path(self._folder.path))
        leads_out = logs.is_symlink() and not inside
        if leads_out or (os.path.lexists(logs) and not logs.is_dir()):
            aside = move_aside(logs, self._folder.path)
            yield f"_logs was no longer a folder; it is {aside.name} now, and the logs are lost."

    def _clear_the_way(self) -> Iterator[str]:
        if not is_regular(lock := self._folder.lock):
            # The worker holds the lock on the file that was there, and takes a new one.
            yield f"The run lock was replaced; what stood there is in _logs/{move_aside(lock, self._folder.logs).name}."
        for path in (self._folder.overview, self._folder.signal, self._folder.guidance):
            if not os.path.lexists(path):
                continue
            if not path.is_file():
                aside = move_aside(path, self._folder.logs)
                yield f"{path.name} had become something that is no file; it is in _logs/{aside.name} now."
            elif is_too_large(path):
                aside = move_aside(path, self._folder.logs)
                yield f"{path.name} had become too large to be read; it is in _logs/{aside.name} now."

    def _restore_lines(self, before: str) -> tuple[str, ...]:
        path = self._folder.overview
        text = read_text(path)
        restored = restore_overview(before, text)
        if restored.keep and text is not None:
            write_atomic(self._folder.logs / kept_name(text), text)
        if restored.text != text:
            write_atomic(path, restored.text)
        return restored.notes


def _unlock(folder: SessionFolder) -> None:
    """Let us read again what an agent, which is the same user, has locked; it is judged like any other content."""
    for path, bits in ((folder.path, 0o700), (folder.logs, 0o700)):
        _allow(path, bits)
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    _allow(Path(entry.path), 0o600 if path == folder.logs else 0o400)


def _allow(path: Path, bits: int) -> None:
    with contextlib.suppress(OSError):  # what is not ours is reported by whoever reads it
        mode = os.lstat(path).st_mode
        if not stat.S_ISLNK(mode) and mode & bits != bits:
            os.chmod(path, stat.S_IMODE(mode) | bits)


class FolderHandle:
    """Keeps a folder open, so that it can be distinguished from another one put in its place later.

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
        """Report that the folder is no longer at its path, and how to recover; None if it is.

        To be asked before anything is made again there, but acted on after that: the text lists what was restored.
        """
        held = os.fstat(self._descriptor)
        try:
            if os.path.samestat(held, os.stat(self._path)):
                return None
        except OSError:
            pass  # nothing is there
        where = self._whereabouts(held)
        if where is not None:
            return (
                f"The session's folder was moved to {where} during the iteration. So that it does not continue in two "
                f"places, it waits for you: delete the new {self._path}, which holds little more than the overview, "
                f"and move {where} back there; then resume it."
            )
        return (
            "The session's folder was deleted during the iteration. Overview, journal and answers are back; "
            f"plans, guidance and logs are lost. If you have a copy, restore them into {self._path}; then resume it."
        )

    def release(self) -> None:
        """Close the folder."""
        os.close(self._descriptor)

    def _whereabouts(self, held: os.stat_result) -> Path | None:
        """Where the folder is now; None if it was deleted, or the system does not report it."""
        found = platform().path_of(self._descriptor)
        try:
            return found if found is not None and os.path.samestat(held, found.stat()) else None
        except OSError:
            return None
