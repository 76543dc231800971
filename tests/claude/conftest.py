"""The machine in a folder, made once and given to each test as new."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.claude.fenced_world import FencedWorld, make_world


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[FencedWorld, Path]:
    """The world, and a copy of it: a worktree cannot be moved."""
    root = tmp_path_factory.mktemp("world")
    world = make_world(root / "world")
    shutil.copytree(world.root, root / "copy", symlinks=True)
    return world, root / "copy"


@pytest.fixture
def world(made_world: tuple[FencedWorld, Path]) -> FencedWorld:
    """The world as `make_world` makes it."""
    world, copy = made_world
    shutil.rmtree(world.root)
    shutil.copytree(copy, world.root, symlinks=True)
    return world
