"""What the Claude CLI says on stdout, as values: one record is one line. `wire` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

TEXT_LIMIT = 64_000
"""Characters kept of the final text of a run; the whole of it is in the log."""

SUMMARY_LIMIT = 500
"""Characters kept of what a tool was asked to do."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Numbers of tokens, by how they are paid for."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model did in a whole process: cumulative, unlike `Result.usage`."""

    name: str
    cost_usd: float
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Denial:
    """A tool call that was refused because nobody was there to allow it."""

    tool: str
    summary: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool: its name and the input that tells most (a path, a command, a pattern…)."""

    name: str
    summary: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Init:
    """The first line of a process."""

    session_id: str
    model: str
    version: str
    cwd: str
    permission_mode: str
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assistant:
    """Something the model said or did.

    Attributes:
        text: What it said, clipped; empty when it only used tools or thought.
        tools: The tools it called.
        sub_agent: Id of the tool call that a sub-agent works for; empty for the main agent.
        error: The CLI's own word for a failure (`rate_limit`, `authentication_failed`, `server_error`, …),
            set on the message that the CLI itself writes in the model's place.
        message: Id of the API's message that it is part of: one comes as a record for each of its blocks.
        tokens: What that message has used when the record was written: all of the input, and of the output
            only what was there by then.
    """

    text: str
    tools: tuple[ToolUse, ...] = ()
    sub_agent: str = ""
    error: str = ""
    message: str = ""
    tokens: Tokens = field(default_factory=Tokens)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Tools that have come back: whether one failed, the size of what they said, whose calls they were."""

    error: bool
    size: int
    ids: tuple[str, ...] = ()
    sub_agent: str = ""


@dataclass(frozen=True, slots=True)
class ApiRetry:
    """The CLI tries a request again after a pause: it is alive.

    Attributes:
        attempt: Which attempt this is, from 1.
        max_retries: How many there will be.
        delay_s: Seconds until the next one.
        status: HTTP status of the failure; None when there was no answer at all.
        error: The CLI's word for it.
    """

    attempt: int
    max_retries: int
    delay_s: float
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A word about a subscription's usage limit.

    Attributes:
        status: `allowed`, `allowed_warning` or `rejected`; only the last stops work.
        kind: `five_hour`, `seven_day`, …; empty when not given.
        resets_at: When that limit is over; None when not given.
        overage: Whether paid extra usage covers what goes beyond the limit, so that work goes on.
    """

    status: str
    kind: str = ""
    resets_at: datetime | None = None
    overage: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a turn. A process may have several; the last one counts.

    Attributes:
        stop_reason: The API's stop reason; None where the record says null (a stream cut short), empty
            where it says nothing at all (older versions).
        cost_usd: Cost of the whole process so far; None when not given.
        usage: Tokens of the last turn only.
        models: Cost and tokens of the whole process so far, by model.
        text: The final text, clipped to `TEXT_LIMIT`.
    """

    subtype: str
    is_error: bool
    api_error_status: int | None = None
    stop_reason: str | None = ""
    terminal_reason: str = ""
    text: str = ""
    errors: tuple[str, ...] = ()
    cost_usd: float | None = None
    usage: Tokens = field(default_factory=Tokens)
    models: tuple[ModelUse, ...] = ()
    num_turns: int = 0
    duration_ms: int = 0
    session_id: str = ""
    denials: tuple[Denial, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """A line of a type that nothing here depends on; still a sign of life."""

    type: str
    subtype: str = ""


Record = Init | Assistant | ToolResult | ApiRetry | RateLimit | Result | Other
