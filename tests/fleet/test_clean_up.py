"""What is left of sessions that are over: merged things go, nothing else does unless it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.project import Project
from samobot.errors import ConflictError
from samobot.fleet import clean_up
from samobot.fleet.clean_up import clean, leftovers
from samobot.fleet.landing_look import LandingLook, look_at
from samobot.fleet.landing_models import LandingStep, Leftover
from samobot.session.folder import ARCHIVE, SessionFolder, archive
from tests.support.landing_room import ANNA, KEY, NOW, OVERVIEW, LandingRoom
from tests.support.repository import commit, git


@pytest.fixture
def room(tmp_path: Path) -> LandingRoom:
    return LandingRoom(tmp_path)


def _clean(
    room: LandingRoom, left: Leftover, folder: SessionFolder | None = None, *, anyway: bool = False
) -> str:
    done = clean(
        room.project,
        folder or room.folder,
        ANNA,
        expected=left.identity,
        anyway=anyway,
        now=lambda: NOW,
        key=KEY,
    )
    return done.text


def _merge(room: LandingRoom) -> None:
    git(room.repo, "merge", "--quiet", "greet")


def test_clean_up_removes_what_is_merged_and_archives_it(room: LandingRoom) -> None:
    _merge(room)
    (left,) = leftovers(room.project)
    assert (left.is_safe, left.is_offered, left.state, left.branch) == (True, True, "merged", "greet")
    assert left.size > 0
    main = room.tip()
    _clean(room, left)
    assert not room.worktree.exists()
    assert git(room.repo, "for-each-ref", "refs/heads/greet") == ""
    assert room.tip() == main
    assert not room.folder.path.exists()
    assert leftovers(room.project) == []


@pytest.mark.slow
@pytest.mark.parametrize("why", ["not merged", "not committed"])
def test_clean_up_keeps_what_would_be_lost_unless_it_is_named(room: LandingRoom, why: str) -> None:
    if why == "not committed":
        _merge(room)
        (room.worktree / "notes").write_text("mine")
    (left,) = leftovers(room.project)
    assert why in left.state
    assert not left.is_safe
    assert not left.is_offered, "a session that is done is landed, not cleaned"
    with pytest.raises(ConflictError):
        _clean(room, left)
    assert room.worktree.exists()
    head = room.tip("greet")
    _clean(room, left, anyway=True)
    assert not room.worktree.exists()
    assert git(room.repo, "rev-parse", "refs/samobot/discarded/greet") == head


def test_clean_up_lists_an_archived_session_whatever_its_branch_holds(room: LandingRoom) -> None:
    room.folder.signal.write_text('{"status": "continue"}')
    room.folder.overview.write_text(
        OVERVIEW.format(worktree=room.worktree).replace("Phase: done", "Phase: testing")
    )
    assert leftovers(room.project) == [], "a session that is not over is at work or waits"
    moved = SessionFolder(archive(room.folder))
    (left,) = leftovers(room.project)
    assert (left.archived, left.is_offered, left.is_safe) == (True, True, False)
    with pytest.raises(ConflictError, match="not merged"):
        _clean(room, left, moved)
    _merge(room)
    (left,) = leftovers(room.project)
    _clean(room, left, moved)
    assert not room.worktree.exists()
    assert moved.path.exists(), "the archived session itself stays readable"


def test_clean_up_refuses_what_has_changed_since_it_was_shown(room: LandingRoom) -> None:
    _merge(room)
    (left,) = leftovers(room.project)
    commit(room.worktree, "late.py")
    for anyway in (False, True):
        with pytest.raises(ConflictError, match="changed since"):
            _clean(room, left, anyway=anyway)
    assert room.worktree.exists()


@pytest.mark.parametrize("where", ["elsewhere", "another session's"])
def test_clean_up_is_not_led_to_a_worktree_that_is_not_the_sessions(room: LandingRoom, where: str) -> None:
    _merge(room)
    place = room.root / ("mine" if where == "elsewhere" else "worktrees/api")
    git(room.repo, "worktree", "add", "--quiet", "-b", "api", str(place))
    if where != "elsewhere":
        other = SessionFolder(room.root / "sessions" / "26-01-15-api")
        other.prepare()
        other.overview.write_text(OVERVIEW.format(worktree=place).replace("Phase: done", "Phase: testing"))
    room.folder.overview.write_text(OVERVIEW.format(worktree=place))  # an agent wrote it
    archive(room.folder)
    assert leftovers(room.project) == []


def test_git_is_not_asked_about_sessions_without_a_worktree(
    room: LandingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look = look_at

    def watched_look(project: Project, folder: SessionFolder, steps: frozenset[LandingStep]) -> LandingLook:
        asked.append(folder.name)
        return look(project, folder, steps)

    monkeypatch.setattr(clean_up, "look_at", watched_look)
    for number, place in enumerate((room.root / "worktrees" / "gone", room.repo)):
        other = SessionFolder(room.root / "sessions" / ARCHIVE / f"26-01-1{number}-old")
        other.prepare()
        other.overview.write_text(OVERVIEW.format(worktree=place))
    assert [each.branch for each in leftovers(room.project)] == ["greet"]
    assert asked == ["greet"]
