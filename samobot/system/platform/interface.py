"""The interface to what differs between operating systems."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from samobot.system.platform.process_identity import ProcessIdentity


class Platform(Protocol):
    """What samobot needs from an operating system beyond POSIX.

    Attributes:
        has_file_events: Whether changes of files are reported (inotify); without, they are polled for.
        has_fence: Whether bubblewrap can exist.
        has_systemd: Whether services are systemd's; without, launchd's.
        follow_parent: Python statements for a program that is about to replace itself: from then on it gets SIGINT when
            its parent dies. They may use `signal`. Empty where no kernel does that.
        weaknesses: What is weaker than on Linux, a sentence each; for the user.
    """

    has_file_events: bool
    has_fence: bool
    has_systemd: bool
    follow_parent: str
    weaknesses: tuple[str, ...]

    def identify(self, pid: int) -> ProcessIdentity | None:
        """Return the identity of the process that has this id now, a zombie included; None if there is none."""

    def boot_id(self) -> str:
        """Return the id of this boot of the machine; without its own part if the system has none."""

    def parents(self) -> Iterable[tuple[int, int]]:
        """The id of every process with that of its parent, as fast as can be: one that forks must not outrun it."""

    def mentioning(self, variable: str) -> Iterable[int]:
        """Ids of all processes that may have a variable in their environment."""

    def fleeting(self, variable: str) -> Iterable[tuple[str, int]]:
        """The variable's value and the process group of processes too short-lived to be listed and then looked at."""

    def has_children(self) -> bool:
        """Whether this process has any child, alive or a zombie; without one it has no descendants."""

    def exited_child(self) -> int | None:
        """Process id of a child that has ended and was not reaped; None without one, or if that cannot be asked."""

    def cgroups(self, pid: int | None) -> list[str]:
        """The control groups of a process (None is this one), one per hierarchy; empty without any."""

    def lock_owner(self, path: Path, candidates: Iterable[int]) -> int | None:
        """Return the process that holds an exclusive flock on a file; None if there is none, or it cannot be seen.

        Args:
            path: The file.
            candidates: Process ids to look at first; where the kernel does not name holders, the only ones looked at.
        """

    def open_process(self, pid: int) -> int | None:
        """A descriptor that stands for a process and is readable once it has ended; None without such descriptors."""

    def return_memory(self) -> None:
        """Make memory that is no longer used go back to the system early, where the allocator can: for a long life."""

    def send_to(self, descriptor: int, number: signal.Signals) -> None:
        """Signal the process of a descriptor of `open_process`.

        Raises:
            ProcessLookupError: It has ended.
            PermissionError: It belongs to another user.
        """

    def become_subreaper(self) -> bool:
        """Make this process the new parent of everything below it that loses its own; return whether it is one."""

    def is_subreaper(self) -> bool:
        """Whether this process inherits everything below it that loses its own parent."""

    def erase_variable(self, name: str) -> None:
        """Overwrite a variable in the memory where other processes of the user see the initial environment."""

    def forbid_inspection(self) -> None:
        """Keep other processes of this user from reading this one's memory, environment and open files (not root)."""

    def path_of(self, descriptor: int) -> Path | None:
        """The path at which an open file or folder is now; None if the system does not report it."""

    def file_systems(self) -> dict[Path, str]:
        """The kind of file system at each place where one is mounted; empty if the system does not report it."""
