"""What the journal says of money and of the past outlives whatever an agent does to the file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, append, read
from samobot.session.journal_guard import JournalGuard

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    found = SessionFolder(tmp_path / "26-01-31-greet")
    found.prepare()
    append(found, EventName.RUN_START, NOW, run="r", pid=1, budget_usd=5)
    append(found, EventName.ITERATION_END, NOW, phase="planning", cost_usd=2)
    return found


def replace(folder: SessionFolder, put: Callable[[Path], object]) -> None:
    folder.journal.unlink()
    put(folder.journal)


MISHAPS: dict[str, Callable[[SessionFolder], object]] = {
    "deleted": lambda folder: folder.journal.unlink(),
    "deleted with all logs": lambda folder: shutil.rmtree(folder.logs),
    "emptied": lambda folder: folder.journal.write_text(""),
    "rewritten": lambda folder: folder.journal.write_text(folder.journal.read_text().replace(": 2", ": 0")),
    "replaced by a folder": lambda folder: replace(folder, Path.mkdir),
    "replaced by a link": lambda folder: replace(folder, lambda path: path.symlink_to("/dev/null")),
    "garbled": lambda folder: folder.journal.write_bytes(b"\xff\x00 nonsense"),
}


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
def test_money_that_was_spent_does_not_vanish_with_the_journal(
    folder: SessionFolder, mishap: Callable[[SessionFolder], object]
) -> None:
    copy = JournalGuard(folder)
    copy.save()
    mishap(folder)
    folder.prepare()
    told = copy.restore()
    assert told is not None
    assert "journal" in told
    append(folder, EventName.ITERATION_END, NOW, phase="planning", cost_usd=1)
    assert read(folder).cost_usd == 3
    assert read(folder).budget_usd == 5


def test_what_was_added_meanwhile_stays(folder: SessionFolder) -> None:
    copy = JournalGuard(folder)
    copy.save()
    append(folder, EventName.BUDGET, NOW, usd=9, by="Ann")
    before = folder.journal.read_bytes()
    assert copy.restore() is None
    assert folder.journal.read_bytes() == before

    copy.save()
    folder.journal.unlink()
    append(folder, EventName.BUDGET, NOW, usd=12, by="Ann")
    assert copy.restore() is not None
    found = read(folder)
    assert (found.budget_usd, found.cost_usd, found.damaged) == (12, 2, 0)


def test_a_session_without_a_journal_needs_none(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "26-01-31-hand")
    folder.prepare()
    copy = JournalGuard(folder)
    copy.save()
    assert copy.restore() is None
    assert not folder.journal.exists()


def test_a_pipe_in_the_journals_place_hangs_nobody(folder: SessionFolder) -> None:
    folder.journal.unlink()
    os.mkfifo(folder.journal)
    with pytest.raises(StorageError, match="not a regular file; move it away"):
        JournalGuard(folder).save()
