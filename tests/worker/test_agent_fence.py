"""What a worker notes about the fence."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.modes import FenceMode
from samobot.config.project import Project
from samobot.worker import agent_fence
from samobot.worker.agent_fence import AgentFence


def test_a_missing_fence_is_reported_once_and_noted_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_fence, "fence_problem", lambda _: "no bubblewrap")
    project = Project("demo", tmp_path, tmp_path, tmp_path, tmp_path)
    fence = AgentFence(FenceMode.AUTO, project, tmp_path, (), (), (), "/nowhere/claude", {})
    assert [fence.new_absence(), fence.new_absence()] == ["no bubblewrap", None]
    assert {each.stat().st_mode & 0o077 for each in tmp_path.iterdir()} == {0}
