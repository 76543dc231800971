"""What the scripted agent does: a scenario, the file it is kept in, and the launcher that plays it.

A scenario maps each phase to a list of iterations, and each iteration to a list of steps. The first run of a
phase in a session plays the first iteration, the next run the next one; the last one repeats. A run that
crashed counts too, so `[[Crash()], [Signal(...)]]` is "crashes once, then goes well". The models here and in `samobot.sandbox.agent.steps` are
for whoever writes a scenario; the agent itself (`samobot.sandbox.agent.main`) reads the JSON with the standard
library alone, because it is started as often as the real CLI.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from samobot.errors import UsageError
from samobot.phases import Phase
from samobot.sandbox.agent.steps import Iterations, Model

ANY_PHASE = "*"
"""The key of the iterations for every phase that has none of its own, and for a run without `--agent`."""

# Each run asks for the version first: as `save` writes it, it needs no Python.
_LAUNCHER = r"""#!/bin/sh
if [ "$*" = --version ]; then
  {{ sed -n 's/^ "version": "\([^"\\]*\)",$/\1/p' {file} | grep .; }} 2>/dev/null && exit
fi
exec {start} "$@"
"""


class Scenario(Model):
    """Everything the scripted agent needs to know."""

    phases: dict[str, Iterations] = Field(default_factory=dict)
    """Iterations by phase (`Phase` or `*`)."""
    sessions: dict[str, dict[str, Iterations]] = Field(default_factory=dict)
    """The same for single sessions, by name without date; what is missing there is taken from `phases`."""
    on_exhausted: Literal["repeat", "fail"] = "repeat"
    """After the last iteration of a phase: play it again, or end with an error."""
    pace: float = 0
    """Seconds after each step, so that people can watch."""
    cost_usd: float = 0.1
    """Cost of a run without a `Cost` step."""
    version: str = "2.1.197 (Claude Code)"
    logged_in: bool = True

    @field_validator("phases", "sessions")
    @classmethod
    def _known_phases(cls, value: dict[str, Any]) -> dict[str, Any]:
        known = {*Phase, ANY_PHASE}
        tables = [table for table in value.values() if isinstance(table, dict)] or [value]
        for table in tables:
            for phase, iterations in table.items():
                if phase not in known:
                    raise ValueError(f"“{phase}” is not a phase; the phases are {', '.join(known)}")
                if not iterations:
                    raise ValueError(f"“{phase}” has no iteration")
        return value


class Note(BaseModel):
    """One line of what the agent notes down about its own runs."""

    event: Literal["start", "children", "end"]
    at: float
    """Epoch seconds."""
    pid: int
    session: str | None = None
    phase: str | None = None
    n: int = 0
    """Which run of this phase in this session, from 1."""
    argv: list[str] = []
    agent: str | None = None
    appended: str = ""
    """The whole text given with `--append-system-prompt-file` and `--append-system-prompt`."""
    prompt: str = ""
    cwd: str = ""
    env: dict[str, str] = {}
    """Variables named `SAMO…`."""
    env_names: list[str] = []
    """Names of all variables; values of others are never noted."""
    pids: list[int] = []
    exit_code: int | None = None


def install(folder: Path, scenario: Scenario | Path) -> Path:
    """Write an executable into a folder that plays a scenario in place of `claude`.

    Args:
        folder: Where to put it; created if it is missing.
        scenario: The scenario, which is then written to `scenario.json` beside the executable, or the file of one.

    Returns:
        The executable, for `CLAUDE_PATH`.

    Raises:
        UsageError: The file is no scenario.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(scenario, Path):
        file = scenario.resolve()
        load(file)
    else:
        file = folder / "scenario.json"
        save(file, scenario)
    path = folder / "claude"
    root = Path(__file__).resolve().parents[3]
    # Isolated and without site-packages: nothing of the caller's environment or of an untrusted working
    # directory is imported, and the start costs milliseconds.
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from samobot.sandbox.agent.main import main; main()"
    )
    words = [sys.executable, "-I", "-S", "-c", code, str(file)]
    path.write_text(_LAUNCHER.format(file=shlex.quote(str(file)), start=shlex.join(words)), encoding="utf-8")
    path.chmod(0o700)
    return path


def load(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        UsageError: It cannot be read or is no scenario; the message names file, place and trouble in a line.
    """
    try:
        return Scenario.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The scenario {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"The scenario {path} is wrong at {place}: {first['msg']}.") from error


def save(path: Path, scenario: Scenario) -> None:
    """Write a scenario as the agent reads it."""
    path.write_text(scenario.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")


def read_runs(scenario: Path) -> list[Note]:
    """What the agent was given in each of its runs, oldest first; none if it never ran.

    Args:
        scenario: The scenario's file.
    """
    return [note for note in read_notes(scenario) if note.event == "start"]


def read_children(scenario: Path) -> list[int]:
    """The pids of all processes that `Children` steps started."""
    return [pid for note in read_notes(scenario) for pid in note.pids]


def read_notes(scenario: Path) -> list[Note]:
    """Everything the agent noted down about its runs, oldest first.

    A last line without its line feed is left for the next look: a write of several pages is seen page by page.
    """
    file = runs_file(scenario)
    if not file.exists():
        return []
    lines = file.read_bytes().splitlines(keepends=True)
    return [Note.model_validate_json(line) for line in lines if line.endswith(b"\n")]


def runs_file(scenario: Path) -> Path:
    """The file beside a scenario in which the agent notes down its runs."""
    return Path(f"{scenario}.runs.jsonl")
