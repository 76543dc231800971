"""Where a repository begins is what git itself finds, whatever an agent puts beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.session.git_seal import common_folder, top_of
from tests.support.repository import git, make_repository


def _hollow(dot: Path) -> None:
    dot.mkdir()


def _half(dot: Path) -> None:
    (dot / "refs").mkdir(parents=True)
    (dot / "HEAD").write_text("ref: refs/heads/main\n")


def _whole(dot: Path) -> None:
    dot.parent.rmdir()
    make_repository(dot.parent)


def _linked_worktree(dot: Path) -> None:
    dot.parent.rmdir()
    git(dot.parents[1], "worktree", "add", "--quiet", "--detach", os.fspath(dot.parent))


@pytest.mark.parametrize(
    "put",
    [
        lambda _: None,
        _hollow,
        _half,
        _whole,
        _linked_worktree,
        lambda dot: dot.symlink_to("nowhere"),
        lambda dot: dot.symlink_to("../.git"),
    ],
    ids=["nothing", "hollow", "half", "whole", "worktree", "link to nothing", "link to the outer one"],
)
def test_a_repository_begins_where_git_finds_it(tmp_path: Path, put: Callable[[Path], object]) -> None:
    folder = make_repository(tmp_path / "main") / "part"
    folder.mkdir()
    put(folder / ".git")
    assert str(top_of(folder)) == git(folder, "rev-parse", "--show-toplevel").strip()
    common = git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir").strip()
    assert str(common_folder(folder)) == os.path.realpath(common)


def test_a_damaged_repository_alone_is_still_one(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "main")
    (folder / ".git" / "HEAD").unlink()
    assert top_of(folder) == folder
    assert common_folder(folder) is None
