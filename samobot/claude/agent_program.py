"""The seam between the worker and the programs that agents run in: Claude Code, and Codex.

A program only has to make its call. The rest is the same for all of them: `process` starts, follows and stops it,
`record_parser` turns its lines into records, `outcome` judges them, with what they hold about limits. What a program
cannot do is in `lacks`; the worker's own checks after an iteration (gates, signal, tracked files) rely on no program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from samobot.claude.invocation import ClaudeOptions, Invocation, build
from samobot.claude.mcp import McpServers, offer
from samobot.claude.outcome import Outcome
from samobot.claude.preflight import is_wrapper
from samobot.frozen import frozen
from samobot.session.provider import Provider


@frozen
class IterationOrder:
    """What an iteration asks of its program, whichever that is.

    Attributes:
        agent: Name of the phase's agent in the plugin.
        model: The model; empty leaves it to the program.
        effort: How hard it thinks; empty leaves it to the program.
        session_id: A new UUID.
        contract: What each iteration has to keep to.
        facts: Where this one works, and the task.
        context_file: A file with both.
        prompt: The user message.
        cwd: Working directory.
        session_dir: The session's folder, which it may write to as well.
        log: File that the program's stdout becomes.
        budget_left: US dollars it may spend; None for no limit.
        signal_file: The session's signal file.
        environ: The environment to derive its own from.
        python: Interpreter for the plugin's hooks.
        trust_project: Whether what the project's own files would run counts.
        servers: The MCP servers that Claude is offered.
        mcp: Which of the user's MCP servers are offered: `none`, `all`, or names separated by commas.
    """

    agent: str
    model: str
    effort: str
    session_id: str
    contract: str
    facts: str
    context_file: Path
    prompt: str
    cwd: Path
    session_dir: Path
    log: Path
    budget_left: float | None
    signal_file: Path
    environ: Mapping[str, str]
    python: str
    trust_project: bool
    servers: McpServers
    mcp: str


class AgentProgram(Protocol):
    """A program that carries out iterations."""

    @property
    def provider(self) -> Provider:
        """Which one it is."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it cannot do that Claude can, each as the end of a sentence that begins with its name."""

    def call(self, order: IterationOrder) -> Invocation:
        """Build the call of an iteration.

        Raises:
            UsageError: The configuration asks for something that it cannot do.
        """

    def with_cost(self, outcome: Outcome) -> Outcome:
        """Return an iteration's outcome with what it cost, as far as that can be known."""


@frozen
class ClaudeProgram:
    """Claude Code.

    Attributes:
        options: Its settings; model and effort come with each order.
        plugin: Folder of the samocode plugin.
    """

    options: ClaudeOptions
    plugin: Path

    @property
    def provider(self) -> Provider:
        """Claude."""
        return Provider.CLAUDE

    @property
    def lacks(self) -> tuple[str, ...]:
        """Nothing: the others are compared with it."""
        return ()

    def with_cost(self, outcome: Outcome) -> Outcome:
        """Return it as it is: the CLI reports the cost itself."""
        return outcome

    def call(self, order: IterationOrder) -> Invocation:
        """Build the call; a script in the CLI's place gets neither steering nor servers.

        Raises:
            UsageError: `CLAUDE_ARGS` holds a flag that samobot has to set.
        """
        ours = not is_wrapper(self.options.path)
        invocation = build(
            replace(self.options, model=order.model, effort=order.effort),
            plugin=self.plugin,
            agent=order.agent,
            session_id=order.session_id,
            context_file=order.context_file,
            prompt=order.prompt,
            cwd=order.cwd,
            session_dir=order.session_dir,
            log=order.log,
            budget_left=order.budget_left,
            signal_file=order.signal_file,
            environ=order.environ,
            python=order.python,
            trust_project=order.trust_project,
            steerable=ours,
        )
        return offer(invocation, order.servers, self.plugin, order.agent) if ours else invocation
