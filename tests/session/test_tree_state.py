"""Whatever an iteration works on, its work is seen as a change; what is only looked at is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.session.tree_state import tree_state
from tests.support.repository import commit, git, make_repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `repo` is a copy of: to make it takes git ten times as long."""
    root = tmp_path_factory.mktemp("made")
    make_repository(root / "library")
    main = make_repository(root / "main")
    add = ("submodule", "--quiet", "add", str(root / "library"), "sub")
    git(main, "-c", "protocol.file.allow=always", *add)
    (root / "outside").mkdir()
    (root / "outside" / "file").write_text("x")
    (root / "plain").write_text("x")
    make_repository(root / "sibling")
    (main / "folder").symlink_to("../outside")
    (main / "file").symlink_to("../plain")
    (main / "up").symlink_to("..")
    git(main, "add", ".")
    for name in ("skipped", "assumed"):
        (main / name).write_text(name)
        git(main, "add", name)
    git(main, "commit", "--quiet", "-m", "all")
    git(main, "update-index", "--skip-worktree", "skipped")
    git(main, "update-index", "--assume-unchanged", "assumed")
    git(main, "branch", "other")
    make_repository(main / "nested" / "repo")
    make_repository(main / "vendor")
    (main / "ignored").mkdir()
    (main / ".git" / "info" / "exclude").write_text("ignored/\nvendor/\ncache/\n*.log\n")
    (main / "untracked").symlink_to("../sibling")
    (main / "new").write_text("x")
    return root


@pytest.fixture
def repo(made: Path, tmp_path: Path) -> Path:
    """A worktree with a submodule, a nested repository, links, marked files and a branch."""
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "main"


def stash(repo: Path) -> None:
    (repo / "first").write_text("other")
    git(repo, "stash", "--quiet")


def stash_in_submodule(repo: Path) -> None:
    (repo / "sub" / "first").write_text("other")
    git(repo / "sub", "stash", "--quiet")


def leave_out_files(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/first")


def commit_in_own_worktree(repo: Path) -> None:
    place = repo.parent / "deeper" / "side"
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(place))
    commit(place, "work")


def commit_on_another_branch(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "other")
    commit(repo, "more")
    git(repo, "checkout", "--quiet", "main")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file of a submodule": lambda repo: (repo / "sub" / "first").write_text("other"),
    "a new file of a submodule": lambda repo: (repo / "sub" / "new").write_text("new"),
    "a commit in a submodule": lambda repo: commit(repo / "sub", "more"),
    "a file of a nested repository": lambda repo: (repo / "nested" / "repo" / "first").write_text("other"),
    "a commit in a nested repository": lambda repo: git(
        repo / "nested" / "repo", "commit", "--quiet", "--allow-empty", "-m", "x"
    ),
    "a file in a linked folder": lambda repo: (repo / "folder" / "file").write_text("longer"),
    "a new file in a linked folder": lambda repo: (repo / "folder" / "new").write_text("x"),
    "a linked file": lambda repo: (repo / "file").write_text("y"),
    "a file in a linked repository": lambda repo: (repo / "untracked" / "first").write_text("other"),
    "a skip-worktree file": lambda repo: (repo / "skipped").write_text("other"),
    "an assume-unchanged file": lambda repo: (repo / "assumed").write_text("other"),
    "a commit on another branch": commit_on_another_branch,
    "a new branch": lambda repo: git(repo, "branch", "third"),
    "an empty commit": lambda repo: git(repo, "commit", "--quiet", "--allow-empty", "-m", "x"),
    "another message": lambda repo: git(repo, "commit", "--quiet", "--amend", "-m", "other"),
    "a tag": lambda repo: git(repo, "tag", "v1"),
    "a stash": stash,
    "a stash in a submodule": stash_in_submodule,
    "a note": lambda repo: git(repo, "notes", "add", "-m", "x"),
    "a sparse checkout": leave_out_files,
    "a worktree elsewhere": commit_in_own_worktree,
    "an executable file": lambda repo: (repo / "first").chmod(0o755),
    "an executable file that skips the worktree": lambda repo: (repo / "skipped").chmod(0o755),
    "an executable new file": lambda repo: (repo / "new").chmod(0o755),
    "a repository in an ignored folder": lambda repo: make_repository(repo / "ignored" / "repo"),
    "a file of an ignored repository": lambda repo: (repo / "vendor" / "first").write_text("other"),
    "another branch checked out": lambda repo: git(repo, "checkout", "--quiet", "-b", "third"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_work_changes_the_state_wherever_it_is(repo: Path, change: Callable[[Path], object]) -> None:
    before = tree_state(repo)
    assert tree_state(repo) == before
    change(repo)
    assert tree_state(repo) != before


@pytest.mark.parametrize("mode", ["false", "off"])
def test_an_executable_file_is_seen_although_git_ignores_modes(repo: Path, mode: str) -> None:
    git(repo, "config", "core.fileMode", mode)
    before = tree_state(repo)
    (repo / "first").chmod(0o755)
    assert tree_state(repo) != before


def test_work_of_another_session_changes_nothing(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "session", str(tmp_path / "session"))
    git(repo, "worktree", "add", "--quiet", "-b", "own", str(tmp_path / "own"))
    for here in (repo, tmp_path / "own"):
        before = tree_state(here)
        commit(tmp_path / "session", f"work-{here.name}")
        assert tree_state(here) == before
    before = tree_state(tmp_path / "own")
    commit(repo, "main-work")
    assert tree_state(tmp_path / "own") == before


def test_what_git_ignores_is_no_work(repo: Path) -> None:
    before = tree_state(repo)
    (repo / "build.log").write_text("x")
    (repo / "cache" / "deep").mkdir(parents=True)
    (repo / "cache" / "file").write_text("x")
    (repo / "ignored" / "file").write_text("x")
    assert tree_state(repo) == before


def test_a_huge_sparse_file_and_a_pipe_are_not_read(repo: Path) -> None:
    (repo / "huge").touch()
    os.truncate(repo / "huge", 100 * 1024**3)
    os.truncate(repo / "first", 100 * 1024**3)
    os.mkfifo(repo / "pipe")
    before = tree_state(repo)
    assert tree_state(repo) == before
    os.truncate(repo / "huge", 100 * 1024**3 - 1)
    assert tree_state(repo) != before


def test_links_in_a_circle_and_broken_repositories_have_a_state(repo: Path) -> None:
    (repo / "a").symlink_to("b")
    (repo / "b").symlink_to("a")
    (repo / "nested" / "repo" / ".git" / "HEAD").write_text("")
    before = tree_state(repo)
    (repo / "nested" / "repo" / "first").write_text("other")
    assert tree_state(repo) != before
