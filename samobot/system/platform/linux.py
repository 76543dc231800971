"""Linux: what its kernel shows in `/proc` (proc(5)), prctl(2) and pidfds (pidfd_open(2))."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path

from samobot.system.platform.kernel_locks import kernel_lock_owner
from samobot.system.platform.process_identity import ProcessIdentity

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE_BLOCK = 128 * 1024
"""Bytes; glibc begins with this value, but raises it with every large block that is freed."""

_PARENT = 4
_START_TICKS = 22
_ENV_START = 50
"""Fields of `/proc/PID/stat`: the parent's id; the start in clock ticks since boot; the start address of the initial
environment, whose end is the next field."""

_LOOKS = 100
"""Looks for what is too short-lived to be listed: 30 ms. One that forks each millisecond was seen at the fifth."""


class LinuxPlatform:
    """Linux.

    Args:
        proc: Where the kernel's process files are.
    """

    has_file_events = True
    has_fence = True
    has_systemd = True
    # 1 is PR_SET_PDEATHSIG. In a process of its own that has nothing of ours to import.
    follow_parent = "import ctypes\nctypes.CDLL(None).prctl(1, int(signal.SIGINT), 0, 0, 0)"
    weaknesses: tuple[str, ...] = ()

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def identify(self, pid: int) -> ProcessIdentity | None:
        """The start and the boot are the kernel's own."""
        try:
            return ProcessIdentity(pid, parse_start_ticks(self._read(pid, "stat")), self.boot_id())
        except (OSError, ValueError):
            return None

    def boot_id(self) -> str:
        """A random id; empty if the system has none."""
        return self._boot_id

    @cached_property
    def _boot_id(self) -> str:
        try:
            return (self._proc / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return ""

    def parents(self) -> Iterator[tuple[int, int]]:
        """psutil's own way costs tens of milliseconds on a machine with many processes."""
        for pid in self._pids():
            try:
                yield pid, int(_fields(self._read(pid, "stat"))[_PARENT - 3])
            except (OSError, IndexError, ValueError):
                continue

    def mentioning(self, variable: str) -> Iterator[int]:
        """psutil's own way costs tens of milliseconds on a machine with many processes."""
        sought = variable.encode()
        for pid in self._pids():
            try:
                if sought in self._read(pid, "environ"):
                    yield pid
            except OSError:
                continue

    def fleeting(self, variable: str) -> Iterator[tuple[str, int]]:
        """Each look reads only what is new since the one before, the newest first: a millisecond may be all there is."""
        sought = variable.encode() + b"="
        known = set(self._pids())
        for _ in range(_LOOKS):
            new = set(self._pids()) - known
            known |= new
            for pid in sorted(new, reverse=True):
                try:
                    entries = self._read(pid, "environ").split(b"\0")
                    group = os.getpgid(pid)
                except OSError:
                    continue
                yield from ((os.fsdecode(e[len(sought) :]), group) for e in entries if e.startswith(sought))

    def has_children(self) -> bool:
        """Asks without reaping any."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def exited_child(self) -> int | None:
        """Asks without reaping it."""
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        return None if ended is None else ended.si_pid

    def cgroups(self, pid: int | None) -> list[str]:
        """Those of cgroups(7): `0::/user.slice/…`."""
        try:
            lines = os.fsdecode(self._read("self" if pid is None else pid, "cgroup")).splitlines()
        except OSError:
            return []
        return [line.split(":", maxsplit=2)[2] for line in lines if line.count(":") >= 2]

    def lock_owner(self, path: Path, candidates: Iterable[int]) -> int | None:
        """The kernel names it."""
        return kernel_lock_owner(self._proc, path, chain(candidates, self._pids()))

    def open_process(self, pid: int) -> int | None:
        """A pidfd; None on an old kernel, or if there is no such process."""
        if sys.platform != "linux":
            return None
        try:
            return os.pidfd_open(pid)
        except (OSError, OverflowError, ValueError):
            return None

    def send_to(self, descriptor: int, number: signal.Signals) -> None:
        """Through the pidfd."""
        if sys.platform == "linux":
            signal.pidfd_send_signal(descriptor, number)

    def become_subreaper(self) -> bool:
        """By prctl(2)."""
        return _prctl(_PR_SET_CHILD_SUBREAPER, 1) == 0

    def is_subreaper(self) -> bool:
        """By prctl(2)."""
        import ctypes

        answer = ctypes.c_int()
        done = _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer))
        return done == 0 and bool(answer.value)

    def erase_variable(self, name: str) -> None:
        """That memory is where the kernel put the environment when the program started; see `/proc/PID/environ`."""
        import ctypes

        fields = _fields(self._read("self", "stat"))
        begin, end = (int(field) for field in fields[_ENV_START - 3 : _ENV_START - 1])
        block = ctypes.string_at(begin, end - begin)
        offset = 0
        for entry in block.split(b"\0"):
            if entry.startswith(os.fsencode(name) + b"="):
                ctypes.memset(begin + offset, 0, len(entry))
            offset += len(entry) + 1

    def forbid_inspection(self) -> None:
        """By PR_SET_DUMPABLE; also prevents core dumps."""
        _prctl(_PR_SET_DUMPABLE, 0)

    def path_of(self, descriptor: int) -> Path | None:
        """By the link in `/proc/PID/fd`."""
        try:
            return Path(os.readlink(self._proc / "self" / "fd" / str(descriptor)))
        except OSError:
            return None

    def return_memory(self) -> None:
        """By mallopt(3): one arena for all threads, and large blocks always as mappings of their own."""
        import ctypes

        library = ctypes.CDLL(None)
        with contextlib.suppress(AttributeError):  # a C library other than glibc has its own ways
            library.mallopt(_M_ARENA_MAX, 1)
            library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
            library.mallopt(_M_TRIM_THRESHOLD, _LARGE_BLOCK)
            library.malloc_trim(0)

    def file_systems(self) -> dict[Path, str]:
        """By proc_pid_mounts(5)."""
        try:
            lines = os.fsdecode(self._read("self", "mounts")).splitlines()
        except OSError:
            return {}
        return {
            Path(part[1].replace("\\040", " ")): part[2] for line in lines if len(part := line.split()) > 2
        }

    def _pids(self) -> list[int]:
        return [int(name) for name in os.listdir(self._proc) if name.isdecimal()]

    def _read(self, pid: int | str, name: str) -> bytes:
        with open(self._proc / str(pid) / name, "rb") as file:
            return file.read()


def _prctl(option: int, argument: object) -> int:
    import ctypes  # `samobot status` needs none of it and is to be quick

    return int(ctypes.CDLL(None).prctl(option, argument, 0, 0, 0))


def parse_start_ticks(stat: bytes) -> int:
    """Return the start of a process in clock ticks since boot (proc_pid_stat(5), field 22).

    Args:
        stat: The content of `/proc/PID/stat`.

    Raises:
        ValueError: It is something else.
    """
    fields = _fields(stat)
    if len(fields) <= _START_TICKS - 3:
        raise ValueError("not the content of a /proc/PID/stat")
    return int(fields[_START_TICKS - 3])


def _fields(stat: bytes) -> list[bytes]:
    """The fields from the third on; the second, the program's name in brackets, may hold spaces and brackets."""
    _, bracket, rest = stat.rpartition(b")")
    return rest.split() if bracket else []
