"""What the scripted agent does: a scenario, the file it is kept in, and the launcher that plays it.

A scenario maps each phase to a list of iterations, and each iteration to a list of steps. The first run of a
phase in a session plays the first iteration, the next run the next one; the last one repeats. A run that
crashed counts too, so `[[Crash()], [Signal(...)]]` is "crashes once, then goes well". The models here are for
whoever writes a scenario; the agent itself (`samobot.sandbox.agent`) reads the JSON with the standard
library alone, because it is started as often as the real CLI.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from samobot.errors import UsageError
from samobot.phases import Phase, SignalStatus, WaitingFor

ANY_PHASE = "*"
"""The key of the iterations for every phase that has none of its own, and for a run without `--agent`."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Write(_Model):
    """Write a file with the Write tool. Texts are templates, see `samobot.sandbox.agent`."""

    do: Literal["write"] = "write"
    path: str
    """`session:name` or `cwd:name`; without a prefix relative to the working directory."""
    text: str


class Append(_Model):
    """Add to the end of a file, which is created where it is missing."""

    do: Literal["append"] = "append"
    path: str
    text: str


class Replace(_Model):
    """Replace text in a file with the Edit tool."""

    do: Literal["replace"] = "replace"
    path: str
    """May hold `*`: the match changed last is taken."""
    old: str
    new: str
    count: int = 1
    """Occurrences to replace; -1 for all."""


class Delete(_Model):
    """Delete a file; one that is missing is no error."""

    do: Literal["delete"] = "delete"
    path: str


class Question(_Model):
    """One question of a round."""

    text: str
    detail: str = ""
    """What stands between the question and its options."""
    options: Sequence[str] = ()
    suggestion: str = ""
    """The letter of the suggested option, or words."""
    why: str = ""


class Questions(_Model):
    """Ask a round of questions in `_qa.md`; a later one gets a heading of its own, and the numbers go on."""

    do: Literal["questions"] = "questions"
    questions: Sequence[Question]


class PlanPhase(_Model):
    """One phase of a plan."""

    title: str
    steps: Sequence[str]


class Plan(_Model):
    """Write a plan file into the session, named after the time and the slug."""

    do: Literal["plan"] = "plan"
    title: str
    slug: str
    goal: str = ""
    phases: Sequence[PlanPhase]
    notes: str = ""


class Overview(_Model):
    """Edit `_overview.md` as an agent may: lines of its Status, and entries of its lists."""

    do: Literal["overview"] = "overview"
    status: dict[str, str] = {}
    flow: str = ""
    files: dict[str, str] = {}
    """What each file is, by name."""
    plans: dict[str, str] = {}


class Run(_Model):
    """Run a shell command with the Bash tool, in a process session of its own as the real CLI does."""

    do: Literal["run"] = "run"
    command: str
    description: str = ""


class Commit(_Model):
    """Commit everything in the working directory."""

    do: Literal["commit"] = "commit"
    message: str


class Signal(_Model):
    """Write `_signal.json`. A run without this step leaves no signal."""

    do: Literal["signal"] = "signal"
    status: SignalStatus
    phase: Phase | None = None
    summary: str | None = None
    reason: str | None = None
    needs: str | None = None
    wait: WaitingFor | None = None
    """The signal's `for`."""


class BadSignal(_Model):
    """Write this text, whatever it is, to `_signal.json`."""

    do: Literal["bad_signal"] = "bad_signal"
    text: str = '{"status": "contin'


class Say(_Model):
    """Say something: a text of the assistant."""

    do: Literal["say"] = "say"
    text: str


class Tool(_Model):
    """Show the use of a tool and its result, without doing anything."""

    do: Literal["tool"] = "tool"
    name: str
    input: dict[str, Any] = {}
    result: str = ""
    error: bool = False
    parent: str | None = None
    """The tool use this one belongs to, where a sub-agent makes it."""


class Emit(_Model):
    """Put records on stdout: objects get this run's `session_id`, strings go out as they are."""

    do: Literal["emit"] = "emit"
    records: Sequence[dict[str, Any] | str]


class Garbage(_Model):
    """Put bytes that are no JSON, and no UTF-8 either, on stdout or stderr."""

    do: Literal["garbage"] = "garbage"
    text: str = "node:internal/process: something odd {not json"
    to: Literal["stdout", "stderr"] = "stdout"


class BigLine(_Model):
    """Emit one tool result of this many characters."""

    do: Literal["big_line"] = "big_line"
    characters: int = 2_000_000


class BigLog(_Model):
    """Emit this many texts of this many characters each, as fast as possible."""

    do: Literal["big_log"] = "big_log"
    records: int = 1000
    characters: int = 200


class Sleep(_Model):
    """Do nothing for some seconds."""

    do: Literal["sleep"] = "sleep"
    seconds: float


class WaitFor(_Model):
    """Wait until a file is there: the sync point of a test, which touches it to let the run go on."""

    do: Literal["wait_for"] = "wait_for"
    path: str


