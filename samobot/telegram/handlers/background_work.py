"""Work that takes longer than a handler may: noted on disk, so that a bot that was killed takes it up again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from samobot.errors import StorageError
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.store.pending_work import BackgroundTask, BackgroundTasks

log = logging.getLogger(__name__)


class BackgroundWork:
    """Runs what was asked for in the background.

    Args:
        notes: What was begun and has not ended.
        fail: Reports an error to whom a request came from.
    """

    def __init__(self, notes: BackgroundTasks, fail: Callable[[ChatRequest, Exception], None]) -> None:
        self._notes = notes
        self._fail = fail
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, request: ChatRequest, command: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; errors are reported.

        It is noted before this returns: killed meanwhile, the bot takes it up again at its next start.

        Args:
            request: What is done. It must do no harm to do it twice.
            command: The command that does it, given this request.
            work: The doing.
        """
        try:
            self._notes.set(request.key, BackgroundTask(command, request.as_json()))
        except StorageError as error:  # a full disk must not keep from it
            log.error("%s is done without a note of it: %s", command, error)
        running = asyncio.create_task(self._guarded(request, command, work), name=request.key)
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    def is_running(self, request: ChatRequest) -> bool:
        """Whether something is done in the background for a request."""
        return any(task.get_name() == request.key for task in self._tasks)

    def unfinished(self) -> list[tuple[str, ChatRequest]]:
        """What was begun and not ended, as commands to be given again."""
        return [(task.command, ChatRequest.from_json(task.request)) for task in self._notes.all()]

    def mark_finished(self, request: ChatRequest) -> None:
        """Note that what was begun for a request has ended."""
        if not self._notes.has(request.key):
            return
        try:
            self._notes.drop(request.key)
        except StorageError as error:
            log.error("%s is done, and will be again at the next start: %s", request.key, error.message)

    async def finish(self, timeout: float) -> None:
        """Wait for everything, and what it begins, for a number of seconds; then cancel it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        late = tuple(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _guarded(self, request: ChatRequest, command: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._fail(replace(request, query_id=None), error)
        if self._notes.command_of(request.key) == command:  # otherwise it has begun more under its key
            self.mark_finished(request)
