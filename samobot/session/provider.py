"""Which program an iteration's agent runs in."""

from __future__ import annotations

from enum import StrEnum

from samobot.phases import Phase

CODEX_PHASES = (Phase.IMPLEMENTATION, Phase.QUALITY)
"""The phases that Codex can work on: the others need the Claude plugin's sub-agents, hooks or questions."""


class Provider(StrEnum):
    """A program that carries out iterations."""

    CLAUDE = "claude"
    CODEX = "codex"

    @property
    def display_name(self) -> str:
        """Its name for display."""
        return self.capitalize()

    def for_phase(self, phase: Phase) -> Provider:
        """The program of a phase where this one is chosen: itself, or Claude if it cannot do that phase."""
        return self if self is Provider.CLAUDE or phase in CODEX_PHASES else Provider.CLAUDE


def provider_named(text: str) -> Provider | None:
    """The provider of this name; None if there is none."""
    return Provider(text) if text in list(Provider) else None
