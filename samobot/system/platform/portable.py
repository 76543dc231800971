"""Any POSIX system that psutil knows, macOS above all: what is not portable is weaker here, or missing.

Forced on Linux by `SAMOBOT_PORTABLE=1`, so that the tests run it; on macOS itself it has not been tried.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from samobot.system.platform.process_identity import PORTABLE_BOOT, ProcessIdentity

_SYSCTL = "/usr/sbin/sysctl"
_SYSCTL_SECONDS = 5.0
_PATH_BYTES = 1024
"""The length of macOS's paths, with which F_GETPATH (fcntl(2) there) answers."""


class PortablePlatform:
    """What psutil and POSIX offer."""

    has_file_events = False
    has_fence = False
    has_systemd = False
    follow_parent = ""
    weaknesses: tuple[str, ...] = (
        "no child subreapers: what an agent leaves behind is found by its environment or its process session only",
        "an agent outlives a worker that is killed (SIGKILL), until the session is stopped or resumed",
        "no bubblewrap: agents have all of your rights",
        "changes of files and the end of a worker are seen at the next poll",
        "the bot's token can be read by other programs of yours, in the environment that it was started with",
        "which process holds a session is known from its lock's text and open files, not from the kernel",
        "services start again whatever their exit code, 30 seconds later, and only while you are logged in",
    )

    def identify(self, pid: int) -> ProcessIdentity | None:
        """The start is the one by which psutil compares processes: setting the clock does not change it."""
        import psutil

        try:
            # Its public start time follows the clock, and so would differ from what another process wrote down.
            start: float | None = vars(psutil.Process(pid))["_ident"][1]
        except (psutil.Error, ValueError, OverflowError):
            return None
        return None if start is None else ProcessIdentity(pid, int(start * 1_000_000), self.boot_id())

    def boot_id(self) -> str:
        """macOS's own random id; elsewhere only the mark of this platform, with which every boot may be this one."""
        return self._boot_id

    @cached_property
    def _boot_id(self) -> str:
        return PORTABLE_BOOT + (_boot_session() if sys.platform == "darwin" else "")

    def parents(self) -> Iterator[tuple[int, int]]:
        """One look at each process."""
        import psutil

        for pid in psutil.pids():
            try:
                yield pid, psutil.Process(pid).ppid()
            except psutil.Error:
                continue

    def mentioning(self, variable: str) -> Iterable[int]:
        """All processes: psutil's own look at their environment follows anyway."""
        import psutil

        return psutil.pids()

    def fleeting(self, variable: str) -> Iterable[tuple[str, int]]:
        """They cannot be seen."""
        return ()

    def has_children(self) -> bool:
        """Not every system can ask without reaping one (waitid)."""
        return any(parent == os.getpid() for _, parent in self.parents())

    def exited_child(self) -> int | None:
        """Not every system can ask without reaping it (waitid)."""
        return None

    def cgroups(self, pid: int | None) -> list[str]:
        """There are none."""
        return []

    def lock_owner(self, path: Path, candidates: Iterable[int]) -> int | None:
        """The first candidate that has the file open. No others: who only asks whether it is locked has it open too."""
        import psutil

        try:
            there = path.stat()
        except OSError:
            return None
        for pid in dict.fromkeys(candidates):
            try:
                names = [file.path for file in psutil.Process(pid).open_files()]
            except (psutil.Error, ValueError, OverflowError):
                continue
            if any(_is_same(name, there) for name in names):
                return pid
        return None

    def open_process(self, pid: int) -> int | None:
        """There are none."""
        return None

    def send_to(self, descriptor: int, number: signal.Signals) -> None:
        """Never called, as `open_process` returns none."""
        raise ProcessLookupError

    def become_subreaper(self) -> bool:
        """There are none."""
        return False

    def is_subreaper(self) -> bool:
        """There are none."""
        return False

    def erase_variable(self, name: str) -> None:
        """What other processes of the user see of the initial environment cannot be changed."""

    def forbid_inspection(self) -> None:
        """Nothing does that."""

    def return_memory(self) -> None:
        """The allocator is left as it is."""

    def path_of(self, descriptor: int) -> Path | None:
        """By F_GETPATH, on macOS."""
        if sys.platform == "darwin":
            import fcntl

            try:
                found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(_PATH_BYTES))
            except OSError:
                return None
            return Path(os.fsdecode(found.rstrip(b"\0")))
        return None

    def file_systems(self) -> dict[Path, str]:
        """Asked only for file events, of which there are none."""
        return {}


def _boot_session() -> str:
    """The random id of this boot on macOS; empty if it cannot be asked."""
    import subprocess

    try:
        done = subprocess.run(
            [_SYSCTL, "-n", "kern.bootsessionuuid"], check=False, capture_output=True, timeout=_SYSCTL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "ignore").strip()


def _is_same(name: str, there: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name), there)
    except OSError:
        return False
