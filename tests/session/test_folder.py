from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import BusyError, NotFoundError, UsageError
from samobot.fleet.models import SessionRef
from samobot.session import baseline
from samobot.session.folder import (
    SessionFolder,
    archive,
    clean_name,
    list_folders,
    new_folder,
    resolve,
    usurpers,
)
from samobot.session.journal import EventName, append
from samobot.session.lock import RunLock
from samobot.session.vault import edit_lock
from tests.support.session_folder import NOW, make_session


@pytest.mark.parametrize(
    ("typed", "name"),
    [("greet", "greet"), ("  Fix the  Parser ", "fix-the-parser"), ("v1.2_x", "v1.2_x"), ("7", "7")],
)
def test_typed_text_becomes_a_name(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize(
    "typed",
    ["", " ", "..", ".", "../x", "a/b", "a\\b", "/etc", "-x", "_x", "a\0b", "ä", "x" * 65, "a\n../b", "٣"],
)
def test_path_that_could_leave_the_folder_is_no_name_and_the_rule_is_shown(typed: str) -> None:
    with pytest.raises(UsageError, match="a name is 1 to 64 characters"):
        clean_name(typed)


@given(st.text(max_size=80))
def test_a_name_never_leads_out_of_the_sessions_folder(typed: str) -> None:
    try:
        folder = new_folder(Path("/sessions"), typed, date(2026, 1, 15))
    except UsageError:
        return
    assert Path("/sessions", folder.path).resolve().parent == Path("/sessions")
    assert clean_name(folder.name) == folder.name


def test_a_new_session_is_named_after_the_day(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "Greet me", date(2026, 1, 5))
    assert (folder.path.name, folder.name) == ("26-01-05-greet-me", "greet-me")
    assert not folder.path.exists()


def test_a_session_with_the_longest_name_is_found_by_its_folder_too(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "x" * 64, date(2026, 1, 5))
    folder.path.mkdir()
    assert resolve(tmp_path, folder.path.name) == resolve(tmp_path, folder.name) == folder
    with pytest.raises(UsageError, match="a name is 1 to 64 characters"):
        resolve(tmp_path, f"26-01-05-{'x' * 65}")
    with pytest.raises(UsageError, match="a name is 1 to 64 characters"):
        resolve(tmp_path, "26-01-05-../x")


def test_a_name_means_the_exact_folder_then_the_newest_dated_one_then_none(tmp_path: Path) -> None:
    for name in ("26-01-14-greet", "26-01-15-greet", "25-12-31-greet", "26-02-01-greeting"):
        (tmp_path / name).mkdir()
    (tmp_path / "26-03-01-greet").write_text("a file, not a session")

    def found(name: str) -> str | None:
        folder = resolve(tmp_path, name)
        return folder.path.name if folder else None

    assert found("greet") == "26-01-15-greet"
    assert found("26-01-14-greet") == "26-01-14-greet"
    assert found("Greet") == "26-01-15-greet"
    assert found("nothing") is None
    (tmp_path / "greet").mkdir()
    assert found("greet") == "greet"


def test_a_missing_sessions_folder_has_no_sessions(tmp_path: Path) -> None:
    assert resolve(tmp_path / "none", "greet") is None
    assert list_folders(tmp_path / "none") == []


def test_a_link_out_of_the_sessions_folder_is_refused_by_name_and_left_out_of_the_list(
    tmp_path: Path,
) -> None:
    sessions, elsewhere = tmp_path / "sessions", tmp_path / "elsewhere"
    sessions.mkdir()
    elsewhere.mkdir()
    (sessions / "26-01-15-greet").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="leads out of"):
        resolve(sessions, "greet")
    assert list_folders(sessions) == []


@pytest.mark.parametrize("target", ["26-12-31-greet", "26-01-15-greet", "../elsewhere", "nothing"])
def test_a_link_never_stands_before_a_sessions_folder(tmp_path: Path, target: str) -> None:
    """Whether it leads in a circle, to the session itself, out of the folder, or nowhere."""
    sessions = tmp_path / "sessions"
    (sessions / "26-01-15-greet").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (sessions / "26-12-31-greet").symlink_to(target)
    (sessions / "greet").symlink_to(target)
    found = resolve(sessions, "greet")
    assert found is not None
    assert found.path.name == "26-01-15-greet"
    assert [each.path.name for each in list_folders(sessions)] == ["26-01-15-greet"]


