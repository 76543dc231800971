"""Landing fails closed: what was shown is what is merged or pushed, or nothing is changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from samobot.errors import ConflictError, SamobotError, StorageError
from samobot.fleet import landing
from samobot.fleet.landing_models import LandingStep
from samobot.session import decisions, journal
from samobot.session.lock import RunLock
from tests.support.landing_room import KEY, NOW, LandingRoom
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow

MERGES = (LandingStep.MERGE, LandingStep.SQUASH)
STEPS = (*MERGES, LandingStep.PUSH)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Anna\n\temail = anna@example.org\n")
    return LandingRoom(tmp_path, tmp_path / "bare.git")


def test_landing_view_shows_commits_files_and_steps(room: LandingRoom) -> None:
    view = room.view()
    assert (view.branch, view.base, view.ahead, view.behind) == ("greet", "main", 2, 0)
    assert (view.head, view.base_head) == (room.tip("greet"), room.tip())
    assert view.subjects == ("test_greet.py", "greet.py")
    assert (view.files, view.added, view.removed, view.uncommitted) == (2, 2, 0, 0)
    assert view.remote == f"file://{room.bare}"
    assert [(each.step, each.refusal) for each in view.offers] == [
        (LandingStep.MERGE, ""), (LandingStep.SQUASH, ""), (LandingStep.PUSH, ""),
        (LandingStep.CLEAN_UP, "greet is not merged."), (LandingStep.DISCARD, ""),
    ]  # fmt: skip


def test_view_names_what_a_maintainer_would_send_back_and_what_reviews_left_open(room: LandingRoom) -> None:
    assert (room.view().objections, room.view().debt, room.view().body) == ((), (), "")
    (room.worktree / "greet.py").write_text("# TODO: umlauts\n")
    git(room.worktree, "commit", "--quiet", "--all", "--message=wip")
    (room.folder.path / "_review_debt.md").write_text("- [ ] poor · `greet.py:1` · slow · needs a rewrite\n")
    view = room.view()
    assert view.objections == ("Notes of work to do: greet.py:1.", "Unfinished commits: “wip”.")
    assert view.debt == ("poor · greet.py:1 · slow · needs a rewrite",)
    assert view.body == f"## Left open by the review\n\n- {view.debt[0]}"
    assert [each.refusal for each in view.offers if each.step in STEPS] == ["", "", ""]


def test_merge_fast_forwards_the_checkout_of_the_base(room: LandingRoom) -> None:
    head = room.tip("greet")
    result = room.land(LandingStep.MERGE)
    assert (room.tip(), result.commit, result.repeated) == (head, head, False)
    assert (room.repo / "greet.py").read_text() == "greet.py"
    assert git(room.repo, "status", "--porcelain") == ""
    assert result.text == f"2 commits of greet merged into main, now at {head[:9]}."


def test_merge_moves_a_base_that_is_checked_out_nowhere(room: LandingRoom) -> None:
    git(room.repo, "checkout", "--quiet", "-b", "other")
    before = sorted(path.name for path in room.repo.iterdir())
    room.land(LandingStep.MERGE)
    assert room.tip() == room.tip("greet")
    assert sorted(path.name for path in room.repo.iterdir()) == before
    assert "merge greet" in git(room.repo, "reflog", "show", "main")


def test_merge_joins_a_base_that_has_moved_on_by_a_merge_commit(room: LandingRoom) -> None:
    base, head = commit(room.repo, "newer"), room.tip("greet")
    assert room.view().behind == 1
    result = room.land(LandingStep.MERGE)
    assert git(room.repo, "rev-list", "--parents", "-1", "main").split() == [result.commit, base, head]
    assert git(room.repo, "log", "-1", "--format=%s by %an", "main") == "Merge branch 'greet' by Anna"
    assert {"newer", "greet.py"} <= {path.name for path in room.repo.iterdir()}


def test_squash_makes_one_commit_of_the_task(room: LandingRoom) -> None:
    base = commit(room.repo, "newer")
    result = room.land(LandingStep.SQUASH)
    assert git(room.repo, "rev-list", "--parents", "-1", "main").split() == [result.commit, base]
    assert git(room.repo, "log", "-1", "--format=%B", "main").split("\n") == [
        "Add a greeting script", "", "* test_greet.py", "* greet.py",
    ]  # fmt: skip
    assert git(room.repo, "diff", "--name-only", "main", "greet") == "newer"


def test_push_sends_exactly_the_commit_that_was_shown(room: LandingRoom) -> None:
    result = room.land(LandingStep.PUSH)
    assert room.tip("greet", room.bare) == room.tip("greet") == result.commit
    assert room.tip("main", room.bare) == room.tip()


def newer_commit(room: LandingRoom) -> None:
    commit(room.worktree, "late")


def amended_commit(room: LandingRoom) -> None:
    git(room.worktree, "commit", "--quiet", "--amend", "-m", "other")


def moved_base(room: LandingRoom) -> None:
    commit(room.repo, "meanwhile")


def other_branch(room: LandingRoom) -> None:
    git(room.worktree, "checkout", "--quiet", "-b", "else")


def conflicting_base(room: LandingRoom) -> None:
    (room.repo / "greet.py").write_text("mine")
    git(room.repo, "add", "greet.py")
    git(room.repo, "commit", "--quiet", "-m", "mine")


def dirty_worktree(room: LandingRoom) -> None:
    (room.worktree / "left over").write_text("x")


def dirty_checkout(room: LandingRoom) -> None:
    (room.repo / "first").write_text("changed")


def staged_checkout(room: LandingRoom) -> None:
    (room.repo / "staged").write_text("x")
    git(room.repo, "add", "staged")


def untracked_in_the_way(room: LandingRoom) -> None:
    (room.repo / "greet.py").write_text("precious")


def unfinished_rebase(room: LandingRoom) -> None:
    git(room.repo, "checkout", "--quiet", "--detach")
    (room.repo / ".git" / "rebase-merge").mkdir()
    (room.repo / ".git" / "rebase-merge" / "head-name").write_text("refs/heads/main\n")


def unfinished_merge(room: LandingRoom) -> None:
    (room.repo / ".git" / "MERGE_HEAD").write_text(room.tip() + "\n")


def locked_index(room: LandingRoom) -> None:
    (room.repo / ".git" / "index.lock").touch()


def not_done(room: LandingRoom) -> None:
    room.folder.signal.write_text('{"status": "blocked", "reason": "no"}')


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (newer_commit, "has changed since"), (amended_commit, "has changed since"),
        (moved_base, "has changed since"), (other_branch, "has changed since"),
        (conflicting_base, "has changed since"), (dirty_worktree, "1 file is not committed"),
        (dirty_checkout, "with 1 changed file"), (staged_checkout, "with 1 changed file"),
        (untracked_in_the_way, "would be overwritten"), (unfinished_rebase, "is unfinished"),
        (unfinished_merge, "MERGE_HEAD"), (locked_index, "index.lock"), (not_done, "is not done"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", MERGES)
def test_merge_is_refused_and_nothing_changes_if_anything_is_not_as_it_was_shown(
    room: LandingRoom, step: LandingStep, change: Callable[[LandingRoom], None], words: str
) -> None:
    shown = room.view()
    change(room)
    before = room.everything()
    with pytest.raises(SamobotError, match=words):
        room.land(step, shown)
    assert room.everything() == before
    assert room.events() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (conflicting_base, "main and greet conflict in greet.py"), (dirty_worktree, "not committed"),
        (dirty_checkout, "is checked out in"), (unfinished_rebase, "is unfinished"),
    ],
)  # fmt: skip
def test_view_shows_why_a_merge_is_not_possible_now(
    room: LandingRoom, change: Callable[[LandingRoom], None], words: str
) -> None:
    change(room)
    offer = room.view().offer(LandingStep.MERGE)
    assert offer is not None
    assert words in offer.refusal
    before = room.everything()
    with pytest.raises(ConflictError, match=words):
        room.land_identity(LandingStep.MERGE, offer.identity)
    assert room.everything() == before


def test_push_never_overwrites_what_somebody_else_pushed(room: LandingRoom) -> None:
    shown = room.view()
    other = room.root / "other"
    git(room.root, "clone", "--quiet", str(room.bare), str(other))
    git(other, "checkout", "--quiet", "-b", "greet")
    theirs = commit(other, "theirs")
    git(other, "push", "--quiet", "origin", "greet")
    before = room.everything()
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.PUSH, shown)
    with pytest.raises(ConflictError, match="nothing is overwritten"):
        room.land(LandingStep.PUSH)
    assert room.everything() == before
    assert room.tip("greet", room.bare) == theirs


@pytest.mark.parametrize(
    ("change", "words"), [(newer_commit, "has changed since"), (dirty_worktree, "not committed")]
)
def test_push_is_refused_if_the_branch_is_not_as_it_was_shown(
    room: LandingRoom, change: Callable[[LandingRoom], None], words: str
) -> None:
    shown = room.view()
    change(room)
    before = room.everything()
    with pytest.raises(ConflictError, match=words):
        room.land(LandingStep.PUSH, shown)
    assert room.everything() == before


def test_push_reports_why_the_remote_cannot_be_reached(room: LandingRoom) -> None:
    assert room.bare is not None
    shown = room.view()
    shutil.rmtree(room.bare)
    with pytest.raises(ConflictError, match="cannot be reached"):
        room.land(LandingStep.PUSH, shown)
    offer = room.view().offer(LandingStep.PUSH)
    assert offer is not None
    assert "cannot be reached" in offer.refusal


@pytest.mark.parametrize("step", STEPS)
def test_the_same_decision_twice_lands_once(room: LandingRoom, step: LandingStep) -> None:
    shown = room.view()
    first = room.land(step, shown)
    after = room.everything()
    again = room.land(step, shown)
    assert (again.repeated, again.text, again.commit) == (True, first.text, first.commit)
    assert room.everything() == after
    assert len(room.events()) == 1


def test_two_presses_at_once_land_once(room: LandingRoom) -> None:
    commit(room.repo, "newer")
    shown = room.view()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: room.land(LandingStep.SQUASH, shown), range(2)))
    assert sorted(result.repeated for result in results) == [False, True]
    assert git(room.repo, "rev-list", "--count", "main") == "3"
    assert len(room.events()) == 1


def test_nothing_is_merged_if_the_decision_cannot_be_recorded(
    room: LandingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("No space left on device.")

    before = room.everything()
    monkeypatch.setattr(landing, "record", full)
    with pytest.raises(StorageError, match="No space"):
        room.land(LandingStep.MERGE)
    assert room.everything() == before


def test_what_was_merged_is_said_if_only_its_record_failed(
    room: LandingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("No space left on device.")

    monkeypatch.setattr(landing, "_note", full)
    with pytest.raises(StorageError, match=r"merged into main.*could not be recorded"):
        room.land(LandingStep.MERGE)
    assert room.tip() == room.tip("greet")


def test_a_running_session_is_not_landed(room: LandingRoom) -> None:
    shown = room.view()
    with RunLock.acquire(room.folder, NOW), pytest.raises(ConflictError, match="is running"):
        room.land(LandingStep.MERGE, shown)


def test_a_session_without_a_branch_of_its_own_cannot_be_landed(room: LandingRoom) -> None:
    text = room.folder.overview.read_text().replace(str(room.worktree), str(room.repo))
    room.folder.overview.write_text(text)
    with pytest.raises(SamobotError, match="no worktree"):
        room.view()


def test_decision_is_marked_and_names_the_commit(room: LandingRoom) -> None:
    result = room.land(LandingStep.MERGE)
    (decision,) = decisions.read(room.folder).decisions
    assert (decision.kind, decision.who, decision.commit) == ("landing", "anna", result.commit)
    assert decisions.is_marked(room.folder, decision, KEY)
    event = room.events()[0]
    assert (event["id"], event["who"], event["step"], event["base"]) == (decision.id, "anna", "merge", "main")


def test_a_forged_decision_or_event_does_not_pass_for_a_landing(room: LandingRoom) -> None:
    offer = room.view().offer(LandingStep.MERGE)
    assert offer is not None
    forged = {
        "kind": "landing",
        "who": "anna",
        "via": "telegram",
        "sha256": offer.identity,
        "commit": room.tip(),
    }
    room.folder.decisions.write_text(json.dumps({**forged, "id": "1", "mark": "0"}) + "\n")
    journal.append(room.folder, journal.EventName.LANDING, NOW, id="1", **forged)
    result = room.land_identity(LandingStep.MERGE, offer.identity)
    assert not result.repeated
    assert room.tip() == room.tip("greet")


def test_no_program_of_the_repository_runs(room: LandingRoom) -> None:
    mark = room.root / "mark"
    evil = room.root / "evil"
    evil.write_text(f"#!/bin/sh\necho ran >> {mark}\nexit 0\n")
    evil.chmod(0o755)
    assert room.bare is not None
    names = ("post-merge", "pre-merge-commit", "commit-msg", "post-checkout", "post-index-change",
             "reference-transaction", "pre-push", "pre-receive", "update", "post-receive", "post-update")  # fmt: skip
    for folder in (room.repo / ".git" / "hooks", room.bare / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in names:
            shutil.copy(evil, folder / name)
    for key in ("filter.x.smudge", "filter.x.clean", "merge.x.driver", "diff.external", "core.fsmonitor",
                "credential.helper", "core.sshCommand", "gpg.program"):  # fmt: skip
        git(room.repo, "config", key, str(evil))
    git(room.repo, "config", "commit.gpgSign", "true")
    (room.repo / ".git" / "info" / "attributes").write_text("* merge=x filter=x\n")
    with (room.bare / "config").open("a") as config:
        config.write(f"[core]\n\thooksPath = {room.bare}/hooks\n\talternateRefsCommand = {evil}\n")
    mark.unlink(missing_ok=True)
    (room.repo / "newer").write_text("newer")
    git(room.repo, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "filter.x.clean=cat",
        "-c", "filter.x.smudge=cat", "add", "newer")  # fmt: skip
    git(room.repo, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "filter.x.clean=cat",
        "-c", "filter.x.smudge=cat", "commit", "--quiet", "--no-gpg-sign", "-m", "newer")  # fmt: skip
    mark.unlink(missing_ok=True)
    room.land(LandingStep.PUSH)
    room.land(LandingStep.MERGE)
    assert room.tip("greet", room.bare) == room.tip("greet")
    assert not mark.exists()


def test_merge_driver_of_the_repository_makes_a_conflict_and_loses_nothing(room: LandingRoom) -> None:
    git(room.repo, "config", "merge.x.driver", "true")
    (room.repo / ".git" / "info" / "attributes").write_text("* merge=x\n")
    (room.repo / "first").write_text("ours")
    git(room.repo, "commit", "--quiet", "-am", "ours")
    (room.worktree / "first").write_text("theirs")
    git(room.worktree, "commit", "--quiet", "-am", "theirs")
    offer = room.view().offer(LandingStep.MERGE)
    assert offer is not None
    assert "conflict in first" in offer.refusal


@pytest.mark.parametrize(
    "key", ["http.proxy", "http.sslVerify", "url.ext::x.insteadOf", "remote.origin.mirror"]
)
def test_configuration_that_could_divert_credentials_keeps_from_pushing(room: LandingRoom, key: str) -> None:
    git(room.repo, "config", key, "true")
    offer = room.view().offer(LandingStep.PUSH)
    assert offer is not None
    assert key.lower() in offer.refusal.lower()
    before = room.everything()
    with pytest.raises(ConflictError, match="configuration"):
        room.land_identity(LandingStep.PUSH, offer.identity)
    assert room.everything() == before


def test_another_address_than_the_one_shown_is_not_pushed_to(room: LandingRoom) -> None:
    shown = room.view()
    elsewhere = room.root / "elsewhere.git"
    git(room.root, "init", "--quiet", "--bare", str(elsewhere))
    git(room.repo, "remote", "set-url", "origin", f"file://{elsewhere}")
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.PUSH, shown)
    assert git(elsewhere, "for-each-ref") == ""


def test_credentials_in_an_address_are_never_shown(room: LandingRoom) -> None:
    git(room.repo, "remote", "set-url", "origin", "https://ann:hunter2@127.0.0.1:1/x.git")
    view = room.view()
    assert view.remote == "https://127.0.0.1:1/x.git"
    assert "hunter2" not in view.model_dump_json()


# Removing ---------------------------------------------------------------------------------------------------------


def branches(room: LandingRoom, where: Path | None = None) -> list[str]:
    return git(where or room.repo, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


@pytest.mark.parametrize("step", MERGES)
def test_clean_up_removes_what_is_merged_here_and_at_the_remote(room: LandingRoom, step: LandingStep) -> None:
    room.land(LandingStep.PUSH)
    room.land(step)
    shown = room.view()
    result = room.land(LandingStep.CLEAN_UP, shown)
    assert result.text == "greet is merged; its branch and worktree are removed, here and at origin."
    assert (branches(room), branches(room, room.bare)) == (["main"], ["main"])
    assert not room.worktree.exists()
    assert room.land(LandingStep.CLEAN_UP, shown).repeated


def test_clean_up_is_refused_for_what_is_not_merged(room: LandingRoom) -> None:
    offer = room.view().offer(LandingStep.CLEAN_UP)
    assert offer is not None
    with pytest.raises(ConflictError, match="is not merged"):
        room.land_identity(LandingStep.CLEAN_UP, offer.identity)
    assert room.worktree.exists()


def test_clean_up_leaves_what_somebody_else_pushed(room: LandingRoom) -> None:
    room.land(LandingStep.PUSH)
    room.land(LandingStep.MERGE)
    shown = room.view()
    other = room.root / "other"
    git(room.root, "clone", "--quiet", "--branch", "greet", str(room.bare), str(other))
    theirs = commit(other, "theirs")
    git(other, "push", "--quiet", "origin", "greet")
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.CLEAN_UP, shown)
    with pytest.raises(ConflictError, match="that are not here"):
        room.land(LandingStep.CLEAN_UP)
    assert room.tip("greet", room.bare) == theirs
    assert room.worktree.exists()


def test_discard_names_what_is_lost_and_keeps_the_commits(room: LandingRoom) -> None:
    dirty_worktree(room)
    head, view = room.tip("greet"), room.view()
    assert view.left == ("left over",)
    result = room.land(LandingStep.DISCARD, view)
    assert branches(room) == ["main"]
    assert not room.worktree.exists()
    assert git(room.repo, "rev-parse", "refs/samobot/discarded/greet") == head
    assert f"git branch greet {head[:12]}" in result.text
    assert room.land(LandingStep.DISCARD, view).repeated


def test_submodule_is_named_as_its_changes_are_not_looked_at(room: LandingRoom) -> None:
    git(room.root, "init", "--quiet", "sub")
    commit(room.root / "sub", "inside")
    git(
        room.worktree,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(room.root / "sub"),
        "lib",
    )
    git(room.worktree, "commit", "--quiet", "-m", "Add lib")
    (room.worktree / "lib" / "unsaved").write_text("x")
    view = room.view()
    assert (view.uncommitted, view.submodules) == (0, ("lib",))


@pytest.mark.parametrize("change", [newer_commit, dirty_worktree])
def test_discard_is_refused_if_more_would_be_lost_than_was_shown(
    room: LandingRoom, change: Callable[[LandingRoom], None]
) -> None:
    shown = room.view()
    change(room)
    before = room.everything()
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.DISCARD, shown)
    assert room.everything() == before
    assert room.worktree.exists()


def test_branch_that_moved_after_its_worktree_was_removed_is_not_deleted(
    room: LandingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = room.view()
    with monkeypatch.context() as patch:
        patch.setattr(landing, "_remove", lambda *_: git(room.repo, "worktree", "remove", str(room.worktree)))
        room.land(LandingStep.DISCARD, shown)
    git(room.repo, "branch", "--force", "greet", "main")
    with pytest.raises(ConflictError, match="has moved"):
        room.land(LandingStep.DISCARD, shown)
    assert room.tip("greet") == room.tip()
