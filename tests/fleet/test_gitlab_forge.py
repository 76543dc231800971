"""Landing at GitLab: the same gates as at GitHub, over the answers of GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import ConflictError
from samobot.fleet import forges
from samobot.fleet.forge import (
    CheckState,
    CheckView,
    ForgeError,
    ForgeProblem,
    QueueRemoval,
    QueueView,
    WorkSource,
)
from samobot.fleet.forge_work import pull_request_diff, work_report
from samobot.fleet.landing_models import LandingStep
from samobot.fleet.pull_request_report import check_log, pull_request_report
from tests.support.fake_gh import FakeForge
from tests.support.fake_glab import FAILED, SUCCESS, put_glab
from tests.support.forge_room import ShownRequest, make_forge_room, opened, put_forge, refusal, shown_request
from tests.support.landing_room import LandingRoom
from tests.support.repository import commit, git

pytestmark = pytest.mark.slow

ADDRESS = "git@gitlab.com:group/sub/demo.git"


def make_room(root: Path, patch: pytest.MonkeyPatch) -> LandingRoom:
    return make_forge_room(root, patch, ADDRESS)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    return make_room(tmp_path, monkeypatch)


@pytest.fixture
def forge(request: pytest.FixtureRequest, room: LandingRoom, monkeypatch: pytest.MonkeyPatch) -> FakeForge:
    as_program = getattr(request, "param", "") == "program"
    return put_forge(room, monkeypatch, put_glab, as_program=as_program)


@pytest.fixture(scope="module")
def shown_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownRequest]:
    with shown_request(tmp_path_factory, make_room, put_glab, SUCCESS) as shown:
        yield shown


@pytest.fixture
def shown(shown_once: ShownRequest) -> ShownRequest:
    return shown_once.reset()


@pytest.mark.parametrize(
    ("step", "forge"),
    [(LandingStep.MERGE_PR, "program"), (LandingStep.SQUASH_PR, "within this process")],
    indirect=["forge"],
)
def test_merge_request_is_opened_and_merged_at_the_commit_that_was_green(
    room: LandingRoom, forge: FakeForge, step: LandingStep
) -> None:
    head = opened(room, forge, SUCCESS, {**FAILED, "allow_failure": True})
    view = room.view()
    assert (view.forge, view.title) == ("gitlab.com/group/sub/demo", "Add a greeting script")
    assert forge.read()["mrs"][0]["title"] == "Add a greeting script"
    room.land(step, view)
    assert forge.read()["merges"] == [head]
    assert git(room.bare or room.root, "rev-list", "--count", "--merges", "main") == str(
        int(step is LandingStep.MERGE_PR)
    )


def test_refusal_that_glab_cannot_read_is_one_all_the_same(shown: ShownRequest) -> None:
    head = shown.view.head
    found = forges.forge_at("gitlab.com", "group/sub/demo")
    assert found is not None
    with pytest.raises(ForgeError, match="reasons that glab cannot show"):
        found.open("greet", "main", "t", head, draft=False)


def test_draft_is_opened_as_one_and_not_merged(room: LandingRoom, forge: FakeForge) -> None:
    room.land(LandingStep.PUSH)
    room.land(LandingStep.OPEN_DRAFT)
    forge.report(room.tip("greet"), SUCCESS)
    assert refusal(room, LandingStep.MERGE_PR) == "#12 is a draft."
    room.land(LandingStep.READY_PR)
    assert forge.read()["mrs"][0]["title"] == "Add a greeting script"
    assert refusal(room, LandingStep.MERGE_PR) == ""


@pytest.mark.parametrize(
    ("checks", "changes", "why"),
    [
        ((), {}, "no checks yet"),
        ((SUCCESS, FAILED), {}, "red checks: lint"),
        ((SUCCESS, {**FAILED, "status": "canceled"}), {}, "red checks: lint"),
        ((SUCCESS, {**FAILED, "status": "running"}), {}, "waits for checks: lint"),
        ((SUCCESS, {**FAILED, "status": "manual"}), {}, "waits for checks: lint"),
        ((SUCCESS, {**FAILED, "status": "something new"}), {}, "red checks: lint"),
        ((SUCCESS,), {"detailed_merge_status": "not_approved"}, "waits for a review"),
        ((SUCCESS,), {"detailed_merge_status": "conflict"}, "conflicts with its base"),
        ((SUCCESS,), {"detailed_merge_status": "ci_still_running"}, "cannot be merged now (ci still running)"),
        ((SUCCESS,), {"state": "closed"}, "is closed"),
    ],
)  # fmt: skip
def test_what_is_not_green_and_ready_is_not_merged(
    shown: ShownRequest, checks: tuple[dict[str, Any], ...], changes: dict[str, Any], why: str
) -> None:
    room, forge = shown.room, shown.forge
    forge.report(shown.view.head, *checks)
    forge.change_request(**changes)
    offer = room.view().offer(LandingStep.MERGE_PR)
    assert offer is not None
    assert why in offer.refusal
    with pytest.raises(ConflictError):
        room.land_identity(LandingStep.MERGE_PR, offer.identity)
    assert forge.read()["merges"] == []


@pytest.mark.parametrize("old", [False, True])
def test_push_in_the_last_instant_is_refused_by_gitlabs_own_compare(shown: ShownRequest, old: bool) -> None:
    room, forge = shown.room, shown.forge
    forge.change(late=room.tip(), old=old)
    try:
        with pytest.raises(ConflictError, match="SHA does not match HEAD"):
            room.land(LandingStep.MERGE_PR, shown.view)
    finally:
        git(room.repo, "push", "--quiet", "--force", "origin", "greet")
    assert forge.read()["merges"] == []


def test_comments_are_read_with_their_place_and_without_what_gitlab_notes_itself(shown: ShownRequest) -> None:
    room, forge = shown.room, shown.forge
    note = {"id": 1, "type": None, "system": False, "body": "Why?", "author": {"username": "bob"},
            "created_at": "2026-01-15T10:00:02Z"}  # fmt: skip
    place = {"new_path": "greet.py", "new_line": 3, "old_path": "greet.py", "old_line": None}
    earlier = {
        "id": 2,
        "type": "DiffNote",
        "body": "Here.",
        "created_at": "2026-01-15T10:00:01Z",
        "position": place,
    }
    forge.change(
        discussions=[
            [{"id": "a", "notes": [note, {**note, "id": 3, "system": True, "body": "approved"}]}],
            [{"id": "b", "notes": [note | earlier]}],
        ]
    )
    found = pull_request_report(room.project, room.folder).comments
    assert [(each.author, each.text, each.path, each.line) for each in found] == [
        ("bob", "Here.", "greet.py", 3),
        ("bob", "Why?", "", None),
    ]


def test_removals_from_the_merge_train_are_read_from_what_gitlab_notes(shown: ShownRequest) -> None:
    room, forge = shown.room, shown.forge
    bodies = [
        "started a merge train",
        "removed this merge request from the merge train because the pipeline did not succeed",
        "added this merge request to the merge train at position 2",
    ]
    notes = [
        {"id": number, "system": True, "body": body, "author": {"username": "ann"}, "created_at": "x"}
        for number, body in enumerate(bodies, 7)
    ]
    said = {**notes[1], "id": 6, "system": False}
    removal = QueueRemoval(id="note-8", reason="the pipeline did not succeed", by="ann")
    for known, waiting, removals in ((1, True, ()), (2, False, (removal,)), (3, True, (removal,))):
        forge.change(discussions=[[{"id": "a", "notes": [said, *notes[:known]]}]])
        found = pull_request_report(room.project, room.folder)
        assert found.queue == QueueView(waiting=waiting, removals=removals)
        assert [each.id for each in found.comments] == ["note-6"]


def test_log_of_a_failed_job_is_its_last_lines(shown: ShownRequest) -> None:
    room, forge = shown.room, shown.forge
    trace = "\x1b[0KRunning\nsection_start:1700000000:step_script\r\x1b[0K\x1b[0;m$ make\n00:01\tone\n\x1b[31;1mERROR: two\x1b[0;m\n"
    forge.change(logs={"2": trace})
    check = CheckView(name="lint", state=CheckState.RED, url=FAILED["target_url"])
    assert check_log(room.project, room.folder, check) == "Running\n$ make\n00:01\tone\nERROR: two"
    forge.change(logs={"2": "2026-01-15T10:00:00.000000Z 01O one\n2026-01-15T10:00:00.000000Z 01E+two\n"})
    assert check_log(room.project, room.folder, check) == "one\ntwo"
    assert (
        check_log(room.project, room.folder, CheckView(name="x", state=CheckState.RED, url="https://x/"))
        == ""
    )


def test_lost_login_is_reported_as_such(shown: ShownRequest) -> None:
    room, forge = shown.room, shown.forge
    forge.change(logged_in=False, old=True)  # an older glab ends with code 0
    found = pull_request_report(room.project, room.folder)
    assert found.problem is ForgeProblem.LOGIN
    assert work_report(room.project, WorkSource.ISSUE, "samobot").problem is ForgeProblem.LOGIN


def test_issues_with_a_label_and_assigned_reviews_are_found(shown: ShownRequest) -> None:
    room, forge = shown.room, shown.forge
    issue = {"iid": 3, "title": "Broken", "description": None, "author": {"username": "bob"},
             "web_url": "https://gitlab.com/group/sub/demo/-/issues/3", "labels": ["samobot"]}  # fmt: skip
    forge.change(
        issues=[issue, {**issue, "iid": 4, "labels": []}], reviews=[{**issue, "iid": 5, "sha": "a" * 40}]
    )
    found = work_report(room.project, WorkSource.ISSUE, "samobot")
    assert [(each.id, each.title, each.text, each.author) for each in found.items] == [
        ("issue-3", "Broken", "", "bob")
    ]
    (review,) = work_report(room.project, WorkSource.REVIEW, "").items
    assert (review.id, review.number) == ("review-5-aaaaaaaaa", 5)
    assert pull_request_diff(room.project, 5) == "diff --git a/x b/x\n"


def test_commit_of_somebody_else_is_not_merged_though_it_is_green(
    room: LandingRoom, forge: FakeForge
) -> None:
    opened(room, forge, SUCCESS)
    other = commit(room.repo, "other")
    git(room.repo, "push", "--quiet", "--force", "origin", f"{other}:refs/heads/greet")
    forge.report(other, SUCCESS)
    assert "is not what is here" in refusal(room, LandingStep.MERGE_PR)
