"""Threads for blocking calls: the fleet's event loop never waits for a disk or for git."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

from samobot.errors import StorageError

_T = TypeVar("_T")
_Found = TypeVar("_Found")

_SLOW_CALLS = 8
"""Maximum of concurrent calls that may take seconds."""


class Threads:
    """Runs calls in threads; an `OSError` becomes a `StorageError` with one sentence."""

    def __init__(self) -> None:
        self._reader = ThreadPoolExecutor(1, "fleet-reader")
        self._slow = ThreadPoolExecutor(_SLOW_CALLS, "fleet-slow")

    def run(self, call: Callable[[], _T]) -> Coroutine[Any, Any, _T]:
        """Run a short call."""
        return self._run(call, None)

    def read(self, call: Callable[[], _T]) -> Coroutine[Any, Any, _T]:
        """Run a call that uses the catalog: one after the other, in a thread of their own."""
        return self._run(call, self._reader)

    def run_after_read(
        self, read: Callable[[], _Found], call: Callable[[_Found], _T]
    ) -> Coroutine[Any, Any, _T]:
        """Run a short call with what a call that uses the catalog returns; its caller is resumed once."""
        return self._run(lambda: call(self._reader.submit(read).result()), None)

    def run_slowly(self, call: Callable[[], _T]) -> Coroutine[Any, Any, _T]:
        """Run a call that may take seconds (git, stopping) without delaying others."""
        return self._run(call, self._slow)

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
