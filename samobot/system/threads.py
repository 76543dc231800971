"""Thread pools for the fleet's blocking calls, so that its event loop never waits for a disk or for git."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from samobot.errors import StorageError

_T = TypeVar("_T")

_SLOW_CALLS = 8
"""Maximum of concurrent calls that may take seconds."""


class Threads:
    """Runs calls in threads; an `OSError` becomes a `StorageError` with one sentence."""

    def __init__(self) -> None:
        self._reader = ThreadPoolExecutor(1, "fleet-reader")
        self._slow = ThreadPoolExecutor(_SLOW_CALLS, "fleet-slow")

    async def run(self, call: Callable[[], _T]) -> _T:
        """Run a short call."""
        return await self._run(call, None)

    async def read(self, call: Callable[[], _T]) -> _T:
        """Run a call that uses the catalog: one after the other, in a thread of their own."""
        return await self._run(call, self._reader)

    async def run_slowly(self, call: Callable[[], _T]) -> _T:
        """Run a call that may take seconds (git, stopping) without delaying others."""
        return await self._run(call, self._slow)

    def close(self) -> None:
        """Accept no further calls."""
        self._reader.shutdown(wait=False)
        self._slow.shutdown(wait=False)

    @staticmethod
    async def _run(call: Callable[[], _T], executor: Executor | None) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, call)
        except OSError as error:
            raise StorageError(f"{error.filename or 'The disk'}: {error.strerror or error}.") from error