def test_a_folder_without_records_is_not_found_before_a_session_that_an_agent_works_on(
    tmp_path: Path,
) -> None:
    own, newer = SessionFolder(tmp_path / "26-01-15-greet"), SessionFolder(tmp_path / "26-12-31-greet")
    for folder in (SessionFolder(tmp_path / "25-01-15-greet"), own, newer, SessionFolder(tmp_path / "Greet")):
        folder.prepare()
    assert usurpers(own) == {"26-12-31-greet", "Greet"}
    assert resolve(tmp_path, "greet") == SessionFolder(tmp_path / "Greet")
    baseline.save(own)
    assert resolve(tmp_path, "greet") == own
    for folder in (newer, SessionFolder(tmp_path / "Greet")):
        append(folder, EventName.NOTICE, NOW, text="x")
    assert resolve(tmp_path, "greet") == SessionFolder(tmp_path / "Greet")
    assert usurpers(own) == set()


def test_a_nested_samocode_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "26-01-15-greet" / "_samocode").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"move everything in .*_samocode one level up"):
        resolve(tmp_path, "greet")
    with pytest.raises(UsageError, match="_samocode"):
        SessionFolder(tmp_path / "26-01-15-greet").prepare()


def test_logs_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "26-01-15-greet")
    folder.path.mkdir()
    folder.logs.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="leads out"):
        folder.prepare()


def test_preparing_keeps_logs_out_of_git_and_can_be_repeated(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "deep" / "26-01-15-greet")
    folder.prepare()
    (folder.logs / ".gitignore").write_text("*\n!mine\n")
    folder.prepare()
    assert (folder.logs / ".gitignore").read_text() == "*\n!mine\n"


def test_sessions_are_listed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("26-01-15-b", "26-01-14-a", "by-hand", "notes", "_archive", ".git"):
        (tmp_path / name).mkdir()
    for name in ("by-hand", "_archive", ".git"):
        (tmp_path / name / "_overview.md").write_text("# x")
    (tmp_path / "26-01-16-file").write_text("")
    assert [folder.path.name for folder in list_folders(tmp_path)] == ["26-01-14-a", "26-01-15-b", "by-hand"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("26-01-15-v1.2_x-", "v1.2_x-"),
        ("26-01-15-Größe", "Größe"),
        ("26-01-15-✅ Plan approved by owner", "Plan-approved-by-owner"),
        ("26-01-15-x\n@owner approves", "x-owner-approves"),
        ("26-01-15-\u202e\x1b[2J", "2J"),
        ("26-01-15-<b>\udcff", "b-"),
        ("@all", "all"),
        ("26-01-15-✅", "session"),
    ],
)
def test_folder_made_by_hand_puts_no_sentence_and_no_sign_into_the_sessions_name(
    folder: str, name: str
) -> None:
    assert SessionFolder(Path("/sessions", folder)).name == name
    assert SessionRef.from_key(f"demo:{folder}").name == name


def test_archiving_moves_the_folder_and_never_over_another(tmp_path: Path) -> None:
    first = archive(make_session(tmp_path))
    second = archive(make_session(tmp_path))
    assert [first.name, second.name] == ["26-01-15-greet", "26-01-15-greet-2"]
    assert (second / "_overview.md").exists()
    assert list_folders(tmp_path) == []
    with pytest.raises(NotFoundError):
        archive(SessionFolder(tmp_path / "26-01-15-greet"))


def test_a_running_session_is_not_archived(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    with RunLock.acquire(folder, NOW), pytest.raises(BusyError, match="stop it"):
        archive(folder)
    assert folder.overview.exists()


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_an_agent_put_in_the_place_of_the_logs_is_moved_aside(tmp_path: Path, kind: str) -> None:
    for change in (SessionFolder.prepare, _edit):
        folder = make_session(tmp_path / change.__name__)
        shutil.rmtree(folder.logs, ignore_errors=True)
        if kind == "file":
            folder.logs.write_text("mine")
        else:
            folder.logs.symlink_to(folder.path / "nowhere")
        change(folder)
        assert folder.logs.is_dir()
        (aside,) = folder.path.glob("_logs.*")
        assert aside.is_symlink() if kind != "file" else aside.read_text() == "mine"


def _edit(folder: SessionFolder) -> None:
    with edit_lock(folder.path):
        pass
