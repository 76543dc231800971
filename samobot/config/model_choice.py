"""Which model works on a phase and how hard it thinks: efforts, profiles and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from samobot.phases import Phase


class Effort(StrEnum):
    """How hard the model thinks: the levels of the CLI's `--effort`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


DEFAULT_EFFORT: Mapping[Phase, Effort] = {
    Phase.INVESTIGATION: Effort.MEDIUM,
    Phase.REQUIREMENTS: Effort.MEDIUM,
    Phase.PLANNING: Effort.HIGH,
    Phase.IMPLEMENTATION: Effort.HIGH,
    Phase.TESTING: Effort.MEDIUM,
    Phase.QUALITY: Effort.HIGH,
    Phase.DONE: Effort.LOW,
}
"""Always passed to the CLI: its own default differs from version to version (high on 2.1.197, medium on 2.1.332)."""


class Profile(StrEnum):
    """A model and an effort under one name, from the cheapest to the strongest."""

    LIGHT = "light"
    STANDARD = "standard"
    STRONG = "strong"
    MAX = "max"


PROFILES: Mapping[Profile, tuple[str, Effort]] = {
    Profile.LIGHT: ("sonnet", Effort.MEDIUM),
    Profile.STANDARD: ("opus", Effort.MEDIUM),
    Profile.STRONG: ("opus", Effort.HIGH),
    Profile.MAX: ("opus", Effort.MAX),
}
"""Model and effort of each profile; the models are the CLI's own aliases."""
