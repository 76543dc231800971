"""The worker processes: starting them, and watching for their end.

Any process can be watched, our own child or one that a terminal or an earlier bot started: Linux makes a
pidfd readable when its process ends. That is a hint which saves the wait for the next poll; who holds a
session is read from its lock alone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from samobot.errors import SamobotError
from samobot.fleet.launch import RunRequest, log_size, spawn_worker, until_taken_up
from samobot.session.folder import SessionFolder
from samobot.system.platform.current import platform

MAX_WATCHED = 256
"""Most processes that are watched; each costs a descriptor."""


class WorkerProcesses:
    """Starts workers, and notices at once when one ends.

    Args:
        state_dir: Where the workers' output goes.
        environ: The environment they get, less the bot's secrets.
        on_end: Called on the event loop when a watched process has ended.
    """

    def __init__(
        self, state_dir: Path, environ: Mapping[str, str], on_end: Callable[[], None] | None = None
    ) -> None:
        self._state_dir = state_dir
        self._environ = environ
        self._on_end = on_end
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._watched: dict[int, int] = {}

    async def start(self, key: str, request: RunRequest, folder: SessionFolder) -> int:
        """Start a worker and wait until it holds the session.

        Args:
            key: The session's key.
            request: How to start it.
            folder: The session.

        Returns:
            Its process id.

        Raises:
            SamobotError: It could not be started, or ended at once.
        """
        begin = await asyncio.to_thread(log_size, self._state_dir, request)
        process = await asyncio.to_thread(spawn_worker, request, self._state_dir, self._environ)
        self._children[key] = process
        self._watch(process.pid)
        try:
            await until_taken_up(process, folder, self._state_dir, request, begin)
        except OSError as error:
            raise SamobotError(f"The worker's output cannot be read: {error.strerror}.") from error
        return process.pid

    def lives(self, key: str) -> bool:
        """Whether a worker that we started for a session is still there, whatever it is doing."""
        process = self._children.get(key)
        return process is not None and process.poll() is None

    def end_stray(self, key: str, seconds: float = 5.0) -> bool:
        """End a worker of ours that does not hold its session yet. Blocks.

        Returns:
            Whether none is left.
        """
        process = self._children.get(key)
        if process is None or process.poll() is not None:
            return True
        for end in (process.terminate, process.kill):
            end()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return True
        return False

    def watch(self, pids: Collection[int]) -> None:
        """Watch exactly these processes and our own children. Reaps children that have ended."""
        self._children = {key: child for key, child in self._children.items() if child.poll() is None}
        wanted = {*pids, *(child.pid for child in self._children.values())}
        for pid in self._watched.keys() - wanted:
            self._unwatch(pid)
        for pid in wanted:
            self._watch(pid)

    def close(self) -> None:
        """Stop watching. The workers continue."""
        for pid in list(self._watched):
            self._unwatch(pid)
        self._children.clear()

    def _watch(self, pid: int) -> None:
        if pid in self._watched or len(self._watched) >= MAX_WATCHED:
            return
        descriptor = platform().open_process(pid)
        if descriptor is None:
            return  # gone already, of another machine, or a system without: the next poll finds out
        self._watched[pid] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._ended, pid)

    def _unwatch(self, pid: int) -> None:
        descriptor = self._watched.pop(pid)
        try:
            asyncio.get_running_loop().remove_reader(descriptor)
        except RuntimeError:
            pass  # the loop is closed, so there is no reader either
        os.close(descriptor)

    def _ended(self, pid: int) -> None:
        self._unwatch(pid)
        for key, child in list(self._children.items()):
            if child.pid == pid and child.poll() is not None:
                del self._children[key]
        if self._on_end is not None:
            self._on_end()
