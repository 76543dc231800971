"""Journals of made-up runs, as the worker would have written them, with a clock that a test sets forward."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any


class RunJournal:
    """Collects events as `journal.events` gives them.

    Args:
        now: When the first event happens.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.events: list[dict[str, Any]] = []
        self._iterations = 0

    def log(self, event: str, **fields: Any) -> None:
        """Something happens now."""
        self.events.append({"at": self.now, "event": event, **fields})

    def pass_time(self, **span: float) -> None:
        """Time passes, in the words of `timedelta`."""
        self.now += timedelta(**span)

    def start(self, phase: str) -> None:
        """A worker begins."""
        self.log("run_start", phase=phase)

    def end(self, reason: str) -> None:
        """The worker ends."""
        self.log("run_end", reason=reason)

    def move(self, source: str, target: str, by: str = "agent") -> None:
        """The phase changes."""
        self.log("phase", **{"from": source, "to": target, "by": by})

    def iterate(self, phase: str, *, seconds: float, usd: float = 0.1) -> None:
        """One iteration from start to end."""
        self._iterations += 1
        about = {"n": self._iterations, "phase": phase}
        self.log("iteration_start", **about)
        self.pass_time(seconds=seconds)
        self.log("iteration_end", **about, cost_usd=usd, duration_s=seconds, outcome="completed", models={})

    def wait_for_person(self, *, minutes: float) -> None:
        """A gate ends the run, and a person takes their time."""
        self.log("gate", **{"for": "qa_answers"})
        self.end("waiting")
        self.pass_time(minutes=minutes)
