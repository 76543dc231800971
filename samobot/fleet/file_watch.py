"""File watching, as a hint only: it makes the next poll sooner and is never relied on.

The kernel reports what has changed (inotify), so an idle bot is never woken for it. Three levels are watched: the
folder of sessions, the sessions, and the logs of those that have changed lately. What an agent streams into its log
file all the time is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from asyncinotify import Event, Inotify, Mask

from samobot.config.project import ReadFunction, load_project
from samobot.errors import SamobotError
from samobot.session.files import read_bytes, real_path
from samobot.session.folder import SessionFolder

log = logging.getLogger(__name__)

_TOGETHER_SECONDS = 0.02
"""A change seldom comes alone: a signal, the overview and the journal are written one after the other."""

_LISTED_SECONDS = 30.0
_MISSING_SECONDS = 5.0
_AGAIN_SECONDS = 30.0
_EVENTS_AT_ONCE = 64

_LATELY_SECONDS = 24 * 3600.0
"""A session that has not changed for so long: a worker that takes it up changes its folder before long."""

_TREE = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.MOVE_SELF | Mask.ONLYDIR
_SESSION = Mask.CREATE | Mask.MOVE | Mask.DELETE | Mask.CLOSE_WRITE | Mask.ONLYDIR
_LOGS = Mask.CLOSE_WRITE | Mask.MOVED_TO | Mask.ONLYDIR
_COMES = Mask.CREATE | Mask.MOVED_TO
_AWAY = Mask.MOVE_SELF | Mask.IGNORED | Mask.UNMOUNT


_REMOTE = re.compile(r"nfs|cifs|smb|9p|ceph|gluster|afs|lustre|fuse|virtiofs|vboxsf")
"""File systems whose changes by other machines send no events."""


def _ignore(_: object) -> None:
    """The default callback, which does nothing."""


async def watch(
    projects: Sequence[Path],
    hint: Callable[[], None],
    *,
    cover: Callable[[Collection[Path]], None] = _ignore,
    touch: Callable[[Path], None] = _ignore,
    read: ReadFunction = read_bytes,
) -> None:
    """Call `hint` after changes of session files, until cancelled.

    If watching does not work (no inotify left, a network file system), a line in the log is the only effect.

    Args:
        projects: `.samocode` files, or the folders that hold them.
        hint: Called on the event loop.
        cover: Takes the folders of sessions in which each change is reported from now on.
        touch: Takes each session folder in which something has happened.
        read: Reads a `.samocode` file.
    """
    while True:
        folders = await asyncio.to_thread(_folders, projects, read)
        if not folders:
            await asyncio.sleep(_MISSING_SECONDS)  # the first session makes the folder
            continue
        try:
            with await asyncio.to_thread(SessionWatch, folders, touch) as files:
                cover(await asyncio.to_thread(_local, folders) if files.complete else ())
                while not files.lost and await asyncio.to_thread(_folders, projects, read) == folders:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LISTED_SECONDS):
                            while await files.changed():
                                hint()
            hint()  # changes in between were not reported
        except OSError as error:
            cover(())
            log.info("file watching does not work and is left to polling: %s", error)
            await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            cover(())


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

    def __init__(self, folders: Sequence[Path], touch: Callable[[Path], None] = _ignore) -> None:
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


def _local(folders: Sequence[Path]) -> list[Path]:
    """Those that are on a local file system, as far as the system reports it."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    mounts = {Path(part[1].replace("\\040", " ")): part[2] for line in lines if len(part := line.split()) > 2}
    found = []
    for folder in folders:
        place = real_path(folder)
        kind = next((mounts[each] for each in (place, *place.parents) if each in mounts), "")
        if kind and not _REMOTE.search(kind):
            found.append(folder)
    return found


def _folders(projects: Sequence[Path], read: ReadFunction) -> list[Path]:
    found = []
    for path in projects:
        try:
            project = load_project(path, read)
        except SamobotError:
            continue
        if project.sessions.is_dir():
            found.append(project.sessions)
    return found
