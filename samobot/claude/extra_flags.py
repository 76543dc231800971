"""The flags that `CLAUDE_ARGS` may not hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from samobot.errors import UsageError

# Flags that would break the worker's reading of the output or the identity of the session.
_RESERVED = frozenset(
    {
        "--agent", "--background", "--bg", "--continue", "--fork-session", "--from-pr", "--help", "--input-format",
        "--output-format", "--permission-prompt-tool", "--permission-prompts", "--replay-user-messages", "--resume",
        "--session-id", "--version", "-c", "-h", "-r", "-v",
    }
)  # fmt: skip

# Flags with which the agent would work elsewhere, reach a browser or an editor, or skip every permission: outside of the
# fence, of `SAMOBOT_ASK`, and of what a stop ends.
_LIFTING = frozenset(
    {
        "--allow-dangerously-skip-permissions", "--chrome", "--cloud", "--dangerously-skip-permissions", "--desktop",
        "--environment", "--ide", "--remote-control", "--teleport", "--tmux", "--worktree", "-w",
    }
)  # fmt: skip

_UNHOOKED = frozenset({"--bare", "--safe-mode"})
"""Flags that leave out hooks, or plugins: samobot's refuse further CLIs, and see to the signal."""

_SHORT_WITH_VALUE = "dnrw"
"""Short flags whose value may follow at once, as in `-dapi`."""

_PERMISSION_MODE = "--permission-mode"
"""Not allowed in `CLAUDE_ARGS` either: the last flag wins, and the setting accepts only modes that work unattended."""


def check_args(args: Collection[str]) -> None:
    """Refuse flags in `CLAUDE_ARGS` that samobot itself has to set.

    Raises:
        UsageError: Naming the flag.
    """
    for flag in chain.from_iterable(map(_flags, args)):
        if flag == _PERMISSION_MODE:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: CLAUDE_PERMISSION_MODE sets that. Set it there instead."
            )
        if flag in _LIFTING:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: with it the agent would work outside of the fence, or skip what it has "
                "to ask. Take it out of CLAUDE_ARGS; SAMOBOT_FENCE=off and CLAUDE_PERMISSION_MODE are there for that."
            )
        if flag in _UNHOOKED:
            raise UsageError(
                f"CLAUDE_ARGS may not hold {flag}: without hooks an agent could spend money past the budget. Take it out of "
                "CLAUDE_ARGS."
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
