"""Tests of one xdist_group run in one process, so that their costly fixtures are made once."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("groups")
def test_group_reaches_the_scheduler(request: pytest.FixtureRequest) -> None:
    """It is a part of the node id; a pytest in which it no longer is costs minutes, and fails nothing else."""
    grouped = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@groups") == grouped
