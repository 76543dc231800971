"""The project's `WORKTREE_SETUP`, run by a session's worker before its first iteration, so that a stop reaches it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from samobot.claude.clocks import Timeouts
from samobot.claude.end import ProcessEnd, StoppedBy
from samobot.claude.invocation import Invocation, child_environment
from samobot.claude.process import run
from samobot.claude.reaper import SESSION_VARIABLE
from samobot.claude.records import Record
from samobot.config.project import SETUP_KEY, Project
from samobot.config.trust import is_trusted, setup_command
from samobot.errors import StorageError
from samobot.session.files import open_regular
from samobot.session.folder import SessionFolder
from samobot.session.git import Git, GitError
from samobot.text import one_line

SETUP_SECONDS = 900.0
"""How long WORKTREE_SETUP may take."""

_MARK = "samobot-setup-done"
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
# uv and pnpm would link files of the user's caches into the worktree, where an agent changes them for all projects.
_COPIES = {"UV_LINK_MODE": "copy", "npm_config_package_import_method": "copy"}
_ONE_OUTPUT = 'exec sh -c "$0" 2>&1'
_TAIL_BYTES = 4000


async def run_setup(
    project: Project,
    work_dir: Path,
    folder: SessionFolder,
    state_dir: Path,
    environ: Mapping[str, str],
    stop: asyncio.Event,
) -> str | None:
    """Run the command once in a worktree, and again at the next start if it fails; what it started is ended with it.

    Args:
        project: The session's project.
        work_dir: Where it runs.
        folder: The session; the output goes into its `_logs`.
        state_dir: Where it is recorded what the user trusts.
        environ: The environment of the command, less secrets.
        stop: Ends the command when set; it runs again the next time.

    Returns:
        A sentence for the user if it did not run or failed.

    Raises:
        StorageError: A record cannot be read or written.
        UsageError: git is not installed.
    """
    command = setup_command(project)
    if command is None or project.worktree_setup is None:
        return None
    mark = _mark(work_dir)
    if mark is None or mark.exists():
        return None
    if not is_trusted(state_dir, project, command):
        return (
            f"{SETUP_KEY} of {project.file} was not run, as you have not trusted it; "
            f"in the terminal: samobot trust --config {project.file}"
        )
    log = folder.logs / "worktree-setup.log"
    invocation = Invocation(
        argv=("sh", "-c", _ONE_OUTPUT, project.worktree_setup),
        cwd=work_dir,
        env=_COPIES | child_environment(environ, _SECRETS) | {SESSION_VARIABLE: str(folder.path)},
        stdin=b"",
        log=log,
        session_id="",
    )
    limits = Timeouts(SETUP_SECONDS, SETUP_SECONDS, SETUP_SECONDS, SETUP_SECONDS)
    end = await run(invocation, limits, on_record=_ignore, on_start=_ignore, stop=stop)
    if end.stopped_by is StoppedBy.PERSON:
        return None
    if end.returncode == 0 or end.stopped_by is not None:  # one that hangs would hold up each start
        _touch(mark)
    return _describe(end, log)


def _ignore(_: Record | int) -> None:
    """What it prints is for the log."""


def _mark(work_dir: Path) -> Path | None:
    """The file that shows that a worktree was set up; None for a checkout that is not a worktree of its own."""
    try:
        folder = Path(Git(work_dir).run("rev-parse", "--absolute-git-dir").rstrip("\n"))
    except GitError:
        return None
    return folder / _MARK if folder.parent.name == "worktrees" else None


def _touch(mark: Path) -> None:
    try:
        mark.touch()
    except OSError as error:
        raise StorageError(f"{mark} cannot be written: {error.strerror}.") from error


def _describe(end: ProcessEnd, log: Path) -> str | None:
    if end.start_error:
        return f"{SETUP_KEY} could not be started: {end.start_error}."
    if end.stopped_by is not None:
        words = f"did not end within {SETUP_SECONDS:.0f} s"
    elif end.returncode:
        words = f"ended with code {end.returncode}"
    else:
        return None
    last = _last_line(log)
    return f"{SETUP_KEY} {words}: {one_line(last, 200)}" if last else f"{SETUP_KEY} {words}."


def _last_line(log: Path) -> str:
    """The last line of what a program printed; empty if there is none that can be read."""
    try:
        with open_regular(log) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").strip().splitlines()
    except (OSError, StorageError):
        return ""
    return lines[-1] if lines else ""
