"""The flags that `CLAUDE_ARGS` may not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from samobot.claude.permission_rules import rules_in, whole_tool
from samobot.errors import UsageError

# Flags that would break the worker's reading of the output or the identity of the session.
_RESERVED = frozenset(
    {
        "--agent", "--append-system-prompt-file", "--background", "--bg", "--continue", "--fork-session", "--from-pr",
        "--help", "--init-only", "--input-format", "--max-budget-usd", "--output-format", "--permission-prompt-tool",
        "--permission-prompts", "--replay-user-messages", "--resume", "--resume-session-at", "--rewind-files",
        "--session-id", "--version", "-c", "-h", "-r", "-v",
    }
)  # fmt: skip

# Flags with which the agent would work elsewhere, reach a browser or an editor, or skip every permission: outside of the
# fence, of `SAMOBOT_ASK`, and of what a stop ends.
_LIFTING = frozenset(
    {
        "--chrome", "--cloud", "--desktop", "--enable-auto-mode", "--environment", "--from-link", "--ide",
        "--inherit-permission-mode", "--rc", "--remote", "--remote-control", "--sdk-url", "--teleport", "--tmux",
        "--web", "--worktree", "-w",
    }
)  # fmt: skip
_DANGEROUS = ("--allow-dangerously-", "--dangerously-")
"""How flags of the same kind begin; newer CLIs have more of them."""

_UNHOOKED = frozenset({"--bare", "--managed-settings", "--safe-mode", "--settings"})
"""Flags that leave out hooks, or can: samobot's refuse further CLIs, and see to the signal. The last `--settings` wins."""

_SOURCES = "--setting-sources"
_OF_PROJECT = re.compile(r"\b(project|local)\b")

_ALLOWING = ("--allowedTools", "--allowed-tools")
_ASKED = ("Bash", "Edit", "Write")
"""Tools whose calls the agent asks about."""

_SHORT_WITH_VALUE = "dnrw"
"""Short flags whose value may follow at once, as in `-dapi`."""

_PERMISSION_MODE = "--permission-mode"
"""Not allowed in `CLAUDE_ARGS` either: the last flag wins, and the setting accepts only modes that work unattended."""


def check_args(args: Sequence[str], *, asks: bool = False) -> None:
    """Refuse flags in `CLAUDE_ARGS` that samobot itself has to set, or that lift the fence, hooks or asking.

    Args:
        args: The flags.
        asks: Whether the agent is to ask the user before some calls.

    Raises:
        UsageError: Naming the flag.
    """
    if _OF_PROJECT.search(" ".join(_values(args, (_SOURCES,)))):
        raise UsageError(
            f"CLAUDE_ARGS may not hold {_SOURCES} with the project's settings: they count once you have trusted them. "
            "Run `samobot trust`, and take the flag out of CLAUDE_ARGS."
        )
    allowed = rules_in(" ".join(_values(args, _ALLOWING)))
    whole = (tool for tool in (whole_tool(rule, nearly=True) for rule in allowed) if tool in _ASKED)
    if asks and (tool := next(whole, None)):
        raise UsageError(
            f"CLAUDE_ARGS may not allow all of {tool} while SAMOBOT_ASK has the agent ask: it never would. Name single "
            "commands, such as Bash(npm test), or set SAMOBOT_ASK=off."
        )
    for flag in chain.from_iterable(map(_flags, args)):
        if flag == _PERMISSION_MODE:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: CLAUDE_PERMISSION_MODE sets that. Set it there instead."
            )
        if flag in _LIFTING or flag.startswith(_DANGEROUS):
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: with it the agent would work outside of the fence, or skip what it has "
                "to ask. Take it out of CLAUDE_ARGS; SAMOBOT_FENCE=off and CLAUDE_PERMISSION_MODE are there for that."
            )
        if flag in _UNHOOKED:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: without samobot's settings and hooks an agent could spend money past the "
                "budget. Take it out of CLAUDE_ARGS; settings of your own belong in Claude Code's settings.json."
            )
        if flag in _RESERVED:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: samobot sets that itself. Take it out of CLAUDE_ARGS."
            )


def _flags(arg: str) -> Iterator[str]:
    """The flags that an argument of `CLAUDE_ARGS` is: several in one for short ones, up to one that has a value."""
    if not arg.startswith("-") or arg.startswith("--"):
        yield arg.split("=", maxsplit=1)[0]
        return
    for sign in arg[1:]:
        yield f"-{sign}"
        if sign in _SHORT_WITH_VALUE:
            return


def _values(args: Sequence[str], flags: Sequence[str]) -> Iterator[str]:
    """The values of flags: after `=`, or all arguments up to the next flag."""
    is_value = False
    for arg in args:
        name, equals, value = arg.partition("=")
        if name in flags:
            is_value = not equals
            yield value
        elif arg.startswith("-"):
            is_value = False
        elif is_value:
            yield arg
