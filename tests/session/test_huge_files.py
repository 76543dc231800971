"""A huge or sparse file in the place of a session's is named and not read, whichever it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from samobot.config.project import load_project
from samobot.errors import StorageError, UsageError
from samobot.money.spending import spent_today
from samobot.session import baseline, journal, tamper
from samobot.session.decisions import load_key
from samobot.session.files import (
    LINE_LIMIT,
    TEXT_LIMIT,
    is_unusable,
    open_regular,
    read_bytes,
    read_text,
)
from samobot.session.journal_copy import restore_copy
from samobot.session.log_copy import new_stream, restore_logs
from samobot.session.overview_guard import OverviewGuard
from samobot.session.snapshot import snapshot
from samobot.session.vault import edit_lock
from samobot.worker import work_dir
from tests.support.session_folder import NOW, QUESTIONS, make_session

HUGE = 100 * 1024**3
FILES = ["_overview.md", "_signal.json", "_qa.md", "_guidance.md", "_decisions.jsonl", "_logs/journal.jsonl"]


def blow_up(path: Path, size: int = HUGE) -> None:
    path.touch()
    os.truncate(path, size)


@pytest.mark.parametrize("name", FILES)
def test_a_huge_file_is_named_in_the_status(tmp_path: Path, name: str) -> None:
    folder = make_session(tmp_path)
    blow_up(folder.path / name)
    problems = snapshot(folder, "demo").status.problems
    assert any(f"{name} has 107,374,182,400 bytes" in problem for problem in problems)


def test_a_file_of_the_limit_is_read_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * TEXT_LIMIT)
    assert len(read_text(path) or "") == TEXT_LIMIT
    assert not is_unusable(path)
    path.write_bytes(b"x" * (TEXT_LIMIT + 1))
    assert is_unusable(path)
    for read in (read_text, read_bytes):
        with pytest.raises(StorageError, match="Shorten it or move it away"):
            read(path)
    assert read_bytes(path, limit=TEXT_LIMIT + 1) is not None


def test_millions_of_junk_lines_are_not_read(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.decisions.write_bytes(b"junk\n" * 1_000_000)
    assert any("_decisions.jsonl" in problem for problem in snapshot(folder, "demo").status.problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FILES if name != "_signal.json"])
@pytest.mark.parametrize("line", [b"x\n", b"```\n", b"{}\n", b"### Q1: what?\n", b"- [ ] anna: x\n"])
def test_more_lines_than_a_session_ever_has_are_named_and_not_parsed(
    tmp_path: Path, name: str, line: bytes
) -> None:
    folder = make_session(tmp_path)
    (folder.path / name).write_bytes(line * 100_001)
    problems = snapshot(folder, "demo").status.problems
    assert any(
        f"{name} has " in problem and " lines; samobot reads no more" in problem for problem in problems
    )


def test_lines_that_are_no_decisions_are_named_up_to_a_number(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.decisions.write_bytes(b"x\n" * LINE_LIMIT)
    problems = snapshot(folder, "demo").status.problems
    assert (len(problems), problems[-1]) == (21, "… and 49,980 more of this kind.")


def test_a_file_with_too_many_lines_that_an_agent_left_is_moved_away(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.qa.write_text(QUESTIONS)
    with edit_lock(folder.path):
        baseline.save(folder)
    for path in (folder.qa, folder.decisions):
        path.write_bytes(b"x\n" * (LINE_LIMIT + 1))
    with edit_lock(folder.path):
        tamper.revert(folder)
    assert "Q1" in (read_text(folder.qa) or "")
    read_text(folder.decisions)


def test_huge_files_that_an_agent_left_are_moved_away_and_the_users_are_back(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    folder.qa.write_text(QUESTIONS)
    with edit_lock(folder.path):
        baseline.save(folder)
    for path in (folder.qa, folder.decisions):
        blow_up(path)
    with edit_lock(folder.path):
        tamper.revert(folder)
    assert "Q1" in (read_text(folder.qa) or "")
    read_text(folder.decisions)


@pytest.mark.parametrize("name", ["_overview.md", "_signal.json", "_guidance.md"])
def test_a_huge_file_among_those_of_the_overview_guard_is_moved_away(tmp_path: Path, name: str) -> None:
    folder = make_session(tmp_path)
    before = read_text(folder.overview)
    guard = OverviewGuard(folder)
    guard.hold()
    with edit_lock(folder.path):
        baseline.save(folder)
    blow_up(folder.path / name)
    assert any("too large to be read" in sentence for sentence in guard.restore())
    assert read_text(folder.overview) == before


def test_a_huge_journal_is_replaced_by_the_one_that_was_kept(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    journal.append(folder, journal.EventName.NOTICE, NOW, text="before")
    blow_up(folder.journal)
    assert "replaced" in (restore_copy(folder) or "")
    assert [event["text"] for event in journal.events(folder) if event["event"] == "notice"] == ["before"]


def test_a_journal_with_more_lines_than_any_session_has_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert journal._TRUSTED_LINES <= 500_000
    monkeypatch.setattr(journal, "_TRUSTED_LINES", 50)
    folder = make_session(tmp_path)
    journal.append(folder, journal.EventName.NOTICE, NOW, text="before")
    with folder.vault.journal.open("ab") as file:
        file.write(b"x\n" * 50)
    assert any("more than 50 lines" in problem for problem in snapshot(folder, "demo").status.problems)
    with pytest.raises(StorageError, match="more than 50 lines"):
        list(journal.events(folder))


@pytest.mark.parametrize("kind", ["huge", "pipe"])
def test_records_of_the_state_folder_that_cannot_be_read_are_named(tmp_path: Path, kind: str) -> None:
    day = tmp_path / "spending" / f"{NOW.astimezone():%Y-%m-%d}.jsonl"
    day.parent.mkdir()
    for path in (tmp_path / "decisions.key", day):
        blow_up(path) if kind == "huge" else os.mkfifo(path, 0o600)
    with pytest.raises(StorageError, match=r"decisions\.key"):
        load_key(tmp_path)
    with pytest.raises(StorageError, match=r"spending"):
        spent_today(tmp_path, NOW)


def test_an_output_that_was_blown_up_is_reported_and_not_copied(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    stream = new_stream(folder, "01-15-1030-001-planning.jsonl")
    blow_up(stream)
    copy = folder.logs / stream.name
    copy.write_text("{}\n")
    (sentence,) = restore_logs(folder)
    assert "blown up to 107,374,182,400 bytes" in sentence
    assert (stream.exists(), copy.read_text()) == (False, "{}\n")


@pytest.mark.parametrize("kind", ["huge", "pipe", "folder"])
def test_a_project_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ".samocode"
    if kind == "huge":
        blow_up(path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(UsageError, match=r"\.samocode cannot be read|There is no"):
        load_project(path if kind != "folder" else tmp_path)


def test_of_countless_files_in_a_session_a_number_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work_dir._MAX_FILES <= 5_000
    monkeypatch.setattr(work_dir, "_MAX_FILES", 50)
    folder = make_session(tmp_path)
    for number in range(60):
        (folder.path / f"{number}.txt").touch()
    opened: list[Path] = []

    def count(path: Path) -> BinaryIO:
        opened.append(path)
        return open_regular(path)

    monkeypatch.setattr(work_dir, "open_regular", count)
    work_dir.trace(tmp_path, folder)
    assert 40 < len(opened) <= 50
