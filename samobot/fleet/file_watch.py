"""File watching, as a hint only: it makes the next poll sooner and is never relied on.

The kernel reports what has changed, so an idle bot is never woken for it; see `session_watch`. Where no kernel does,
polling alone remains.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from samobot.config.project import ReadFunction, load_project
from samobot.errors import SamobotError
from samobot.session.files import read_bytes, real_path
from samobot.system.platform.current import platform

log = logging.getLogger(__name__)

_LISTED_SECONDS = 30.0
_MISSING_SECONDS = 5.0
_AGAIN_SECONDS = 30.0

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

    Returns at once where the system reports no changes. If watching does not work (no inotify left, a network file
    system), a line in the log is the only effect.

    Args:
        projects: `.samocode` files, or the folders that hold them.
        hint: Called on the event loop.
        cover: Takes the folders of sessions in which each change is reported from now on.
        touch: Takes each session folder in which something has happened.
        read: Reads a `.samocode` file.
    """
    if not platform().has_file_events:
        return
    from samobot.system.session_watch import SessionWatch

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


def _local(folders: Sequence[Path]) -> list[Path]:
    """Those that are on a local file system, as far as the system reports it."""
    mounts = platform().file_systems()
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
