"""A session's folder for tests, written as an agent or a person would."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from samobot.session.folder import SessionFolder
from samobot.session.gate import Person

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
KEY = b"k" * 32
ANNA = Person("anna", "telegram")

QUESTIONS = """\
# Questions

### Q1: Which greeting should it print?
A) hello
B) good day, with the name
**Suggestion:** B - polite
**Answer:** _waiting_

### Q2: How loud?
**Answer:** _waiting_
"""

PLAN = """\
# Greeting script

## Phase 1: Script
- [ ] write it
- [ ] run it
"""


def make_session(
    parent: Path,
    *,
    phase: str = "investigation",
    blocked: str = "no",
    iteration: int = 1,
    qa: str | None = None,
    signal: dict[str, str] | None = None,
) -> SessionFolder:
    """Make `26-01-15-greet` with an overview, and questions and a signal where given."""
    folder = SessionFolder(parent / "26-01-15-greet")
    folder.prepare()
    folder.overview.write_text(
        f"# greet\nStarted: 2026-01-15 10:00\nTask: greet\n\n## Status\nPhase: {phase}\nIteration: {iteration}\n"
        f"Total Iterations: 3\nBlocked: {blocked}\nLast Action: looked around\nNext: go on\n\n## Flow Log\n"
    )
    if qa is not None:
        folder.qa.write_text(qa)
    if signal is not None:
        write_signal(folder, **signal)
    return folder


def write_signal(folder: SessionFolder, **values: str) -> None:
    """Leave a signal as an agent does."""
    folder.signal.write_text(json.dumps(values))


def write_plan(folder: SessionFolder, text: str = PLAN, name: str = "01-15-10:30-plan-greeting.md") -> str:
    """Leave a plan and return its sha256."""
    (folder.path / name).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()
