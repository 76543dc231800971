"""`make fuzz` lets the properties run for longer than CI has time: FUZZ_EXAMPLES says how many examples each."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

if os.environ.get("FUZZ_EXAMPLES"):
    settings.register_profile(
        "fuzz",
        max_examples=int(os.environ["FUZZ_EXAMPLES"]),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("fuzz")
