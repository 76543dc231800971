"""What the whole journeys share."""

from __future__ import annotations

import os

import pytest

from samobot.claude.fence_probe import fence_problem


@pytest.fixture(params=["off", "on"], ids=["unfenced", "fenced"])
def fence(request: pytest.FixtureRequest) -> str:
    """`SAMOBOT_FENCE`: a promise holds without the fence and inside it."""
    problem = fence_problem(os.environ)
    if request.param == "on" and problem is not None:
        pytest.skip(f"there can be no fence here: {problem}")
    return str(request.param)