class Crash(_Model):
    """End at once, without a result record: with an exit code, or by a signal."""

    do: Literal["crash"] = "crash"
    exit_code: int = 1
    signal: Literal["KILL", "TERM", "SEGV", "ABRT"] | None = None
    mid_line: bool = False
    """Break off in the middle of a record."""
    stderr: str = ""


class Hang(_Model):
    """Go silent until a signal ends the run."""

    do: Literal["hang"] = "hang"
    at: Literal["start", "here", "after_result"] = "here"
    """`start` (only as the first step): before any record. `after_result`: the result is out, the process stays."""


class Limit(_Model):
    """A usage limit: the event, and where it is `rejected` the result that ends the run."""

    do: Literal["limit"] = "limit"
    resets_in: float | None = None
    """Seconds from now."""
    resets_at: float | None = None
    """Epoch seconds; with neither, the event does not say."""
    kind: str = "five_hour"
    status: Literal["allowed", "allowed_warning", "rejected"] = "rejected"
    text: str | None = None


class ApiRetry(_Model):
    """Retries of the API, as the CLI shows them."""

    do: Literal["api_retry"] = "api_retry"
    count: int = 1
    status: int | None = 529
    error: str = "overloaded"
    delay: float = 0
    """Seconds between them."""


class Fail(_Model):
    """End with an error in the result record."""

    do: Literal["fail"] = "fail"
    kind: Literal[
        "overloaded", "server", "auth", "login", "credit", "too_long", "max_turns", "max_budget", "execution"
    ]
    text: str | None = None


class Children(_Model):
    """Leave processes behind that outlive the step.

    `background` is disowned by its shell, `setsid` has a session of its own, `foreground` keeps the run waiting
    in the tool. Their pids are noted down, see `read_children`.
    """

    do: Literal["children"] = "children"
    kind: Literal["background", "setsid", "foreground"] = "background"
    count: int = 1
    seconds: float = 600
    deaf: bool = False
    """They ignore SIGINT, SIGTERM and SIGHUP."""


class Ignore(_Model):
    """From here on, ignore these signals."""

    do: Literal["ignore"] = "ignore"
    signals: Sequence[Literal["INT", "TERM", "HUP"]] = ("INT",)


class Cost(_Model):
    """What the result record will say about money and tokens."""

    do: Literal["cost"] = "cost"
    usd: float
    input_tokens: int = 1200
    output_tokens: int = 800
    turns: int | None = None
    """Default: the turns that really were."""


class Result(_Model):
    """Write the result record now; the steps after it happen while the process lives on."""

    do: Literal["result"] = "result"


class NoResult(_Model):
    """End well but without a result record, as the CLI does when its pipe is full."""

    do: Literal["no_result"] = "no_result"


Step = Annotated[
    Write | Append | Replace | Delete | Questions | Plan | Overview | Run | Commit | Signal | BadSignal | Say
    | Tool | Emit | Garbage | BigLine | BigLog | Sleep | WaitFor | Crash | Hang | Limit | ApiRetry | Fail
    | Children | Ignore | Cost | Result | NoResult,
    Field(discriminator="do"),
]  # fmt: skip

Iterations = Sequence[Sequence[Step]]
"""One visit after the other: the steps of each run of a phase."""


class Scenario(_Model):
    """Everything the scripted agent needs to know."""

    phases: dict[str, Iterations] = {}
    """Iterations by phase (`Phase` or `*`)."""
    sessions: dict[str, dict[str, Iterations]] = {}
    """The same for single sessions, by name without date; what is missing there is taken from `phases`."""
    on_exhausted: Literal["repeat", "fail"] = "repeat"
    """After the last iteration of a phase: play it again, or end with an error."""
    pace: float = 0
    """Seconds after each step, so that a person can watch."""
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
        folder: Where to put it; created where it is missing.
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
    root = Path(__file__).resolve().parents[2]
    # Isolated and without site-packages: nothing of the caller's environment or of an untrusted working
    # directory is imported, and the start costs milliseconds.
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from samobot.sandbox.agent import main; main()"
    words = [sys.executable, "-I", "-S", "-c", code, str(file)]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
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
    """What the agent was given in each of its runs, oldest first; none where it never ran.

    Args:
        scenario: The scenario's file.
    """
    return [note for note in read_notes(scenario) if note.event == "start"]


def read_children(scenario: Path) -> list[int]:
    """The pids of all processes that `Children` steps started."""
    return [pid for note in read_notes(scenario) for pid in note.pids]


def read_notes(scenario: Path) -> list[Note]:
    """Everything the agent noted down about its runs, oldest first."""
    file = runs_file(scenario)
    if not file.exists():
        return []
    return [Note.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]


def runs_file(scenario: Path) -> Path:
    """The file beside a scenario in which the agent notes down its runs."""
    return Path(f"{scenario}.runs.jsonl")
