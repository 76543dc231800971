"""A refusal in words is an answer; anything else that is raised is a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samobot.errors import SamobotError


def refused(call: Callable[..., Any], *arguments: object) -> str | None:
    """The words with which a call is refused; None where it is not."""
    try:
        call(*arguments)
    except SamobotError as error:
        return error.message
    return None
