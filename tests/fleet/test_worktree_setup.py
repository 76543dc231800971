"""A new worktree is made fit to build, and what is missing in it is reported."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.config.project import Project
from samobot.fleet.worktree_setup import set_up_worktree
from samobot.session.worktree import prepare_worktree
from tests.support.repository import commit, git, make_repository

pytestmark = pytest.mark.slow


class Yard:
    """A project, and its worktrees made one after another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repo = make_repository(root / "repo")
        self.project = Project(
            "repo", self.repo / ".samocode", self.repo, root / "worktrees", root / "sessions"
        )
        self.notes: list[str] = []

    def make(self, name: str = "greet") -> Path:
        made = prepare_worktree(self.repo, self.project.worktrees, name)
        assert made.root is not None
        self.notes = set_up_worktree(self.project, made.root)
        return made.path

    def ignore(self, *lines: str) -> None:
        (self.repo / ".gitignore").write_text("\n".join(lines) + "\n")
        git(self.repo, "add", ".gitignore")
        git(self.repo, "commit", "--quiet", "-m", "ignore")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return Yard(tmp_path)


def add_submodule(yard: Yard) -> None:
    inner = make_repository(yard.root / "inner")
    outer = make_repository(yard.root / "outer")
    git(yard.root, "config", "--global", "protocol.file.allow", "always")
    git(outer, "submodule", "--quiet", "add", str(inner), "inner")
    git(outer, "commit", "--quiet", "-m", "inner")
    git(yard.repo, "submodule", "--quiet", "add", str(outer), "outer")
    git(yard.repo, "commit", "--quiet", "-m", "outer")


def test_submodules_are_filled_also_those_of_submodules(yard: Yard) -> None:
    add_submodule(yard)
    path = yard.make()
    assert (path / "outer" / "first").exists()
    assert (path / "outer" / "inner" / "first").exists()
    assert yard.notes == []
    assert git(path, "status", "--porcelain") == ""


def test_a_submodule_that_cannot_be_had_is_reported_and_keeps_none_of_the_others(yard: Yard) -> None:
    add_submodule(yard)
    make_repository(yard.root / "zone")
    git(yard.repo, "submodule", "--quiet", "add", str(yard.root / "zone"), "zone")
    commit(yard.repo / "zone", "never-pushed")
    make_repository(yard.repo / "nested")  # added as it is, so no `.gitmodules` says where it comes from
    git(yard.repo, "add", "zone", "nested")
    git(yard.repo, "commit", "--quiet", "-m", "more")
    (yard.root / "inner").rename(yard.root / "gone")
    path = yard.make()
    assert (path / "outer" / "first").exists()
    assert len(yard.notes) == 1
    assert yard.notes[0].startswith("The worktree lacks submodules: nested, zone (")
    assert git(path, "status", "--porcelain") == ""


def test_ignored_files_that_worktreeinclude_names_are_copied(yard: Yard) -> None:
    yard.ignore(".env*", "build/", "secrets/")
    for name in (".env", ".env.local", "draft.txt", "apps/.env", "secrets/key", "build/big"):
        (yard.repo / name).parent.mkdir(parents=True, exist_ok=True)
        (yard.repo / name).write_text(name)
    (yard.repo / ".env").chmod(0o600)
    (yard.repo / ".worktreeinclude").write_text(
        "# what the build needs\n.env*\nsecrets/\n!.env.local\ndraft.txt\nfirst\n"
    )
    path = yard.make()
    copied = {
        str(file.relative_to(path)) for file in path.rglob("*") if file.is_file() and file.name != ".git"
    }
    assert copied == {
        "first",
        ".gitignore",
        ".env",
        "apps/.env",
        "secrets/key",
    }  # no draft: git does not ignore it
    assert (path / ".env").read_text() == ".env"
    assert (path / ".env").stat().st_mode & 0o777 == 0o600
    assert yard.notes == []


def test_worktreeinclude_counts_beside_a_main_repo_inside_the_repository(yard: Yard) -> None:
    yard.ignore(".env", "key")
    app = yard.repo / "apps [1]" / "shop"
    (app / "deep").mkdir(parents=True)
    (app / "page").write_text("page")
    git(yard.repo, "add", "--all")
    git(yard.repo, "commit", "--quiet", "-m", "shop")
    for place in (app, app / "deep", yard.repo):
        (place / ".env").write_text("of " + place.name)
        (place / "key").write_text("key")
    (app / ".worktreeinclude").write_bytes(
        b"\xef\xbb\xbf.env\r\n./key\r\n!deep/.env\r\n.env # all\r\n/tokens\r\n"
    )
    yard.project = replace(yard.project, main_repo=app)
    yard.make()
    root = yard.project.worktrees / "greet"
    copied = {str(each.relative_to(root)) for name in (".env", "key") for each in root.rglob(name)}
    assert copied == {"apps [1]/shop/.env", "apps [1]/shop/key"}
    assert yard.notes == [
        "Named in .worktreeinclude, but not there: apps [1]/shop/.env # all, apps [1]/shop/tokens"
    ]


