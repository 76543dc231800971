"""Repositories are found where people keep them, quickly, and only real ones become projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.project import load_project
from samobot.errors import UsageError
from samobot.setup.repositories import MOST, as_project, find_repositories, pick, write_project_file
from tests.support.repository import git, make_repository


def repository(path: Path) -> Path:
    (path / ".git").mkdir(parents=True)
    (path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return path


def apart(tmp_path: Path) -> Path:
    """A folder without neighbors: those of `tmp_path` are other tests' folders."""
    folder = tmp_path / "apart" / "here"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_one_here_comes_first_then_its_neighbours_then_the_usual_places(tmp_path: Path) -> None:
    here = repository(tmp_path / "elsewhere" / "here")
    beside = repository(tmp_path / "elsewhere" / "beside")
    usual = repository(tmp_path / "home" / "code" / "usual")
    repository(tmp_path / "home" / "code" / "group" / "too-deep")
    (here / "src").mkdir()
    found = [each.path for each in find_repositories(here / "src", tmp_path / "home")]
    assert found == [here, beside, usual]


def test_worktrees_hidden_folders_and_links_are_left_out(tmp_path: Path) -> None:
    real = repository(tmp_path / "home" / "real")
    (tmp_path / "home" / "tree").mkdir()
    (tmp_path / "home" / "tree" / ".git").write_text("gitdir: …")
    repository(tmp_path / "home" / ".cache")
    (tmp_path / "home" / "link").symlink_to(real)
    assert [each.path for each in find_repositories(apart(tmp_path), tmp_path / "home")] == [real]


def test_it_ends_with_many_and_when_time_is_up(tmp_path: Path) -> None:
    for number in range(MOST + 5):
        repository(tmp_path / "home" / f"r{number:02}")
    assert len(find_repositories(apart(tmp_path), tmp_path / "home")) == MOST
    assert find_repositories(apart(tmp_path), tmp_path / "home", seconds=-1) == []


def test_what_was_set_up_before_is_shown_as_such(tmp_path: Path) -> None:
    path = repository(tmp_path / "home" / "r")
    (path / ".samocode").touch()
    assert [each.configured for each in find_repositories(apart(tmp_path), tmp_path / "home")] == [True]


@pytest.mark.parametrize("name", ["plain", "with space", "quo'te", "hash # and $HOME", "ünï"])
def test_a_new_project_file_reads_back_with_folders_of_its_own(tmp_path: Path, name: str) -> None:
    folder = as_project(repository(tmp_path / name))
    assert write_project_file(folder)
    project = load_project(folder)
    assert (project.main_repo, project.warnings) == (folder, ())
    assert project.sessions == tmp_path / f"{name}.sessions"
    assert project.worktrees == tmp_path / f"{name}.worktrees"


def test_a_project_file_that_is_there_stays(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    (folder / ".samocode").write_text("MAIN_REPO=.\nWORKTREES=../w\nSESSIONS=../s\n")
    before = (folder / ".samocode").read_text()
    assert not write_project_file(as_project(folder / ".samocode"))
    assert (folder / ".samocode").read_text() == before


def test_what_cannot_be_a_project_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        as_project(tmp_path / "none")
    with pytest.raises(UsageError, match="is not a git repository"):
        as_project(tmp_path)
    with pytest.raises(UsageError, match="split at colons"):
        as_project(repository(tmp_path / "a:b"))
    broken = repository(tmp_path / "broken")
    (broken / ".samocode").write_text("MAIN_REPO=.\n")
    with pytest.raises(UsageError, match="lacks"):
        as_project(broken)


def test_projects_are_named_by_number_by_path_all_or_none(tmp_path: Path) -> None:
    found = [repository(tmp_path / name) for name in "abc"]
    assert pick(" 3, 1 ", found) == [found[2], found[0]]
    assert pick(str(found[1]), []) == [found[1]]
    assert pick("All", found) == found
    assert [pick(words, found) for words in ("none", "N", " ")] == [[], [], []]


def test_numbers_and_paths_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = [repository(tmp_path / name) for name in "abc"]
    other, comma = repository(tmp_path / "other one"), repository(tmp_path / "x, y")
    assert pick("1, 2, ~/other one", found) == [found[0], found[1], other]
    assert pick("~/other one,3 1", found) == [other, found[2], found[0]]
    assert pick("~/x, y", found) == [comma]
    assert pick("~/other one, all, 1", found) == [other, *found]
    assert pick("2, ~/b", found) == [found[1]]


def test_a_new_project_file_is_hidden_from_git_and_what_is_there_is_kept(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r")
    exclude = folder / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("# mine\nbuild")
    write_project_file(folder)
    assert exclude.read_text() == "# mine\nbuild\n/.samocode\n"
    assert git(folder, "status", "--porcelain") == ""


def test_a_project_file_that_git_ignores_already_is_not_listed_again(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r")
    (folder / ".gitignore").write_text(".samocode\n")
    before = list((folder / ".git" / "info").glob("*"))
    write_project_file(folder)
    assert list((folder / ".git" / "info").glob("*")) == before
    assert "/.samocode" not in "".join(path.read_text() for path in before)


@pytest.mark.parametrize("words", ["0", "4", "1 9", "1, ²", "nowhere/at/all"])
def test_what_is_not_in_the_list_is_said(tmp_path: Path, words: str) -> None:
    with pytest.raises(UsageError, match=r"no number|not a folder"):
        pick(words, [repository(tmp_path / name) for name in "abc"])
