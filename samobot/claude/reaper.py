"""Ending everything that an iteration leaves behind.

Each Bash tool call of the Claude CLI runs in a session of its own, so killing the CLI's process group never
reaches it, and children that were disowned or called setsid outlive even a normal end. Two nets catch them:

- The worker is a *child subreaper* (Linux): whatever loses its parent below it becomes its own child, and
  `sweep` kills and reaps until nothing is left.
- Every process of an iteration inherits `SAMOCODE_SESSION`, the session's folder. `session_processes` finds
  them by that, also when the worker itself was killed and its orphans went to init.

What got rid of that mark (`env -i`) and outlived a killed worker can only be suspected by where it works:
`unmarked_processes` finds it for a person to judge, and nothing here ends it.

The CLI is started in a new session (setsid), and a process can only ever leave a session for a new one of its
own: so whatever came from the CLI is in another session than ours, and `sweep` touches nothing else. A child
that the worker itself starts in a new session must have ended by then, or be excluded.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from samobot.system.processes import is_alive

SESSION_VARIABLE = "SAMOCODE_SESSION"
"""Environment variable that marks every process of an iteration with its session's folder."""

SWEEP_SECONDS = 5.0
"""How long a sweep goes on when processes keep coming."""

GRACE_SECONDS = 0.5
"""How long a process that is left over gets to clean up after itself."""

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: how many processes it ended, and which would not end (normally none)."""

    ended: int = 0
    survivors: tuple[int, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.ended + other.ended, self.survivors + other.survivors)


def become_subreaper() -> bool:
    """Make this process the new parent of everything below it that loses its own.

    Returns:
        Whether it is one now. Elsewhere than on Linux it never is, and `sweep` finds only what still hangs
        below a living child; `end_session_processes` finds the rest there.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def is_subreaper() -> bool:
    """Whether this process inherits everything below it that loses its own parent."""
    if sys.platform != "linux":
        return False
    answer = ctypes.c_int()
    done = ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(done == 0 and answer.value)


def sweep(exclude: Collection[int] = (), seconds: float = SWEEP_SECONDS) -> Swept:
    """End and reap every descendant that is not in this process's own session, until none is left.

    It blocks for as long as that takes: milliseconds as a rule, half a second where something ignores SIGTERM.

    Args:
        exclude: Process ids to leave alone although they are in another session; somebody else waits for them.
        seconds: How long to go on at most.
    """
    own_session = os.getsid(0)
    return _end_all(lambda: _foreign_descendants(own_session, frozenset(exclude)), _send_to_group, seconds)


def session_processes(session_dir: Path) -> list[tuple[int, str]]:
    """Find the living processes that belong to a session's iterations.

    Args:
        session_dir: The session's folder.

    Returns:
        Process id and command line of each, without this process and its ancestors. Processes of other
        users cannot be looked into and are left out.
    """
    return [(process.pid, _command(process)) for process in _marked(session_dir)]


def unmarked_processes(folders: Collection[Path], since: float) -> list[tuple[int, str]]:
    """Find processes that may have come from a session's iterations but do not bear its mark.

    Args:
        folders: The session's own folders: what works there is looked at.
        since: Epoch seconds; what is older cannot have come from the session.

    Returns:
        Process id and command line of each of this user's processes that works in one of the folders, without
        those that bear any session's mark, those at a terminal, and this process and its ancestors.
    """
    places = [os.path.realpath(folder) for folder in folders]
    spared = _own_line()
    user = os.getuid()
    found = []
    for process in psutil.process_iter():
        try:
            cwd = process.cwd()
            if (
                any(cwd == place or cwd.startswith(f"{place}{os.sep}") for place in places)
                and process.pid not in spared
                and process.uids().real == user
                and process.create_time() >= since
                and process.terminal() is None
                and SESSION_VARIABLE not in process.environ()
            ):
                found.append((process.pid, _command(process)))
        except (psutil.Error, OSError):
            continue
    return found


