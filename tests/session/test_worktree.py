from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.errors import UsageError
from samobot.session.git import Git, GitError
from samobot.session.worktree import Worktree, is_in_checkout, prepare_worktree, recreate_worktree
from tests.support.repository import commit, git, make_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "upstream", "trunk")


@pytest.fixture
def repo(tmp_path: Path, upstream: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(upstream), "repo")
    return tmp_path / "repo"


def prepare(repo: Path, name: str = "greet", prefix: str = "") -> Worktree:
    return prepare_worktree(repo, repo.parent / "worktrees", name, prefix)


def test_a_branch_begins_at_the_freshly_fetched_default_branch(repo: Path, upstream: Path) -> None:
    newest = commit(upstream, "second")
    worktree = prepare(repo, prefix="me/")
    assert worktree == Worktree(repo.parent / "worktrees" / "greet", "me/greet", newest, "")
    assert git(worktree.path, "rev-parse", "HEAD") == newest
    assert git(worktree.path, "branch", "--show-current") == "me/greet"
    assert "me/greet" not in git(repo, "config", "--list", "--local")


def test_the_repositorys_own_checkout_is_never_touched(repo: Path, upstream: Path) -> None:
    commit(upstream, "second")
    (repo / "first").write_text("half-done work")
    (repo / "new").write_text("new")

    def checkout() -> list[str]:
        return [
            git(repo, "status", "--porcelain", "--branch").split("...")[0],
            git(repo, "rev-parse", "HEAD"),
        ]

    before = [*checkout(), git(repo, "diff")]
    prepare(repo)
    assert [*checkout(), git(repo, "diff")] == before


def test_branch_begins_at_the_commit_that_it_has_to_contain(repo: Path) -> None:
    below = prepare(repo)
    head = commit(below.path, "new")
    made = prepare_worktree(repo, repo.parent / "worktrees", "more", on_top_of=head)
    assert (git(made.path, "rev-parse", "HEAD"), made.base) == (head, head)
    again = prepare_worktree(repo, repo.parent / "worktrees", "more", on_top_of=head)
    assert git(again.path, "rev-parse", "HEAD") == head


def test_branch_begins_at_the_default_branch_once_that_contains_the_commit(
    repo: Path, upstream: Path
) -> None:
    merged = commit(upstream, "merged")
    newest = commit(upstream, "newest")
    git(repo, "fetch", "--quiet")
    made = prepare_worktree(repo, repo.parent / "worktrees", "more", on_top_of=merged)
    assert git(made.path, "rev-parse", "HEAD") == newest


def test_existing_branch_without_the_commit_is_refused(repo: Path) -> None:
    head = commit(prepare(repo).path, "new")
    prepare(repo, name="more")
    with pytest.raises(UsageError, match="There is a branch “more” already, without the commit"):
        prepare_worktree(repo, repo.parent / "worktrees", "more", on_top_of=head)


def test_preparing_again_finds_the_same_worktree_with_its_work(repo: Path) -> None:
    first = prepare(repo)
    work = commit(first.path, "work")
    (first.path / "draft").write_text("draft")
    assert replace(prepare(repo), note="") == first
    assert git(first.path, "rev-parse", "HEAD") == work
    assert (first.path / "draft").exists()


def test_a_deleted_worktree_is_made_again_on_its_branch(repo: Path) -> None:
    first = prepare(repo)
    work = commit(first.path, "work")
    shutil.rmtree(first.path)
    again = prepare(repo)
    assert replace(again, note="") == first
    assert git(again.path, "rev-parse", "HEAD") == work


def test_an_existing_branch_is_taken_up(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "greet")
    work = commit(repo, "work")
    git(repo, "checkout", "--quiet", "trunk")
    worktree = prepare(repo)
    assert git(worktree.path, "rev-parse", "HEAD") == work
    assert worktree.base == git(repo, "rev-parse", "trunk")


@pytest.mark.parametrize("worktree_stays", [True, False])
def test_earlier_work_on_the_branch_is_reported(repo: Path, worktree_stays: bool) -> None:
    made = prepare(repo)
    assert prepare(repo).note == ""
    commit(made.path, "a.txt")
    if not worktree_stays:
        shutil.rmtree(made.path)
    assert prepare(repo).note == (
        "The branch “greet” is there already, with 1 commit of its own; the session continues from them. "
        "To begin without them, move it away first: git branch -m greet greet-old."
    )


