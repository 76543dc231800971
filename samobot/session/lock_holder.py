"""How a worker describes itself in its run lock."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

from samobot.frozen import frozen
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
