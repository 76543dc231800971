"""The configuration of a worker's iterations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from samobot.claude.clocks import Timeouts
from samobot.claude.codex_program import CodexProgram
from samobot.claude.invocation import ClaudeOptions
from samobot.config.project import Project
from samobot.frozen import frozen
from samobot.phases import Phase
from samobot.session.ask_level import AskLevel
from samobot.session.provider import Provider
from samobot.worker.agent_fence import AgentFence


@frozen
class IterationConfig:
    """The configuration of a worker's iterations.

    Attributes:
        project: The session's project.
        options: How the Claude CLI is called in each phase.
        providers: The program of each phase.
        codex: How Codex is called.
        codex_model: Its model; empty leaves it to Codex.
        plugin: Folder of the Claude Code plugin.
        key: Marks decisions that the bot or the command line wrote.
        environ: The worker's environment.
        clocks: How long a silent process is given.
        python: The interpreter that the plugin's hook runs with.
        state_dir: samobot's state folder.
        fence: What keeps the agent to its own.
        ask: Before which calls the user is asked.
        mcp: Which MCP servers the agents are offered: `none`, `all`, or names separated by commas.
        disk_free_mb: Megabytes that an iteration leaves free on the disks that it writes to; 0 for no limit.
        model_is_fixed: Whether the run was started with a model or profile, which go before the session's and the plan's.
        provider_is_fixed: Whether the run was started with a program, which goes before the session's.
        other_files: The `.samocode` files of the other configured projects.
    """

    project: Project
    options: Mapping[Phase, ClaudeOptions]
    providers: Mapping[Phase, Provider]
    codex: CodexProgram
    codex_model: str
    plugin: Path
    key: bytes
    environ: Mapping[str, str]
    clocks: Timeouts
    python: str
    state_dir: Path
    fence: AgentFence
    ask: AskLevel
    mcp: str
    disk_free_mb: int
    model_is_fixed: bool = False
    provider_is_fixed: bool = False
    other_files: tuple[Path, ...] = ()
