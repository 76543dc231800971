"""Faults on demand: what a bot has to live with, given for the next calls that match."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from samobot.sandbox.botapi.calls import Call


class FaultKind(StrEnum):
    """What goes wrong."""

    RATE_LIMIT = "429"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    CONFLICT = "409"
    BAD_REQUEST = "400"
    NOT_FOUND = "404"
    BAD_GATEWAY = "502"
    HANG = "hang"
    """No answer, until the caller goes away."""
    RESET = "reset"
    """The connection is reset, nothing is done."""
    CUT = "cut"
    """Half of a file comes, then the connection is reset; any other call is reset at once."""
    SLOW = "slow"
    """The answer comes `seconds` late."""
    DROP_AFTER_DOING = "drop_after_doing"
    """It is done, then the connection is reset: the caller cannot know."""


@dataclass(slots=True, eq=False)
class Fault:
    """Something to go wrong.

    Args:
        kind: What.
        method: Which methods, in lower or mixed case, with `*` and `?`.
        count: How many calls; None for all, until it is removed.
        retry_after: Seconds, of a 429.
        seconds: How late, of a slow answer.
        text: The error's description, if not the kind's own.
        bot: Username of the only bot that is hit.
        when: Only calls for which this is true.
    """

    kind: FaultKind
    method: str = "*"
    count: int | None = 1
    retry_after: int = 1
    seconds: float = 0.0
    text: str = ""
    bot: str | None = None
    when: Callable[[Call], bool] | None = None

    def hits(self, call: Call) -> bool:
        """Whether it is meant for that call."""
        return (
            (self.count is None or self.count > 0)
            and fnmatchcase(call.method.lower(), self.method.lower())
            and (self.bot is None or self.bot == call.bot)
            and (self.when is None or self.when(call))
        )


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Ask for a fault; returned, so that it can be removed."""
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault back; no matter if it is used up."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all back."""
        self._faults.clear()

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, counted down."""
        for fault in self._faults:
            if fault.hits(call):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None
