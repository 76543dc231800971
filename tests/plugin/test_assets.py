"""Where the plugin is, in a checkout and in an installed samobot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from samobot import assets
from samobot.errors import SamobotError

TOP = Path(__file__).resolve().parents[2]


def test_in_a_checkout_the_plugin_is_the_repositorys_top() -> None:
    assert assets.plugin_dir() == TOP


def test_in_a_wheel_the_plugin_is_package_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "samobot" / "plugin"
    shutil.copytree(TOP / ".claude-plugin", plugin / ".claude-plugin")
    shutil.copy(TOP / "workflow.md", plugin)
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "samobot")
    assert assets.plugin_dir() == plugin
    assert assets.workflow_text() == (TOP / "workflow.md").read_text(encoding="utf-8")


def test_missing_plugin_reports_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "samobot")
    with pytest.raises(SamobotError, match="Install samobot again"):
        assets.plugin_dir()


def test_damaged_workflow_reports_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(TOP / ".claude-plugin", tmp_path / "samobot" / "plugin" / ".claude-plugin")
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "samobot")
    with pytest.raises(SamobotError, match=r"workflow\.md"):
        assets.workflow_text()
