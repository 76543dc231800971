"""What keeps agents to what is theirs, as doctor reports it: the fence, its network, and asking."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping

from samobot.claude.fence_probe import fence_problem, network_problem
from samobot.claude.model_hosts import model_hosts, reachable_hosts
from samobot.claude.preflight import find, is_wrapper
from samobot.config.modes import FenceMode
from samobot.config.settings import Settings
from samobot.errors import UsageError
from samobot.phases import Phase
from samobot.session.ask_level import AskLevel
from samobot.session.provider import Provider
from samobot.setup.doctor import Finding, Level


def agent_limits(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Find out what limits agents here."""
    program = ""
    with contextlib.suppress(UsageError):
        program = find(settings.claude_path, environ)
    wrapper = is_wrapper(program)
    mode, network = settings.samobot_fence, settings.samobot_fence_net
    hosts = reachable_hosts(network, settings.samobot_fence_hosts, environ)
    if hosts is not None and any(settings.provider(phase) is Provider.CODEX for phase in Phase):
        hosts = tuple(dict.fromkeys((*hosts, *model_hosts(environ, Provider.CODEX))))
    problem = fence_problem(environ) if hosts is None else network_problem(network, mode, environ)
    yield fence(mode, problem, wrapper=wrapper, reachable=None if hosts is None else tuple(map(str, hosts)))
    yield asking(settings.samobot_ask, wrapper=wrapper)


def fence(
    mode: FenceMode, problem: str | None, *, wrapper: bool, reachable: Collection[str] | None = None
) -> Finding:
    """Whether agents are kept to what is theirs.

    Args:
        mode: What the user wants.
        problem: Why there can be no fence on this system, with the remedy; None if there can.
        wrapper: Whether the CLI is behind a script of the user's own.
        reachable: The hosts that agents can connect to; None for whatever this machine can.
    """
    own = "their worktree, their session, tools and caches"
    if reachable is not None:
        if problem is None:
            return Finding("Fence", Level.OK, f"agents reach only {own}; network: {', '.join(reachable)}")
        return Finding("Fence", Level.ERROR, "the network of agents cannot be limited: nothing runs", problem)
    if mode is FenceMode.OFF:
        remedy = "Set SAMOBOT_FENCE=auto to run them inside bubblewrap."
        return Finding("Fence", Level.WARNING, "off: agents have all of your rights", remedy)
    if mode is FenceMode.AUTO and wrapper:
        text = "none around a CLAUDE_PATH that is a script of your own; SAMOBOT_FENCE=on makes one"
        return Finding("Fence", Level.OK, text)
    if problem is None:
        return Finding("Fence", Level.OK, f"agents reach only {own}; the network is open")
    if mode is FenceMode.ON:
        return Finding("Fence", Level.ERROR, "SAMOBOT_FENCE=on, but there can be none: nothing runs", problem)
    return Finding("Fence", Level.WARNING, "none: agents have all of your rights", problem)


def asking(level: AskLevel, *, wrapper: bool) -> Finding:
    """Before which calls agents ask.

    Args:
        level: What the user wants.
        wrapper: Whether the CLI is behind a script of the user's own.
    """
    if level is AskLevel.OFF:
        return Finding("Asking", Level.OK, "off: agents work without asking before single calls")
    if wrapper:
        text = f"SAMOBOT_ASK={level} needs Claude Code itself: nothing runs"
        return Finding("Asking", Level.ERROR, text, "Set CLAUDE_PATH to the CLI, or SAMOBOT_ASK=off.")
    what = {
        AskLevel.RISKY: "risky calls",
        AskLevel.EDITS: "risky calls and changes of files",
        AskLevel.RULES: "what Claude Code's own rules ask about",
    }
    return Finding("Asking", Level.OK, f"agents ask before {what[level]}")
