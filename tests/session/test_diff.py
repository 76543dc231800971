from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.errors import ConflictError, UsageError
from samobot.phases import SignalStatus
from samobot.session.diff import DiffText, FileChange, branch_of, checkout, diff_summary, diff_text, head
from samobot.session.git import Git, GitError
from samobot.session.signal import Signal
from samobot.session.tree_state import tree_state
from samobot.worker.iteration import _unfinished
from tests.support.repository import commit, git, make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "repo")
    (repo / ".gitignore").write_text("ignored\n")
    git(repo, "add", ".gitignore")
    git(repo, "commit", "--quiet", "-m", "ignore")
    (repo / "draft").write_text("one")
    return repo


def test_branch_is_that_of_the_prompt_without_a_look_at_the_files(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "tag", "main")
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "detached"))
    unborn = tmp_path / "unborn"
    git(tmp_path, "init", "--quiet", "--initial-branch", "a/b", str(unborn))
    folders = (repo, tmp_path / "detached", unborn, tmp_path)
    names = [checkout(folder).branch for folder in folders]
    assert names == ["main", None, "a/b", None]
    monkeypatch.setattr(Git, "run", refuse_status(Git.run))
    assert [branch_of(folder) for folder in folders] == names


def refuse_status(run: Callable[..., str]) -> Callable[..., str]:
    def other(self: Git, command: str, *arguments: str, **options: float) -> str:
        assert command != "status"
        return run(self, command, *arguments, **options)

    return other


