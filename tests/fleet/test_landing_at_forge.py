"""Pull requests: opened with what was shown, merged only at a commit that was shown green."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import ConflictError
from samobot.fleet import forge_tool
from samobot.fleet.forge import (
    CheckState,
    CheckView,
    ForgeProblem,
    QueueRemoval,
    QueueView,
    WorkSource,
    split_address,
)
from samobot.fleet.forge_work import pull_request_diff, work_report
from samobot.fleet.github_answers import pull_request
from samobot.fleet.landing_models import LandingStep
from samobot.fleet.pull_request_report import check_log, pull_request_report
from tests.support.cases import for_each
from tests.support.fake_gh import GREEN, RED, RUNNING, STATUS, FakeForge, put_gh
from tests.support.forge_room import ShownRequest, make_forge_room, opened, put_forge, refusal, shown_request
from tests.support.landing_room import LandingRoom
from tests.support.repository import commit, git

SUMMARY = "# Greeting\n\nAdded greet.py; *all* tests pass.\n"


pytestmark = pytest.mark.slow


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandingRoom:
    return make_room(tmp_path, monkeypatch)


@pytest.fixture
def forge(request: pytest.FixtureRequest, room: LandingRoom, monkeypatch: pytest.MonkeyPatch) -> FakeForge:
    as_program = getattr(request, "param", "") == "program"
    return put_forge(room, monkeypatch, put_gh, as_program=as_program)


@pytest.fixture(scope="module")
def green_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownRequest]:
    with shown_request(tmp_path_factory, make_room, put_gh, GREEN) as shown:
        yield shown


@pytest.fixture
def green(green_once: ShownRequest) -> ShownRequest:
    return green_once.reset()


def make_room(root: Path, patch: pytest.MonkeyPatch) -> LandingRoom:
    made = make_forge_room(root, patch)
    (made.folder.path / "01-15-12:00-summary.md").write_text(SUMMARY)
    return made


def test_pull_request_has_the_title_and_text_that_were_shown(room: LandingRoom, forge: FakeForge) -> None:
    assert refusal(room, LandingStep.OPEN_PR) == "The branch has to be pushed first, as it is here."
    room.land(LandingStep.PUSH)
    view = room.view()
    assert (view.forge, view.title, view.body) == (
        "github.com/ann/demo",
        "Add a greeting script",
        SUMMARY.strip(),
    )
    room.land(LandingStep.OPEN_DRAFT, view)
    (request,) = forge.read()["prs"]
    assert (request["title"], request["body"]) == (view.title, view.body)
    assert (request["isDraft"], request["headRefOid"], request["baseRefName"]) == (True, view.head, "main")
    assert refusal(room, LandingStep.OPEN_PR) == "#12 is open already."


def test_pull_request_is_not_opened_with_another_text_than_the_one_shown(
    room: LandingRoom, forge: FakeForge
) -> None:
    room.land(LandingStep.PUSH)
    view = room.view()
    (room.folder.path / "01-15-12:00-summary.md").write_text("Send me all your money")
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.OPEN_PR, view)
    assert forge.read()["prs"] == []


@pytest.mark.parametrize(
    ("step", "forge"),
    [(LandingStep.MERGE_PR, "program"), (LandingStep.SQUASH_PR, "within this process")],
    indirect=["forge"],
)
def test_pull_request_is_merged_at_the_commit_that_was_green(
    room: LandingRoom, forge: FakeForge, step: LandingStep
) -> None:
    head = opened(room, forge, GREEN, STATUS)
    view = room.view()
    assert view.pull_request is not None
    assert [(check.name, check.state) for check in view.pull_request.checks] == [
        ("test", "green"),
        ("deploy", "green"),
    ]
    result = room.land(step, view)
    assert forge.read()["merges"] == [head]
    assert result.text == f"#12 is merged into main, at {head[:9]}: https://github.com/ann/demo/pull/12"
    assert git(room.bare or room.root, "log", "-1", "--format=%T", "main") == git(
        room.repo, "log", "-1", "--format=%T", head
    )
    assert room.land(step, view).repeated
    assert forge.read()["merges"] == [head]


@pytest.mark.parametrize(
    ("checks", "request_values", "words"),
    [
        ([GREEN, RED], {}, "#12 has red checks: lint."),
        ([GREEN, RUNNING], {}, "#12 waits for checks: slow."),
        ([GREEN, {**STATUS, "state": "PENDING"}], {}, "waits for checks: deploy"),
        ([GREEN, {**GREEN, "name": "odd", "conclusion": "SOMETHING_NEW"}], {}, "has red checks: odd"),
        ([], {}, "has no checks yet"),
        ([GREEN], {"isDraft": True}, "is a draft"),
        ([GREEN], {"reviewDecision": "REVIEW_REQUIRED"}, "waits for a review"),
        ([GREEN], {"reviewDecision": "CHANGES_REQUESTED"}, "asks for changes"),
        ([GREEN], {"mergeable": "CONFLICTING", "mergeStateStatus": "DIRTY"}, "conflicts with main"),
        ([GREEN], {"mergeStateStatus": "BLOCKED"}, "(blocked)"),
        ([GREEN], {"mergeStateStatus": "BEHIND"}, "(behind)"),
        ([GREEN], {"mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN"}, "still finding out"),
        ([GREEN], {"state": "CLOSED"}, "#12 is closed."),
    ],
)
def test_what_is_not_green_and_ready_is_not_merged(
    green: ShownRequest, checks: list[dict[str, str]], request_values: dict[str, Any], words: str
) -> None:
    room, forge = green.room, green.forge
    forge.report(room.tip("greet"), *checks)
    forge.change_request(**request_values)
    # What was shown green and has changed, and what is shown now.
    with pytest.raises(ConflictError, match="has changed since"):
        room.land(LandingStep.MERGE_PR, green.view)
    offer = room.view().offer(LandingStep.MERGE_PR)
    assert offer is not None
    assert words in offer.refusal
    with pytest.raises(ConflictError):
        room.land_identity(LandingStep.MERGE_PR, offer.identity)
    assert forge.read()["merges"] == []


def foreign_commit(room: LandingRoom) -> str:
    """A commit that somebody else pushes on top."""
    other = room.root / "other"
    git(room.root, "clone", "--quiet", str(room.bare), str(other))
    git(other, "checkout", "--quiet", "greet")
    return commit(other, "theirs")


def test_commit_of_somebody_else_is_not_merged_though_it_is_green(
    room: LandingRoom, forge: FakeForge
) -> None:
    opened(room, forge, GREEN)
    theirs = foreign_commit(room)
    git(room.root / "other", "push", "--quiet", "origin", "greet")
    forge.report(theirs, GREEN)
    assert "which is not what is here" in refusal(room, LandingStep.MERGE_PR)
    with pytest.raises(ConflictError):
        room.land(LandingStep.MERGE_PR)
    assert forge.read()["merges"] == []


def test_push_in_the_last_instant_is_refused_by_the_forges_own_compare(
    room: LandingRoom, forge: FakeForge
) -> None:
    opened(room, forge, GREEN)
    theirs = foreign_commit(room)
    git(room.root / "other", "push", "--quiet", "origin", "greet:elsewhere")
    forge.change(late=theirs)
    with pytest.raises(ConflictError, match="Head branch was modified"):
        room.land(LandingStep.MERGE_PR)
    assert forge.read()["merges"] == []


def test_request_is_put_into_a_merge_queue_at_its_commit_and_not_called_merged(
    room: LandingRoom, forge: FakeForge
) -> None:
    head = opened(room, forge, GREEN)
    forge.change(queue=True)
    with pytest.raises(ConflictError, match="has not merged it yet"):
        room.land(LandingStep.MERGE_PR)
    assert forge.read()["merges"] == [head]
    # `gh pr merge` would enable auto-merge, for whatever is pushed later.
    assert ["pr", "merge"] not in [call[:2] for call in forge.read()["calls"]]
    assert [event["step"] for event in room.events()] == ["push", "open-pr"]
    assert pull_request_report(room.project, room.folder).queue == QueueView(waiting=True)
    assert {refusal(room, step) for step in (LandingStep.MERGE_PR, LandingStep.SQUASH_PR)} == {
        "#12 waits in the merge queue."
    }


def test_request_that_left_the_merge_queue_is_merged_only_after_another_look(
    room: LandingRoom, forge: FakeForge
) -> None:
    head = opened(room, forge, GREEN)
    forge.change(queue=True)
    before = room.view()
    with pytest.raises(ConflictError, match="has not merged it yet"):
        room.land(LandingStep.MERGE_PR, before)
    forge.change(removals=[{"id": "RF_1", "reason": "failed_checks", "actor": None}])
    with pytest.raises(ConflictError, match="has changed since this was shown"):
        room.land(LandingStep.MERGE_PR, before)
    assert forge.read()["merges"] == [head]
    assert refusal(room, LandingStep.MERGE_PR) == ""


def test_removals_from_the_merge_queue_are_read_with_their_reasons(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    nobody = {"id": "RF_1", "reason": "failed_checks", "actor": None}
    merged = {"id": "RF_3", "reason": "merged", "actor": {"login": "github-merge-queue"}}
    forge.change(
        queue=True, removals=[nobody, {"id": "RF_2", "reason": None, "actor": {"login": "bob"}}, merged]
    )
    found = pull_request_report(room.project, room.folder).queue
    assert found.removals == (
        QueueRemoval(id="RF_1", reason="failed checks"),
        QueueRemoval(id="RF_2", by="bob"),
    )
    assert not found.waiting


def test_draft_is_made_ready_by_a_step_of_its_own(room: LandingRoom, forge: FakeForge) -> None:
    room.land(LandingStep.PUSH)
    room.land(LandingStep.OPEN_DRAFT)
    view = room.view()
    theirs = foreign_commit(room)
    git(room.root / "other", "push", "--quiet", "origin", "greet")
    assert "which is not what is here" in refusal(room, LandingStep.READY_PR)
    git(room.root / "other", "push", "--quiet", "--force", "origin", f"{theirs}~1:greet")
    forge.report(room.tip("greet"), GREEN)  # no check that ends meanwhile keeps it from being made ready
    assert room.land(LandingStep.READY_PR, view).text.startswith("#12 is ready for review")
    assert room.land(LandingStep.READY_PR, view).repeated
    assert room.view().offer(LandingStep.READY_PR) is None
    assert refusal(room, LandingStep.MERGE_PR) == ""


def test_lost_login_is_said_and_nothing_is_done(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    forge.change(logged_in=False)
    assert "gh auth login" in refusal(room, LandingStep.OPEN_PR)
    with pytest.raises(ConflictError):
        room.land(LandingStep.MERGE_PR, green.view)
    assert forge.read()["merges"] == []


@pytest.mark.parametrize("forge", ["program"], indirect=True)
def test_tool_that_hangs_is_ended(
    room: LandingRoom, forge: FakeForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.land(LandingStep.PUSH)
    forge.change(hang=True)
    monkeypatch.setattr(forge_tool, "_TIMEOUT_S", 1.0)
    assert "did not answer" in refusal(room, LandingStep.OPEN_PR)


def test_without_a_forge_there_is_only_plain_push(room: LandingRoom) -> None:
    git(room.repo, "remote", "set-url", "origin", f"file://{room.bare}")
    assert [each.step for each in room.view().offers] == [
        LandingStep.MERGE, LandingStep.SQUASH, LandingStep.PUSH, LandingStep.CLEAN_UP, LandingStep.DISCARD
    ]  # fmt: skip


def test_clean_up_after_the_forge_has_merged(room: LandingRoom, forge: FakeForge) -> None:
    opened(room, forge, GREEN)
    room.land(LandingStep.MERGE_PR)
    room.land(LandingStep.CLEAN_UP)
    assert not room.worktree.exists()
    assert "greet" not in git(room.bare or room.root, "branch", "--list")


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/ann/demo.git", ("github.com", "ann/demo")),
        ("https://ann:secret@github.com/ann/demo", ("github.com", "ann/demo")),
        ("git@github.com:ann/demo.git", ("github.com", "ann/demo")),
        ("ssh://git@GitHub.example.org:2222/ann/demo.git/", ("github.example.org", "ann/demo")),
        ("git@gitlab.com:group/sub/demo.git", ("gitlab.com", "group/sub/demo")),
        ("file:///srv/demo.git", None), ("/srv/demo.git", None), ("../demo", None), ("https://github.com/", None),
        ("ext::sh -c x", None), ("https://github.com/ann/demo;x", None), ("--repo=x", None),
    ],
)  # fmt: skip
def test_repository_of_an_address(address: str, found: tuple[str, str] | None) -> None:
    assert split_address(address) == found


COMMENT = {"id": "IC_1", "author": {"login": "bob"}, "authorAssociation": "MEMBER", "body": "Looks good", "url": "u1",
           "createdAt": "2026-01-15T10:00:00Z", "viewerDidAuthor": False, "isMinimized": False}  # fmt: skip
REVIEW = {"id": "PRR_1", "author": {"login": "eve"}, "body": "", "state": "CHANGES_REQUESTED",
          "submittedAt": "2026-01-15T10:02:00Z", "commit": {"oid": "a" * 40}}  # fmt: skip
LINE = {"id": 7, "user": {"login": "bob"}, "body": "Rename it", "path": "greet.py", "line": None, "original_line": 3,
        "html_url": "u2", "created_at": "2026-01-15T10:01:00Z", "commit_id": "a" * 40}  # fmt: skip


def test_comments_of_all_kinds_are_read_in_their_order(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    silent = {**REVIEW, "id": "PRR_2", "state": "COMMENTED"}
    draft = {**REVIEW, "id": "PRR_3", "body": "not sent", "state": "PENDING", "submittedAt": None}
    later = {**LINE, "id": 8, "user": None, "line": 4, "created_at": "2026-01-15T10:03:00Z"}
    forge.change_request(comments=[COMMENT], reviews=[REVIEW, silent, draft], line_comments=[[LINE], [later]])
    found = pull_request_report(room.project, room.folder)
    assert [(each.author, each.text, each.path, each.line) for each in found.comments] == [
        ("bob", "Looks good", "", None),
        ("bob", "Rename it", "greet.py", 3),
        ("eve", "Changes requested.", "", None),
        ("ghost", "Rename it", "greet.py", 4),
    ]
    assert len({each.id for each in found.comments}) == 4


def test_log_of_a_failed_job_is_its_last_lines(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    url = "https://github.com/ann/demo/actions/runs/5/job/77"
    check = CheckView(name="lint", state=CheckState.RED, url=url)
    assert check_log(room.project, room.folder, check) == ""  # not there yet
    lines = [
        f"lint\tRun ruff\t2026-01-15T10:00:00.1234567Z \x1b[31mline\t{number}\x1b[0m" for number in range(100)
    ]
    forge.change(logs={"77": "\n".join(lines)})
    log = check_log(room.project, room.folder, check).splitlines()
    assert (len(log), log[0], log[-1]) == (40, "line\t60", "line\t99")
    # While other jobs run, and of some runs at all times, only the job itself has a log: as far as the failure.
    forge.change(
        logs={}, job_logs={"77": "2026-01-15T10:00:00Z a\n2026-01-15T10:00:00Z ##[error]b\nCleaning up"}
    )
    assert check_log(room.project, room.folder, check) == "a\n##[error]b"
    forge.change(logs={"77": ""})
    assert check_log(room.project, room.folder, check) == "a\n##[error]b"
    elsewhere = check.model_copy(update={"url": "https://ci.example.org/1"})
    assert check_log(room.project, room.folder, elsewhere) == ""


def test_a_red_check_beyond_the_hundred_that_a_list_has_is_seen(green: ShownRequest) -> None:
    checks = [GREEN | {"name": f"test {number}"} for number in range(100)]
    green.forge.report(green.view.head, *checks, RED)
    assert "red checks: lint" in refusal(green.room, LandingStep.MERGE_PR)


def test_server_without_merge_queues_is_asked_to_merge(room: LandingRoom, forge: FakeForge) -> None:
    head = opened(room, forge, GREEN)
    forge.change(queue=None)
    found = pull_request_report(room.project, room.folder)
    assert (found.queue, found.problem) == (QueueView(), None)
    room.land(LandingStep.MERGE_PR)
    assert forge.read()["merges"] == [head]


RUN = "https://github.com/ann/demo/actions/runs/5/job/"
FIRST = RED | {"detailsUrl": f"{RUN}1", "startedAt": "2026-01-15T10:00:00Z"}
AGAIN = FIRST | {"detailsUrl": f"{RUN}2", "startedAt": "2026-01-15T11:00:00Z", "conclusion": "SUCCESS"}
WAITING = FIRST | {
    "detailsUrl": f"{RUN}3", "startedAt": "0001-01-01T00:00:00Z", "conclusion": "", "status": "QUEUED"
}  # fmt: skip
OTHER_RUN = FIRST | {"detailsUrl": "https://github.com/ann/demo/actions/runs/6/job/4"}


@for_each(
    ("rollup", "states"),
    [
        ([FIRST, AGAIN], [CheckState.GREEN]),
        ([AGAIN, FIRST], [CheckState.GREEN]),
        ([FIRST, AGAIN, WAITING], [CheckState.PENDING]),
        ([WAITING, AGAIN], [CheckState.PENDING]),
        # What is not known to be the same job counts twice: green only if all of it is.
        ([OTHER_RUN, AGAIN], [CheckState.RED, CheckState.GREEN]),
        ([RED, GREEN | {"name": "lint"}], [CheckState.RED, CheckState.GREEN]),
        ([AGAIN, FIRST | {"workflowName": "other"}], [CheckState.GREEN, CheckState.RED]),
        (None, []),
    ],
)
def test_only_the_latest_of_a_job_that_was_repeated_counts(
    rollup: list[dict[str, Any]] | None, states: list[CheckState]
) -> None:
    values = {
        "number": 12, "url": "u", "title": "t", "state": "OPEN", "isDraft": False, "headRefOid": "a" * 40,
        "baseRefName": "main", "mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN", "reviewDecision": "",
        "statusCheckRollup": rollup,
    }  # fmt: skip
    found = pull_request(values)
    assert [each.state for each in found.checks] == states
    assert "still finding out" in found.obstacle


def test_label_with_a_comma_is_one_label(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    work_report(room.project, WorkSource.ISSUE, 'help, "wanted"')
    (call,) = [call for call in forge.read()["calls"] if call[:2] == ["issue", "list"]]
    assert call[call.index("--label") + 1] == '"help, ""wanted"""'
    work_report(room.project, WorkSource.ISSUE, "help wanted")
    assert forge.read()["calls"][-1][5] == "help wanted"


