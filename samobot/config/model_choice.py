"""Which model works on a phase and how hard it thinks: efforts, profiles and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from samobot.frozen import frozen
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

_SMALLER = ("haiku", "sonnet")
"""Names of models that a stronger one is known for; another model stays, as it may be the user's only one."""


@frozen
class ModelChoice:
    """A model and an effort, as the CLI names them; both may be empty."""

    model: str
    effort: str

    def __str__(self) -> str:
        return f"{self.model or 'the same model'}, effort {self.effort or 'unset'}"

    @classmethod
    def of(cls, profile: Profile) -> ModelChoice:
        """What a profile stands for."""
        return cls(*PROFILES[profile])

    @property
    def stronger(self) -> ModelChoice | None:
        """The next stronger choice; None if there is none."""
        model, effort = PROFILES[Profile.STRONG]
        if any(name in self.model.lower() for name in _SMALLER):
            return ModelChoice(model, effort)
        if self.effort in ("", Effort.LOW, Effort.MEDIUM):
            return ModelChoice(self.model, effort)
        return None if self.effort == Effort.MAX else ModelChoice(self.model, Effort.MAX)


def profile_named(text: str) -> Profile | None:
    """The profile of this name, as somebody may have written it; None if there is none."""
    name = text.strip().strip("`*_").lower()
    return Profile(name) if name in list(Profile) else None
