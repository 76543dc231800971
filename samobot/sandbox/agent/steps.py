"""The steps of which a scenario's iterations are made. What each does is in `samobot.sandbox.agent.step_runner`.

Texts are templates, see `samobot.sandbox.agent.templates`. Paths are `session:name` or `cwd:name`, without a prefix
relative to the working directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from samobot.phases import Phase, SignalStatus, WaitingFor


class Model(BaseModel):
    """What all parts of a scenario have in common: nothing unknown passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Write(Model):
    """Write a file with the Write tool."""

    do: Literal["write"] = "write"
    path: str
    text: str


class Append(Model):
    """Add to the end of a file, which is created if it is missing."""

    do: Literal["append"] = "append"
    path: str
    text: str


class Replace(Model):
    """Replace text in a file with the Edit tool."""

    do: Literal["replace"] = "replace"
    path: str
    """May hold `*`: the match changed last is taken."""
    old: str
    new: str
    count: int = 1
    """Occurrences to replace; -1 for all."""


class Delete(Model):
    """Delete a file; one that is missing is no error."""

    do: Literal["delete"] = "delete"
    path: str


class QuestionStep(Model):
    """One question of a round."""

    text: str
    detail: str = ""
    """What stands between the question and its options."""
    options: Sequence[str] = ()
    suggestion: str = ""
    """The letter of the suggested option, or free text."""
    why: str = ""


class Questions(Model):
    """Ask a round of questions in `_qa.md`; a later one gets a heading of its own, and the numbering continues."""

    do: Literal["questions"] = "questions"
    questions: Sequence[QuestionStep]


class PlanPhaseStep(Model):
    """One phase of a plan."""

    title: str
    steps: Sequence[str]


class PlanStep(Model):
    """Write a plan file into the session, named after the time and the slug."""

    do: Literal["plan"] = "plan"
    title: str
    slug: str
    goal: str = ""
    phases: Sequence[PlanPhaseStep]
    notes: str = ""


class OverviewStep(Model):
    """Edit `_overview.md` as an agent may: lines of its Status, and entries of its lists."""

    do: Literal["overview"] = "overview"
    status: dict[str, str] = {}
    flow: str = ""
    files: dict[str, str] = {}
    """What each file is, by name."""
    plans: dict[str, str] = {}


class RunStep(Model):
    """Run a shell command with the Bash tool, in a process session of its own as the real CLI does."""

    do: Literal["run"] = "run"
    command: str
    description: str = ""


class Commit(Model):
    """Commit everything in the working directory."""

    do: Literal["commit"] = "commit"
    message: str


class SignalStep(Model):
    """Write `_signal.json`. A run without this step leaves no signal."""

    do: Literal["signal"] = "signal"
    status: SignalStatus
    phase: Phase | None = None
    summary: str | None = None
    reason: str | None = None
    needs: str | None = None
    wait: WaitingFor | None = None
    """The signal's `for`."""
    tests: dict[str, int] | None = None


class BadSignal(Model):
    """Write this text, whatever it is, to `_signal.json`."""

    do: Literal["bad_signal"] = "bad_signal"
    text: str = '{"status": "contin'


class Say(Model):
    """Say something: a text of the assistant."""

    do: Literal["say"] = "say"
    text: str


class Tool(Model):
    """Show the use of a tool and its result, without doing anything."""

    do: Literal["tool"] = "tool"
    name: str
    input: dict[str, Any] = {}
    result: str = ""
    error: bool = False
    parent: str | None = None
    """The tool use this one belongs to, if a sub-agent makes it."""


class Emit(Model):
    """Put records on stdout: objects get this run's `session_id`, strings go out as they are."""

    do: Literal["emit"] = "emit"
    records: Sequence[dict[str, Any] | str]


class Garbage(Model):
    """Put bytes that are no JSON, and no UTF-8 either, on stdout or stderr."""

    do: Literal["garbage"] = "garbage"
    text: str = "node:internal/process: something odd {not json"
    to: Literal["stdout", "stderr"] = "stdout"


