"""Keeps a copy of `_overview.md` while an iteration runs, and restores the parts that only the worker may change.

The copy is on disk too, for the worker that comes after one that was killed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.file_lock import edit_lock
from samobot.session.files import is_too_large, move_aside, read_text, remove, write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.overview import Overview, parse_overview, set_status
from samobot.text import one_line


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
        self._path = folder.logs / "overview-before.md"
        self._text: str | None = None

    def save(self) -> None:
        """Keep the overview as it is now.

        Raises:
            StorageError: It cannot be read, or the copy not be written.
        """
        self._let_go()
        self._hold = FolderHandle(self._folder.path)
        self._text = read_text(self._folder.overview)
        if self._text is not None:
            write_atomic(self._path, self._text)

    def left_over(self) -> bool:
        """Whether a worker was killed before it could check its agent's changes."""
        return self._path.exists()

    def discard(self) -> None:
        """Forget the copy."""
        self._let_go()
        self._text = None
        remove(self._path)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def restore(self) -> tuple[str, ...]:
        """Revert forbidden changes of the overview: deleting it, overwriting it, changing the phase.

        The agent's own lines stay. What stands in the place of a file is moved into `_logs`, never deleted.

        Returns:
            A sentence for the user for each thing that was restored; usually none.

        Raises:
            StorageError: The folder cannot be written.
        """
        folder = self._folder
        self.lost = self._hold.lost() if self._hold is not None else None
        moved = tuple(self._clear_the_logs())
        folder.prepare()
        with edit_lock(folder.path):
            moved += tuple(self._clear_the_way())
            before = self._text if self._text is not None else read_text(self._path)
            notes = () if before is None else self._restore_lines(before)
        self.discard()
        # That the folder is another one explains all the rest.
        return (self.lost,) if self.lost is not None else (*moved, *notes)

    def _clear_the_logs(self) -> Iterator[str]:
        logs = self._folder.logs
        if os.path.lexists(logs) and not logs.is_dir():
            aside = move_aside(logs, self._folder.path)
            yield f"_logs was no longer a folder; it is {aside.name} now, and the logs are lost."

    def _clear_the_way(self) -> Iterator[str]:
        for path in (self._folder.overview, self._folder.signal, self._folder.guidance, self._path):
            if not path.exists():
                continue
            if not path.is_file():
                aside = move_aside(path, self._folder.logs)
                yield f"{path.name} had become something that is no file; it is in _logs/{aside.name} now."
            elif is_too_large(path):
                aside = move_aside(path, self._folder.logs)
                yield f"{path.name} had become too large to be read; it is in _logs/{aside.name} now."

    def _restore_lines(self, before: str) -> tuple[str, ...]:
        path = self._folder.overview
        was = parse_overview(before)
        text = read_text(path)
        if text is None:
            write_atomic(path, before)
            return ("_overview.md was deleted during the iteration; the overview is back.",)
        now = parse_overview(text)
        if _is_overwritten(was, now):
            kept = self._keep(text)
            write_atomic(path, before)
            return (
                f"_overview.md was overwritten during the iteration; it is back, what stood there is in _logs/{kept}.",
            )
        new = set_status(text, _worker_keys(was))
        if new != text:
            write_atomic(path, new)
        if now.phase is was.phase:
            return ()
        said = one_line(now.phase_text or "nothing", 40)
        return (
            f"The phase in _overview.md was changed to “{said}” during the iteration; it is “{was.phase_text}” again.",
        )

    def _keep(self, text: str) -> str:
        data = text.encode("utf-8", "surrogateescape")
        path = self._folder.logs / f"overview-{hashlib.sha256(data).hexdigest()[:12]}.md"
        write_atomic(path, data)
        return path.name


def _is_overwritten(was: Overview, now: Overview) -> bool:
    """Whether the file is no longer this session's: its task or its place is gone."""
    lost = any(
        before is not None and after is None
        for before, after in ((was.title, now.title), (was.task, now.task), (was.phase_text, now.phase_text))
    )
    return lost or now.working_dir != was.working_dir


def _worker_keys(was: Overview) -> dict[str, str]:
    """The lines under Status that only the worker writes."""
    values = {
        "Phase": was.phase_text,
        "Iteration": was.iteration,
        "Total Iterations": was.total_iterations,
        "Blocked": was.blocked,
        "Quality Iteration": was.quality_iteration,
    }
    return {key: str(value) for key, value in values.items() if value is not None}


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

        To be asked before anything is made anew there, but acted on after that: the text lists what was restored.
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
        try:
            found = Path(os.readlink(f"/proc/self/fd/{self._descriptor}"))
            return found if os.path.samestat(held, found.stat()) else None
        except OSError:
            return None
