"""Changes of session files as Linux's kernel reports them (inotify(7)).

Three levels are watched: the folder of sessions, the sessions, and the logs of those that have changed lately. What an
agent streams into its log file all the time is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from asyncinotify import Event, Inotify, Mask

from samobot.session.folder import SessionFolder

_TOGETHER_SECONDS = 0.02
"""A change seldom comes alone: a signal, the overview and the journal are written one after the other."""

_EVENTS_AT_ONCE = 64

_LATELY_SECONDS = 24 * 3600.0
"""A session that has not changed for so long: a worker that takes it up changes its folder before long."""

_TREE = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.MOVE_SELF | Mask.ONLYDIR
_SESSION = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.CLOSE_WRITE | Mask.ONLYDIR
_LOGS = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.ONLYDIR
_COMES = Mask.CREATE | Mask.MOVED_TO
_AWAY = Mask.MOVE_SELF | Mask.IGNORED | Mask.UNMOUNT


class SessionWatch:
    """Waits for changes in folders of sessions; `with` it, on an event loop.

    Args:
        folders: The folders that hold sessions.
        touch: Takes each session folder in which something has happened.

    Attributes:
        complete: Whether every session folder is watched.
        lost: Whether it has lost sight of something and has to be made anew.

    Raises:
        OSError: The system's limit of watched files is reached.
    """

    def __init__(self, folders: Sequence[Path], touch: Callable[[Path], None]) -> None:
        self.lost = False
        self.complete = True
        self._touch = touch
        # A `Path` for each of thousands of folders would need more memory than all else that is known of them: a
        # watch has the path of its tree, and its session's name is here, by the watch's number.
        self._names: dict[int, str] = {}
        self._with_logs: set[Path] = set()
        self._news = asyncio.Event()
        # No time to wait: it asks whether there is anything, as the library's descriptor blocks.
        self._inotify = Inotify(cache_size=_EVENTS_AT_ONCE, sync_timeout=0)
        try:
            for folder in folders:
                self._inotify.add_watch(folder, _TREE)
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._add_session(folder, entry.name)
        except BaseException:
            self._inotify.close()
            raise

    def __enter__(self) -> Self:
        # Read as they come, not on demand: what is read while its reader is cancelled would be lost.
        asyncio.get_running_loop().add_reader(self._inotify.fd, self.read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._inotify.fd)
        self._inotify.close()

    async def changed(self) -> bool:
        """Wait until something about a session has changed; False: `lost`."""
        await self._news.wait()
        await asyncio.sleep(_TOGETHER_SECONDS)
        self._news.clear()
        return not self.lost

    def read(self) -> bool:
        """Read the events that have arrived; return whether any of them matters."""
        matters = False
        while (event := self._inotify.sync_get()) is not None:
            matters |= self._take(event)
        if matters:
            self._news.set()
        return matters

    def _take(self, event: Event) -> bool:
        """Follow folders that appear and disappear; return whether the event matters."""
        watched, mask = event.watch, event.mask
        name = self._names.get(watched.wd) if watched is not None else None
        if mask & Mask.Q_OVERFLOW or (watched is not None and name is None and mask & _AWAY):
            self.lost = True
            return True
        if watched is None or event.name is None:
            if watched is not None and name is not None and mask & Mask.IGNORED:
                del self._names[watched.wd]
                if watched.mask == _LOGS:
                    self._with_logs.discard(watched.path / name)
            return False
        session = watched.path / (name or event.name)
        self._touch(session)
        if name is None:
            if mask & Mask.ISDIR:
                if mask & (Mask.MOVED_FROM | Mask.DELETE):
                    self._drop(session)
                elif mask & _COMES:
                    self._add_session(watched.path, session.name)
                    self._add_logs(session)
            return bool(mask & Mask.ISDIR) or self._is_news(session.name, mask)
        if watched.mask == _LOGS:
            return bool(mask & Mask.ISDIR) or str(event.name) == SessionFolder(session).journal.name
        if mask & Mask.MOVED_FROM and str(event.name) == SessionFolder(session).logs.name:
            self._drop(session, _LOGS)
        elif session not in self._with_logs:
            self._add_logs(session)  # its first change for long, or its logs have just come
        return bool(mask & Mask.ISDIR) or self._is_news(str(event.name), mask)

    @staticmethod
    def _is_news(name: str, mask: Mask) -> bool:
        # Our files are created hidden and then renamed; one that a user writes is reported when it is closed.
        return not name.startswith(".") and not mask & Mask.CREATE

    def _add_session(self, tree: Path, name: str) -> None:
        """Watch a session; its logs only if it has changed lately, or from its next change on."""
        path = tree / name
        if self._add(path, _SESSION, tree, name):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime > time.time() - _LATELY_SECONDS:
                    self._add_logs(path)

    def _add_logs(self, session: Path) -> None:
        if self._add(SessionFolder(session).logs, _LOGS, session.parent, session.name):
            self._with_logs.add(session)

    def _add(self, path: Path, mask: Mask, tree: Path, name: str) -> bool:
        try:
            watch = self._inotify.add_watch(path, mask)
        except PermissionError:
            self.complete = False
            return False
        except (FileNotFoundError, NotADirectoryError):
            return False  # no folder, or gone meanwhile
        watch.path = tree
        self._names[watch.wd] = name
        return True

    def _drop(self, session: Path, mask: Mask | None = None) -> None:
        """Stop watching a session that was moved elsewhere, or only what a mask names."""
        self._with_logs.discard(session)
        for each in self._inotify.watches:
            if (
                each.path == session.parent
                and self._names.get(each.wd) == session.name
                and mask in (None, each.mask)
            ):
                with contextlib.suppress(OSError):  # gone meanwhile
                    self._inotify.rm_watch(each)
