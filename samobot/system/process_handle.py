"""One process, held so that a signal can never reach another one that got its id."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from samobot.system.platform.current import identify, platform
from samobot.system.platform.process_identity import ProcessIdentity

_POLL_SECONDS = 0.05


class ProcessHandle:
    """A process by its pidfd; without one (other systems, old kernels) by its identity, compared each time.

    Args:
        identity: The process.
        descriptor: A pidfd of it, which the handle closes.
    """

    def __init__(self, identity: ProcessIdentity, descriptor: int | None) -> None:
        self.identity = identity
        self._descriptor = descriptor

    @classmethod
    def open(cls, pid: int, is_meant: Callable[[ProcessIdentity], bool] = lambda _: True) -> Self | None:
        """Hold the process that has this id.

        Args:
            pid: The process id.
            is_meant: Whether it is the one that is looked for; asked once it is held, so that the answer stays true.

        Returns:
            None if there is no such process, or it is not the one that is meant.
        """
        descriptor = platform().open_process(pid)
        identity = identify(pid)
        if identity is None or not is_meant(identity):
            if descriptor is not None:
                os.close(descriptor)
            return None
        return cls(identity, descriptor)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.identity.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a process that has ended gets none.

        Raises:
            PermissionError: It belongs to another user.
        """
        try:
            if self._descriptor is not None:
                platform().send_to(self._descriptor, number)
            elif identify(self.pid) == self.identity:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended; a zombie has. Blocks.

        Returns:
            Whether it has ended within that time.
        """
        if self._descriptor is not None:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            return bool(poll.poll(max(0.0, seconds) * 1000))
        deadline = time.monotonic() + seconds
        while identify(self.pid) == self.identity and not _is_zombie(self.pid):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def close(self) -> None:
        """Release the process. Safe to repeat."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
