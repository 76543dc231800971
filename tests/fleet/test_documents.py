"""What can be read of a session, whatever an agent has put there."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from samobot.errors import NotFoundError, StorageError, UsageError
from samobot.fleet import agent_log, documents
from samobot.fleet.documents import FILE_LIMIT, MAX_FILES, TEXT_LIMIT
from samobot.session.folder import SessionFolder
from tests.support.repository import commit, git, make_repository
from tests.support.session_folder import PLAN, make_session, write_plan

LOG = "01-15-1030-001-investigation.jsonl"


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path / "sessions")


def says(text: str, **more: Any) -> bytes:
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return json.dumps({"type": "assistant", "message": message, **more}).encode() + b"\n"


def uses(name: str, **values: str) -> bytes:
    content = [{"type": "tool_use", "id": "t", "name": name, "input": values}]
    return (
        json.dumps({"type": "assistant", "message": {"role": "assistant", "content": content}}).encode()
        + b"\n"
    )


async def test_log_shows_what_was_written_and_done_last(session: SessionFolder, tmp_path: Path) -> None:
    (session.logs / "01-15-1029-000-investigation.jsonl").write_bytes(says("old"))
    os.utime(session.logs / "01-15-1029-000-investigation.jsonl", (1, 1))
    lines = (
        says("First")
        + uses("Read", file_path="/x/README.md")
        + b"garbage\n[]\n"
        + says("\ud800Last")
        + b'{"type": "assis'
    )
    (session.logs / LOG).write_bytes(lines)
    assert await agent_log.log_lines(session, tmp_path, 20) == [
        "💬 First",
        "👀 Reading /x/README.md",
        "💬 ?Last",
    ]
    assert await agent_log.log_lines(session, tmp_path, 1) == ["💬 ?Last"]
    assert await agent_log.log_lines(session, tmp_path, 0) == []
    assert await agent_log.last_message(session) == "?Last"


async def test_a_session_without_a_log_has_nothing_to_say(session: SessionFolder, tmp_path: Path) -> None:
    assert await agent_log.log_lines(session, tmp_path, 5) == []
    assert await agent_log.last_message(session) == ""
    (session.logs / LOG).symlink_to("/dev/zero")
    os.mkfifo(session.logs / "01-15-1031-002-planning.jsonl")
    assert await agent_log.last_message(session) == ""


async def test_of_a_huge_log_only_the_end_is_read(session: SessionFolder, tmp_path: Path) -> None:
    with (session.logs / LOG).open("wb") as log:
        log.write(says("the beginning"))
        log.truncate(200_000_000)
        log.seek(0, os.SEEK_END)
        log.write(b"\n" + says("near the end") + b"x" * 3_000_000 + b"\n" + says("the end"))
    tracemalloc.start()
    try:
        assert await agent_log.log_lines(session, tmp_path, 1) == ["💬 the end"]
        assert await agent_log.last_message(session) == "the end"
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
        tracemalloc.reset_peak()
        found = await agent_log.log_lines(session, tmp_path, 20)
        assert found == ["💬 near the end", "💬 the end"]
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()


async def test_what_was_said_is_found_behind_much_output(session: SessionFolder) -> None:
    noise = json.dumps({"type": "user", "message": {"content": "x" * 1000}}).encode() + b"\n"
    (session.logs / LOG).write_bytes(says("it is done") + noise * 3000)
    assert await agent_log.last_message(session) == "it is done"


async def test_the_newest_plan_and_summary_come_under_their_names(session: SessionFolder) -> None:
    with pytest.raises(NotFoundError, match="no plan"):
        await documents.plan_text(session)
    assert await documents.summary_text(session) is None
    write_plan(session)
    assert (await documents.plan_text(session)).text == PLAN
    (session.path / "01-15-summary.md").write_text("old")
    os.utime(session.path / "01-15-summary.md", (1, 1))
    (session.path / "01-16-summary.md").write_bytes(b"new \xff" + b"x" * TEXT_LIMIT)
    (session.path / "01-17-summary.md").symlink_to("/etc/passwd")
    found = await documents.summary_text(session)
    assert found is not None
    assert found.name == "01-16-summary.md"
    assert found.text.startswith("new \ufffdx")
    assert len(found.text) <= TEXT_LIMIT


async def test_cut_diff_is_marked(session: SessionFolder, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "big")
    commit(repository, "many")
    (repository / "many").write_text("a line\n" * 500_000)
    text = (await documents.diff(session, repository)).text
    assert text.endswith("… Cut: only the first 2.0 MB are shown.\n")
    assert len(text) < 2_100_000
    (repository / "many").write_text("a line\n")
    assert "It goes on" not in (await documents.diff(session, repository)).text


async def test_every_listed_file_can_be_had_and_no_other(session: SessionFolder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (session.path / "link").symlink_to(tmp_path / "secret")
    (session.path / "folder").mkdir()
    os.mkfifo(session.path / "pipe")
    (session.path / ".hidden").write_text("no")
    for raw in (b"a\nb.md", b"<b>&.md", b"\xff.md", "дело.md".encode(), b"-rf"):
        with open(os.path.join(os.fsencode(session.path), raw), "wb") as file:
            file.write(raw)
    listed = [file.name for file in await documents.files(session)]
    assert sorted(listed) == sorted(["_overview.md", "a\nb.md", "<b>&.md", "\ufffd.md", "дело.md", "-rf"])
    for name in listed:
        assert await documents.file(session, name)
    for name in (
        "link",
        "folder",
        "pipe",
        ".hidden",
        "../../secret",
        "/etc/passwd",
        "",
        ".",
        "..",
        "\0",
        "_logs/journal.jsonl",
    ):
        with pytest.raises(NotFoundError):
            await documents.file(session, name)


@pytest.mark.slow
async def test_of_very_many_files_only_some_are_looked_at(session: SessionFolder) -> None:
    for number in range(5100):
        (session.path / f"{number}.md").touch()
    found = documents.artefacts(session)
    assert MAX_FILES < len(found) <= 5000
    listed = await documents.files(session)
    assert len(listed) == MAX_FILES
    assert await documents.file(session, listed[-1].name) == b""


async def test_a_file_that_telegram_does_not_take_is_refused_unread(session: SessionFolder) -> None:
    with (session.path / "big").open("wb") as file:
        file.truncate(FILE_LIMIT + 1)
    with pytest.raises(UsageError, match="50 MB"):
        await documents.file(session, "big")


async def test_a_file_exchanged_for_a_link_meanwhile_is_not_followed(
    session: SessionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = session.path / "x.md"
    target.write_text("fine")
    real = documents.artefacts

    def exchange(folder: SessionFolder) -> object:
        found = real(folder)
        target.unlink()
        target.symlink_to("/etc/passwd")
        return found

    monkeypatch.setattr(documents, "artefacts", exchange)
    with pytest.raises(StorageError, match="cannot be read"):
        await documents.file(session, "x.md")


async def test_the_diff_shows_commits_and_what_is_not_committed(
    session: SessionFolder, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo")
    git(repo, "switch", "--quiet", "-c", "greet")
    commit(repo, "greet.py")
    (repo / "first").write_text("changed\n")
    found = await documents.diff(session, repo)
    assert found.branch == "greet"
    assert (found.commits, found.uncommitted, found.more) == (1, 1, 0)
    assert {file.path for file in found.files} == {"greet.py", "first"}
    assert "+changed" in found.text


async def test_diff_of_very_many_files_is_cut_and_reports_how_many_are_left(
    session: SessionFolder, tmp_path: Path
) -> None:
    repo = make_repository(tmp_path / "repo")
    git(repo, "switch", "--quiet", "-c", "greet")
    for number in range(MAX_FILES + 5):
        (repo / f"f{number}").write_text("x\n")
    git(repo, "add", ".")
    found = await documents.diff(session, repo)
    assert (len(found.files), found.more, found.added) == (MAX_FILES, 5, MAX_FILES + 5)


@pytest.mark.parametrize("where", ["~nobody-of-that-name/x", "/no/such/folder", "relative/nowhere"])
async def test_a_working_folder_that_is_none_is_said(
    session: SessionFolder, tmp_path: Path, where: str
) -> None:
    text = session.overview.read_text().replace("Task: greet", f"Working Dir: {where}\nTask: greet")
    session.overview.write_text(text)
    with pytest.raises(NotFoundError, match="no diff"):
        await documents.diff(session, tmp_path)


async def test_a_deleted_session_is_said_in_one_sentence(session: SessionFolder, tmp_path: Path) -> None:
    gone = SessionFolder(tmp_path / "26-01-15-gone")
    for call in (documents.files(gone), documents.summary_text(gone), documents.file(gone, "x")):
        with pytest.raises(StorageError, match="cannot be read"):
            await call
    assert await agent_log.last_message(gone) == ""
