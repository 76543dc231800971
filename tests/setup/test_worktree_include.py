"""Files that git ignores and a build needs are found, and named in `.worktreeinclude` only where there is none."""

from __future__ import annotations

from pathlib import Path

from samobot.setup.worktree_include import include, missing_in_worktrees
from tests.support.repository import make_repository


def test_ignored_environment_files_are_found_and_named(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "greet")
    (repository / ".gitignore").write_text(".env*\nbuild/\n")
    for name in (".env", "web/.env.local", "build/big", "notes.txt"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("x")
    assert missing_in_worktrees(repository) == (".env", "web/.env.local")
    assert missing_in_worktrees(repository / "web") == (".env", "web/.env.local")
    written = include(repository / "web", (".env", "web/.env.local"))
    assert written.read_text() == "/.env\n/web/.env.local\n"
    assert missing_in_worktrees(repository) == ()


def test_file_that_git_does_not_ignore_is_not_offered(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "greet")
    (repository / ".env").write_text("x")
    assert missing_in_worktrees(repository) == ()


def test_folder_without_a_repository_has_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("x")
    assert missing_in_worktrees(tmp_path) == ()
