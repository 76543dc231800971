"""The public JSON of `samobot status NAME --json`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from samobot.frozen import frozen
from samobot.phases import Phase, WaitingFor
from samobot.session.question import Question

QUESTION_KEYS = ("number", "text", "options", "suggestion", "answer")
"""What the JSON has of a question."""

SILENT = "Its files do not answer: the disk hangs or they are very large; it is shown as soon as they do."
"""What is shown of a session whose read has not come back."""


class SessionState(StrEnum):
    """What a session is doing or waiting for."""

    RUNNING = "running"
    QUEUED = "queued"
    WAITING = "waiting"
    BLOCKED = "blocked"
    PARKED = "parked"
    STOPPED = "stopped"
    DONE = "done"
    IDLE = "idle"


@frozen
class WorkerStatus:
    """The running worker; its pid is None if its lock cannot be read."""

    pid: int | None
    started: datetime | None
    iteration: int | None


@frozen
class Status:
    """The state of a session; None for what the files do not contain."""

    project: str
    session: str
    path: str
    state: SessionState
    phase: Phase | None
    iteration: int | None
    total_iterations: int | None
    blocked: str | None
    last_action: str | None
    next: str | None
    waiting_for: WaitingFor | None
    questions: tuple[Question, ...]
    worker: WorkerStatus | None
    cost_usd: float | None
    updated: datetime | None
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the object of `status --json`: times in ISO 8601, `problems` only if there are any."""
        values = asdict(self)
        if not self.problems:
            del values["problems"]
        if self.cost_usd is not None:
            values["cost_usd"] = round(self.cost_usd, 6)  # sums of cents are not exact in binary
        values["questions"] = [
            {key: value for key, value in question.items() if key in QUESTION_KEYS}
            for question in values["questions"]
        ]
        values["updated"] = _time(self.updated)
        if self.worker is not None:
            values["worker"]["started"] = _time(self.worker.started)
        return values


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")
