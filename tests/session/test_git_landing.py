"""Landing, clean-up, submodules and forges' tools: no program that somebody else's repository names is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from samobot.config.environment import BOT_SECRETS
from samobot.config.project import Project
from samobot.fleet.forge_tool import run_tool
from samobot.fleet.worktree_setup import set_up_worktree
from samobot.session.branch_removal import remove_remote_branch
from samobot.session.branch_state import BranchState, read_branch
from samobot.session.merge import merge_problem
from samobot.session.push import push, read_target
from samobot.session.worktree import prepare_worktree
from tests.session.test_git import Victim, made_victim, victim  # noqa: F401  (fixtures)
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow

SERVER_HOOKS = ("pre-receive", "update", "reference-transaction", "post-receive", "post-update")


def finished(victim: Victim) -> BranchState:  # noqa: F811
    """The branch of the worktree, with a commit that `main` does not have."""
    git(victim.worktree, "checkout", "--quiet", "--", ".")
    commit(victim.worktree, "new")
    (victim.root / "mark").unlink(missing_ok=True)
    return read_branch(victim.repo, victim.worktree)


@pytest.mark.parametrize("address", ["{root}/far", "file://{root}/far", "../far"])
def test_neither_push_nor_delete_runs_a_hook_of_a_remote_on_this_machine(
    victim: Victim,  # noqa: F811
    address: str,
) -> None:
    far = victim.root / "far"
    git(victim.root, "clone", "--quiet", "--bare", str(victim.root / "upstream"), str(far))
    for name in SERVER_HOOKS:
        shutil.copy(victim.evil, far / "hooks" / name)
    victim.config("remote.origin.url", address.format(root=victim.root))
    state = finished(victim)
    target = read_target(state)
    assert target is not None
    assert target.problem == ""
    push(state, target)
    pushed = read_target(state)
    assert pushed is not None
    assert pushed.head == state.head
    remove_remote_branch(state, pushed)
    gone = read_target(state)
    assert gone is not None
    assert gone.head is None
    assert not victim.has_run()
    subprocess.run(["git", "push", "origin", "old"], cwd=victim.repo, capture_output=True)
    assert victim.has_run()  # git as it is would have run them


def test_looking_at_a_merge_runs_no_driver_of_the_repository(victim: Victim) -> None:  # noqa: F811
    git(victim.worktree, "checkout", "--quiet", "--", ".")
    git(victim.repo, "checkout", "--quiet", "main")
    for tree, text in ((victim.worktree, "ours\n"), (victim.repo, "theirs\n")):
        (tree / "first").write_text(text)
        git(tree, "commit", "--quiet", "-am", text.strip())
    (victim.repo / ".git" / "info" / "attributes").write_text("* merge=x\n")
    victim.config("merge.x.driver", f"{victim.evil} %O %A %B")
    state = read_branch(victim.repo, victim.worktree)
    assert "conflict in first" in merge_problem(state)
    assert not victim.has_run()
    subprocess.run(["git", "merge", "old"], cwd=victim.repo, capture_output=True)
    assert victim.has_run()


def test_submodules_of_a_new_worktree_are_filled_without_hooks_of_a_template(
    victim: Victim,  # noqa: F811
) -> None:
    template = victim.root / "template" / "hooks"
    template.mkdir(parents=True)
    shutil.copy(victim.evil, template / "post-checkout")
    victim.config("init.templateDir", str(template.parent))
    victim.config("submodule.library.update", f"!{victim.evil}")
    made = prepare_worktree(victim.repo, victim.root / "worktrees", "new")
    project = cast("Project", SimpleNamespace(main_repo=victim.repo))
    assert set_up_worktree(project, made.path) == []
    assert (made.path / "library" / "first").exists()
    assert not victim.has_run()


def test_a_forges_tool_finds_no_repository_above_its_folder(
    victim: Victim,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = victim.root / "tmp"
    shared.mkdir()
    git(shared, "init", "--quiet")
    git(shared, "config", "core.fsmonitor", victim.evil)
    tool = victim.root / "bin" / "gh"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\ngit status > /dev/null 2>&1\npwd\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    assert str(shared) in run_tool("gh", ["status"])
    assert not victim.has_run()
    subprocess.run(["git", "status"], cwd=shared, capture_output=True)
    assert victim.has_run()


def test_a_forges_tool_gets_no_secret_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "gh"
    tool.write_text("#!/bin/sh\nenv\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in (*BOT_SECRETS, "ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "sesame")
    monkeypatch.setenv("GH_TOKEN", "its own")
    seen = run_tool("gh", ["status"])
    assert "sesame" not in seen
    assert "GH_TOKEN=its own" in seen


@pytest.mark.parametrize("kind", ["pipe", "huge"])
def test_a_note_of_a_rebase_that_cannot_be_read_does_not_hold_up_a_look(
    victim: Victim,  # noqa: F811
    kind: str,
) -> None:
    finished(victim)
    git(victim.repo, "worktree", "add", "--quiet", "--detach", "../third")
    note = victim.repo / ".git" / "worktrees" / "third" / "rebase-merge" / "head-name"
    note.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(note)
    else:
        note.touch()
        os.truncate(note, 100 * 1024**3)
    base = read_branch(victim.repo, victim.worktree).base
    assert base is not None
    assert not base.busy
