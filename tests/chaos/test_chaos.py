"""A short chaos run with fixed seeds; `make chaos` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.journey import Course, travel
from tests.chaos.monkey import plan

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("chaos")]


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan(7, 30, 1.0, disk=True) == plan(7, 30, 1.0, disk=True)
    assert plan(7, 30, 1.0, disk=True) != plan(8, 30, 1.0, disk=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [3])
async def test_whatever_dies_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    journey = await travel(Course(seed, faults=12, sessions=2, mean_gap=0.8, timeout=500), tmp_path / "stage")
    assert journey.findings.wrong == [], journey.report
    assert journey.findings.gates == 14
    assert journey.counts.total() > 0
    if not journey.disk:
        print("the disk was not filled: no right to mount a small one here")
