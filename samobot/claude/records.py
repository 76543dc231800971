"""The lines of the Claude CLI's stdout as values; `record_parser` makes them."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from samobot.frozen import frozen
from samobot.session.tool_call import ToolCall

TEXT_LIMIT = 64_000
"""Characters kept of the final text of a run; the whole of it is in the log."""

SUMMARY_LIMIT = 500
"""Characters kept of a tool's input."""


@frozen
class Tokens:
    """Numbers of tokens by price category."""

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
        """The sum."""
        return self.input + self.output + self.cache_read + self.cache_write


@frozen
class ModelUse:
    """Use of one model by a whole process: cumulative, unlike `Result.usage`."""

    name: str
    cost_usd: float
    tokens: Tokens


@frozen
class Denial:
    """A tool call that was denied because a permission was missing."""

    tool: str
    summary: str


@frozen
class ToolUse:
    """One call of a tool: its name and its most informative input (a path, a command, a pattern…)."""

    name: str
    summary: str
    id: str = ""


@frozen
class Init:
    """The first line of a process.

    Attributes:
        permission_mode: The one in force, which may differ from the one that was asked for.
        servers: The MCP servers, each with its status (`connected`, `failed`, …).
        agents: What sub-agents there are; a plugin's are named `plugin:name`.
        commands: Commands and skills, named in the same way.
    """

    session_id: str
    model: str
    version: str
    cwd: str
    permission_mode: str
    tools: tuple[str, ...]
    servers: tuple[tuple[str, str], ...] = ()
    agents: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@frozen
class Assistant:
    """A message of the model.

    Attributes:
        text: Its text, clipped; empty if it only used tools or thought.
        tools: The tools it called.
        sub_agent: Id of the tool call that a sub-agent works for; empty for the main agent.
        error: The CLI's name for a failure (`rate_limit`, `authentication_failed`, `server_error`, …),
            set on the message that the CLI itself writes in place of the model.
        message: Id of the API's message: each of its content blocks is one record.
        tokens: What that message had used when the record was written: all of the input, and the output so far.
    """

    text: str
    tools: tuple[ToolUse, ...] = ()
    sub_agent: str = ""
    error: str = ""
    message: str = ""
    tokens: Tokens = field(default_factory=Tokens)


@frozen
class ToolResult:
    """Results of tool calls: whether one failed, the size of the output, the ids of the calls."""

    error: bool
    size: int
    ids: tuple[str, ...] = ()
    sub_agent: str = ""


@frozen
class TakenUp:
    """The CLI has made a message of its standard input part of a request.

    Attributes:
        uuid: The message's own UUID.
    """

    uuid: str


@frozen
class PermissionRequest:
    """The CLI asks whether a tool may be called, and waits for the response.

    Attributes:
        id: What the response has to name.
        call: The call.
        tool_use: Id of the tool call.
        reason: Why the CLI asks, in its own text; may be empty.
        reason_type: Its type of reason: `workingDir`, `safetyCheck`, `rule`, …; may be empty.
    """

    id: str
    call: ToolCall
    tool_use: str = ""
    reason: str = ""
    reason_type: str = ""


@frozen
class PermissionWithdrawn:
    """The CLI does not wait for the response to a `PermissionRequest` any longer; it was interrupted, for example."""

    id: str


@frozen
class ApiRetry:
    """The CLI retries a request after a pause.

    Attributes:
        attempt: Which attempt this is, from 1.
        max_retries: The maximum.
        delay_s: Seconds until the next one.
        status: HTTP status of the failure; None without a response.
        error: The CLI's name for it.
    """

    attempt: int
    max_retries: int
    delay_s: float
    status: int | None
    error: str


@frozen
class RateLimit:
    """The state of one of a subscription's usage limits.

    Attributes:
        status: `allowed`, `allowed_warning` or `rejected`; only the last stops work.
        kind: `five_hour`, `seven_day`, …; empty if not given.
        resets_at: When that limit resets; None if not given.
        overage: Whether paid extra usage covers what exceeds the limit, so that work continues.
    """

    status: str
    kind: str = ""
    resets_at: datetime | None = None
    overage: bool = False


@frozen
class Result:
    """The end of a turn. A process may have several; the last one counts.

    Attributes:
        stop_reason: The API's stop reason; None if the record has null (a stream cut short), empty if it has none
            (older versions).
        cost_usd: Cost of the whole process so far; None if not given.
        usage: Tokens of the last turn only.
        models: Cost and tokens of the whole process so far, by model.
        text: The final text, clipped to `TEXT_LIMIT`.
        unreported_agents: Sub-agents that ended with the process or before, without reporting to their caller.
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
    session_id: str = ""
    denials: tuple[Denial, ...] = ()
    unreported_agents: int = 0


@frozen
class Other:
    """A line of any other type; it only shows that the process is alive."""

    type: str
    subtype: str = ""


Record = (
    Init
    | Assistant
    | ToolResult
    | TakenUp
    | PermissionRequest
    | PermissionWithdrawn
    | ApiRetry
    | RateLimit
    | Result
    | Other
)
