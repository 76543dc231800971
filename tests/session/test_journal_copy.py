"""What the journal says of money and of the past outlives whatever an agent does to the session's copy of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.session import journal
from samobot.session.folder import SessionFolder, archive, restore
from samobot.session.journal import EventName, append, read
from samobot.session.journal_copy import remove_requests, restore_copy
from samobot.session.vault import use_state_dir

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    found = SessionFolder(tmp_path / "26-01-31-greet")
    found.prepare()
    append(found, EventName.RUN_START, NOW, run="r", pid=1, budget_usd=5, auto=False)
    append(found, EventName.ITERATION_END, NOW, phase="planning", cost_usd=2)
    return found


def replace(folder: SessionFolder, put: Callable[[Path], object]) -> None:
    folder.journal.unlink()
    put(folder.journal)


def forge(event: str, **fields: object) -> Callable[[SessionFolder], object]:
    line = json.dumps({"at": "2026-01-31T12:00:01Z", "event": event, **fields})

    def write(folder: SessionFolder) -> None:
        with folder.journal.open("a") as file:
            file.write(line + "\n")

    return write


MISHAPS: dict[str, Callable[[SessionFolder], object]] = {
    "deleted": lambda folder: folder.journal.unlink(),
    "deleted with all logs": lambda folder: shutil.rmtree(folder.logs),
    "emptied": lambda folder: folder.journal.write_text(""),
    "shortened": lambda folder: folder.journal.write_text(folder.journal.read_text().splitlines()[0] + "\n"),
    "rewritten": lambda folder: folder.journal.write_text(folder.journal.read_text().replace(": 2", ": 0")),
    "replaced by a folder": lambda folder: replace(folder, Path.mkdir),
    "replaced by a pipe": lambda folder: replace(folder, os.mkfifo),
    "replaced by a link": lambda folder: replace(folder, lambda path: path.symlink_to("/dev/null")),
    "garbled": lambda folder: folder.journal.write_bytes(b"\xff\x00 nonsense"),
    "a budget": forge("budget", usd=999, by="owner"),
    "no budget": forge("budget", usd=None, by="owner"),
    "a run with a budget": forge("run_start", run="x", pid=1, budget_usd=999, auto=False),
    "an automatic run": forge("run_start", run="x", pid=1, auto=True),
    "a person's move": forge("phase", **{"from": "planning", "to": "implementation", "by": "person"}),
    "a refund": forge("iteration_end", n=1, phase="planning", cost_usd=-2),
}


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
def test_money_that_was_spent_does_not_vanish_with_the_journal(
    folder: SessionFolder, mishap: Callable[[SessionFolder], object]
) -> None:
    mishap(folder)
    folder.prepare()
    told = restore_copy(folder)
    assert told is not None
    assert "journal" in told
    append(folder, EventName.ITERATION_END, NOW, phase="planning", cost_usd=1)
    known = read(folder)
    assert (known.cost_usd, known.budget_usd, known.damaged, known.phases) == (3, 5, 0, ())
    assert known.run is not None
    assert not known.run.auto
    assert folder.journal.read_bytes() == folder.vault.journal.read_bytes()
    assert restore_copy(folder) is None


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
def test_an_agent_grants_nothing_while_it_runs(
    folder: SessionFolder, mishap: Callable[[SessionFolder], object]
) -> None:
    before = read(folder)
    mishap(folder)
    assert read(folder) == before


def test_what_differed_is_kept(folder: SessionFolder) -> None:
    MISHAPS["a budget"](folder)
    written = folder.journal.read_bytes()
    told = restore_copy(folder) or ""
    (kept,) = folder.logs.glob("journal-differing-*.jsonl")
    assert kept.name in told
    assert kept.read_bytes() == written


def test_what_was_added_meanwhile_stays(folder: SessionFolder) -> None:
    append(folder, EventName.BUDGET, NOW, usd=9, by="Ann")
    before = folder.journal.read_bytes()
    assert restore_copy(folder) is None
    assert folder.journal.read_bytes() == before

    folder.journal.unlink()
    append(folder, EventName.BUDGET, NOW, usd=12, by="Ann")
    assert restore_copy(folder) is not None
    found = read(folder)
    assert (found.budget_usd, found.cost_usd, found.damaged) == (12, 2, 0)


def test_an_event_that_a_dying_worker_did_not_copy_is_no_tampering(folder: SessionFolder) -> None:
    folder.journal.write_text("".join(folder.journal.read_text().splitlines(keepends=True)[:-1]))
    assert restore_copy(folder, after_crash=True) is None
    assert folder.journal.read_bytes() == folder.vault.journal.read_bytes()


def test_event_that_a_dying_process_did_not_copy_is_copied_with_the_next_one(folder: SessionFolder) -> None:
    before = folder.journal.read_bytes()
    append(folder, EventName.NOTICE, NOW, text="the bot died after this")
    folder.journal.write_bytes(before)
    append(folder, EventName.NOTICE, NOW, text="the next one")
    assert folder.journal.read_bytes() == folder.vault.journal.read_bytes()
    assert restore_copy(folder) is None


@pytest.mark.parametrize("left", [0, 10])
def test_what_an_agent_cut_from_the_copy_is_not_added_silently(folder: SessionFolder, left: int) -> None:
    os.truncate(folder.journal, left)
    append(folder, EventName.NOTICE, NOW, text="the next one")
    assert restore_copy(folder) is not None


def test_a_session_without_a_journal_needs_none(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "26-01-31-hand")
    folder.prepare()
    assert restore_copy(folder) is None
    assert not folder.journal.exists()


def test_requests_in_the_session_have_no_effect(folder: SessionFolder) -> None:
    (folder.logs / "control.json").write_text(
        '[{"kind": "budget", "who": "owner", "usd": 999, "worker": null}]'
    )
    told = remove_requests(folder)
    assert told is not None
    assert "no effect" in told
    assert not (folder.logs / "control.json").exists()
    assert len(list(folder.logs.glob("control.json.*"))) == 1
    assert remove_requests(folder) is None


GRANTS: dict[str, tuple[dict[str, object], ...]] = {
    "auto": ({"event": "run_start", "run": "r", "auto": True, "budget_usd": 3},),
    "budgets": (
        {"event": "run_start", "run": "r", "auto": True, "budget_usd": 3},
        {"event": "budget", "usd": 999},
        {"event": "budget", "usd": None},
        {"event": "run_start", "run": "s", "auto": True, "budget_usd": 7},
    ),
    "phase": (
        {"event": "budget", "usd": 3},
        {"event": "phase", "from": "planning", "to": "implementation", "by": "person"},
    ),
}


@pytest.mark.parametrize("lines", GRANTS.values(), ids=GRANTS)
def test_a_session_without_a_vault_is_read_but_grants_nothing(
    tmp_path: Path, lines: tuple[dict[str, object], ...]
) -> None:
    folder = SessionFolder(tmp_path / "26-01-31-moved")
    folder.prepare()
    cost = {"event": "iteration_end", "phase": "planning", "cost_usd": 1.5}
    found = [json.dumps({"at": "2026-01-31T12:00:00Z", **line}) for line in (*lines, cost)]
    folder.journal.write_text("\n".join(found) + "\n")
    for _ in ("its own", "adopted"):
        known = read(folder)
        assert (known.cost_usd, known.budget_usd) == (1.5, 3)
        assert known.run is None or not known.run.auto
        assert all(change.by != "person" for change in known.phases)
        assert sum(event["event"] == "iteration_end" for event in journal.events(folder)) == 1
        append(folder, EventName.NOTICE, NOW, text="adopted")


def test_budget_that_the_user_sets_after_the_adoption_counts(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "26-01-31-moved")
    folder.prepare()
    forge("budget", usd=3)(folder)
    append(folder, EventName.BUDGET, NOW, usd=20, by="Ann")
    assert read(folder).budget_usd == 20


def test_the_vault_follows_a_session_into_the_archive_and_back(folder: SessionFolder) -> None:
    before = read(folder)
    archived = SessionFolder(archive(folder))
    assert read(archived) == before
    assert not folder.vault.path.exists()
    restored = SessionFolder(restore(archived))
    assert read(restored) == before
    assert restored.vault == folder.vault


def test_the_vault_is_its_owners_alone(folder: SessionFolder) -> None:
    assert folder.vault.path.stat().st_mode & 0o777 == 0o700
    assert folder.vault.journal.stat().st_mode & 0o777 == 0o600


def test_another_way_to_the_same_folder_leads_to_the_same_vault(
    folder: SessionFolder, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(folder.path.parent)
    assert SessionFolder(tmp_path / "link" / folder.path.name).vault == folder.vault
    assert SessionFolder(folder.path.parent / "26-01-31-other").vault != folder.vault


def test_a_state_folder_that_cannot_be_written_is_refused_and_nothing_is_lost(
    folder: SessionFolder, tmp_path: Path
) -> None:
    before = folder.journal.read_bytes()
    blocked = tmp_path / "no-folder"
    blocked.write_text("")
    use_state_dir(blocked)
    with pytest.raises(StorageError, match="SAMOBOT_STATE_DIR"):
        append(SessionFolder(folder.path), EventName.NOTICE, NOW, text="lost?")  # which keeps its vault
    assert folder.journal.read_bytes() == before
