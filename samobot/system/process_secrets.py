"""Keeping secrets of this process from other processes of the same user."""

from __future__ import annotations

import os

from samobot.system.platform.current import platform


def forget_variable(name: str) -> None:
    """Remove an environment variable, also from where other processes see the initial environment, if that can be.

    Removing the variable alone leaves the text in memory, and on Linux in `/proc/PID/environ`, for as long as the
    process lives.

    Args:
        name: The variable's name.
    """
    os.environ.pop(name, None)
    platform().erase_variable(name)


def forbid_inspection() -> None:
    """Keep other processes of this user from reading this one's memory, environment and open files, if that can be."""
    platform().forbid_inspection()