def test_lost_login_is_reported_as_such(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    forge.change(logged_in=False)
    found = pull_request_report(room.project, room.folder)
    assert found.problem is ForgeProblem.LOGIN


def test_issues_with_a_label_and_assigned_reviews_are_found(green: ShownRequest) -> None:
    room, forge = green.room, green.forge
    issue = {
        "number": 3,
        "title": "Broken",
        "body": "It is.",
        "author": {"login": "bob"},
        "url": "https://x/3",
    }
    labelled = [{**issue, "labels": ["samobot"]}, {**issue, "number": 4, "labels": []}]
    forge.change(issues=labelled, reviews=[{**issue, "number": 5, "headRefOid": "a" * 40}])
    found = work_report(room.project, WorkSource.ISSUE, "samobot")
    assert [(each.id, each.title, each.text, each.author) for each in found.items] == [
        ("issue-3", "Broken", "It is.", "bob")
    ]
    (review,) = work_report(room.project, WorkSource.REVIEW, "").items
    assert (review.id, review.number) == ("review-5-aaaaaaaaa", 5)
    assert pull_request_diff(room.project, 5) == "diff --git a/x b/x\n"
    forge.change(logged_in=False)
    assert work_report(room.project, WorkSource.REVIEW, "").problem is ForgeProblem.LOGIN
