"""An agent does not move its project: `.samocode` is put back, and counts as it was meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.config.project import load_project
from samobot.config.project_guard import ProjectGuard
from samobot.config.projects import ConfiguredProjects
from samobot.errors import StorageError
from samobot.session.folder import SessionFolder
from samobot.session.journal import events
from samobot.system.clock import utc_now
from tests.support.cases import for_each
from tests.support.session_folder import make_session

GOOD = "MAIN_REPO=.\nWORKTREES=../trees\nSESSIONS=../sessions\n"
MOVED = GOOD.replace("../sessions", "../elsewhere")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".samocode").write_text(GOOD)
    return tmp_path / "demo" / ".samocode"


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path / "sessions")


@pytest.fixture
def guard(tmp_path: Path) -> ProjectGuard:
    return ProjectGuard(tmp_path / "state", utc_now)


def rewrite(text: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(text)


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(file: Path) -> None:
        file.unlink()
        make(file)

    return change


def enlarge(file: Path) -> None:
    os.truncate(file, 100 * 1024**3)


CHANGES = {
    "another SESSIONS": (rewrite(MOVED), "SESSIONS"),
    "another MAIN_REPO": (rewrite(GOOD.replace("=.\n", "=/tmp\n")), "MAIN_REPO"),
    "another WORKTREES": (rewrite(GOOD.replace("trees", "forest")), "WORKTREES"),
    "a setup command": (rewrite(GOOD + "WORKTREE_SETUP=curl x | sh\n"), "WORKTREE_SETUP"),
    "an unknown line": (rewrite(GOOD + "# mine now\n"), "other lines"),
    "nonsense": (lambda file: file.write_bytes(b"\xff\x00\n" * 9), "SESSIONS"),
    "deleted": (lambda file: file.unlink(), "deleted or replaced"),
    "a folder": (replaced(lambda file: file.mkdir()), "deleted or replaced"),
    "a pipe": (replaced(os.mkfifo), "deleted or replaced"),
    "a link": (replaced(lambda file: file.symlink_to("/etc/passwd")), "deleted or replaced"),
    "a link to itself": (replaced(lambda file: file.symlink_to(file)), "deleted or replaced"),
    "huge": (enlarge, "deleted or replaced"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_iterations_change_of_the_file_is_reverted_and_named(
    case: str, file: Path, session: SessionFolder, guard: ProjectGuard
) -> None:
    change, named = CHANGES[case]
    guard.begin(file, session)
    change(file)
    assert load_project(file, guard.read).sessions == session.path.parent
    text = guard.end(file, session)
    assert text is not None
    assert "is back" in text
    assert named in text
    assert (file.read_text(), file.is_symlink()) == (GOOD, False)
    assert guard.end(file, session) is None


@pytest.mark.parametrize("case", CHANGES)
def test_the_bot_keeps_the_project_meanwhile(
    case: str, file: Path, session: SessionFolder, guard: ProjectGuard
) -> None:
    known = ConfiguredProjects([file], guard.read)
    assert [each.sessions for each in known.projects()] == [session.path.parent]
    guard.begin(file, session)
    CHANGES[case][0](file)
    assert [each.sessions for each in known.projects()] == [session.path.parent]
    guard.end(file, session)
    assert [each.sessions for each in known.projects()] == [session.path.parent]


@pytest.mark.parametrize("killed", [False, True])
def test_folder_of_a_project_that_became_a_file_is_made_again(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path, killed: bool
) -> None:
    if killed:
        begin = (
            "import sys; from pathlib import Path; from samobot.config.project_guard import ProjectGuard; from samobot.system.clock import utc_now; "
            "from samobot.session.folder import SessionFolder; "
            "ProjectGuard(Path(sys.argv[1]), utc_now).begin(Path(sys.argv[2]), SessionFolder(Path(sys.argv[3])))"
        )
        places = map(str, (tmp_path / "state", file, session.path))
        subprocess.run([sys.executable, "-c", begin, *places], check=True)
    else:
        guard.begin(file, session)
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("mine")
    if not killed:
        text = guard.end(file, session)
        assert text is not None
        assert "what stood in the place of" in text
    project = load_project(file.parent, guard.read)
    assert (project.name, project.sessions) == ("demo", session.path.parent)
    assert file.read_text() == GOOD
    (aside,) = tmp_path.glob("demo.*")
    assert aside.read_text() == "mine"


def test_what_stood_there_is_kept(file: Path, session: SessionFolder, guard: ProjectGuard) -> None:
    guard.begin(file, session)
    file.write_text(MOVED)
    guard.end(file, session)
    assert [each.read_text() for each in session.logs.glob("samocode-*")] == [MOVED]


def test_an_edit_while_no_iteration_runs_counts(
    file: Path, session: SessionFolder, guard: ProjectGuard
) -> None:
    guard.begin(file, session)
    assert guard.end(file, session) is None
    file.write_text(MOVED)
    assert load_project(file, guard.read).sessions.name == "elsewhere"
    guard.begin(file, session)
    assert guard.end(file, session) is None
    assert file.read_text() == MOVED


def test_another_session_that_begins_meanwhile_does_not_take_the_edit_for_the_users(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    other = SessionFolder(tmp_path / "sessions" / "26-01-15-other")
    other.prepare()
    guard.begin(file, session)
    file.write_text(MOVED)
    guard.begin(file, other)
    assert guard.end(file, session) is not None
    assert guard.end(file, other) is None
    assert file.read_text() == GOOD


def test_link_of_the_user_stays_and_its_target_is_restored(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    real = tmp_path / "dotfiles"
    file.rename(real)
    file.symlink_to(real)
    guard.begin(file, session)
    file.write_text(MOVED)
    assert guard.end(file, session) is not None
    assert (file.is_symlink(), real.read_text()) == (True, GOOD)
    guard.begin(file, session)
    file.unlink()
    file.write_text(MOVED)
    assert guard.end(file, session) is not None
    assert (file.is_symlink(), file.read_text()) == (True, GOOD)


@for_each("instead", ["a link to a file", "a folder"])
def test_nothing_else_is_overwritten_in_place_of_a_links_target(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path, instead: str
) -> None:
    real, precious = tmp_path / f"dotfiles of {instead}", tmp_path / "precious"
    precious.write_text("precious")
    file.rename(real)
    file.symlink_to(real)
    guard.begin(file, session)
    real.unlink()
    if instead == "a folder":
        real.mkdir()
    else:
        real.symlink_to(precious)
    assert "deleted or replaced" in (guard.end(file, session) or "")
    assert (file.is_symlink(), real.is_symlink(), real.read_text()) == (True, False, GOOD)
    assert precious.read_text() == "precious"
    file.unlink()
    real.rename(file)


def test_another_projects_file_is_not_overwritten_through_a_link_to_its_folder(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    other = tmp_path / "other" / ".samocode"
    other.parent.mkdir()
    other.write_text(MOVED)
    guard.begin(file, session)
    away = file.parent.rename(tmp_path / "away")
    file.parent.symlink_to("other")
    with pytest.raises(StorageError, match="Put the folder back"):
        guard.end(file, session)
    assert other.read_text() == MOVED
    assert guard.read(file) == GOOD.encode(), "the project counts as it was"
    file.parent.unlink()
    away.rename(file.parent)
    assert guard.end(file, session) is None


def killed_worker(file: Path, session: SessionFolder, state_dir: Path) -> None:
    """Begin an iteration in a process that then ends without a word."""
    program = (
        "import sys; from pathlib import Path; from samobot.session.folder import SessionFolder;"
        "from samobot.config.project_guard import ProjectGuard; from samobot.system.clock import utc_now;"
        "state, file, session = map(Path, sys.argv[1:]);"
        "ProjectGuard(state, utc_now).begin(file, SessionFolder(session))"
    )
    subprocess.run([sys.executable, "-c", program, state_dir, file, session.path], check=True)


def test_next_reader_after_a_killed_worker_restores_it_and_the_journal_has_it(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    killed_worker(file, session, tmp_path / "state")
    file.write_text(MOVED)
    assert load_project(file, guard.read).sessions.name == "sessions"
    assert file.read_text() == GOOD
    (void,) = [each for each in events(session) if each["event"] == "void"]
    assert (void["kind"], "SESSIONS" in void["detail"]) == ("project", True)
    file.write_text(MOVED)  # nothing runs any more: this is the user's
    assert load_project(file, guard.read).sessions.name == "elsewhere"


def test_a_killed_worker_leaves_the_copy_to_those_that_live(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    other = make_session(tmp_path / "others")
    guard.begin(file, other)
    killed_worker(file, session, tmp_path / "state")
    file.write_text(MOVED)
    guard.settle(file)
    assert file.read_text() == GOOD
    file.write_text(MOVED)
    assert load_project(file, guard.read).sessions.name == "sessions"
    assert guard.end(file, other) is not None


def test_killed_worker_whose_session_is_gone_still_restores_it(
    file: Path, session: SessionFolder, guard: ProjectGuard, tmp_path: Path
) -> None:
    killed_worker(file, session, tmp_path / "state")
    session.path.rename(tmp_path / "away")
    file.write_text(MOVED)
    assert load_project(file, guard.read).sessions.name == "sessions"
    assert file.read_text() == GOOD