def test_worktreeinclude_counts_if_only_the_branch_of_the_worktree_has_it(yard: Yard) -> None:
    yard.ignore(".env")
    (yard.repo / ".env").write_text("KEY=1")
    git(yard.repo, "checkout", "--quiet", "-b", "older")
    git(yard.repo, "checkout", "--quiet", "main")
    (yard.repo / ".worktreeinclude").write_text(".env\n")
    git(yard.repo, "add", ".worktreeinclude")
    git(yard.repo, "commit", "--quiet", "-m", "include")
    git(yard.repo, "checkout", "--quiet", "older")
    assert (yard.make() / ".env").read_text() == "KEY=1"
    assert yard.notes == []


def test_worktreeinclude_of_a_bare_repository_is_reported(yard: Yard) -> None:
    (yard.repo / ".worktreeinclude").write_text(".env\n")
    git(yard.repo, "add", ".worktreeinclude")
    git(yard.repo, "commit", "--quiet", "-m", "include")
    git(yard.root, "clone", "--quiet", "--bare", str(yard.repo), "bare")
    yard.repo = yard.root / "bare"
    yard.project = replace(yard.project, main_repo=yard.repo)
    yard.make()
    assert len(yard.notes) == 1
    assert "bare repository" in yard.notes[0]


def test_nothing_is_copied_through_links(yard: Yard, tmp_path: Path) -> None:
    yard.ignore("link", "folder", "out/x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (yard.repo / "link").symlink_to(outside / "secret")
    (yard.repo / "folder").symlink_to(outside)
    (yard.repo / "out").symlink_to(outside)  # in the commit a link, in the checkout a folder
    git(yard.repo, "add", "out")
    git(yard.repo, "commit", "--quiet", "-m", "link")
    (yard.repo / "out").unlink()
    (yard.repo / "out").mkdir()
    (yard.repo / "out" / "x").write_text("x")
    (yard.repo / ".worktreeinclude").write_text("link\nfolder/\nfolder\nout/x\n")
    path = yard.make()
    assert not os.path.lexists(path / "link")
    assert not os.path.lexists(path / "folder")
    assert sorted(each.name for each in outside.iterdir()) == ["secret"]
    assert yard.notes == ["Not copied of .worktreeinclude: folder, link, out/x"]


@pytest.mark.parametrize("kind", ["pipe", "link", "huge", "folder"])
def test_a_worktreeinclude_that_cannot_be_used_is_reported(yard: Yard, kind: str) -> None:
    path = yard.repo / ".worktreeinclude"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/nowhere/patterns")
    elif kind == "huge":
        path.touch()
        os.truncate(path, 100 * 1024**3)
    else:
        path.mkdir()
    yard.make()
    assert len(yard.notes) == 1
    assert ".worktreeinclude" in yard.notes[0]


def test_a_huge_file_is_reported_and_not_copied(yard: Yard) -> None:
    yard.ignore("model.bin")
    (yard.repo / "model.bin").touch()
    os.truncate(yard.repo / "model.bin", 100 * 1024**3)
    (yard.repo / ".worktreeinclude").write_text("model.bin\n")
    path = yard.make()
    assert not (path / "model.bin").exists()
    assert yard.notes == ["Not copied of .worktreeinclude: model.bin"]


def test_git_lfs_without_its_server_leaves_pointers_and_is_reported(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git-lfs"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$GIT_LFS_SKIP_SMUDGE" ] && exec cat\necho "no server" >&2\nexit 2\n')
    program.chmod(0o755)
    commit(yard.repo, "model.bin")
    (yard.repo / ".gitattributes").write_text("*.bin filter=lfs\n")
    git(yard.repo, "add", ".gitattributes")
    git(yard.repo, "commit", "--quiet", "-m", "lfs")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for key, value in (("clean", "cat"), ("smudge", "git-lfs smudge -- %f"), ("required", "true")):
        git(yard.root, "config", "--global", f"filter.lfs.{key}", value)
    made = prepare_worktree(yard.repo, yard.project.worktrees, "greet")
    assert (made.path / "model.bin").read_text() == "model.bin"
    assert "pointers only: no server" in made.note


def test_git_lfs_that_is_not_installed_is_named(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    (yard.repo / "assets").mkdir()
    (yard.repo / "assets" / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    git(yard.repo, "add", "assets")
    git(yard.repo, "commit", "--quiet", "-m", "lfs")
    yard.make()
    assert len(yard.notes) == 1
    assert "git-lfs" in yard.notes[0]
    commit(yard.repo, "plain")
    (yard.repo / "assets" / ".gitattributes").write_text("")
    git(yard.repo, "commit", "--quiet", "-am", "no lfs")
    yard.make("other")
    assert yard.notes == []
