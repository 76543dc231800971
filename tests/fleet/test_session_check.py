"""What `check` finds in a session's folder, and what `recover` repairs from samobot's own records."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.config.project import Project, load_project
from samobot.errors import BusyError, SamobotError
from samobot.fleet.session_check import check_session, recover_session
from samobot.session import baseline
from samobot.session.files import TEXT_LIMIT
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import look
from samobot.session.journal import EventName, append
from samobot.session.lock import RunLock
from samobot.session.vault import edit_lock
from tests.support.cases import for_each
from tests.support.repository import commit, git, make_repository
from tests.support.session_folder import NOW, QUESTIONS, make_session, write_plan


@pytest.fixture
def project(tmp_path: Path) -> Project:
    make_repository(tmp_path / "repo")
    for name in ("trees", "sessions", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / ".samocode").write_text("MAIN_REPO=repo\nWORKTREES=trees\nSESSIONS=sessions\n")
    return load_project(tmp_path / ".samocode")


@pytest.fixture
def session(project: Project) -> SessionFolder:
    return make_session(project.sessions, phase="planning")


def recover(project: Project, session: SessionFolder) -> list[str]:
    state = project.file.parent / "state"
    return recover_session(project, session, "anna", NOW, state_dir=state, branch_prefix="")


def change(session: SessionFolder, old: str, new: str) -> None:
    text = session.overview.read_text()
    assert old in text
    session.overview.write_text(text.replace(old, new))


def test_a_sound_session_has_no_problems_and_is_left_as_it_is(
    project: Project, session: SessionFolder
) -> None:
    before = session.overview.read_text()
    assert check_session(project, session) == []
    assert recover(project, session) == []
    assert session.overview.read_text() == before


def test_each_kind_of_damage_is_named_with_a_remedy(project: Project, session: SessionFolder) -> None:
    found = {}
    session.qa.write_text(QUESTIONS)
    session.signal.write_text("{nonsense")
    change(session, "Phase: planning", "Phase: implementation")
    found["gates"] = check_session(project, session)
    change(session, "Phase: implementation", "Phase: nowhere")
    change(session, "Task: greet\n", "")
    found["overview"] = check_session(project, session)
    session.overview.unlink()
    found["missing"] = check_session(project, session)
    texts = {name: " ".join(each.text for each in problems) for name, problems in found.items()}
    for words in ("Q1, Q2 of _qa.md has no answer", "there is no plan", "_signal.json"):
        assert words in texts["gates"]
    assert "nowhere" in texts["overview"]
    assert "names no task" in texts["overview"]
    assert "_overview.md is missing." in texts["missing"]
    assert all(each.remedy for problems in found.values() for each in problems)
    write_plan(session)
    assert "there is no plan" not in " ".join(each.text for each in check_session(project, session))


def test_after_a_crash_the_overview_and_the_journal_are_restored(
    project: Project, session: SessionFolder
) -> None:
    append(session, EventName.NOTICE, NOW, text="begun")
    with edit_lock(session.path):
        baseline.save(session)
    before, journal = session.overview.read_text(), session.journal.read_bytes()
    session.overview.unlink()
    session.journal.write_bytes(journal + b'{"event": "forged"}\n')
    found = check_session(project, session)
    assert [each.is_repairable for each in found if "names no" not in each.text] == [True] * 3
    assert len(recover(project, session)) == 2
    assert session.overview.read_text().startswith(before)
    assert session.journal.read_bytes().startswith(journal)
    assert b"forged" not in session.journal.read_bytes()
    assert check_session(project, session) == []


def test_a_deleted_worktree_is_recreated_from_its_branch(project: Project, session: SessionFolder) -> None:
    tree = project.worktrees / "greet"
    git(project.main_repo, "worktree", "add", "-q", "-b", "greet", str(tree))
    change(session, "Task: greet", f"Working Dir: {tree}\nTask: greet")
    assert check_session(project, session) == []
    git(project.main_repo, "worktree", "remove", "--force", str(tree))
    (problem,) = check_session(project, session)
    assert problem.is_repairable
    assert str(tree) in problem.text
    assert any("recreated from its branch greet" in sentence for sentence in recover(project, session))
    assert (tree / "first").exists()
    assert check_session(project, session) == []


def test_a_worktree_deleted_with_its_branch_is_recreated_at_the_last_commit_of_the_journal(
    project: Project, session: SessionFolder
) -> None:
    tree = project.worktrees / "greet"
    git(project.main_repo, "worktree", "add", "-q", "-b", "greet", str(tree))
    change(session, "Task: greet", f"Working Dir: {tree}\nTask: greet")
    lost = commit(tree, "work")
    for head in (lost, None, "--help"):
        append(session, EventName.ITERATION_END, NOW, n=1, head=head)
    git(project.main_repo, "worktree", "remove", "--force", str(tree))
    git(project.main_repo, "branch", "-D", "greet")
    assert any(lost[:9] in sentence for sentence in recover(project, session))
    assert git(tree, "rev-parse", "greet") == lost


def test_a_folder_that_is_gone_for_other_reasons_is_named_and_left(
    project: Project, session: SessionFolder
) -> None:
    change(session, "Task: greet", "Working Dir: /nowhere/else\nTask: greet")
    (problem,) = check_session(project, session)
    assert not problem.is_repairable
    assert recover(project, session) == []


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    (path / "inner").write_text("mine")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        if path.is_dir():
            path.rmdir()
        path.write_text(content)

    return write


DAMAGES: dict[str, tuple[Callable[[SessionFolder], Path], Callable[[Path], None]]] = {
    "overview is a folder": (lambda session: session.overview, _folder),
    "overview is a pipe": (lambda session: session.overview, _pipe),
    "overview is too large": (lambda session: session.overview, _text("x" * (TEXT_LIMIT + 1))),
    "guidance is a folder": (lambda session: session.guidance, _folder),
    "decisions are no decisions": (lambda session: session.decisions, _text("[1]\nmine\n")),
    "lock leads in a circle": (lambda session: session.lock, lambda path: path.symlink_to(path.name)),
    "recorded decisions are a folder": (lambda session: session.vault.decisions, _folder),
    "streams are a file": (lambda session: session.vault.streams, _text("mine")),
    "tracked files nest too deeply": (lambda session: session.vault.tracked, _text("[" * 100_000)),
    "baseline is no object": (lambda session: session.vault.baseline, _text("[]")),
}


@for_each(("damage", "is_cut_off"), [(damage, cut) for damage in DAMAGES for cut in (False, True)])
def test_no_damage_makes_check_or_recover_fail_unexplained_lose_anything_or_pass_a_gate(
    project: Project, tmp_path: Path, damage: str, is_cut_off: bool
) -> None:
    session = make_session(tmp_path / f"{damage}, {is_cut_off}", phase="planning")
    session.qa.write_text(QUESTIONS)
    write_plan(session)
    append(session, EventName.NOTICE, NOW, text="begun")
    if is_cut_off:
        with edit_lock(session.path):
            baseline.save(session)
    find, do = DAMAGES[damage]
    do(find(session))
    before = _contents(session)
    for problem in check_session(project, session):
        assert problem.text
        assert problem.remedy
    assert _contents(session) == before, "a look changes nothing"
    with contextlib.suppress(SamobotError):  # with the remedy
        recover(project, session)
        assert recover(project, session) == []
    kept = _contents(session).values()
    assert all(
        any(content in each for each in kept)
        for path, content in before.items()
        if path.is_relative_to(session.path)
    )
    state = look(session)
    assert state.decisions.decisions == ()
    assert state.unreadable or len(state.qa.open) == 2


def _contents(session: SessionFolder) -> dict[Path, bytes]:
    """The contents of the session's files and records, but for locks."""
    return {
        path: path.read_bytes()
        for top in (session.path, session.vault.path)
        for path in top.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_a_running_session_is_not_repaired(project: Project, session: SessionFolder) -> None:
    with RunLock.acquire(session, NOW), pytest.raises(BusyError):
        recover(project, session)
