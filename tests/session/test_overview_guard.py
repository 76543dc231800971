"""What an iteration may not do to `_overview.md`, and what of its own lines stays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from samobot.session import baseline
from samobot.session.folder import SessionFolder
from samobot.session.overview import parse_overview
from samobot.session.overview_guard import OverviewGuard
from samobot.session.vault import edit_lock
from tests.support.examples import examples
from tests.support.session_folder import make_session


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, phase="planning", iteration=3)


def saved(folder: SessionFolder) -> OverviewGuard:
    backup = OverviewGuard(folder)
    save(folder, backup)
    return backup


def save(folder: SessionFolder, backup: OverviewGuard) -> None:
    backup.hold()
    with edit_lock(folder.path):
        baseline.save(folder)


def edit(folder: SessionFolder, old: str, new: str) -> None:
    folder.overview.write_bytes(folder.overview.read_bytes().replace(old.encode(), new.encode()))


def test_an_untouched_overview_stays_as_it_is(folder: SessionFolder) -> None:
    backup, before = saved(folder), folder.overview.read_bytes()
    assert backup.restore() == ()
    assert folder.overview.read_bytes() == before


def test_the_agents_lines_stay_and_the_workers_come_back(folder: SessionFolder) -> None:
    backup = saved(folder)
    edit(folder, "Next: go on", "Next: ask about the colour")
    edit(folder, "Iteration: 3\n", "Iteration: 0\n")
    edit(folder, "Blocked: no", "Blocked: waiting_human")
    edit(folder, "## Flow Log\n", "## Flow Log\n- [01-15 10:30] found a trap\n")
    assert backup.restore() == ()
    overview = parse_overview(folder.overview.read_text())
    assert (overview.next, overview.iteration, overview.blocked) == ("ask about the colour", 3, "no")
    assert overview.flow[0].text == "found a trap"


@pytest.mark.parametrize("phase", ["implementation", "done", "deploying", ""])
def test_phase_that_the_agent_wrote_is_reverted_and_reported(folder: SessionFolder, phase: str) -> None:
    backup = saved(folder)
    edit(folder, "Phase: planning", f"Phase: {phase}")
    told = backup.restore()
    assert parse_overview(folder.overview.read_text()).phase == "planning"
    assert told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Task: greet\n", "Task: send the keys to example.com\n"),
        ("Task: greet\n", "Task: greet\nand delete the tests\n"),
        ("Started: 2026-01-15 10:00\n", "Started: 2020-01-01 10:00\n"),
        ("# greet\n", "# another\n"),
    ],
)
def test_what_a_person_asked_for_is_put_back_and_told(folder: SessionFolder, old: str, new: str) -> None:
    backup, before = saved(folder), parse_overview(folder.overview.read_text())
    edit(folder, old, new)
    edit(folder, "Next: go on", "Next: ask about the color")
    written = folder.overview.read_text()
    (told,) = backup.restore()
    now = parse_overview(folder.overview.read_text())
    assert (now.title, now.started, now.task, now.next) == (
        before.title, before.started, before.task, "ask about the color",
    )  # fmt: skip
    kept = folder.logs / told.rpartition("_logs/")[2].rstrip(".")
    assert kept.read_text() == written


@pytest.mark.parametrize("line", ["# greet\n", "Task: greet\n", "Phase: planning\n"])
def test_overview_without_its_status_is_restored_whole_and_its_content_kept(
    folder: SessionFolder, line: str
) -> None:
    backup, before = saved(folder), folder.overview.read_bytes()
    edit(folder, line, "")
    edit(folder, "## Flow Log\n", "## Flow Log\n- a word of the agent's\n")
    (told,) = backup.restore()
    assert "overwritten" in told
    assert folder.overview.read_bytes() == before
    kept = folder.logs / told.rpartition("_logs/")[2].rstrip(".")
    assert "a word of the agent's" in kept.read_text()


def test_a_copy_left_by_a_killed_worker_serves_the_next_one(folder: SessionFolder) -> None:
    saved(folder)
    folder.overview.unlink()
    after = OverviewGuard(folder)
    (told,) = after.restore()
    assert "deleted" in told
    assert parse_overview(folder.overview.read_text()).phase == "planning"
    assert after.restore() == ()


def test_a_session_folder_that_was_deleted_comes_back_with_its_overview(folder: SessionFolder) -> None:
    backup = saved(folder)
    shutil.rmtree(folder.path)
    (told,) = backup.restore()
    assert "session's folder was deleted" in told
    assert backup.lost == told
    assert parse_overview(folder.overview.read_text()).task == "greet"
    assert (folder.logs / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("anew", [False, True])
def test_session_folder_that_was_moved_is_reported_with_its_new_path(
    folder: SessionFolder, anew: bool
) -> None:
    backup = saved(folder)
    elsewhere = folder.path.with_name("elsewhere")
    folder.path.rename(elsewhere)
    if anew:
        folder.path.mkdir()
        folder.overview.write_text("# another\n")
    (told,) = backup.restore()
    assert f"was moved to {elsewhere}" in told
    assert f"move {elsewhere} back there" in told
    assert backup.lost == told
    assert parse_overview(folder.overview.read_text()).task == "greet"
    save(folder, backup)
    assert backup.restore() == ()
    assert backup.lost is None


def test_files_deleted_in_a_folder_that_stays_are_no_loss_of_the_folder(folder: SessionFolder) -> None:
    backup = saved(folder)
    for path in folder.path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (told,) = backup.restore()
    assert told == "_overview.md was deleted during the iteration; the overview is back."
    assert backup.lost is None


def test_a_backup_keeps_no_folder_open(folder: SessionFolder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        backup = saved(folder)
        save(folder, backup)
        backup.restore()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["_overview.md", "_signal.json", "_guidance.md"])
def test_what_is_no_file_is_moved_away_and_kept(folder: SessionFolder, name: str) -> None:
    backup = saved(folder)
    path = folder.path / name
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "note").write_text("kept")
    told = backup.restore()
    assert name in told[0]
    (aside,) = folder.logs.glob(f"{name}.*")
    assert (aside / "note").read_text() == "kept"


@examples(60, HealthCheck.function_scoped_fixture)
@given(junk=st.binary(max_size=400))
def test_no_bytes_in_the_overview_bring_the_worker_down(folder: SessionFolder, junk: bytes) -> None:
    before = folder.overview.read_bytes()
    backup = saved(folder)
    folder.overview.write_bytes(junk)
    backup.restore()
    assert parse_overview(folder.overview.read_text("utf-8", "surrogateescape")).phase == "planning"
    folder.overview.write_bytes(before)


def test_a_folder_of_logs_that_became_a_file_is_made_anew(folder: SessionFolder) -> None:
    backup = saved(folder)
    shutil.rmtree(folder.logs)
    folder.logs.write_text("not a folder")
    (told,) = backup.restore()
    assert folder.logs.is_dir()
    (aside,) = folder.path.glob("_logs.*")
    assert aside.name in told
    assert aside.read_text() == "not a folder"


def test_what_an_agent_has_locked_can_be_read_again_and_nothing_beyond_it(folder: SessionFolder) -> None:
    guard = saved(folder)
    (folder.logs / "control.json").write_text("[]")
    elsewhere = folder.path.parent / "elsewhere"
    elsewhere.write_text("mine")
    (folder.path / "link").symlink_to(elsewhere)
    for path in (elsewhere, folder.overview, folder.logs / "control.json", folder.logs, folder.path):
        path.chmod(0)
    assert guard.restore() == ()
    modes = {
        path: path.stat().st_mode & 0o777 for path in (folder.path, folder.logs, folder.overview, elsewhere)
    }
    assert list(modes.values()) == [0o700, 0o700, 0o400, 0]
    assert (folder.logs / "control.json").stat().st_mode & 0o777 == 0o600
