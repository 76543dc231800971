"""`.samocode`: found, read, and when it cannot be used, said with the file to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.project import choose_project, load_project, parse_values
from samobot.errors import NotFoundError, UsageError
from tests.support.cases import for_each

GOOD = "MAIN_REPO=.\nWORKTREES=../trees\nSESSIONS=../sessions\n"


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".samocode").write_text(text)
    return folder / ".samocode"


def test_paths_are_relative_to_the_file_and_the_folder_names_the_project(tmp_path: Path) -> None:
    project = load_project(write(tmp_path / "demo", GOOD))
    assert project.name == "demo"
    assert project.main_repo == tmp_path / "demo"
    assert project.worktrees == tmp_path / "trees"
    assert project.sessions == tmp_path / "sessions"


def test_a_home_path_quotes_comments_and_windows_line_ends_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "repo").mkdir()
    text = '# mine\r\nexport MAIN_REPO="~/repo"\r\nWORKTREES=~/w\r\nSESSIONS=~/s\r\n'
    project = load_project(write(tmp_path / "demo", text))
    assert project.main_repo == tmp_path / "repo"
    assert project.sessions == tmp_path / "s"


@pytest.mark.parametrize("key", ["MAIN_REPO", "WORKTREES", "SESSIONS"])
def test_a_missing_key_is_named_and_a_whole_file_shown(tmp_path: Path, key: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key))
    with pytest.raises(UsageError) as error:
        load_project(write(tmp_path / "demo", text))
    assert f"lacks {key}" in error.value.message
    assert "SESSIONS=" in error.value.message


def test_a_missing_file_shows_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MAIN_REPO=") as error:
        load_project(tmp_path)
    assert str(tmp_path / ".samocode") in error.value.message


def test_an_unknown_key_is_warned_about_with_its_line_and_changes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "demo", GOOD + "COLOUR=red\n")
    project = load_project(file)
    assert "line 4" in project.warnings[0]
    assert "COLOUR" in project.warnings[0]
    assert file.read_text() == GOOD + "COLOUR=red\n"


def test_a_main_repo_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        load_project(write(tmp_path / "demo", GOOD.replace("MAIN_REPO=.", "MAIN_REPO=./gone")))


@pytest.mark.parametrize("bad", ["~nobody-here/x", "a\0b"])
def test_a_path_that_cannot_be_one_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match="not a path"):
        load_project(write(tmp_path / "demo", GOOD.replace("../trees", bad)))


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path / "demo", GOOD)
    below = tmp_path / "demo" / "src" / "deep"
    below.mkdir(parents=True)
    assert choose_project(None, below, []).name == "demo"


def test_without_a_file_here_the_only_configured_project_is_meant(tmp_path: Path) -> None:
    file = write(tmp_path / "demo", GOOD)
    assert choose_project(None, tmp_path, [file.parent]).name == "demo"
    other = write(tmp_path / "other", GOOD)
    with pytest.raises(NotFoundError, match="--config"):
        choose_project(None, tmp_path, [file, other])
    with pytest.raises(NotFoundError, match="Write one"):
        choose_project(None, tmp_path, [])


def test_garbage_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".samocode"
    file.write_bytes(b"\xff\xfe\x00garbage")
    with pytest.raises(UsageError, match="cannot be read: it is not text in UTF-8"):
        load_project(file)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (". # the repository", "{here}"),
        (".\t# the repository", "{here}"),
        ('"." # the repository', "{here}"),
        ("'a # b'  # a name with a sign", "{here}/a # b"),
        ("a#b", "{here}/a#b"),
        ("$HOME/work", "{home}/work"),
        ("${HOME}/work # at home", "{home}/work"),
        ("~/work", "{home}/work"),
        ("$SECRET/x", "{here}/$SECRET/x"),
        ("${SECRET}", "{here}/${SECRET}"),
        ("a$", "{here}/a$"),
        ("my\\ trees", "{here}/my trees"),
        ('"$HOME"/work', "{home}/work"),
        ("'my trees'/$HOME # here", "{here}/my trees{home}"),
        ("a\x85b", "{here}/a\x85b"),
        ("“my trees”", "{here}/my trees"),
        ("‘$HOME’", "{here}/$HOME"),
        ("trees;", "{here}/trees"),
        ("'trees',", "{here}/trees"),
        ("trees\u00a0", "{here}/trees"),
    ],
)
def test_a_path_may_have_a_comment_after_it_and_name_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SECRET", "token")
    here = tmp_path / "repo"
    here.mkdir()
    file = here / ".samocode"
    file.write_text(f"MAIN_REPO=.\nWORKTREES={written}\nSESSIONS=s # here\n")
    project = load_project(file)
    assert str(project.worktrees) == meant.replace("{here}", str(here)).replace(
        "{home}", str(tmp_path / "home")
    )
    assert project.sessions == here / "s"


@for_each(
    ("written", "meant"),
    [
        ("make deps", "make deps"),
        ('"make deps"', "make deps"),
        ('"make deps" # once', "make deps"),
        ('"a b" && "c d"', '"a b" && "c d"'),
        ("'./set up' --to 'x y'", "'./set up' --to 'x y'"),
        ("npm ci # quick", "npm ci # quick"),
        ("npm ci \\\r\n  && make", "npm ci && make"),
        ("# none yet", ""),
    ],
)
def test_a_setup_command_keeps_the_quotes_of_its_words(written: str, meant: str) -> None:
    assert parse_values(f"export\tWORKTREE_SETUP = {written}\r\n") == {"WORKTREE_SETUP": meant}


@for_each(
    "line",
    [
        "worktrees=trees",
        "Worktrees = trees",
        "WORKTREES: trees",
        "set WORKTREES=trees",
        "- WORKTREES=trees",
        '"WORKTREES": "trees",',
        "\u200bWORKTREES=trees",
        "\tWORKTREES\t=\ttrees",
    ],
)
def test_a_key_is_read_in_the_usual_ways_of_writing(line: str) -> None:
    assert parse_values(f"{line}\n") == {"WORKTREES": "trees"}


@for_each(
    ("text", "parts"),
    [
        (GOOD.replace("WORKTREES", "WORKTREE"), ["lacks WORKTREES", "did you mean WORKTREES?"]),
        (GOOD.replace("SESSIONS=", 'SESSIONS="" #'), ["lacks SESSIONS"]),
    ],
)
def test_a_key_that_is_nearly_right_is_named(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        load_project(write(tmp_path / "demo", text))
    for part in parts:
        assert part in error.value.message


@for_each(
    ("written", "named"),
    [
        ("$SECRET/x", "$SECRET"),
        ('"${SECRET}"', "${SECRET}"),
        ("${HOME:-/tmp}/x", "${HOME:-/tmp}"),
        ("$(pwd)/trees", "$(pwd)"),
        ("`pwd`/trees", "`pwd`"),
        ("%USERPROFILE%/trees", "%USERPROFILE%"),
        ("'$SECRET'", None),
        ("a$", None),
    ],
)
def test_what_a_shell_would_expand_in_a_path_is_warned_about(
    tmp_path: Path, written: str, named: str | None
) -> None:
    project = load_project(write(tmp_path / "demo", GOOD.replace("../trees", written)))
    warning = f"line 2: “{named}” in WORKTREES is not expanded: write the folder's path instead."
    assert [each.partition(", ")[2] for each in project.warnings] == ([warning] if named else [])


def test_line_after_a_continued_one_keeps_its_number(tmp_path: Path) -> None:
    file = write(tmp_path / "demo", GOOD + "WORKTREE_SETUP=npm ci \\\n  && make\nCOLOUR=red\n")
    project = load_project(file)
    assert project.worktree_setup == "npm ci && make"
    assert [each.partition(":")[0] for each in project.warnings] == [f"{file}, line 6"]


def test_a_key_that_is_set_twice_is_warned_about(tmp_path: Path) -> None:
    project = load_project(write(tmp_path / "demo", GOOD + "SESSIONS=other\n"))
    assert project.sessions == tmp_path / "demo" / "other"
    assert "line 4: SESSIONS is set once more" in project.warnings[0]
