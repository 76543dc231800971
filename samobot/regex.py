"""`regex`: a pattern that is compiled when it is first used.

For the modules with many or long patterns: to compile those took a sixth of each start, and a command uses few.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import cast


def regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return what `re.compile` returns, but for its type; a function of `re` does not take it as a pattern."""
    return cast("re.Pattern[str]", _Regex(pattern, flags))


class _Regex:
    def __init__(self, pattern: str, flags: int) -> None:
        self._source = pattern, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(*self._source)

    def __getattr__(self, name: str) -> object:
        """Take over a method of the pattern, which is this object's own from then on."""
        value: object = getattr(self._compiled, name)
        setattr(self, name, value)
        return value

    def __reduce__(self) -> tuple[object, ...]:
        return regex, self._source
