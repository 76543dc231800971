"""An iteration that only observes leaves tracked files, index and branch as they were; what it changed is a patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.session import tracked_files
from tests.support.repository import commit, git, make_repository


def edit(repo: Path) -> None:
    (repo / "first").write_text("changed")


def stage(repo: Path) -> None:
    edit(repo)
    (repo / "new").write_text("new")
    git(repo, "add", "-A")


def delete(repo: Path) -> None:
    (repo / "first").unlink()


def replace_by_folder(repo: Path) -> None:
    delete(repo)
    (repo / "first").mkdir()


def make_commits(repo: Path) -> None:
    edit(repo)
    commit(repo, "second")
    git(repo, "commit", "-qam", "third")


def amend(repo: Path) -> None:
    git(repo, "commit", "-q", "--amend", "-m", "another subject")


def switch(repo: Path) -> None:
    git(repo, "switch", "-q", "-c", "other")
    commit(repo, "second")


def detach(repo: Path) -> None:
    git(repo, "switch", "-q", "--detach")
    edit(repo)


def make_executable(repo: Path) -> None:
    (repo / "first").chmod(0o755)


CHANGES = [edit, stage, delete, replace_by_folder, make_commits, amend, switch, detach, make_executable]


def dirty(repo: Path) -> None:
    """What was not committed when the iteration began: staged and not, in one file and in two."""
    commit(repo, "both")
    (repo / "first").write_text("staged")
    (repo / "added").write_text("added")
    git(repo, "add", "first", "added")
    (repo / "first").write_text("and edited")
    (repo / "both").write_text("edited")


def state(repo: Path) -> list[object]:
    names = [path for path in sorted(repo.iterdir()) if path.name != ".git"]
    return [
        git(repo, "status", "--porcelain=v2", "--branch"),
        git(repo, "diff", "--cached"),
        git(repo, "rev-parse", "main"),
        [(path.name, path.read_bytes(), path.stat().st_mode) for path in names],
    ]


def held(repo: Path) -> tuple[Path, Path]:
    patch, file = repo.parent / "t.patch", repo.parent / "tracked.json"
    found = tracked_files.hold(repo, patch)
    assert found is not None
    tracked_files.save(found, file)
    return patch, file


@pytest.mark.parametrize("before", [lambda repo: None, dirty], ids=["clean", "dirty"])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_undone_and_kept(
    tmp_path: Path, before: Callable[[Path], None], change: Callable[[Path], None]
) -> None:
    repo = make_repository(tmp_path / "repo")
    before(repo)
    was = state(repo)
    patch, file = held(repo)
    change(repo)
    sentence = tracked_files.settle(file)
    assert state(repo) == was
    assert sentence is not None
    assert "this phase only observes" in sentence
    assert not file.exists()
    if change is not amend:
        assert patch.read_bytes()


def test_the_patch_makes_the_changes_again_and_names_the_commits(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    patch, file = held(repo)
    make_commits(repo)
    sentence = tracked_files.settle(file)
    assert sentence == (
        "2 files that git tracks (first, second) were changed and 2 commits made although this phase only observes. "
        f"That was undone; the changes are in {tmp_path.name}/t.patch."
    )
    text = patch.read_text()
    assert [line.split(" ", 3)[3] for line in text.splitlines() if line.startswith("# commit")] == [
        "third",
        "second",
    ]
    git(repo, "apply", str(patch))
    assert ((repo / "first").read_text(), (repo / "second").read_text()) == ("changed", "second")


@pytest.mark.parametrize("before", [lambda repo: None, dirty], ids=["clean", "dirty"])
def test_nothing_is_said_if_nothing_changed_but_new_files(
    tmp_path: Path, before: Callable[[Path], None]
) -> None:
    repo = make_repository(tmp_path / "repo")
    before(repo)
    patch, file = held(repo)
    (repo / "report.txt").write_text("3 passed")
    was = state(repo)
    (repo / "first").touch()
    assert tracked_files.settle(file) is None
    assert tracked_files.settle(file) is None, "once"
    assert state(repo) == was
    assert not patch.exists()


def test_files_are_held_from_a_subfolder_however_many_are_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracked_files, "_NAMES", 2)
    repo = make_repository(tmp_path / "repo")
    part = repo / "part"
    part.mkdir()
    for name in "abcde":
        (part / name).write_text(name)
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "part")
    for name in "abcd":
        (part / name).write_text(f"edited {name}")
    (part / "e").unlink()
    found = tracked_files.hold(part, tmp_path / "t.patch")
    assert found is not None
    (part / "a").write_text("changed")
    (part / "e").write_text("back")
    assert "2 files" in (tracked_files.restore(found) or "")
    assert (part / "a").read_text() == "edited a"
    assert not (part / "e").exists()


def test_changes_too_large_to_be_kept_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make_repository(tmp_path / "repo")
    patch, file = held(repo)
    edit(repo)
    monkeypatch.setattr(tracked_files, "PATCH_LIMIT", 20)
    assert "nothing was restored" in (tracked_files.settle(file) or "")
    assert (repo / "first").read_text() == "changed"
    assert not patch.exists()


def test_a_folder_without_a_commit_is_not_held(tmp_path: Path) -> None:
    assert tracked_files.hold(tmp_path, tmp_path / "t.patch") is None
    git(tmp_path, "init", "-q")
    assert tracked_files.hold(tmp_path, tmp_path / "t.patch") is None


def test_a_repository_that_is_gone_is_reported(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    _, file = held(repo)
    (repo / ".git").rename(repo / "elsewhere")
    assert "could not be restored: " in (tracked_files.settle(file) or "")
