"""What `samobot status NAME --json` says of a session: its public form, which other people's programs read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from samobot.phases import Phase, WaitingFor
from samobot.session.question import Question

QUESTION_KEYS = ("number", "text", "options", "suggestion", "answer")
"""What the JSON has of a question."""


class SessionState(StrEnum):
    """What a session is doing, or waits for, in one word."""

    RUNNING = "running"
    QUEUED = "queued"
    WAITING = "waiting"
    BLOCKED = "blocked"
    PARKED = "parked"
    STOPPED = "stopped"
    DONE = "done"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The living worker; its pid is None where its lock cannot be read."""

    pid: int | None
    started: datetime | None
    iteration: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """A session at one moment. None where the files do not say."""

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
        """The object of `status --json`: times in ISO 8601, and `problems` only where there are any."""
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


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
