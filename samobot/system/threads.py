"""Where the fleet's blocking calls run, so that its event loop never waits for a disk or for git."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from samobot.errors import StorageError

_T = TypeVar("_T")

_SLOW_CALLS = 8
"""Calls that may take seconds and run at the same time."""


class Threads:
    """Runs calls in threads; what the file system says comes out of each as one sentence (`StorageError`)."""

    def __init__(self) -> None:
        self._reader = ThreadPoolExecutor(1, "fleet-reader")
        self._slow = ThreadPoolExecutor(_SLOW_CALLS, "fleet-slow")

    async def run(self, call: Callable[[], _T]) -> _T:
        """Run what takes a moment."""
        return await self._run(call, None)

    async def read(self, call: Callable[[], _T]) -> _T:
        """Run what uses the catalogue: one call after the other, in a thread of their own."""
        return await self._run(call, self._reader)

    async def run_slowly(self, call: Callable[[], _T]) -> _T:
        """Run what may take seconds (git, stopping) without delaying the others."""
        return await self._run(call, self._slow)

    def close(self) -> None:
        """Take no more calls."""
        self._reader.shutdown(wait=False)
        self._slow.shutdown(wait=False)

    @staticmethod
    async def _run(call: Callable[[], _T], executor: Executor | None) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, call)
        except OSError as error:
            raise StorageError(f"{error.filename or 'The disk'}: {error.strerror or error}.") from error
