"""Another round of a finished session: on disk before anything runs, once, and with gates of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from samobot.errors import ConflictError, StorageError, UsageError
from samobot.phases import Phase
from samobot.session import follow_up as rounds
from samobot.session import gate, journal
from samobot.session.decisions import read
from samobot.session.folder import SessionFolder
from samobot.session.follow_up import follow_up
from samobot.session.gate_effects import look_closely
from samobot.session.lock import RunLock
from samobot.session.overview import parse_overview
from samobot.session.overview_edits import new_overview, set_task
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from tests.support.session_folder import ANNA, KEY, NOW, make_session, write_plan, write_signal

LATER = NOW + timedelta(minutes=1)
WORDS = "Add a --shout flag\n## Status\nand a test"


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, phase="done", signal={"status": "done"})


def test_follow_up_opens_a_round_in_requirements_with_its_task(folder: SessionFolder) -> None:
    assert follow_up(folder, WORDS, ANNA, NOW, KEY)
    overview = parse_overview(folder.overview.read_text())
    assert (overview.phase, overview.iteration, overview.blocked) == (Phase.REQUIREMENTS, 0, "no")
    assert overview.task is not None
    assert overview.task.startswith("greet\n\nThis was done. Round 2")
    assert overview.task.endswith(WORDS)
    assert overview.flow[-1].text == "Round 2, anna: Add a --shout flag ## Status and a test"
    assert not folder.signal.exists()
    assert snapshot(folder, "demo").status.state is SessionState.IDLE
    move = journal.read(folder).phases[-1]
    assert (move.source, move.target, move.by) == ("done", "requirements", "person")


def test_follow_up_without_questions_starts_in_planning(folder: SessionFolder) -> None:
    follow_up(folder, WORDS, ANNA, NOW, KEY, questions=False)
    assert parse_overview(folder.overview.read_text()).phase is Phase.PLANNING


def test_follow_up_repeated_begins_nothing_and_a_later_one_begins_another_round(
    folder: SessionFolder,
) -> None:
    assert follow_up(folder, WORDS, ANNA, NOW, KEY)
    before = folder.overview.read_text()
    assert not follow_up(folder, WORDS, ANNA, LATER, KEY)
    assert folder.overview.read_text() == before
    assert len(read(folder).decisions) == 1
    folder.overview.write_text(before.replace("Phase: requirements", "Phase: done"))
    write_signal(folder, status="done")
    assert follow_up(folder, WORDS, ANNA, LATER, KEY)
    assert "Round 3" in folder.overview.read_text()
    assert len(read(folder).decisions) == 2


@pytest.mark.parametrize("at", ["journal_decisions", "edit_overview", "_journal_round"])
def test_follow_up_that_was_killed_anywhere_is_finished_once(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(rounds, at, full)
        with pytest.raises(StorageError):
            follow_up(folder, WORDS, ANNA, NOW, KEY)
    follow_up(folder, WORDS, ANNA, LATER, KEY)
    assert folder.overview.read_text().count("This was done. Round 2") == 1
    assert len(read(folder).decisions) == 1
    assert [move.source for move in journal.read(folder).phases] == ["done"]


def test_approval_of_an_earlier_round_does_not_count(folder: SessionFolder) -> None:
    overview = folder.overview.read_text()
    folder.overview.write_text(overview.replace("Phase: done", "Phase: planning"))
    write_plan(folder)
    write_signal(folder, status="waiting", **{"for": "plan_approval"})
    gate.approve(folder, ANNA, NOW, KEY)
    folder.overview.write_text(overview)
    write_signal(folder, status="done")
    follow_up(folder, WORDS, ANNA, LATER, KEY, questions=False)
    assert not look_closely(folder).plan_approved
    new = "01-15-10:40-plan-shout.md"
    write_plan(folder, "# Shout\n\n## Phase 1: Flag\n- [ ] add it\n", new)
    standing = look_closely(folder)
    assert standing.plan is not None
    assert (standing.plan.name, standing.plan_approved) == (new, False)
    gate.approve(folder, ANNA, LATER, KEY)
    assert look_closely(folder).plan_approved


def test_follow_up_is_refused_unless_the_session_is_done(folder: SessionFolder) -> None:
    with RunLock.acquire(folder, NOW), pytest.raises(ConflictError, match="not done"):
        follow_up(folder, WORDS, ANNA, NOW, KEY)
    write_signal(folder, status="blocked", reason="no")
    with pytest.raises(ConflictError, match="not done"):
        follow_up(folder, WORDS, ANNA, NOW, KEY)
    assert read(folder).decisions == ()


def test_follow_up_needs_text(folder: SessionFolder) -> None:
    with pytest.raises(UsageError):
        follow_up(folder, " \n", ANNA, NOW, KEY)


@pytest.mark.parametrize(
    "task", ["plain", "two\nlines", "> quoted\n\n## Status\nPhase: done", "", "Task: x\nStarted: y"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_set_task_is_read_back_exactly_and_changes_nothing_else(task: str, end: str) -> None:
    before = new_overview(
        "greet", started="now", working_dir="/x", task="old\nlines", phase=Phase.DONE
    ).replace("\n", end)
    after = set_task(before, task)
    read_back = parse_overview(after)
    assert (read_back.task or "") == task
    assert read_back.working_dir == "/x"
    assert after[after.index("## Status" + end + "Phase: done") :] == before[before.index("## Status") :]
