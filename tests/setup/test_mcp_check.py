"""What `samobot doctor` finds about MCP servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.config.project import Project, load_project
from samobot.config.settings import Settings
from samobot.config.trust import project_settings, trust
from samobot.setup.doctor import Level
from samobot.setup.mcp_check import mcp_findings


def servers(*names: str) -> str:
    return json.dumps({"mcpServers": {name: {"command": name} for name in names}})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "shop").mkdir()
    file = tmp_path / ".samocode"
    file.write_text("MAIN_REPO=shop\nWORKTREES=worktrees\nSESSIONS=sessions\n")
    (tmp_path / ".claude.json").write_text(servers("birds"))
    return load_project(file)


def found(project: Project, choice: str = "all") -> list[tuple[Level, str]]:
    root = project.file.parent
    settings = Settings(samobot_mcp=choice, samobot_state_dir=root / "state")
    return [(each.level, each.text) for each in mcp_findings(settings, [project], {"HOME": str(root)})]


def test_what_is_offered_is_listed_and_a_name_without_a_server_is_reported(project: Project) -> None:
    ((level, text),) = found(project)
    assert level is Level.OK
    assert "offered birds, which" in text
    assert found(project, "none") == []
    ((level, text),) = found(project, "maps")
    assert level is Level.WARNING
    assert "names maps," in text


def test_servers_of_a_project_are_listed_once_it_is_trusted(project: Project) -> None:
    (project.main_repo / ".mcp.json").write_text(servers("maps", "birds"))
    assert [level for level, _ in found(project)] == [Level.OK, Level.WARNING]
    assert "own maps, birds are not offered" in found(project)[1][1]
    content = project_settings(project.main_repo)
    assert content is not None
    trust(project.file.parent / "state", project, content, "ann", datetime(2026, 1, 1, tzinfo=UTC))
    ((level, text),) = found(project)
    assert level is Level.OK
    assert f"offered birds, maps (in {project.name})," in text
