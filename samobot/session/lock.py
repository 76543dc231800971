"""The run lock: at most one living worker a session, and which one, as it describes itself in the lock file.

The kernel releases the lock when its holder dies; the JSON inside only describes the holder and means
nothing when nobody holds the lock. `holder` takes the lock in shared mode for an instant, which a single
try cannot distinguish from a worker; so `acquire` retries while it could have it in shared mode.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from samobot.errors import BusyError, StorageError
from samobot.frozen import frozen
from samobot.session.file_lock import FileLock, read_held
from samobot.system.platform.current import own_identity

if TYPE_CHECKING:
    from types import TracebackType

    from samobot.session.folder import SessionFolder
import functools
import json
from dataclasses import asdict
from datetime import UTC

from samobot.system.platform.process_identity import ProcessIdentity


@frozen
class Holder:
    """The worker that holds a session's run lock, as it describes itself.

    Attributes:
        pid: Its process; None if its description cannot be read.
        start_ticks: When the process started; with the pid and the boot, this identifies a process.
        boot_id: The boot of the machine that it belongs to.
        host: The machine it runs on.
        started: When it took the lock.
        iteration: The total iteration it is in.
        claude_pid: The agent's process while an iteration runs, else None.
        phase: The phase it is in.
        parked: Whether it waits for a usage limit to reset.
        parked_until: When that is expected, if known.
        activity: What the agent is doing, for display, while an iteration runs.
    """

    pid: int | None = None
    start_ticks: int | None = None
    boot_id: str | None = None
    host: str | None = None
    started: datetime | None = None
    iteration: int | None = None
    claude_pid: int | None = None
    phase: str | None = None
    parked: bool = False
    parked_until: datetime | None = None
    activity: str | None = None

    @property
    def identity(self) -> ProcessIdentity | None:
        """Which process it is; None if the description lacks it: older versions wrote a wall-clock time."""
        if self.pid is None or self.start_ticks is None or self.boot_id is None:
            return None
        return ProcessIdentity(self.pid, self.start_ticks, self.boot_id)

    def differs_in_activity(self, other: Holder) -> bool:
        """Whether the two differ in the activity and in nothing else."""
        return self != other and replace(self, activity=other.activity) == other

    def describe(self) -> str:
        """Return a description for display: `process 4711 since 14:02 UTC on box`."""
        parts = [f"process {self.pid}" if self.pid is not None else "a process of unknown id"]
        if self.started is not None:
            parts.append(f"since {self.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        if self.host is not None:
            parts.append(f"on {self.host}")
        return " ".join(parts)

    def to_line(self) -> bytes:
        """Return the description as one line of JSON."""
        values = {
            key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self).items()
            if value is not None
        }
        return (json.dumps(values) + "\n").encode()


# Several sessions are read several times a second, and most of them have not changed.
@functools.lru_cache(maxsize=256)
def parse_holder(line: bytes) -> Holder:
    """Parse a description.

    Args:
        line: The first line of a lock file.

    Raises:
        ValueError: It is not JSON, perhaps half written.
        RecursionError: It is nested too deeply.
    """
    values = json.loads(line)
    if not isinstance(values, dict):
        return Holder()
    return Holder(
        pid=_whole(values.get("pid")),
        start_ticks=_whole(values.get("start_ticks")),
        boot_id=_text(values.get("boot_id")),
        host=_text(values.get("host")),
        started=_time(values.get("started")),
        iteration=_whole(values.get("iteration")),
        claude_pid=_whole(values.get("claude_pid")),
        phase=_text(values.get("phase")),
        parked=values.get("parked") is True,
        parked_until=_time(values.get("parked_until")),
        activity=_text(values.get("activity")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time_ = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time_ if time_.tzinfo is not None else time_.replace(tzinfo=UTC)


_PROBE_WAIT_S = 10.0
_READ_TRIES = 5
_MAX_BYTES = 16_384


class RunLock:
    """The run lock, held. Made by `acquire`; free again after `release` or the end of the process."""

    def __init__(self, folder: SessionFolder, lock: FileLock, description: Holder) -> None:
        self._folder = folder
        self._lock = lock
        self.holder = description

    @classmethod
    def acquire(
        cls,
        folder: SessionFolder,
        now: datetime,
        *,
        iteration: int | None = None,
        phase: str | None = None,
    ) -> RunLock:
        """Take the session for this process. Programs that it starts do not inherit the lock.

        Args:
            folder: The session; its `_logs` must exist.
            now: When it is taken.
            iteration: The total iteration so far.
            phase: The phase it is in.

        Raises:
            BusyError: Another worker holds the session.
            StorageError: The lock file cannot be made.
        """
        identity = own_identity()
        lock = cls(
            folder,
            _acquire(folder),
            Holder(
                pid=os.getpid(),
                start_ticks=identity.start_ticks if identity is not None else None,
                boot_id=identity.boot_id if identity is not None else None,
                host=os.uname().nodename,
                started=now,
                iteration=iteration,
                phase=phase,
            ),
        )
        try:
            lock._write()
        except BaseException:
            lock.release()
            raise
        return lock

    def update(
        self,
        *,
        iteration: int | None = None,
        phase: str | None = None,
        claude_pid: int | None = None,
        parked: bool = False,
        parked_until: datetime | None = None,
    ) -> None:
        """Describe the worker's current state.

        `iteration` and `phase` keep their value if None is given; the agent's pid, the parking and the
        activity do not.

        Raises:
            StorageError: The disk refused.
        """
        self.holder = replace(
            self.holder,
            iteration=self.holder.iteration if iteration is None else iteration,
            phase=self.holder.phase if phase is None else phase,
            claude_pid=claude_pid,
            parked=parked,
            parked_until=parked_until,
            activity=None,
        )
        self._write()

    def set_activity(self, activity: str) -> None:
        """Describe what the agent is doing; everything else stays.

        Raises:
            StorageError: The disk refused.
        """
        self.holder = replace(self.holder, activity=activity)
        self._write()

    def is_held(self) -> bool:
        """Whether the lock file in the folder is still the one that is held: false once it was deleted."""
        return self._lock.is_current()

    def renew(self) -> None:
        """Take the lock again if its file has been deleted or replaced.

        Raises:
            BusyError: Another worker has taken the session since.
            StorageError: The lock file cannot be made.
        """
        if self.is_held():
            return
        lock = _acquire(self._folder)
        self._lock.release()
        self._lock = lock
        self._write()

    def release(self) -> None:
        """Release the session. Safe to repeat."""
        if self._lock.is_open:
            # A full disk must not keep the session locked; what is left inside means nothing.
            with contextlib.suppress(StorageError):
                self._lock.write(b"")
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _write(self) -> None:
        if self._lock.is_open:
            self._lock.write(self.holder.to_line())


def holder(folder: SessionFolder) -> Holder | None:
    """Return the worker that holds the session, or None. Never makes a worker's `acquire` fail.

    Raises:
        StorageError: The lock file exists and cannot be opened, or is not a regular file.
    """
    for _ in range(_READ_TRIES):  # its description may be caught half-written
        found = read_held(folder.lock, _MAX_BYTES)
        if found is None:
            return None
        try:
            return parse_holder(found.partition(b"\n")[0])
        except (ValueError, RecursionError):
            time.sleep(0.001)
    return Holder()


def _acquire(folder: SessionFolder) -> FileLock:
    deadline = time.monotonic() + _PROBE_WAIT_S
    while True:
        lock = FileLock(folder.lock)
        kept = False
        try:
            if lock.acquire():
                kept = lock.is_current()
                if kept:
                    return lock
            elif not lock.acquire(shared=True):
                raise _busy(folder, holder(folder) or Holder())
        finally:
            if not kept:
                lock.release()
        if time.monotonic() > deadline:
            raise BusyError(
                f"The lock of {folder.name} was not free for {_PROBE_WAIT_S:.0f} s though no worker "
                f"holds it; see which program has {folder.lock} open."
            )
        time.sleep(0.001 + os.urandom(1)[0] / 256 * 0.009)


def _busy(folder: SessionFolder, held: Holder) -> BusyError:
    end = f" or kill {held.pid}" if held.pid is not None else ""
    return BusyError(
        f"Another worker holds {folder.name}: {held.describe()}. "
        f"Stop it with “samobot stop {folder.name}”{end}, or let it finish."
    )
