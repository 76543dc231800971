"""File watching, as a hint only: it makes the next poll sooner and is never relied on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import Change, awatch

from samobot.errors import SamobotError
from samobot.project import load_project

log = logging.getLogger(__name__)

_STEP_MS = 40
_DEBOUNCE_MS = 60
_LISTED_MS = 10_000
_AGAIN_SECONDS = 30.0
_OURS = frozenset({"journal.jsonl", "run.lock"})


async def watch(projects: Sequence[Path], hint: Callable[[], None]) -> None:
    """Call `hint` after changes of session files, until cancelled.

    Where watching does not work (no inotify left, a network file system), nothing is said but a line in the log.

    Args:
        projects: `.samocode` files, or the folders that hold them.
        hint: Called on the event loop.
    """
    while True:
        folders = await asyncio.to_thread(_folders, projects)
        if folders:
            try:
                async for changes in awatch(
                    *folders,
                    watch_filter=_matters,
                    step=_STEP_MS,
                    debounce=_DEBOUNCE_MS,
                    rust_timeout=_LISTED_MS,
                    yield_on_timeout=True,
                    ignore_permission_denied=True,
                ):
                    if changes:
                        hint()
                    elif await asyncio.to_thread(_folders, projects) != folders:
                        break
                else:
                    await asyncio.sleep(_AGAIN_SECONDS)
            except Exception as error:
                log.info("file watching does not work and is left to polling: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)
        else:
            await asyncio.sleep(_LISTED_MS / 1000)  # the first session makes the folder


def _folders(projects: Sequence[Path]) -> list[Path]:
    found = []
    for path in projects:
        try:
            project = load_project(path)
        except SamobotError:
            continue
        if project.sessions.is_dir():
            found.append(project.sessions)
    return found


def _matters(_change: Change, path: str) -> bool:
    """Leave out what changes all the time and says nothing: the agent's own stream, and half-written files."""
    name = path.rpartition("/")[2]
    if name.endswith(".tmp") or name.startswith(".tmp"):
        return False
    return "/_logs/" not in path or name in _OURS
