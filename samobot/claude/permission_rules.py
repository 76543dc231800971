"""Permission rules of Claude Code that allow a whole tool, as measured on 2.1.197 and 2.1.332.

Of `Bash`, settings and flags take `Bash(*)`, `Bash(**)` and `Bash( * )` as well; only flags take `Bash()`. `Bash(:*)`
allows nothing. `Edit(**)`, `Edit(./**)` and `Edit(//**)` allow to write files, too, with the tool `Write`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
