"""Ending everything that an iteration leaves behind.

Each Bash tool call of the Claude CLI runs in a session of its own, so killing the CLI's process group never
reaches it, and children that were disowned or called setsid outlive even a normal end. Two nets catch them:

- The worker is a *child subreaper* (Linux): a descendant that loses its parent becomes its child, and `sweep` kills
  and reaps until nothing is left.
- Every process of an iteration inherits `SAMOCODE_SESSION`, the session's folder. `session_processes` finds
  them by that, also after the worker itself was killed.

A process that cleared this mark (`env -i`) and outlived a killed worker can only be recognized by its working
directory: `unmarked_processes` lists it, and it is left alone.

The CLI is started in a new session (setsid), and a process can only ever leave a session for a new one of its
own: so whatever came from the CLI is in another session than ours, and `sweep` touches nothing else. A child
that the worker itself starts in a new session must have ended by then, or be excluded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import psutil
from psutil import _psposix

from samobot.system.platform.current import identify, platform
from samobot.system.platform.process_identity import ProcessIdentity
from samobot.system.processes import (
    Swept,
    command_of,
    descendants,
    end_processes,
    is_alive,
    marked_processes,
    other_processes,
)

SESSION_VARIABLE = "SAMOCODE_SESSION"
"""Environment variable that marks every process of an iteration with its session's folder."""

SWEEP_SECONDS = 5.0
"""How long a sweep continues while new processes appear."""

GRACE_SECONDS = 0.5
"""How long a leftover process gets to clean up after SIGTERM."""


def become_subreaper() -> bool:
    """Make this process the new parent of everything below it that loses its own.

    Returns:
        Whether it is one now; only on Linux. Elsewhere `sweep` finds only descendants of living children;
        `BegunSessions` and `end_session_processes` find the rest.
    """
    return platform().become_subreaper()


def is_subreaper() -> bool:
    """Whether this process inherits everything below it that loses its own parent."""
    return platform().is_subreaper()


def sweep(exclude: Collection[int] = (), seconds: float = SWEEP_SECONDS) -> Swept:
    """End and reap every descendant that is not in this process's own session, until none is left.

    Blocks: milliseconds as a rule, half a second if something ignores SIGTERM.

    Args:
        exclude: Process ids to leave alone although they are in another session: their status is awaited elsewhere.
        seconds: How long to continue at most.
    """
    own_session = os.getsid(0)
    kill_after = time.monotonic() + GRACE_SECONDS

    def reap(zombie: psutil.Process) -> bool:
        # What forks faster than it can be listed is reached through its dead: until a zombie is reaped, the id of its
        # group cannot pass to another one.
        if time.monotonic() >= kill_after:
            send_to_group(zombie, signal.SIGKILL)
        return _reap(zombie.pid)

    return end_processes(
        lambda: _foreign_descendants(own_session, frozenset(exclude), reap),
        grace=GRACE_SECONDS,
        seconds=seconds,
        send=send_to_group,
    )


def session_processes(session_dir: Path) -> list[tuple[int, str]]:
    """Find the living processes that belong to a session's iterations.

    Args:
        session_dir: The session's folder.

    Returns:
        Process id and command line of each, without this process and its ancestors. Processes of other
        users cannot be looked into and are left out.
    """
    return [(process.pid, command_of(process)) for process in _marked(session_dir)]


def unmarked_processes(folders: Sequence[Path], first: ProcessIdentity | None) -> list[tuple[int, str]]:
    """Find processes that may have come from a session's iterations but do not bear its mark.

    Args:
        folders: The session's own folders, itself first: what works there is looked at.
        first: The session's first worker: what started before it in the same boot cannot have come from the session.

    Returns:
        Process id and command line of each of this user's processes that works in one of the folders, without
        those that bear its mark (another one's may be forged), those at a terminal, and this process and its ancestors.
    """
    places = [os.path.realpath(folder) for folder in folders]
    user = os.getuid()
    found = []
    # psutil lists the terminals once; a process at one that was opened later would seem to be at none.
    _psposix.get_terminal_map.cache_clear()  # type: ignore[attr-defined]
    for process in other_processes():
        try:
            cwd = process.cwd()
            if (
                any(cwd == place or cwd.startswith(f"{place}{os.sep}") for place in places)
                and process.uids().real == user
                and process.terminal() is None
                and os.path.realpath(process.environ().get(SESSION_VARIABLE) or os.sep) not in places[:1]
                and not _is_older(process.pid, first)
            ):
                found.append((process.pid, command_of(process)))
        except (psutil.Error, OSError):
            continue
    return found


