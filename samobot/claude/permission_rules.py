"""What lets an agent of Claude Code skip asking: rules that allow a whole tool, and modes of sub-agents.

As measured on 2.1.197 and 2.1.332.

Of `Bash`, settings and flags take `Bash(*)`, `Bash(**)` and `Bash( * )` as well; only flags take `Bash()`. `Bash(:*)`
allows nothing. `Edit(**)`, `Edit(./**)` and `Edit(//**)` allow to write files, too, with the tool `Write`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_WHOLE = re.compile(r"(\w+)(?:\(\s*\*[\s*]*\))?")
_NEARLY_WHOLE = re.compile(r"(\w+)\((?:[\s:*]*|[./]*\*+)\)")

_RULE = re.compile(r"[^\s,()]+(?:\([^()]*\))?")
"""One of the rules in a flag's value, which commas and spaces separate; those within parentheses belong to a rule."""


def whole_tool(rule: str, *, nearly: bool = False) -> str | None:
    """The tool that a rule allows without a condition; None if it has one.

    Args:
        rule: The rule.
        nearly: Whether to count rules that allow nearly everything, or that only some versions could take for it.
    """
    found = _WHOLE.fullmatch(rule) or (_NEARLY_WHOLE.fullmatch(rule) if nearly else None)
    return None if found is None else found[1]


def rules_in(value: str) -> Iterator[str]:
    """The rules in the value of `--allowedTools`."""
    yield from _RULE.findall(value)


_FREE_MODES = ("acceptEdits", "auto", "bypassPermissions")
_ASK = {"hookEventName": "PreToolUse", "permissionDecision": "ask"}


def asking_hooks(mode: str) -> dict[str, Any]:
    """Hooks for the CLI's settings by which sub-agents ask as well, whose definition has a `permissionMode` that would not.

    Args:
        mode: The CLI's `--permission-mode`, which the user chose.
    """
    free = "|".join(f"""*'"permission_mode":"{each}"'*""" for each in _FREE_MODES if each != mode)
    answer = json.dumps({"hookSpecificOutput": _ASK})
    command = f"case $(cat) in {free}) echo '{answer}';; esac"
    return {"PreToolUse": [{"hooks": [{"type": "command", "command": command, "timeout": 30}]}]}