def test_a_branch_that_is_checked_out_elsewhere_is_refused_with_the_place_and_the_way_out(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "greet")
    with pytest.raises(UsageError) as error:
        prepare(repo)
    assert error.value.message == (
        f"The session's branch would be “greet”, which is checked out in {repo}: give the session another name."
    )
    assert not (repo.parent / "worktrees").exists()


@pytest.mark.parametrize(
    ("first", "second"), [("foo.lock", "foo"), ("foo", "foo.lock"), ("a.", "a.lock"), ("a..b", "a.b")]
)
def test_sessions_whose_names_come_to_one_branch_do_not_share_it(repo: Path, first: str, second: str) -> None:
    one = prepare(repo, first)
    branches = git(repo, "branch", "--list")
    with pytest.raises(UsageError) as error:
        prepare(repo, second)
    assert f"checked out in {one.path}: give the session another name" in error.value.message
    assert [path.name for path in one.path.parent.iterdir()] == [first]
    assert git(repo, "branch", "--list") == branches
    assert prepare(repo, first) == one


def test_a_tag_with_the_name_of_the_branch_is_not_taken_for_it(repo: Path, upstream: Path) -> None:
    git(repo, "tag", "greet")
    newest = commit(upstream, "second")
    git(repo, "fetch", "--quiet")
    git(repo, "branch", "greet", newest)
    made = prepare(repo)
    assert (made.base, made.note) == (newest, "")
    work = commit(made.path, "work")
    shutil.rmtree(made.path)
    again = recreate_worktree(repo, made.path)
    assert (again.base, git(made.path, "rev-parse", "HEAD")) == (newest, work)
    git(repo, "worktree", "remove", "--force", str(made.path))
    with pytest.raises(UsageError, match="There is a branch “greet” already, without the commit"):
        prepare_worktree(repo, made.path.parent, "greet", on_top_of=commit(upstream, "third"))


def test_a_branch_that_stands_for_another_is_refused(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "--detach")
    git(repo, "symbolic-ref", "refs/heads/greet", "refs/heads/trunk")
    with pytest.raises(
        UsageError, match="“greet”, which stands for refs/heads/trunk: give the session another"
    ):
        prepare(repo)


def test_a_branch_whose_worktree_was_deleted_is_free_for_another(repo: Path) -> None:
    first = prepare(repo, "foo.lock")
    work = commit(first.path, "work")
    shutil.rmtree(first.path)
    second = prepare(repo, "foo")
    assert (second.branch, git(second.path, "rev-parse", "HEAD")) == ("foo", work)


def test_an_unreachable_remote_is_a_note_and_the_last_known_branch_is_used(
    repo: Path, upstream: Path
) -> None:
    known = git(repo, "rev-parse", "origin/trunk")
    upstream.rename(upstream.with_name("gone"))
    worktree = prepare(repo)
    assert worktree.base == known
    assert "could not be reached" in worktree.note


