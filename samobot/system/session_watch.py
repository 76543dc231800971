"""Changes of session files as Linux's kernel reports them (inotify(7)).

Three levels are watched: the folder of sessions, the sessions, and the logs of those that have changed lately. What an
agent streams into its log file all the time is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from samobot.session.folder import JOURNAL, LOGS, SessionFolder
from samobot.system.inotify import FileEvent, Inotify
from samobot.system.inotify import FileEventMask as Mask

_TOGETHER_SECONDS = 0.02
"""A change seldom comes alone: a signal, the overview and the journal are written one after the other."""

_LATELY_SECONDS = 24 * 3600.0
"""A session that has not changed for so long: a worker that takes it up changes its folder before long."""

_TREE = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.MOVE_SELF | Mask.ONLYDIR
_SESSION = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.CLOSE_WRITE | Mask.ONLYDIR
_LOGS = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.ONLYDIR
_COMES = Mask.CREATE | Mask.MOVED_TO
_AWAY = Mask.MOVE_SELF | Mask.IGNORED | Mask.UNMOUNT


class _Names:
    """The names of folders by their watches, whose numbers ascend: a dict of thousands takes five times as much."""

    def __init__(self) -> None:
        self._watches = array("i")
        self._names: list[str] = []

    def get(self, watch: int) -> str | None:
        at = self._place(watch)
        return self._names[at] if self._is_at(at, watch) else None

    def put(self, watch: int, name: str) -> None:
        at = self._place(watch)
        self.drop(watch)
        self._watches.insert(at, watch)
        self._names.insert(at, name)

    def drop(self, watch: int) -> None:
        at = self._place(watch)
        if self._is_at(at, watch):
            del self._watches[at], self._names[at]

    def watches_of(self, name: str) -> list[int]:
        return [watch for watch, each in zip(self._watches, self._names, strict=True) if each == name]

    def _place(self, watch: int) -> int:
        return bisect_left(self._watches, watch)

    def _is_at(self, at: int, watch: int) -> bool:
        return at < len(self._watches) and self._watches[at] == watch


@dataclass(slots=True)
class _Tree:
    """A watched folder of sessions, with the names of the sessions by the watches of their folders, and of their logs."""

    path: Path
    watch: int
    sessions: _Names = field(default_factory=_Names)
    logs: _Names = field(default_factory=_Names)


class SessionWatch:
    """Waits for changes in folders of sessions; `with` it, on an event loop.

    Args:
        folders: The folders that hold sessions.
        touch: Takes each session folder in which something has happened.

    Attributes:
        complete: Whether every session folder is watched.
        lost: Whether it has lost sight of something and has to be made again.

    Raises:
        OSError: The system's limit of watched files is reached.
    """

    def __init__(self, folders: Sequence[Path], touch: Callable[[Path], None]) -> None:
        self.lost = False
        self.complete = True
        self._touch = touch
        self._trees: dict[Path, _Tree] = {}
        self._with_logs: set[Path] = set()
        self._news = asyncio.Event()
        self._inotify = Inotify()
        try:
            for folder in folders:
                tree = self._trees[folder] = _Tree(folder, self._inotify.add(folder, _TREE))
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._add_session(tree, entry.name)
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
        for event in self._inotify.read():
            matters |= self._take(event)
        if matters:
            self._news.set()
        return matters

    def _take(self, event: FileEvent) -> bool:
        """Follow folders that appear and disappear; return whether the event matters."""
        if event.mask & Mask.Q_OVERFLOW:
            self.lost = True
            return True
        # Our files are created hidden and then renamed; one that a user writes is reported when it is closed.
        is_news = bool(event.mask & Mask.ISDIR) or not (
            event.name.startswith(".") or event.mask & Mask.CREATE
        )
        for tree in self._trees.values():
            if event.watch == tree.watch:
                return self._take_of_tree(tree, event) and is_news
            for names in (tree.sessions, tree.logs):
                if (name := names.get(event.watch)) is not None:
                    return self._take_of_session(tree, name, names, event) and is_news
        return False

    def _take_of_tree(self, tree: _Tree, event: FileEvent) -> bool:
        mask = event.mask
        if mask & _AWAY:
            self.lost = True
            return True
        if not event.name:
            return False
        session = tree.path / event.name
        self._touch(session)
        if mask & Mask.ISDIR:
            if mask & (Mask.MOVED_FROM | Mask.DELETE):
                self._drop(tree, event.name)
            elif mask & _COMES:
                self._add_session(tree, event.name)
                self._add_logs(tree, event.name)
        return True

    def _take_of_session(self, tree: _Tree, name: str, names: _Names, event: FileEvent) -> bool:
        mask, session = event.mask, tree.path / name
        if not event.name:
            if mask & Mask.IGNORED:
                names.drop(event.watch)
                if names is tree.logs:
                    self._with_logs.discard(session)
            return False
        self._touch(session)
        if names is tree.logs:
            return bool(mask & Mask.ISDIR) or event.name == JOURNAL
        if mask & Mask.MOVED_FROM and event.name == LOGS:
            self._with_logs.discard(session)
            self._remove(tree.logs, name)
        elif session not in self._with_logs:
            self._add_logs(tree, name)  # its first change for long, or its logs have just come
        return True

    def _add_session(self, tree: _Tree, name: str) -> None:
        """Watch a session; its logs only if it has changed lately, or from its next change on."""
        path = f"{tree.path}/{name}"  # a `Path` would make the name one of the interpreter's interned texts
        if self._add(path, _SESSION, tree.sessions, name):
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_mtime > time.time() - _LATELY_SECONDS:
                    self._add_logs(tree, name)

    def _add_logs(self, tree: _Tree, name: str) -> None:
        session = tree.path / name
        if self._add(SessionFolder(session).logs, _LOGS, tree.logs, name):
            self._with_logs.add(session)

    def _add(self, path: Path | str, mask: Mask, names: _Names, name: str) -> bool:
        try:
            watch = self._inotify.add(path, mask)
        except PermissionError:
            self.complete = False
            return False
        except (FileNotFoundError, NotADirectoryError):
            return False  # no folder, or gone meanwhile
        names.put(watch, name)
        return True

    def _drop(self, tree: _Tree, name: str) -> None:
        """Stop watching a session that was moved elsewhere."""
        self._with_logs.discard(tree.path / name)
        self._remove(tree.sessions, name)
        self._remove(tree.logs, name)

    def _remove(self, names: _Names, name: str) -> None:
        for watch in names.watches_of(name):
            self._inotify.remove(watch)