class BigLine(Model):
    """Emit one tool result of this many characters."""

    do: Literal["big_line"] = "big_line"
    characters: int = 2_000_000


class BigLog(Model):
    """Emit this many texts of this many characters each, as fast as possible."""

    do: Literal["big_log"] = "big_log"
    records: int = 1000
    characters: int = 200


class Sleep(Model):
    """Do nothing for some seconds."""

    do: Literal["sleep"] = "sleep"
    seconds: float


class WaitFor(Model):
    """Wait until a file is there: the sync point of a test, which touches it to continue the run."""

    do: Literal["wait_for"] = "wait_for"
    path: str


class Crash(Model):
    """End at once, without a result record: with an exit code, or by a signal."""

    do: Literal["crash"] = "crash"
    exit_code: int = 1
    signal: Literal["KILL", "TERM", "SEGV", "ABRT"] | None = None
    mid_line: bool = False
    """End in the middle of a record."""
    stderr: str = ""


class Hang(Model):
    """Go silent until a signal ends the run."""

    do: Literal["hang"] = "hang"
    at: Literal["start", "here", "after_result"] = "here"
    """`start` (only as the first step): before any record. `after_result`: the result is out, the process stays."""


class LimitStep(Model):
    """A usage limit: the event, and if it is `rejected` the result that ends the run."""

    do: Literal["limit"] = "limit"
    resets_in: float | None = None
    """Seconds from now."""
    resets_at: float | None = None
    """Epoch seconds; with neither, the event does not say."""
    kind: str = "five_hour"
    status: Literal["allowed", "allowed_warning", "rejected"] = "rejected"
    text: str | None = None


class ApiRetryStep(Model):
    """Retries of the API, as the CLI shows them."""

    do: Literal["api_retry"] = "api_retry"
    count: int = 1
    status: int | None = 529
    error: str = "overloaded"
    delay: float = 0
    """Seconds between them."""


class Fail(Model):
    """End with an error in the result record."""

    do: Literal["fail"] = "fail"
    kind: Literal[
        "overloaded",
        "server",
        "auth",
        "login",
        "credit",
        "request",
        "too_long",
        "max_turns",
        "max_budget",
        "execution",
    ]
    text: str | None = None


class Children(Model):
    """Leave processes behind that outlive the step.

    `background` is disowned by its shell, `setsid` has a session of its own, `foreground` keeps the run waiting
    in the tool. Their pids are noted down, see `scenario.read_children`.
    """

    do: Literal["children"] = "children"
    kind: Literal["background", "setsid", "foreground"] = "background"
    count: int = 1
    seconds: float = 600
    deaf: bool = False
    """They ignore SIGINT, SIGTERM and SIGHUP."""


class IgnoreStep(Model):
    """From here on, ignore these signals."""

    do: Literal["ignore"] = "ignore"
    signals: Sequence[Literal["INT", "TERM", "HUP"]] = ("INT",)


class Cost(Model):
    """What the result record will say about money and tokens."""

    do: Literal["cost"] = "cost"
    usd: float
    input_tokens: int = 1200
    output_tokens: int = 800
    turns: int | None = None
    """Default: the turns that really were."""


class ResultStep(Model):
    """Write the result record now; the steps after it happen while the process lives on."""

    do: Literal["result"] = "result"


class NoResult(Model):
    """End well but without a result record, as the CLI does when its pipe is full."""

    do: Literal["no_result"] = "no_result"


Step = Annotated[
    Write | Append | Replace | Delete | Questions | PlanStep | OverviewStep | RunStep | Commit | SignalStep | BadSignal | Say
    | Tool | Emit | Garbage | BigLine | BigLog | Sleep | WaitFor | Crash | Hang | LimitStep | ApiRetryStep | Fail
    | Children | IgnoreStep | Cost | ResultStep | NoResult,
    Field(discriminator="do"),
]  # fmt: skip

Iterations = Sequence[Sequence[Step]]
"""One visit after the other: the steps of each run of a phase."""
