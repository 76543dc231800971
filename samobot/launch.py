"""Starting `samobot run` in the background: the same program, whoever starts it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samobot.errors import BusyError, SamobotError, StorageError
from samobot.session.folder import SessionFolder
from samobot.session.lock import holder

START_WAIT = 10.0
"""Seconds that a worker may take until it holds its session's lock."""

_COULD_NOT = (1, 2, BusyError.exit_code)
"""Exit codes of a worker that did not get as far as an end of its own."""

_LOG_LIMIT = 1_000_000
"""Bytes of a worker's own output that are kept."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `samobot run` is to be called with; None leaves the worker's own default.

    Attributes:
        config: The project's `.samocode` file.
        session: The session's folder name, or the name of a new one.
        task: What is to be done.
        dive: What to investigate first.
        timeout: Seconds of one iteration.
        model: The model's name.
        max_turns: Turns of the model in one iteration.
        budget_usd: US dollars of the whole session.
        max_iterations: Iterations of this run.
        wait_for_limits: Wait for a usage limit's reset.
        auto: The bot may decide the gates after a while.
    """

    config: Path
    session: str
    task: str | None = None
    dive: str | None = None
    timeout: float | None = None
    model: str | None = None
    max_turns: int | None = None
    budget_usd: float | None = None
    max_iterations: int | None = None
    wait_for_limits: bool = True
    auto: bool = False

    def argv(self) -> list[str]:
        """The command line of the worker, as a list for exec: nothing of it goes through a shell."""
        argv = [
            sys.executable,
            "-m",
            "samobot",
            "run",
            f"--config={self.config}",
            f"--session={self.session}",
        ]
        values = {
            "task": self.task,
            "dive": self.dive,
            "timeout": self.timeout,
            "model": self.model,
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
    """The environment of a worker: ours, without what only the bot needs."""
    return {name: value for name, value in environ.items() if not name.startswith("TELEGRAM_")}


def worker_log(state_dir: Path, session: str) -> Path:
    """The file that takes what a background worker prints; made ready and kept small.

    Raises:
        StorageError: The state folder cannot be written.
    """
    folder = state_dir / "workers"
    path = folder / f"{session}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be used: {error.strerror}. Mend that, or set SAMOBOT_STATE_DIR."
        ) from None
    return path


async def spawn_worker(
    request: RunRequest, state_dir: Path, environ: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start a worker that outlives us: a session of its own, its output in a file.

    Raises:
        StorageError: The state folder cannot be written.
    """
    log = worker_log(state_dir, request.session)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *request.argv(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            env=worker_environment(environ),
        )
    finally:
        os.close(descriptor)


async def start_detached(
    request: RunRequest, folder: SessionFolder, state_dir: Path, environ: Mapping[str, str]
) -> int:
    """Start a worker and see that it has taken up the session.

    A worker that has come to its end already (the session waits, or the task was tiny) was started well too.

    Returns:
        The worker's process id.

    Raises:
        SamobotError: It could not begin; the message is its own last line.
    """
    log = worker_log(state_dir, request.session)
    begin = log.stat().st_size if log.exists() else 0
    process = await spawn_worker(request, state_dir, environ)
    deadline = asyncio.get_running_loop().time() + START_WAIT
    while asyncio.get_running_loop().time() < deadline:
        if process.returncode in _COULD_NOT:
            raise SamobotError(
                _last_words(log, begin) or f"The worker ended at once (code {process.returncode})."
            )
        current = holder(folder)
        if process.returncode is not None or (current is not None and current.pid == process.pid):
            break
        await asyncio.sleep(0.02)
    return process.pid


def _last_words(log: Path, begin: int) -> str:
    with log.open("rb") as stream:
        stream.seek(begin)
        lines = stream.read(64_000).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("samobot: ") if lines else ""
