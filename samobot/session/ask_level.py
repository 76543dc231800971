"""How much the user wants to be asked: `SAMOBOT_ASK`."""

from __future__ import annotations

from enum import StrEnum


class AskLevel(StrEnum):
    """Before which calls of tools the agent asks the user."""

    OFF = "off"
    RISKY = "risky"
    """Those that delete, publish, reach other machines or secrets, or leave the project."""
    EDITS = "edits"
    """Those, and every change of a file that can be recognized."""
    RULES = "rules"
    """Whatever Claude Code asks for by its own permission mode and rules."""
