"""A repository that cannot commit is found before it costs anything; work without a commit is named at the end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samobot.session.commit_check import commit_hooks, commit_problem, unfinished_work
from samobot.session.diff import diff_summary
from samobot.session.worktree import prepare_worktree
from tests.support.repository import commit, git, make_repository


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    git(tmp_path, "config", "--global", "user.name", "t")
    git(tmp_path, "config", "--global", "user.email", "t@example.org")
    return make_repository(tmp_path / "repo")


def failing_program(repo: Path) -> Path:
    program = repo.parent / "sign"
    program.write_text("#!/bin/sh\necho 'gpg: signing failed: No secret key' >&2\nexit 2\n")
    program.chmod(0o755)
    return program


def missing_program(repo: Path) -> None:
    git(repo, "config", "--global", "commit.gpgsign", "true")
    git(repo, "config", "--global", "gpg.program", "/nowhere/gpg")


def dead_key(repo: Path) -> None:
    git(repo, "config", "commit.gpgsign", "true")
    git(repo, "config", "--global", "gpg.program", str(failing_program(repo)))


def dead_ssh_key(repo: Path) -> None:
    git(repo, "config", "--global", "commit.gpgsign", "yes")
    git(repo, "config", "--global", "gpg.format", "ssh")
    git(repo, "config", "--global", "user.signingkey", "/nowhere/id.pub")


@pytest.mark.parametrize("spoil", [missing_program, dead_key, dead_ssh_key])
def test_a_signing_key_that_does_not_work_is_named_with_the_way_out(
    repo: Path, spoil: Callable[[Path], None]
) -> None:
    assert commit_problem(repo) is None
    spoil(repo)
    problem = commit_problem(repo)
    assert problem is not None
    assert f"git cannot commit in {repo}" in problem
    assert "commit.gpgsign is on" in problem


def test_a_repository_whose_objects_cannot_be_written_is_named(repo: Path) -> None:
    git(repo, "repack", "-adq")  # a folder that is there already may be that of the new commit
    objects = repo / ".git" / "objects"
    objects.rename(repo / ".git" / "kept")
    objects.write_text("")
    assert commit_problem(repo) is None  # git does not take it for a repository: another check names that
    objects.unlink()
    (repo / ".git" / "kept").rename(objects)
    for number in range(256):
        folder = objects / f"{number:02x}"
        if not folder.exists():
            folder.write_text("in the way")
    problem = commit_problem(repo)
    assert problem is not None
    assert "Fix the repository" in problem


def test_it_takes_few_processes_as_a_run_waits_for_it(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    popen = subprocess.Popen

    def counted(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        started.append(command[2])
        return popen(command, **more)

    monkeypatch.setattr(subprocess, "Popen", counted)
    assert commit_problem(repo) is None
    assert len(started) <= 9, started


@pytest.mark.parametrize("closed", [".git", ".git/refs/heads", ".git/logs/refs/heads", ".git/logs/HEAD"])
def test_a_git_folder_that_cannot_be_written_to_is_named(
    repo: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    commit(repo, "logged")
    may_access = os.access

    def access(path: Path, mode: int) -> bool:
        # As for a user who is not root, for whom no folder is read-only.
        return may_access(path, mode) and not (mode & os.W_OK and Path(path) == repo / closed)

    assert commit_problem(repo) is None
    monkeypatch.setattr(os, "access", access)
    problem = commit_problem(repo)
    assert problem is not None
    assert f"{repo / closed} is not writable for you" in problem


def hook(repo: Path, name: str, text: str, mode: int = 0o755) -> None:
    path = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-path", f"hooks/{name}").strip())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def leave_lock(name: str) -> Callable[[Path], None]:
    def leave(repo: Path) -> None:
        lock = repo / ".git" / name
        lock.touch()
        os.utime(lock, (1, 1))

    return leave


def set_globally(key: str, value: str) -> Callable[[Path], object]:
    return lambda repo: git(repo, "config", "--global", key, value)


def use_hooks_of_the_user(repo: Path) -> None:
    git(repo, "config", "--global", "core.hooksPath", str(repo.parent / "hooks"))
    hook(repo, "pre-commit", "#!/nowhere/python -u\n")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a hook without its interpreter": (
        lambda repo: hook(repo, "pre-commit", "#!/nowhere/python\n"),
        "/nowhere/python",
    ),
    "a hook with line ends of Windows": (
        lambda repo: hook(repo, "pre-commit", "#!/bin/sh\r\nexit 0\r\n"),
        "/bin/sh with a carriage return",
    ),
    "an unknown way to clean messages": (set_globally("commit.cleanup", "zz"), "commit.cleanup “zz”"),
    "a hook by env": (lambda repo: hook(repo, "commit-msg", "#!/usr/bin/env -S nodeless --x\n"), "nodeless"),
    "hooks of the user": (use_hooks_of_the_user, "is run by /nowhere/python"),
    "no boolean": (set_globally("commit.gpgsign", "maybe"), "commit.gpgsign"),
    "an unknown format of signatures": (set_globally("gpg.format", "zz"), "gpg.format"),
    "a damaged index": (lambda repo: (repo / ".git" / "index").write_bytes(b"DIRC"), "index file"),
    "the lock of a killed git": (leave_lock("index.lock"), "index.lock"),
    "the lock of HEAD": (leave_lock("HEAD.lock"), "HEAD.lock"),
    "the lock of the branch": (leave_lock("refs/heads/main.lock"), "main.lock"),
}


@pytest.mark.parametrize(("spoil", "named"), BROKEN.values(), ids=BROKEN)
def test_what_keeps_every_commit_from_being_made_is_named(
    repo: Path, spoil: Callable[[Path], object], named: str
) -> None:
    if named == "gpg.format":
        git(repo, "config", "--global", "commit.gpgsign", "true")
    spoil(repo)
    problem = commit_problem(repo)
    assert problem is not None
    assert problem.startswith(f"git cannot commit in {repo}: ")
    assert named in problem
    assert (
        "Fix the repository" in problem
        or "Install it" in problem
        or "Delete it" in problem
        or "commit.gpgsign" in problem
    )


@pytest.mark.parametrize(
    "use",
    [
        set_globally("commit.template", "/nowhere/template"),
        set_globally("core.editor", "/nowhere/editor"),
        lambda repo: hook(repo, "pre-commit", "#!/nowhere/python\n", 0o644),
        lambda repo: hook(repo, "pre-commit", "#!/bin/sh\ntouch ran\n"),
        lambda repo: hook(repo, "pre-commit", "#! \ntouch ran\n"),  # git has the shell run it
        lambda repo: hook(repo, "pre-push", "#!/nowhere/python\n"),
        lambda repo: (repo / ".git" / "index.lock").touch(),  # of a git that works just now
    ],
)
def test_what_keeps_no_commit_from_being_made_is_no_problem(
    repo: Path, use: Callable[[Path], object]
) -> None:
    use(repo)
    assert commit_problem(repo) is None
    assert not (repo / "ran").exists()


def test_trying_leaves_no_branch_and_no_change(repo: Path) -> None:
    def state() -> list[str]:
        return [git(repo, "for-each-ref"), git(repo, "status", "--porcelain"), git(repo, "rev-parse", "HEAD")]

    before = state()
    assert commit_problem(repo) is None
    assert state() == before


def test_without_a_repository_or_a_name_nothing_is_tried(repo: Path, tmp_path: Path) -> None:
    assert commit_problem(tmp_path) is None
    missing_program(repo)
    git(repo, "config", "--global", "user.useConfigOnly", "true")
    git(repo, "config", "--global", "--unset", "user.email")
    assert commit_problem(repo) is None


def test_work_that_is_not_all_committed_is_named(repo: Path, tmp_path: Path) -> None:
    made = prepare_worktree(repo, tmp_path / "worktrees", "greet")

    def unfinished() -> str:
        return unfinished_work(made.path, diff_summary(made.path, made.base))

    assert unfinished() == "nothing was committed"
    (made.path / "new").write_text("x")
    assert unfinished() == "1 file is not committed, nothing was committed"
    commit(made.path, "work")
    assert unfinished() == "1 file is not committed"
    (made.path / "work").write_text("changed")
    assert unfinished() == "2 files are not committed"
    git(made.path, "add", ".")
    git(made.path, "commit", "--quiet", "-m", "all")
    (repo / "first").write_text("of the user")
    git(repo, "stash")
    assert unfinished() == ""
    (made.path / "work").write_text("changed again")
    git(made.path, "stash")
    assert unfinished() == "work is stashed"
    git(made.path, "checkout", "--quiet", "--detach")
    assert unfinished() == "no branch is checked out"


def test_work_in_a_submodule_that_is_not_committed_there_is_named(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "config", "--global", "protocol.file.allow", "always")
    inner, library = make_repository(tmp_path / "inner"), make_repository(tmp_path / "library")
    for at, added in ((library, inner), (repo, library)):
        git(at, "submodule", "--quiet", "add", str(added), "sub")
        git(at, "commit", "--quiet", "-m", "sub")
    work = tmp_path / "work"
    git(repo, "worktree", "add", "--quiet", "-b", "work", str(work))
    git(work, "submodule", "--quiet", "update", "--init", "--recursive")
    base = git(work, "rev-parse", "HEAD")
    commit(work, "more")

    def unfinished() -> str:
        return unfinished_work(work, diff_summary(work, base))

    assert unfinished() == ""
    (work / "sub" / "new").write_text("x")
    assert unfinished() == "work in the submodule sub is not committed"
    git(work / "sub", "stash", "--quiet", "--include-untracked")
    (work / "sub" / "sub" / "first").write_text("other")
    assert unfinished() == "work in the submodule sub/sub is not committed"
    (work / "app").mkdir()
    commit(work, "app/page")
    found = unfinished_work(work / "app", diff_summary(work / "app", base))
    assert found == unfinished(), "also if the session works in a folder of it"
    (work / "sub" / "up").symlink_to("..")
    git(work / "sub", "update-index", "--add", "--cacheinfo", f"160000,{base},up/sub")
    assert unfinished().startswith("work in the submodule sub is not committed")


def test_a_session_in_the_repository_itself_is_not_blamed_for_having_no_branch(repo: Path) -> None:
    assert unfinished_work(repo, diff_summary(repo, "HEAD")) == ""
    assert unfinished_work(repo, None) == ""


def test_hooks_that_can_refuse_a_commit_are_those_that_git_would_run(repo: Path) -> None:
    assert commit_hooks(repo) == ()
    hook(repo, "commit-msg", "#!/bin/sh\n")
    hook(repo, "pre-push", "#!/bin/sh\n")
    hook(repo, "pre-commit", "#!/bin/sh\n", 0o644)
    assert [each.name for each in commit_hooks(repo)] == ["commit-msg"]
    git(repo, "config", "--global", "core.hooksPath", str(repo.parent / "hooks"))
    hook(repo, "pre-commit", "#!/bin/sh\n")
    assert commit_hooks(repo) == (repo.parent / "hooks" / "pre-commit",)
    assert commit_hooks(repo.parent) == ()
