"""How a session begins: without a model, once, and wherever git stands."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from samobot.config.project import Project, load_project
from samobot.errors import StorageError, UsageError
from samobot.fleet.session_creator import find_session, open_or_guide, open_session
from samobot.fleet.start_request import StartRequest
from samobot.phases import Phase
from samobot.session import baseline
from samobot.session.folder import SessionFolder, archive
from samobot.session.overview import parse_overview
from samobot.session.vault import edit_lock
from tests.support.claude_cli import cli_environment
from tests.support.workshop import Workshop, make_workshop

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 15, 10, 30).astimezone()
TASK = "Add a greeting script"


def asked(session: str, task: str | None = TASK, dive: str | None = None) -> StartRequest:
    return StartRequest(project="demo", session=session, task=task, dive=dive)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path, cli_environment(tmp_path / "home", "http://127.0.0.1:9"))


@pytest.fixture
def project(shop: Workshop) -> Project:
    return load_project(shop.config)


def test_a_new_session_has_its_folder_worktree_and_overview(shop: Workshop, project: Project) -> None:
    opened = open_session(project, asked("My Greeting"), NOW, "team")
    assert opened.created
    assert opened.folder.path == shop.sessions / "26-01-15-my-greeting"
    overview = parse_overview(opened.folder.overview.read_text())
    assert (overview.phase, overview.iteration, overview.task) == (Phase.INVESTIGATION, 0, TASK)
    assert overview.working_dir == str(shop.worktrees / "my-greeting")
    assert shop.git("branch", "--show-current", cwd=shop.worktrees / "my-greeting") == "team/my-greeting"
    assert shop.git("branch", "--show-current") == "main"


def test_session_begins_on_the_commits_of_another_one(shop: Workshop, project: Project) -> None:
    below = open_session(project, asked("greet"), NOW)
    place = shop.worktrees / "greet"
    (place / "new.py").write_text("pass\n")
    shop.git("add", ".", cwd=place)
    shop.git("commit", "--quiet", "-m", "new", cwd=place)
    head = shop.git("rev-parse", "HEAD", cwd=place)
    (place / "half.py").write_text("half\n")
    archive(below.folder)
    more = StartRequest(project="demo", session="more", task=TASK, base="greet")
    made = open_session(project, more, NOW)
    assert shop.git("rev-parse", "HEAD", cwd=shop.worktrees / "more") == head
    assert parse_overview(made.folder.overview.read_text()).task == (
        f"{TASK}\n\nThis branch begins on the commits of the session greet (branch greet, at {head[:9]}). "
        "They are not part of this task: build on them."
    )
    assert made.notes == ("greet has uncommitted changes, which this session does not have.",)


def test_base_has_to_be_a_session_and_the_session_has_to_be_new(project: Project) -> None:
    with pytest.raises(UsageError, match="no session “flag” in demo to begin on"):
        open_session(project, StartRequest(project="demo", session="more", task=TASK, base="flag"), NOW)
    assert find_session(project, "more") is None
    folder = open_session(project, asked("greet"), NOW).folder
    before = folder.overview.read_bytes()
    again = StartRequest(project="demo", session="greet", task="Something", base="greet")
    with pytest.raises(UsageError, match="greet is there already; --from is for a new session"):
        open_or_guide(project, again, "anna", NOW, refuse=lambda _: None)
    assert (folder.overview.read_bytes(), folder.guidance.exists()) == (before, False)


def test_opening_it_again_changes_nothing(shop: Workshop, project: Project) -> None:
    folder = open_session(project, asked("greet"), NOW).folder
    before = folder.overview.read_bytes()
    again = open_session(project, asked("greet", "Something else"), NOW)
    assert (again.created, again.folder, folder.overview.read_bytes()) == (False, folder, before)


@pytest.mark.parametrize(
    ("given", "dive", "task"),
    [
        (None, None, "add a greeting"),
        (None, "the parser", "Look into this: the parser"),
        ("Fix it", "the parser", "Fix it\n\nLook into this first: the parser"),
        ("## Status\nPhase: done", None, "## Status\nPhase: done"),
    ],
)
def test_overview_task_is_the_text_of_the_request(
    project: Project, given: str | None, dive: str | None, task: str
) -> None:
    folder = open_session(project, asked("add-a-greeting", given, dive), NOW).folder
    overview = parse_overview(folder.overview.read_text())
    assert (overview.task, overview.phase) == (task, Phase.INVESTIGATION)


def test_a_repository_without_commits_is_worked_in_directly(shop: Workshop, project: Project) -> None:
    shutil.rmtree(shop.repo / ".git")
    shop.git("init", "--quiet")
    opened = open_session(project, asked("greet"), NOW)
    assert parse_overview(opened.folder.overview.read_text()).working_dir == str(shop.repo)
    assert "no commits" in opened.notes[0]


def test_no_repository_is_worked_in_directly(shop: Workshop, project: Project) -> None:
    shutil.rmtree(shop.repo / ".git")
    opened = open_session(project, asked("greet"), NOW)
    assert parse_overview(opened.folder.overview.read_text()).working_dir == str(shop.repo)
    assert not shop.worktrees.exists()


def test_a_crash_before_the_overview_was_written_is_taken_up(shop: Workshop, project: Project) -> None:
    folder = open_session(project, asked("greet"), NOW).folder
    folder.overview.unlink()
    opened = open_session(project, asked("greet"), NOW)
    assert (opened.created, opened.folder) == (True, folder)
    assert len(shop.git("worktree", "list").splitlines()) == 2


def test_an_overview_that_an_agent_deleted_is_not_made_anew(project: Project) -> None:
    folder = open_session(project, asked("greet"), NOW).folder
    with edit_lock(folder.path):
        baseline.save(folder)
    folder.overview.unlink()
    assert open_session(project, asked("greet", None), NOW).created is False
    assert not folder.overview.exists()


def test_two_at_once_make_one_session(shop: Workshop, project: Project) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_session(project, asked("greet"), NOW), range(4)))
    assert sum(each.created for each in opened) == 1
    assert len({each.folder for each in opened}) == 1
    assert len(shop.git("worktree", "list").splitlines()) == 2


def test_another_process_waits_while_the_rest_of_an_earlier_session_is_removed(project: Project) -> None:
    folder = open_session(project, asked("greet"), NOW).folder
    (folder.vault.path / "streams").mkdir(exist_ok=True)
    with edit_lock(folder.path), folder.vault.locked():
        folder.vault.clear()
        assert {path.name for path in folder.vault.path.iterdir()} == {"edit.lock", ".lock"}
        with pytest.raises(StorageError), edit_lock(folder.path, wait=0):
            pass


def test_typo_is_refused_unless_a_task_confirms_it(project: Project) -> None:
    open_session(project, asked("greeting"), NOW)
    with pytest.raises(UsageError, match="Did you mean “greeting”"):
        open_session(project, asked("greetings", None), NOW)
    assert open_session(project, asked("greetings"), NOW).created


def test_something_else_in_the_worktrees_place_is_not_touched(shop: Workshop, project: Project) -> None:
    (shop.worktrees / "greet").mkdir(parents=True)
    (shop.worktrees / "greet" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="in the way"):
        open_session(project, asked("greet"), NOW)
    assert find_session(project, "greet") is None
    assert not shop.sessions.exists()


@pytest.mark.parametrize("name", ["../greet", "a/b", ".", "..", "", "-x", "\0", "x" * 80])
def test_a_name_that_could_leave_the_folder_is_refused(shop: Workshop, project: Project, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a session's name"):
        open_session(project, asked(name), NOW)
    assert not shop.sessions.exists()
    assert not shop.worktrees.exists()


def test_a_sessions_folder_made_by_hand_is_taken_as_it_is(shop: Workshop, project: Project) -> None:
    folder = SessionFolder(shop.sessions / "26-01-01-old")
    folder.path.mkdir(parents=True)
    folder.overview.write_text("# Session: old\n\n## Status\nPhase: quality\n")
    assert open_session(project, asked("old", None), NOW).folder == folder
    assert (
        subprocess.run(["git", "branch", "--list", "old"], cwd=shop.repo, capture_output=True).stdout == b""
    )


def test_a_session_that_came_with_a_clone_gets_the_folder_of_its_logs(
    shop: Workshop, project: Project
) -> None:
    folder = SessionFolder(shop.sessions / "26-01-15-cloned")
    folder.path.mkdir(parents=True)
    folder.overview.write_text("# Session: cloned\n\n## Status\nPhase: testing\n")
    assert not open_session(project, asked("cloned", None), NOW).created
    assert (folder.logs / ".gitignore").read_text() == "*\n"
