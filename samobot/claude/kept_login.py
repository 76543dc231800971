"""A login that a program renews inside the fence by replacing the file, which a file that is mounted there withstands.

The program has a copy in a folder of its own. Each side gets what the other changed, while it runs and when it has ended:
a renewed login is lost neither by a killed agent nor for another session that uses it. What is inside was written by an
agent: only a small regular file with a JSON object is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from samobot.errors import StorageError
from samobot.session.file_marks import stat_keys
from samobot.session.files import write_atomic

POLL_SECONDS = 0.5
_LIMIT = 256 * 1024


class KeptLogin:
    """The file of a login, and its copy.

    Args:
        outside: The user's file; it may be missing.
        inside: The copy, in a folder that the agent cannot replace.
    """

    def __init__(self, outside: Path, inside: Path) -> None:
        self.outside = Path(os.path.realpath(outside))
        self.inside = inside
        self._known: bytes | None = None

    def exchange(self) -> None:
        """Give each side what the other changed. If both did, the user's own file counts; without one there is no login.

        Raises:
            StorageError: A file cannot be written.
        """
        outside, inside = _read(self.outside), _read(self.inside)
        if outside is None:
            return
        if outside != self._known:
            write_atomic(self.inside, outside, mode=0o600)
            self._known = outside
        elif inside is not None and inside != self._known:
            write_atomic(self.outside, inside, mode=0o600)
            self._known = inside

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Exchange the login while this context lasts.

        Raises:
            StorageError: It cannot be copied in, or what was renewed last cannot be kept.
        """
        self.exchange()
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            self.exchange()

    async def _follow(self) -> None:
        seen: object = None
        while True:
            found = stat_keys((str(self.outside), str(self.inside)))
            if found != seen:
                with contextlib.suppress(StorageError):  # what cannot be written now is tried again
                    self.exchange()
                    seen = found
            await asyncio.sleep(POLL_SECONDS)


def _read(path: Path) -> bytes | None:
    """A login's file; None if it is missing or no such file, or is being written."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                content = file.read(_LIMIT + 1)
                if len(content) <= _LIMIT and isinstance(json.loads(content), dict):
                    return content
    return None
