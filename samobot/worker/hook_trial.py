"""Whether the repository's commit hooks let a commit through, tried before a session's first cost.

samobot's own git runs no hook. So the trial is a process like the agent's: in the fence if there is one, without samobot's
secrets and the user's keys, and ended with all that it started. The agent's first commit would run the same program.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from samobot.claude.clocks import Timeouts
from samobot.claude.end import ProcessEnd
from samobot.claude.invocation import Invocation, child_environment
from samobot.claude.process import run
from samobot.claude.reaper import SESSION_VARIABLE
from samobot.claude.records import Record
from samobot.errors import StorageError
from samobot.session.commit_check import commit_hooks
from samobot.session.files import write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName
from samobot.text import one_line
from samobot.worker.agent_fence import AgentFence
from samobot.worker.session_files import SessionFiles
from samobot.worker.setup_command import MODEL_SECRETS, last_line

_SECONDS = 60.0
"""How long a hook may take; one that takes longer is not judged."""

_MESSAGE = "chore: check that commits can be made\n"


async def try_hooks(
    fence: AgentFence, work_dir: Path, files: SessionFiles, environ: Mapping[str, str], stop: asyncio.Event
) -> None:
    """Run the hooks of a commit without committing, and report one that refuses to the user; see `hook_problem`."""
    refused = await hook_problem(fence, work_dir, files.folder, environ, stop)
    if refused is not None:
        files.log(EventName.NOTICE, text=refused)


async def hook_problem(
    fence: AgentFence, work_dir: Path, folder: SessionFolder, environ: Mapping[str, str], stop: asyncio.Event
) -> str | None:
    """Run the hooks of a commit without committing, with nothing staged; return a sentence about one that refuses.

    Args:
        fence: What agents are kept in.
        work_dir: Where the agent works.
        folder: The session; what a hook prints goes into its `_logs`.
        environ: The environment of the hooks, less secrets.
        stop: Ends a hook early when set.

    Raises:
        StorageError: A log cannot be written.
        UsageError: git is not installed, or the fence cannot be made.
    """
    hooks = await asyncio.to_thread(commit_hooks, work_dir)
    top = next((each for each in (work_dir, *work_dir.parents) if os.path.lexists(each / ".git")), work_dir)
    for hook in hooks:
        message = folder.path / ".commit-message"
        arguments = () if hook.name == "pre-commit" else (str(message),)
        log = folder.logs / f"hook-{hook.name}.log"
        call = Invocation(
            argv=("sh", "-c", 'exec "$0" "$@" 2>&1', str(hook), *arguments),
            cwd=top,
            env=child_environment(environ, MODEL_SECRETS) | {SESSION_VARIABLE: str(folder.path)},
            stdin=b"",
            log=log,
            session_id="",
        )
        write_atomic(message, _MESSAGE)
        try:
            async with fence.around(call, folder.path, Counter()) as fenced:
                end = await run(fenced, Timeouts(_SECONDS, _SECONDS, _SECONDS, _SECONDS), on_record=_ignore, on_start=_ignore, stop=stop)  # fmt: skip
        finally:
            message.unlink(missing_ok=True)
        problem = _describe(hook, end, log)
        if problem is not None:
            return problem
        try:
            log.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{log} cannot be removed: {error.strerror}.") from error
    return None


def _ignore(_: Record | int) -> None:
    """What it prints is for the log."""


def _describe(hook: Path, end: ProcessEnd, log: Path) -> str | None:
    if end.start_error or end.stopped_by is not None or not end.returncode:
        return None
    last = last_line(log)
    return (
        f"Commits may be refused here: the hook {hook} ended with code {end.returncode} when it was tried with nothing "
        f"staged{f': {one_line(last, 200)}' if last else '.'}"
    )
