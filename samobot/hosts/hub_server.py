"""The nats-server of a hub as a child process: start, restart, reload, end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from samobot.backoff import backoff
from samobot.errors import BusyError, SamobotError, StorageError
from samobot.hosts.hub_registry import HubRegistry
from samobot.session.file_lock import FileLock, read_held
from samobot.session.files import read_bytes, write_atomic
from samobot.system.commands import run_command
from samobot.system.platform.current import identify, own_identity
from samobot.system.platform.process_identity import ProcessIdentity
from samobot.system.process_handle import ProcessHandle

log = logging.getLogger(__name__)

_STATE_FILE = "server.json"
"""Which process is the server, and the revision of the registry that it has taken over."""

_CHECK_SECONDS = 30.0
_RELOAD_SECONDS = 30.0
_END_SECONDS = 20.0
_LOOK_SECONDS = 2.0
"""Somebody who looks whether a hub runs holds its lock for an instant."""
_POLL_SECONDS = 0.05
_FIRST_RETRY, _LONGEST_RETRY = 0.2, 30.0

_LINE = re.compile(r"^\[\d+\] \S+ \S+ \[(?P<level>[A-Z]{3})\] ?(?P<text>.*)$")
_LEVELS = {"WRN": logging.WARNING, "ERR": logging.ERROR, "FTL": logging.ERROR}
_READY = "Server is ready"
_RELOADED = "Reloaded server configuration"
_NOT_RELOADED = "Failed to reload server configuration"
_WRITE_FAILED = "critical write error"
"""After one, as on a full disk, a stream takes nothing more until the server is started again."""
_FULL_SECONDS = 30.0
"""After how long that is done: meanwhile there may be room again, and whoever is connected stays so."""


class HubServer:
    """Runs the server of this machine's hub, one at a time.

    Args:
        registry: The hub's folder.
        binary: The nats-server.
        now: The clock, aware.

    Attributes:
        is_ready: Set while clients can connect.
    """

    def __init__(self, registry: HubRegistry, binary: Path, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._binary = binary
        self._now = now
        self._process: asyncio.subprocess.Process | None = None
        self._reloads: asyncio.Queue[str] = asyncio.Queue()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = FileLock(_run_lock_file(registry))
        self._state_file = registry.folder / _STATE_FILE
        self.is_ready = asyncio.Event()

    async def run(self) -> None:
        """Keep the server running until cancelled; then end it.

        Raises:
            BusyError: Another process runs it.
            SamobotError: The configuration cannot be used.
        """
        if not self._lock.acquire(wait=_LOOK_SECONDS):
            raise BusyError("Another `samobot hub run` runs this hub's server.")
        try:
            own = own_identity()
            self._lock.write(f"{json.dumps(asdict(own) if own is not None else {})}\n".encode())
            _end_orphan(self._state_file)
            failures, has_run = 0, False
            while True:
                try:
                    if await self._serve(self._prepare()):
                        failures, has_run = 0, True
                except StorageError as error:
                    if not has_run:
                        raise
                    log.error("the server cannot be started: %s", error.message)
                    await self._end()
                failures += 1
                seconds = backoff(failures, _FIRST_RETRY, _LONGEST_RETRY)
                log.error("the server ended; it is started again in %g s", seconds)
                await asyncio.sleep(seconds)
        finally:
            await self._end()
            self._lock.release()

    async def reload(self) -> None:
        """Let the server take over the hosts as they are now; those that stay are not disconnected.

        Raises:
            SamobotError: The server did not take the configuration over; it continues with the one it had.
        """
        async with self._reloading:
            if self._process is None or not self.is_ready.is_set():
                return  # it reads the configuration when it starts
            revision = self._prepare()
            while not self._reloads.empty():
                self._reloads.get_nowait()
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)
            try:
                async with asyncio.timeout(_RELOAD_SECONDS):
                    answer = await self._reloads.get()
            except TimeoutError:
                raise SamobotError("The server did not take over its new configuration in time.") from None
            if answer != _RELOADED:
                raise SamobotError(f"The server refused its new configuration: {answer}")
            self._note_state(revision)

    def reload_soon(self) -> None:
        """Reload in the background; a failure is logged."""
        task = asyncio.create_task(self._reload_or_log())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_or_log(self) -> None:
        try:
            await self.reload()
        except SamobotError as error:
            log.error("%s", error.message)

    def _prepare(self) -> int:
        """Write and check the configuration; return its revision."""
        self._registry.renew_certificate(self._now())
        record = self._registry.write_config()
        file = self._registry.config_file
        try:
            done = run_command([str(self._binary), "-t", "-c", str(file)], seconds=_CHECK_SECONDS)
        except OSError as error:
            raise SamobotError(f"{self._binary} cannot be started: {error}") from None
        if not done.succeeded:
            raise SamobotError(f"nats-server does not accept {file}: {(done.err or done.out).strip()[-300:]}")
        return record.revision

    async def _serve(self, revision: int) -> bool:
        """Start the server with its configuration and wait for its end; return whether clients could connect."""
        self._process = process = await asyncio.create_subprocess_exec(
            self._binary,
            "--config",
            self._registry.config_file,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for us; we end it in order
        )
        self._note_state(0)  # a server that never gets ready is ended by the next run, too
        was_ready = False
        restart: asyncio.TimerHandle | None = None
        assert process.stderr is not None
        try:
            async for line in process.stderr:
                text = self._log(line.decode(errors="replace").rstrip())
                if text == _READY:
                    was_ready = True
                    self._note_state(revision)
                    self.is_ready.set()
                    if self._registry.record().revision != revision:
                        self.reload_soon()
                elif text.startswith(_RELOADED):
                    self._reloads.put_nowait(_RELOADED)
                elif text.startswith(_NOT_RELOADED):
                    self._reloads.put_nowait(text)
                elif _WRITE_FAILED in text.lower() and restart is None:
                    log.error("a write has failed; the server is started again in %g s", _FULL_SECONDS)
                    restart = asyncio.get_running_loop().call_later(_FULL_SECONDS, _terminate, process)
            await process.wait()
        finally:
            self.is_ready.clear()
            if restart is not None:
                restart.cancel()
        return was_ready

    def _log(self, line: str) -> str:
        """Log a line of the server; return its text."""
        found = _LINE.match(line)
        level, text = (found["level"], found["text"]) if found else ("ERR", line)
        log.log(_LEVELS.get(level, logging.DEBUG), "nats-server: %s", text)
        return text

    def _note_state(self, revision: int) -> None:
        """Record which process runs with which revision of the registry."""
        assert self._process is not None
        identity = identify(self._process.pid)
        state = {"revision": revision, **(asdict(identity) if identity is not None else {})}
        write_atomic(self._state_file, json.dumps(state), mode=0o600)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        _terminate(process)
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _terminate(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


def is_running(registry: HubRegistry) -> bool:
    """Whether `samobot hub run` runs on this machine."""
    return read_held(_run_lock_file(registry), 1) is not None


def reload_running(registry: HubRegistry) -> bool:
    """Let the hub that runs on this machine take over the hosts as they are now; blocks until it has.

    Returns:
        Whether one runs.

    Raises:
        SamobotError: It runs and does not take them over.
    """
    wanted = registry.record().revision
    if not is_running(registry):
        return False
    meant = _identity(read_bytes(_run_lock_file(registry)))
    # One that has just begun to run, and has not written who it is, reads the hosts after this.
    handle = ProcessHandle.open(meant.pid, lambda found: found == meant) if meant is not None else None
    if handle is not None:
        with handle:
            handle.send(signal.SIGHUP)
    deadline = time.monotonic() + _RELOAD_SECONDS
    while _applied_revision(registry) < wanted:
        if time.monotonic() >= deadline:
            raise SamobotError("The hub did not take the change over; the reason is in its log, hub.log.")
        time.sleep(_POLL_SECONDS)
    return True


def _run_lock_file(registry: HubRegistry) -> Path:
    return registry.folder / "run.lock"


def _applied_revision(registry: HubRegistry) -> int:
    """The revision of the registry that the server has taken over; 0 if none is known."""
    try:
        return int(json.loads(read_bytes(registry.folder / _STATE_FILE) or b"")["revision"])
    except (ValueError, KeyError, TypeError):
        return 0


def _identity(content: bytes | None) -> ProcessIdentity | None:
    """The process that a file names; None if it names none."""
    try:
        state = json.loads(content or b"")
        return ProcessIdentity(int(state["pid"]), int(state["start_ticks"]), str(state["boot_id"]))
    except (ValueError, KeyError, TypeError):
        return None


def _end_orphan(state_file: Path) -> None:
    """End the server of a supervisor that was killed: it still has the port and the store."""
    meant = _identity(read_bytes(state_file))
    handle = ProcessHandle.open(meant.pid, lambda found: found == meant) if meant is not None else None
    if handle is None:
        return
    with handle:
        log.warning("ending nats-server %d, whose supervisor was killed", handle.pid)
        handle.send(signal.SIGTERM)
        if handle.wait(_END_SECONDS):
            return
        handle.send(signal.SIGKILL)
        if not handle.wait(_END_SECONDS):
            raise StorageError(f"nats-server {handle.pid} of an earlier run does not end.")