def end_session_processes(session_dir: Path, seconds: float = SWEEP_SECONDS) -> Swept:
    """End what an earlier worker of a session left behind.

    Only for the holder of the session's run lock, or when there is none: a living worker's CLI carries the
    same mark.

    Args:
        session_dir: The session's folder.
        seconds: How long to go on at most.
    """
    return _end_all(lambda: _marked(session_dir), _send, seconds)


def has_tool_process(pid: int) -> bool:
    """Whether a CLI has a living child in a session of its own, as every Bash tool call is.

    Args:
        pid: Process id of the CLI. MCP and language servers share its session and do not count.
    """
    try:
        own_session = os.getsid(pid)
        children = psutil.Process(pid).children()
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
    return any(is_alive(child) and _session(child.pid) not in (own_session, None) for child in children)


def _end_all(
    listing: Callable[[], list[psutil.Process]],
    send: Callable[[psutil.Process, signal.Signals], None],
    seconds: float,
) -> Swept:
    """End what `listing` finds, again and again, because a process can fork while it is killed.

    Each gets a moment to leave in order, so that a git command takes its lock files along.
    """
    started = time.monotonic()
    seen: set[psutil.Process] = set()
    while found := listing():
        elapsed = time.monotonic() - started
        if elapsed >= seconds:
            survivors = tuple(sorted(process.pid for process in found))
            return Swept(max(0, len(seen) - len(survivors)), survivors)
        for process in found:
            if elapsed >= GRACE_SECONDS:
                send(process, signal.SIGKILL)
            elif process not in seen:
                send(process, signal.SIGTERM)
        seen.update(found)
        time.sleep(_PAUSE)
    return Swept(len(seen))


def _foreign_descendants(own_session: int, exclude: frozenset[int]) -> list[psutil.Process]:
    """The living ones; the dead are reaped on the way, and what they had below them is then looked for again."""
    if not _has_children():
        return []  # most often: then the machine's whole table of processes need not be read
    while True:
        found = [
            process
            for process in psutil.Process().children(recursive=True)
            if process.pid not in exclude and _session(process.pid) not in (own_session, None)
        ]
        dead = [process for process in found if not is_alive(process)]
        if not sum(_reap(process.pid) for process in dead):
            return [process for process in found if process not in dead]


def _marked(session_dir: Path) -> list[psutil.Process]:
    wanted = os.path.realpath(session_dir)
    spared = _own_line()
    found = []
    for process in _mentioning(SESSION_VARIABLE):
        if process.pid in spared or not is_alive(process):
            continue
        try:
            mark = process.environ().get(SESSION_VARIABLE)
        except (psutil.Error, OSError):
            continue
        if mark and os.path.realpath(mark) == wanted:
            found.append(process)
    return found


def _own_line() -> frozenset[int]:
    """This process and its ancestors."""
    own = psutil.Process()
    return frozenset({own.pid, *(parent.pid for parent in own.parents())})


def _mentioning(variable: str) -> Iterator[psutil.Process]:
    """All processes that may have a variable in their environment."""
    if sys.platform != "linux":
        yield from psutil.process_iter()
        return
    # psutil's own way takes a worker's start tens of milliseconds on a machine with many processes.
    sought = variable.encode()
    for pid in psutil.pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if sought in file.read():
                    yield psutil.Process(pid)
        except (OSError, psutil.Error):
            continue


def _has_children() -> bool:
    """Whether we have any child, alive or dead; whatever is below us hangs on one."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _send_to_group(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process with its whole group: the one way that a fork going on at the same time cannot escape.

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


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        pass


def _reap(pid: int) -> bool:
    """Take a dead child's status, so that it does not stay a zombie; False where it is nobody's or not ours."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _command(process: psutil.Process) -> str:
    try:
        return shlex.join(process.cmdline()) or process.name()
    except (psutil.Error, OSError):
        return "?"
