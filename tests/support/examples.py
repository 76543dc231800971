"""How many examples a property gets where the profile's number does not fit."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def examples(count: int, *allowed: HealthCheck) -> settings:
    """So many examples in CI; in `make fast` and `make fuzz` as many times fewer or more as of every other property.

    Args:
        count: The number in CI.
        allowed: Checks of hypothesis that this property may fail.
    """
    profile = settings()
    return settings(
        max_examples=max(1, count * profile.max_examples // 100),
        suppress_health_check=[*profile.suppress_health_check, *allowed],
    )
