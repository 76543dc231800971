"""Starting `samobot run` in the background: the same program, whoever starts it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from samobot.config.model_choice import Profile
from samobot.errors import BusyError, SamobotError, StorageError, UsageError
from samobot.frozen import frozen
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEndReason
from samobot.session.lock import holder
from samobot.session.provider import Provider
from samobot.system.platform.current import identify
from samobot.system.scope import SERVICE_VARIABLES, scoped

START_WAIT = 10.0
"""Seconds that a worker may take until it holds its session's lock."""

_COULD_NOT = {error.exit_code: error for error in (SamobotError, UsageError)}
"""The error of a worker that exited before its run began, by exit code."""

_ORDERLY = frozenset({0, *(reason.exit_code for reason in RunEndReason if reason is not RunEndReason.FAILED)})

_LOG_LIMIT = 1_000_000
"""Bytes of a worker's own output that are kept."""


class StartInterruptedError(SamobotError):
    """A worker was killed before it had begun, or another one was faster; it may simply be started again."""


@frozen
class RunRequest:
    """The options of a background `samobot run`; None leaves the worker's own default.

    Attributes:
        config: The project's `.samocode` file.
        session: The session's folder name.
        timeout: Seconds of one iteration.
        model: The model's name.
        profile: Model and effort of all phases.
        provider: The program of all phases that it can do.
        max_turns: Turns of the model in one iteration.
        budget_usd: US dollars of the whole session.
        max_iterations: Iterations of this run.
        wait_for_limits: Wait for a usage limit's reset.
        auto: The bot may decide the gates after a while.
    """

    config: Path
    session: str
    timeout: float | None = None
    model: str | None = None
    profile: Profile | None = None
    provider: Provider | None = None
    max_turns: int | None = None
    budget_usd: float | None = None
    max_iterations: int | None = None
    wait_for_limits: bool = True
    auto: bool = False

    def argv(self) -> list[str]:
        """The command line of the worker, as a list for exec: nothing of it goes through a shell."""
        argv = [
            sys.executable,
            "-P",  # never import a folder named samobot from the current directory
            "-m",
            "samobot",
            "run",
            f"--config={self.config}",
            f"--session={self.session}",
        ]
        values = {
            "timeout": self.timeout,
            "model": self.model,
            "profile": self.profile,
            "provider": self.provider,
            "max-turns": self.max_turns,
            "budget": self.budget_usd,
            "max-iterations": self.max_iterations,
        }
        argv += [f"--{name}={value}" for name, value in values.items() if value is not None]
        if not self.wait_for_limits:
            argv.append("--no-wait")
        if self.auto:
            argv.append("--auto")
        return argv


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker: ours, without what only the bot and its service need."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("TELEGRAM_", "SAMOBOT_TRANSCRIBE_", "SAMOBOT_WEBHOOK_"))
        and name not in SERVICE_VARIABLES
    }


def worker_log(state_dir: Path, request: RunRequest) -> Path:
    """Return the file for a background worker's output; created, and truncated if it is large.

    Sessions of two projects may have one name, and two projects too: each project has a folder of its own.

    Raises:
        StorageError: The state folder cannot be written.
    """
    digest = hashlib.sha256(os.fsencode(request.config)).hexdigest()[:8]
    folder = state_dir / "workers" / f"{request.config.parent.name}-{digest}"
    path = folder / f"{request.session}.log"
    try:
        for each in (state_dir, folder.parent, folder):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be used: {error.strerror}. Fix that, or set SAMOBOT_STATE_DIR."
        ) from None
    return path


def spawn_worker(request: RunRequest, state_dir: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker that outlives us: a session of its own, its output in a file.

    Not through asyncio: its transport kills the process when the event loop is closed.

    Raises:
        StorageError: The state folder cannot be written, or the system can start no further process.
    """
    log = worker_log(state_dir, request)
    try:
        with open(log, "ab", buffering=0, opener=_private) as output:
            return subprocess.Popen(
                scoped(request.argv(), request.session, environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=worker_environment(environ),
            )
    except OSError as error:
        raise StorageError(f"No worker can be started with its output in {log}: {error.strerror}.") from error


def log_size(state_dir: Path, request: RunRequest) -> int:
    """Bytes that are in a background worker's output file already.

    Raises:
        StorageError: The state folder cannot be written.
    """
    log = worker_log(state_dir, request)
    return log.stat().st_size if log.exists() else 0


async def until_taken_up(
    process: subprocess.Popen[bytes], folder: SessionFolder, state_dir: Path, request: RunRequest, begin: int
) -> None:
    """Wait until a new worker holds its session, at most `START_WAIT`.

    Args:
        process: The worker.
        folder: The session.
        state_dir: Where its output is.
        request: How it was started.
        begin: Where its own output begins.

    Raises:
        StartInterruptedError: It was killed, or another worker was faster.
        SamobotError: It ended instead; the message is its own last line.
    """
    deadline = asyncio.get_running_loop().time() + START_WAIT
    while asyncio.get_running_loop().time() < deadline:
        current = holder(folder)
        if current is not None and current.identity is not None and current.identity == identify(process.pid):
            return
        code = process.poll()
        if code is not None:
            if code in _ORDERLY:
                return
            if code < 0 or code == BusyError.exit_code:
                raise StartInterruptedError(f"The worker ended before it had begun (code {code}).")
            message = _last_line(worker_log(state_dir, request), begin)
            raise _COULD_NOT.get(code, SamobotError)(message or f"The worker ended at once (code {code}).")
        await asyncio.sleep(0.02)


async def start_detached(
    request: RunRequest, folder: SessionFolder, state_dir: Path, environ: Mapping[str, str]
) -> int:
    """Start a worker and wait until it holds the session.

    Returns:
        The worker's process id.

    Raises:
        SamobotError: It ended instead; the message is its own last line.
    """
    begin = log_size(state_dir, request)
    process = spawn_worker(request, state_dir, environ)
    await until_taken_up(process, folder, state_dir, request, begin)
    return process.pid


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as stream:
        stream.seek(begin)
        lines = stream.read(64_000).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("samobot: ") if lines else ""
