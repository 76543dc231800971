"""Finding processes and ending them."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import psutil

from samobot.frozen import frozen
from samobot.system.platform.current import platform
from samobot.system.platform.interface import Platform

_PAUSE = 0.02


@frozen
class Swept:
    """The outcome of `end_processes`: how many it ended, and the ids of those that did not end (normally none)."""

    ended: int = 0
    survivors: tuple[int, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.ended + other.ended, self.survivors + other.survivors)


def other_processes() -> Iterator[psutil.Process]:
    """Living processes of this machine, without this one and its ancestors."""
    spared = own_line()
    for pid in psutil.pids():
        process = _process(pid) if pid not in spared else None
        if process is not None and is_alive(process):
            yield process


def marked_processes(variable: str, system: Platform | None = None) -> Iterator[tuple[psutil.Process, str]]:
    """Living processes that carry an environment variable, with its value; not this one and its ancestors.

    Processes of other users cannot be inspected and are left out.

    Args:
        variable: The variable's name.
        system: The platform; by default that of this machine.
    """
    spared = own_line()
    for pid in (system or platform()).mentioning(variable):
        process = _process(pid) if pid not in spared else None
        if process is not None and is_alive(process) and (value := environment_of(process).get(variable)):
            yield process, value


def own_line() -> frozenset[int]:
    """Process ids of this process and its ancestors."""
    found = [os.getpid()]
    while (process := _process(found[-1])) is not None:
        try:
            parent = process.ppid()
        except psutil.Error:
            break
        if parent in (0, *found):
            break
        found.append(parent)
    return frozenset(found)


def descendants(system: Platform | None = None, *, of: int | None = None) -> list[psutil.Process]:
    """Every process below this one, zombies included.

    Args:
        system: The platform; by default that of this machine.
        of: Process id of another one to look below.
    """
    children: dict[int, list[int]] = defaultdict(list)
    for pid, parent in (system or platform()).parents():
        children[parent].append(pid)
    below = list(children[os.getpid() if of is None else of])
    for pid in below:
        below += children.pop(pid, [])
    return [process for pid in below if (process := _process(pid)) is not None]


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs; a zombie does not, however long its parent leaves it there."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def environment_of(process: psutil.Process) -> dict[str, str]:
    """The environment a process was started with; empty if it cannot be read."""
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def command_of(process: psutil.Process) -> str:
    """The command line of a process, quoted as for a shell; `?` if it cannot be read."""
    try:
        return shlex.join(process.cmdline()) or process.name()
    except (psutil.Error, OSError):
        return "?"


def send_signal(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process unless it has ended or belongs to another user."""
    try:
        process.send_signal(number)
    except psutil.Error:
        pass


def end_processes(
    find: Callable[[], Sequence[psutil.Process]],
    *,
    grace: float,
    seconds: float,
    send: Callable[[psutil.Process, signal.Signals], None] = send_signal,
) -> Swept:
    """End what `find` returns until it returns nothing: a process can fork while it is ended. Blocks.

    Args:
        find: Returns the living processes to end.
        grace: Seconds from SIGTERM to SIGKILL, so that a program can clean up: git removes its lock files.
        seconds: How long to continue at most.
        send: Sends a signal to one of them.
    """
    started = time.monotonic()
    seen: set[psutil.Process] = set()
    while found := find():
        elapsed = time.monotonic() - started
        if elapsed >= seconds:
            survivors = tuple(sorted(process.pid for process in found))
            return Swept(max(0, len(seen) - len(survivors)), survivors)
        for process in found:
            if elapsed >= grace:
                send(process, signal.SIGKILL)
            elif process not in seen:
                send(process, signal.SIGTERM)
        seen.update(found)
        time.sleep(_PAUSE)
    return Swept(len(seen))


def _process(pid: int) -> psutil.Process | None:
    """A fresh object: those that `psutil.process_iter` keeps may stand for an earlier process with the same id."""
    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError):
        return None