EDITS: dict[str, Callable[[Path], object]] = {
    "a changed file": lambda repo: (repo / "first").write_text("other"),
    "a new file": lambda repo: (repo / "new").write_text(""),
    "a new file's contents": lambda repo: (repo / "draft").write_text("two"),
    "a deleted file": lambda repo: (repo / "first").unlink(),
    "a commit": lambda repo: commit(repo, "more"),
    "a binary file": lambda repo: (repo / "first").write_bytes(b"\0\1"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_every_kind_of_work_changes_the_state(repo: Path, edit: Callable[[Path], object]) -> None:
    before = tree_state(repo)
    edit(repo)
    assert tree_state(repo) != before


def test_writing_the_same_again_changes_nothing(repo: Path) -> None:
    before = tree_state(repo)
    for name in ("first", "draft"):
        content = (repo / name).read_bytes()
        (repo / name).write_bytes(content)
        os.utime(repo / name, ns=(1, 1))
    (repo / "ignored").write_text("x")
    assert tree_state(repo) == before


def test_a_folder_without_git_has_a_state_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    before = tree_state(tmp_path)
    assert tree_state(tmp_path) == before
    (tmp_path / "a").write_text("bb")
    assert tree_state(tmp_path) != before
    assert tree_state(tmp_path / "gone")


def test_a_repository_without_commits_has_a_state_and_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    before = tree_state(tmp_path)
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    assert tree_state(tmp_path) != before
    assert head(tmp_path) is None


def test_head_is_the_commit_checked_out(repo: Path, tmp_path: Path) -> None:
    assert head(repo) == git(repo, "rev-parse", "HEAD")
    assert head(tmp_path / "none") is None


def test_a_diff_counts_commits_files_and_lines_since_the_base(repo: Path) -> None:
    base = head(repo)
    (repo / "näme with space").write_text("1\n2\n3\n")
    (repo / "image").write_bytes(b"\0\1\2")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "work")
    (repo / "first").write_text("first\nchanged")
    (repo / "new").write_text("")
    summary = diff_summary(repo, base)
    assert summary is not None
    assert (summary.commits, summary.added, summary.removed, summary.uncommitted) == (1, 6, 1, 2)
    assert FileChange("näme with space", 3, 0) in summary.files
    assert FileChange("image", None, None) in summary.files
    whole = diff_text(repo, base)
    assert whole is not None
    assert "+changed" in whole.text
    assert not whole.cut
    assert diff_text(repo, base, 10) == DiffText(whole.text[:10], cut=True)
    assert diff_text(repo, base, len(whole.text.encode())) == whole


def test_files_that_are_named_like_commits_are_shown(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    names = ["HEAD", base, f"{base}..HEAD", "--"]
    for name in names:
        (repo / name).write_text(name)
    git(repo, "add", "--all")
    for since in (None, base):
        found, text = diff_summary(repo, since), diff_text(repo, since)
        assert found is not None
        assert text is not None
        assert {change.path for change in found.files} >= set(names)
        assert "+++ b/HEAD\n" in text.text


def test_of_a_huge_diff_only_the_read_part_is_made(repo: Path) -> None:
    commit(repo, "big")
    (repo / "big").write_text("line\n" * 1_000_000)
    assert len(Git(repo).read("diff", "HEAD", limit=100_000)) == 100_000
    found = diff_text(repo, None)
    assert found is not None
    assert (len(found.text), found.cut) == (2_000_000, True)


def test_a_wrong_command_is_an_error_also_where_its_output_is_limited(repo: Path) -> None:
    with pytest.raises(GitError, match=r"bad revision|unknown revision"):
        Git(repo).read("diff", "nowhere", "--", limit=1000)


def test_no_diff_without_a_repository(tmp_path: Path) -> None:
    assert diff_summary(tmp_path, None) is None
    assert diff_text(tmp_path, None) is None


@pytest.mark.parametrize(
    "key",
    ["diff.algorithm", "diff.renames", "diff.wsErrorHighlight", "status.showUntrackedFiles", "log.date"],
)
def test_what_a_repository_says_about_output_does_not_keep_git_from_running(repo: Path, key: str) -> None:
    git(repo, "config", key, "bogus")
    (repo / "first").write_text("other")
    summary = diff_summary(repo, None)
    assert summary is not None
    assert [file.path for file in summary.files] == ["first"]


def test_a_repository_that_git_refuses_is_not_taken_for_none(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "bogus")
    with pytest.raises(ConflictError, match=r"core\.autocrlf"):
        diff_summary(repo, None)
    assert "core.autocrlf" in _unfinished(Signal(SignalStatus.DONE), repo)


def test_a_git_that_hangs_is_ended_with_its_children(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = tmp_path / "alive"  # at its end once the last process that has it open is gone
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    hang = tmp_path / "bin" / "git-hang"  # git runs `git-X` of its PATH for `git X`
    hang.parent.mkdir()
    hang.write_text(f"#!/bin/sh\nexec 3>{alive}\necho started >&3\nsleep 1000 &\nsleep 1000\n")
    hang.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hang.parent}:{os.environ['PATH']}")
    started = b""
    for seconds in (1, 4, 16, 64):  # longer only where the machine did not even start the program
        with pytest.raises(GitError, match="did not end within"):
            Git(repo).run("hang", timeout=seconds)
        if started := os.read(reader, 100):
            break
    os.set_blocking(reader, True)
    with os.fdopen(reader) as file:
        assert (started, file.read()) == (b"started\n", "")


def test_a_missing_git_is_said(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="not installed"):
        Git(repo).run("status")


@pytest.mark.parametrize(
    "settings",
    [
        {"color.ui": "always", "color.diff": "always", "color.status": "always"},
        {"core.abbrev": "no", "log.showSignature": "true", "diff.algorithm": "patience"},
        {"core.quotePath": "true", "core.pager": "false", "pager.diff": "true"},
        {
            "diff.noprefix": "true",
            "diff.mnemonicPrefix": "true",
            "diff.relative": "true",
            "diff.context": "0",
        },
        {"status.relativePaths": "true", "status.showUntrackedFiles": "no", "column.ui": "always"},
        {"core.bigFileThreshold": "1", "diff.suppressBlankEmpty": "true", "diff.statGraphWidth": "1"},
        {"diff.renames": "copies", "diff.algorithm": "histogram", "core.commentChar": "auto"},
        {"i18n.logOutputEncoding": "UTF-16", "core.editor": "false", "diff.orderFile": "/nowhere"},
    ],
)
@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_output_is_plain_whatever_the_configuration(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], scope: str
) -> None:
    (repo / "sub").mkdir()
    (repo / "sub" / "имя-ü.txt").write_text("1\n2\n3\n4\n5\n6\n\n8\n9\n")
    git(repo, "add", "sub")
    git(repo, "commit", "--quiet", "-m", "имя")
    (repo / "sub" / "имя-ü.txt").write_text("1\n2\n3\n4\nother\n6\n\n8\n9\n")
    (repo / "copy").write_text("1\n2\n3\n4\n5\n6\n\n8\n9\n")
    git(repo, "add", "copy")
    (repo / "новый").write_text("x")
    (repo / "first").write_text("x")
    plain = diff_text(repo / "sub", None), diff_summary(repo / "sub", None), checkout(repo / "sub")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for key, value in settings.items():
        git(repo, "config", scope, key, value)
    assert (diff_text(repo / "sub", None), diff_summary(repo / "sub", None), checkout(repo / "sub")) == plain
    diff, summary, status = plain
    assert diff is not None
    assert "+++ b/sub/имя-ü.txt\n" in diff.text
    assert "\n 4\n-5\n+other\n 6\n" in diff.text
    assert "a/first" in diff.text
    assert "\x1b" not in diff.text
    assert summary is not None
    assert FileChange("sub/имя-ü.txt", 1, 1) in summary.files
    assert status.branch == "main"
    assert status.status is not None
    assert "новый" in status.status
