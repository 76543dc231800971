"""Trees of an agent are walked and removed at any depth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samobot.config.trust import project_settings
from samobot.session.folder_tree import remove_tree, walk
from samobot.session.tree_state import tree_state
from samobot.worker.disk_guard import DiskGuard
from tests.support.deep_tree import nest
from tests.support.repository import make_repository


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A tree with a file at a depth that Python does not recurse to."""
    top = tmp_path / "deep"
    nest(top)
    yield top
    remove_tree(top)


def test_a_deep_tree_is_walked(deep: Path) -> None:
    assert [files for _, _, files in walk(deep) if files] == [["file"]]


def test_a_tree_is_walked_as_by_the_standard_library(tmp_path: Path) -> None:
    for name in ("b/c/x", "b/y", "a/z", "skipped/v"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "shut").mkdir()

    def seen(found: Iterator[tuple[str, list[str], list[str]]]) -> list[tuple[str, list[str], list[str]]]:
        result = []
        for parent, folders, files in found:
            folders[:] = sorted(name for name in folders if name != "skipped")
            result.append((parent, list(folders), sorted(files)))
        return result

    assert seen(walk(tmp_path)) == seen(os.walk(tmp_path))


@pytest.mark.parametrize("depth", [10, 2200])
def test_a_tree_of_any_depth_is_removed(tmp_path: Path, depth: int) -> None:
    nest(tmp_path / "deep", depth)
    remove_tree(tmp_path / "deep")
    assert os.listdir(tmp_path) == []


def test_of_what_a_link_leads_to_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    nest(tmp_path / "deep")
    (tmp_path / "deep" / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "deep")
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["file"]


@pytest.mark.slow
def test_deep_folders_of_an_agent_stop_nothing(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    (repo / ".gitignore").write_text("/build/\n")
    (repo / ".claude").mkdir()
    make_repository(repo / "nested")
    free = [2_000_000_000, 0]
    guard = DiskGuard([repo], 500, 0.0, lambda _: free.pop(0))
    try:
        for place in ("build", ".claude/deep", "nested/deep"):
            nest(repo / place)
        assert project_settings(repo) is not None
        assert tree_state(repo)
        assert guard.is_full()
        assert guard.report()
    finally:
        remove_tree(repo)
