"""What a status keeps of finished sessions: never more than their files say, and nothing that is still warm."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from samobot.session import vault
from samobot.session.file_marks import mark_of_files
from samobot.session.folder import SessionFolder
from samobot.session.snapshot import snapshot
from samobot.terminal.finished_sessions import FILE_NAME, QUIET_SECONDS, FinishedSessions
from tests.support.session_folder import make_session


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vault, "_chosen", [tmp_path / "state"])
    return tmp_path / "state"


@pytest.fixture
def done(tmp_path: Path, state: Path) -> SessionFolder:
    made = make_session(tmp_path, phase="done", signal={"status": "done", "summary": "it works"})
    age(made)
    return made


def age(folder: SessionFolder) -> None:
    then = time.time() - QUIET_SECONDS - 60
    for path in (*folder.path.rglob("*"), folder.path):
        os.utime(path, (then, then))


def keep(folder: SessionFolder) -> dict[str, object]:
    sessions = FinishedSessions()
    status = snapshot(folder, "demo").status.as_json()
    sessions.keep(folder, mark_of_files(folder.all_files), status, 0)
    sessions.save()
    return status


def test_a_finished_session_is_found_as_it_was_kept(done: SessionFolder, state: Path) -> None:
    status = keep(done)
    assert (state / FILE_NAME).stat().st_mode & 0o777 == 0o600
    found = FinishedSessions().find(done, "demo")
    assert found is not None
    assert json.dumps(found.status) == json.dumps(status)
    other = FinishedSessions().find(done, "renamed")
    assert other is not None
    assert other.status["project"] == "renamed"


@pytest.mark.parametrize("name", ["_overview.md", "_signal.json", "_logs/run.lock", "_logs/journal.jsonl"])
def test_one_that_has_changed_is_not_found(done: SessionFolder, name: str) -> None:
    keep(done)
    (done.path / name).write_text("something else\n")
    assert FinishedSessions().find(done, "demo") is None


def test_one_that_was_changed_lately_is_not_kept(done: SessionFolder, state: Path) -> None:
    done.overview.touch()
    keep(done)
    assert FinishedSessions().find(done, "demo") is None
    assert not (state / FILE_NAME).exists()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"a": 1}', '{"a": [1, 2]}'])
def test_a_file_that_cannot_be_used_is_written_anew(done: SessionFolder, state: Path, text: str) -> None:
    state.mkdir()
    (state / FILE_NAME).write_text(text)
    assert FinishedSessions().find(done, "demo") is None
    keep(done)
    assert FinishedSessions().find(done, "demo") is not None


def test_one_that_is_gone_is_dropped_with_the_next_change(
    done: SessionFolder, state: Path, tmp_path: Path
) -> None:
    keep(done)
    moved = SessionFolder(tmp_path / "26-01-16-moved")
    done.path.rename(moved.path)
    age(moved)
    keep(moved)
    assert list(json.loads((state / FILE_NAME).read_text())) == [str(moved.path)]