def end_session_processes(session_dir: Path, seconds: float = SWEEP_SECONDS) -> Swept:
    """End what an earlier worker of a session left behind.

    Only for the holder of the session's run lock, or if there is none: a living worker's CLI has the same mark.

    Args:
        session_dir: The session's folder.
        seconds: How long to continue at most.
    """
    groups: set[int] = set()

    def find() -> list[psutil.Process]:
        found = _marked(session_dir)
        if not found:
            groups.update(_kill_fleeting(session_dir))
        return found

    return end_processes(find, grace=GRACE_SECONDS, seconds=seconds) + Swept(len(groups))


def has_tool_process(pid: int, *, fenced: bool = False, nested: bool = False) -> bool:
    """Whether a CLI has a living child in a session of its own, as every Bash tool call is.

    Args:
        pid: Process id of the CLI, or of the bubblewrap around it. MCP and language servers share its session and do
            not count.
        fenced: Whether it is bubblewrap's: the CLI is the child of its child then.
        nested: Whether the program that starts the tools may be any child of that process, as Codex is npm's script's.
    """
    try:
        own_session = os.getsid(pid)
        children = psutil.Process(pid).children(recursive=nested)
        for _ in range(2 if fenced and not nested else 0):
            children = [grandchild for child in children for grandchild in child.children()]
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
    return any(is_alive(child) and session_of(child.pid) not in (own_session, None) for child in children)


def _foreign_descendants(
    own_session: int, exclude: frozenset[int], reap: Callable[[psutil.Process], bool]
) -> list[psutil.Process]:
    """The living ones. Zombies are reaped, and then their orphans are looked for again."""
    # After a run inside the fence that is the first process of its namespace, and the only child.
    child = platform().exited_child()
    if child is not None and child not in exclude and session_of(child) not in (own_session, None):
        with contextlib.suppress(psutil.Error):
            reap(psutil.Process(child))
    while platform().has_children():  # usually it has none, which saves reading the machine's process table
        found = [
            process
            for process in descendants()
            if process.pid not in exclude and session_of(process.pid) not in (own_session, None)
        ]
        dead = [process for process in found if not is_alive(process)]
        if not sum(reap(process) for process in dead):
            return [process for process in found if process not in dead]
    return []


def _marked(session_dir: Path) -> list[psutil.Process]:
    wanted = os.path.realpath(session_dir)
    return [
        process for process, mark in marked_processes(SESSION_VARIABLE) if os.path.realpath(mark) == wanted
    ]


def _kill_fleeting(session_dir: Path) -> set[int]:
    """Kill the groups whose processes are replaced by copies of themselves faster than they can be listed."""
    wanted = os.path.realpath(session_dir)
    killed: set[int] = set()
    for mark, group in platform().fleeting(SESSION_VARIABLE):
        if group not in {os.getpgid(0), *killed} and os.path.realpath(mark) == wanted:
            killed.add(group)
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
    return killed


def _is_older(pid: int, first: ProcessIdentity | None) -> bool:
    identity = identify(pid)
    return (
        first is not None
        and identity is not None
        and identity.boot_id == first.boot_id
        and identity.start_ticks < first.start_ticks
    )


def send_to_group(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process with its whole group, so that a concurrent fork cannot escape.

    A group lies within one session, and the sessions meant here were all begun below the CLI.
    """
    try:
        group = os.getpgid(process.pid)
        if group == os.getpgid(0):
            process.send_signal(number)
        else:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError, psutil.Error):
        pass


def _reap(pid: int) -> bool:
    """Reap a zombie; False if it is not our child."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def session_of(pid: int) -> int | None:
    """The process session of a process; None if it has ended or belongs to another user."""
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