def test_without_a_remote_the_local_default_branch_is_used(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    default = git(repo, "rev-parse", "main")
    git(repo, "checkout", "--quiet", "-b", "topic")
    commit(repo, "topic")
    worktree = prepare(repo)
    assert (worktree.base, worktree.note) == (default, "")


def test_an_empty_remote_leaves_the_local_default_branch(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    git(repo, "remote", "add", "origin", str(tmp_path / "empty.git"))
    assert prepare(repo).base == git(repo, "rev-parse", "main")


def test_without_commits_or_repository_the_session_works_in_the_folder_itself(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    worktree = prepare(empty)
    assert (worktree.path, worktree.branch) == (empty, None)
    assert "is not in a git repository" in worktree.note
    git(empty, "init", "--quiet")
    worktree = prepare(empty)
    assert (worktree.path, worktree.branch) == (empty, None)
    assert "no commits" in worktree.note
    assert not (tmp_path / "worktrees").exists()


def test_a_folder_inside_a_repository_is_not_taken_for_it(tmp_path: Path) -> None:
    inner = make_repository(tmp_path / "outer") / "inner"
    inner.mkdir()
    assert prepare(inner).path == inner


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    repo = make_repository(tmp_path / "mono")
    (repo / "apps" / "web").mkdir(parents=True)
    commit(repo, "apps/web/index.html")
    commit(repo, "shared")
    return repo


def test_worktree_of_a_folder_in_a_repository_is_one_of_the_whole_repository(
    monorepo: Path, tmp_path: Path
) -> None:
    inner = monorepo / "apps" / "web"
    (inner / "draft").write_text("not committed")
    before = git(monorepo, "status", "--porcelain", "--branch"), git(monorepo, "rev-parse", "main")
    made = prepare_worktree(inner, tmp_path / "worktrees", "greet", "me")
    assert (made.path, made.branch, made.note) == (
        tmp_path / "worktrees" / "greet" / "apps" / "web", "me/greet", "",
    )  # fmt: skip
    assert (made.path / "index.html").exists()
    assert (tmp_path / "worktrees" / "greet" / "shared").exists()
    commit(made.path, "work")
    assert (git(monorepo, "status", "--porcelain", "--branch"), git(monorepo, "rev-parse", "main")) == before
    assert replace(prepare_worktree(inner, tmp_path / "worktrees", "greet", "me"), note="") == made


@pytest.mark.parametrize("kind", ["linked worktree", "symlink", "other sessions at once"])
def test_worktree_of_a_folder_in_a_repository_is_made_however_it_is_reached(
    monorepo: Path, tmp_path: Path, kind: str
) -> None:
    inner = monorepo / "apps" / "web"
    if kind == "linked worktree":
        git(monorepo, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
        inner = tmp_path / "side" / "apps" / "web"
    elif kind == "symlink":
        (tmp_path / "link").symlink_to(inner)
        inner = tmp_path / "link"
    else:
        prepare_worktree(inner, tmp_path / "worktrees", "first")
    made = prepare_worktree(inner, tmp_path / "worktrees", "greet")
    assert made.path == tmp_path / "worktrees" / "greet" / "apps" / "web"
    assert git(made.path, "branch", "--show-current") == "greet"


@pytest.mark.parametrize("ignored", [False, True])
def test_a_folder_that_is_not_part_of_the_repository_around_it_is_worked_in_directly_and_named(
    monorepo: Path, tmp_path: Path, ignored: bool
) -> None:
    inner = monorepo / "private"
    inner.mkdir()
    (inner / "mine").write_text("x")
    if ignored:
        (monorepo / ".git" / "info" / "exclude").write_text("private\n")
    made = prepare_worktree(inner, tmp_path / "worktrees", "greet")
    assert (made.path, made.branch) == (inner, None)
    assert made.note.startswith("⚠️")
    assert "not part of the git repository" in made.note
    assert not (tmp_path / "worktrees").exists()


@pytest.mark.parametrize(
    "where", ["deleted upstream", "committed here", "staged here", "staged with a submodule"]
)
def test_a_folder_that_the_branch_would_not_have_is_refused_and_not_worked_in_directly(
    repo: Path, upstream: Path, where: str
) -> None:
    origin = upstream if where == "deleted upstream" else repo
    (origin / "app").mkdir()
    if where == "staged here":
        (repo / "app" / "a").write_text("a")
        git(repo, "add", "app")
    elif where == "staged with a submodule":
        head = git(repo, "rev-parse", "HEAD").strip()
        git(repo, "update-index", "--add", "--cacheinfo", f"160000,{head},app/a")
    else:
        commit(origin, "app/a")
    if where == "deleted upstream":
        git(repo, "pull", "--quiet")
        git(upstream, "rm", "-q", "-r", "app")
        git(upstream, "commit", "-qm", "no app")
    with pytest.raises(
        UsageError, match=r"repo/app does not exist in origin/trunk, where the session's branch"
    ):
        prepare(repo / "app")


def test_a_submodule_that_is_not_checked_out_is_refused_with_the_command(repo: Path, upstream: Path) -> None:
    git(upstream, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "libs/lib")
    git(upstream, "commit", "-qm", "lib")
    git(repo, "pull", "--quiet")
    command = f"git -C {repo} submodule update --init libs/lib"
    with pytest.raises(UsageError, match=f"is a submodule of .* not checked out: run “{command}”"):
        prepare(repo / "libs" / "lib")
    assert not (repo.parent / "worktrees").exists()


def test_a_folder_outside_of_the_sparse_checkout_is_refused_with_the_command(repo: Path) -> None:
    for folder in ("in", "out"):
        (repo / folder).mkdir()
        commit(repo, f"{folder}/a")
    git(repo, "remote", "remove", "origin")
    git(repo, "sparse-checkout", "set", "in")
    (repo / "out").mkdir()
    worktrees = repo.parent / "worktrees"
    with pytest.raises(UsageError, match=f"run “git -C {repo} sparse-checkout add out”"):
        prepare_worktree(repo / "out", worktrees, "greet")
    git(repo, "sparse-checkout", "add", "out")
    assert (prepare_worktree(repo / "out", worktrees, "greet").path / "a").exists()


def test_a_line_break_in_the_path_is_named_as_git_cannot_be_asked_about_it(repo: Path) -> None:
    (repo / "a\nb").mkdir()
    with pytest.raises(UsageError, match="a b has a line break in its path"):
        prepare(repo / "a\nb")


def test_a_repository_of_another_user_is_refused_with_the_command_that_trusts_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Git, *arguments: str, timeout: float = 60.0) -> str:
        raise GitError(
            f"fatal: detected dubious ownership in repository at '{repo}' To add an exception for this directory, "
            f"call: git config --global --add safe.directory {repo}"
        )

    monkeypatch.setattr(Git, "run", refuse)
    with pytest.raises(UsageError, match=f"run “git config --global --add safe.directory {repo}”"):
        prepare(repo)


def empty_branch(repo: Path) -> None:
    (repo / ".git" / "refs" / "heads" / "main").write_text("")


def empty_head(repo: Path) -> None:
    (repo / ".git" / "HEAD").write_text("")


def missing_commit(repo: Path) -> None:
    found = git(repo, "rev-parse", "main")
    (repo / ".git" / "objects" / found[:2] / found[2:]).unlink()


def empty_commit(repo: Path) -> None:
    found = git(repo, "rev-parse", "main")
    path = repo / ".git" / "objects" / found[:2] / found[2:]
    path.chmod(0o644)
    path.write_bytes(b"")


def empty_branch_of_another_name(repo: Path) -> None:
    git(repo, "branch", "--move", "trunk")
    (repo / ".git" / "refs" / "heads" / "trunk").write_text("")


def no_objects(repo: Path) -> None:
    shutil.rmtree(repo / ".git" / "objects")


def empty_packed_refs(repo: Path) -> None:
    git(repo, "pack-refs", "--all")
    (repo / ".git" / "packed-refs").write_text("")


def half_packed_refs(repo: Path) -> None:
    git(repo, "pack-refs", "--all")
    (repo / ".git" / "packed-refs").write_text("junk")


def link_to_nothing(repo: Path) -> None:
    (repo / ".git").rename(repo / "moved")
    (repo / ".git").symlink_to(repo / "gone")


@pytest.mark.parametrize(
    "damage",
    [
        empty_branch,
        empty_head,
        missing_commit,
        empty_commit,
        empty_branch_of_another_name,
        no_objects,
        empty_packed_refs,
        half_packed_refs,
        link_to_nothing,
    ],
)
@pytest.mark.parametrize("folder", [".", "apps/web"])
def test_a_damaged_repository_is_refused_by_name(
    monorepo: Path, tmp_path: Path, damage: Callable[[Path], None], folder: str
) -> None:
    damage(monorepo)
    with pytest.raises(UsageError) as error:
        prepare_worktree(monorepo / folder, tmp_path / "worktrees", "greet")
    assert f"The git repository {monorepo} is damaged" in error.value.message
    assert not (tmp_path / "worktrees").exists()


def test_a_missing_object_is_damage_and_leaves_no_worktree(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "local")
    commit(repo, "a")
    blob = git(repo, "rev-parse", "HEAD:a")
    (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UsageError, match=f"The git repository {repo} is damaged") as error:
        prepare(repo)
    assert "samobot-git-" not in error.value.message
    assert not (tmp_path / "worktrees" / "greet").exists()


def test_a_repository_whose_work_tree_is_elsewhere_is_refused(monorepo: Path) -> None:
    git(monorepo, "config", "core.worktree", "/nowhere")
    with pytest.raises(UsageError, match=r"core\.worktree in .* names another folder"):
        prepare(monorepo)


@pytest.mark.parametrize("folder", [".git", ".git/refs"])
def test_a_folder_in_a_git_folder_is_refused(repo: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="is in a git folder"):
        prepare(repo / folder)


def test_a_link_out_of_the_repository_is_worked_in_directly(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (repo / "link").symlink_to(tmp_path / "out")
    made = prepare(repo / "link")
    assert (made.path, made.branch) == (repo / "link", None)
    assert "is not in a git repository" in made.note


def test_a_branch_begins_at_the_newest_one_if_head_has_no_commit(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "repo")
    git(repo, "branch", "--move", "trunk")
    git(repo, "checkout", "--quiet", "--orphan", "fresh")
    made = prepare(repo)
    assert made.base == git(repo, "rev-parse", "trunk")
    assert "begins at the newest one, “trunk”" in made.note


def test_a_worktree_whose_git_file_was_deleted_is_found_again(repo: Path) -> None:
    made = prepare(repo)
    (made.path / ".git").unlink()
    assert prepare(repo).branch == "greet"
    assert git(made.path, "branch", "--show-current") == "greet"


def test_a_damaged_branch_of_the_session_is_refused_by_name(repo: Path) -> None:
    (repo / ".git" / "refs" / "heads" / "greet").write_text("")
    with pytest.raises(UsageError, match="damaged: refs/heads/greet is empty"):
        prepare(repo)


@pytest.mark.parametrize(
    ("existing", "name", "prefix", "remedy"),
    [
        ("x/old", "x", "", "give the session another name"),
        ("me/x/a/b", "x", "me", "give the session another name"),
        ("me", "x", "me/", "set another GIT_BRANCH_PREFIX"),
        ("team/me", "x", "team/me", "set another GIT_BRANCH_PREFIX"),
    ],
)
def test_a_branch_that_git_cannot_have_beside_another_is_refused_in_one_line(
    repo: Path, existing: str, name: str, prefix: str, remedy: str
) -> None:
    git(repo, "branch", existing)
    with pytest.raises(UsageError) as error:
        prepare(repo, name, prefix)
    assert f"there is a branch “{existing}”" in error.value.message
    assert remedy in error.value.message
    assert "fatal" not in error.value.message


@pytest.mark.parametrize("name", ["HEAD", "my session", "a~b"])
def test_a_name_that_cannot_be_a_branch_is_not_blamed_on_the_prefix(repo: Path, name: str) -> None:
    with pytest.raises(UsageError, match="give the session another name"):
        prepare(repo, name)


def test_a_missing_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MAIN_REPO"):
        prepare(tmp_path / "none")


@pytest.mark.parametrize("what", ["file", "folder", "repository"])
def test_something_in_the_way_is_named_and_left_alone(repo: Path, what: str) -> None:
    place = repo.parent / "worktrees" / "greet"
    place.parent.mkdir()
    if what == "file":
        place.write_text("mine")
    elif what == "folder":
        place.mkdir()
        (place / "mine").write_text("mine")
    else:
        make_repository(place)
    with pytest.raises(UsageError, match="in the way"):
        prepare(repo)
    assert place.is_file() or list(place.iterdir())


def test_an_empty_folder_is_not_in_the_way(repo: Path) -> None:
    (repo.parent / "worktrees" / "greet").mkdir(parents=True)
    assert prepare(repo).branch == "greet"


def test_a_worktree_of_a_repository_that_was_moved_is_found_again(repo: Path) -> None:
    first = prepare(repo)
    moved = repo.rename(repo.with_name("moved"))
    assert prepare(moved).path == first.path
    assert git(first.path, "branch", "--show-current") == "greet"


@pytest.mark.parametrize(
    ("name", "branch"),
    [
        ("a..b", "a.b"),
        ("x.lock", "x"),
        ("v1.", "v1"),
        ("a.lock.lock", "a"),
        ("0" * 40, f"session-{'0' * 40}"),
    ],
)
def test_names_that_git_would_refuse_still_get_a_branch(repo: Path, name: str, branch: str) -> None:
    assert prepare(repo, name).branch == branch


def test_a_prefix_may_be_written_as_git_stores_branches(repo: Path) -> None:
    assert prepare(repo, "greet", "refs/heads/me/").branch == "me/greet"


def test_a_prefix_that_cannot_be_a_branch_is_named(repo: Path) -> None:
    with pytest.raises(UsageError, match="GIT_BRANCH_PREFIX"):
        prepare(repo, prefix="a b~")


def test_no_hook_of_the_repository_runs(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../hook-ran\nexit 1\n")
    hook.chmod(0o755)
    worktree = prepare(repo)
    assert not (worktree.path.parent / "hook-ran").exists()


def test_a_misleading_environment_does_not_lead_git_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other")
    monkeypatch.setitem(os.environ, "GIT_DIR", str(other / ".git"))
    prepare(repo)
    monkeypatch.delitem(os.environ, "GIT_DIR")
    assert "greet" not in git(other, "branch", "--list")


def test_worktrees_made_at_once_do_not_disturb_each_other(repo: Path) -> None:
    made: list[Worktree] = []
    threads = [
        threading.Thread(target=lambda name=name: made.append(prepare(repo, name)))
        for name in ("a", "b", "c", "d")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(worktree.branch or "" for worktree in made) == ["a", "b", "c", "d"]


def test_a_folder_is_in_a_checkout_where_git_would_find_one(repo: Path, tmp_path: Path) -> None:
    (repo / "deep" / "down").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    worktree = prepare(repo, "demo")
    assert is_in_checkout(str(repo))
    assert is_in_checkout(str(repo / "deep" / "down"))
    assert is_in_checkout(str(worktree.path))
    assert not is_in_checkout(str(tmp_path / "plain"))
    assert not is_in_checkout(str(repo / "gone"))
    assert not is_in_checkout("no\0path")
    assert not is_in_checkout("~nobody-of-this-name/x")


def test_a_deleted_worktree_is_recreated_with_its_commits(repo: Path) -> None:
    made = prepare(repo, prefix="me/")
    head = commit(made.path, "work")
    (made.path / "draft").write_text("not committed")
    shutil.rmtree(made.path)
    again = recreate_worktree(repo, made.path, "another/")  # git still knows which branch was there
    assert again == Worktree(made.path, "me/greet", made.base)
    assert git(made.path, "rev-parse", "HEAD") == head
    assert not (made.path / "draft").exists()
    assert git(made.path, "status", "--porcelain") == ""


def test_a_deleted_worktree_is_recreated_after_git_has_forgotten_it(repo: Path) -> None:
    made = prepare(repo, prefix="me/")
    head = commit(made.path, "work")
    shutil.rmtree(made.path)
    git(repo, "worktree", "prune")
    assert recreate_worktree(repo, made.path, "me/").branch == "me/greet"
    assert git(made.path, "rev-parse", "HEAD") == head


def test_a_worktree_deleted_with_its_branch_is_recreated_at_the_last_commit_that_is_known(repo: Path) -> None:
    made = prepare(repo)
    head = commit(made.path, "work")
    git(repo, "worktree", "remove", str(made.path))
    git(repo, "branch", "-D", "greet")
    again = recreate_worktree(repo, made.path, last=head)
    assert again.branch == git(made.path, "branch", "--show-current") == "greet"
    assert git(made.path, "rev-parse", "HEAD") == head
    assert head[:9] in again.note
    git(repo, "worktree", "remove", str(made.path))
    git(repo, "branch", "-D", "greet")
    with pytest.raises(UsageError, match="is gone as well"):  # of a commit that git has removed meanwhile
        recreate_worktree(repo, made.path, last="1" * 40)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda repo, path: git(repo, "update-ref", "-d", "refs/heads/greet"),
            "branch “greet” is gone as well",
        ),
        (lambda repo, path: (path.mkdir(), (path / "mine").write_text("x")), "is in the way"),
        (
            lambda repo, path: (git(repo, "worktree", "prune"), git(repo, "checkout", "--quiet", "greet")),
            "is checked out in",
        ),
    ],
)
def test_a_worktree_that_cannot_be_recreated_is_refused_and_nothing_is_lost(
    repo: Path, damage: Callable[[Path, Path], object], words: str
) -> None:
    made = prepare(repo)
    shutil.rmtree(made.path)
    damage(repo, made.path)
    before = git(repo, "for-each-ref")
    with pytest.raises(UsageError, match=words):
        recreate_worktree(repo, made.path)
    assert git(repo, "for-each-ref") == before
    assert not (made.path / ".git").exists()


def test_a_worktree_of_a_folder_in_a_repository_is_recreated_whole(repo: Path, upstream: Path) -> None:
    for folder in (upstream, repo):
        (folder / "app").mkdir()
    commit(upstream, "app/main")
    made = prepare(repo / "app")
    root = repo / "worktrees" / "greet"
    shutil.rmtree(root)
    assert recreate_worktree(repo / "app", root).path == root / "app" == made.path
    assert (made.path / "main").read_text() == "app/main"
