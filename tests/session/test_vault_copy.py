"""Records of the state folder that an agent deletes or replaces come back, with what was recorded meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from samobot.errors import StorageError
from samobot.phases import Phase
from samobot.session import baseline
from samobot.session.decisions import read
from samobot.session.folder import SessionFolder
from samobot.session.gate import answer, approve, tell
from samobot.session.gate_state import look
from samobot.session.guidance import parse_guidance
from samobot.session.journal import EventName, append
from samobot.session.journal import read as read_journal
from samobot.session.tamper import VoidKind, revert
from samobot.session.vault import edit_lock
from samobot.session.vault_copy import copy_vault, restore_vault
from tests.support.session_folder import ANNA, KEY, NOW, QUESTIONS, make_session, write_plan

Deed = Callable[[Path], object]


def gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def then(path: Path, put: Deed) -> object:
    if os.path.lexists(path):
        gone(path)
    return put(path)


def moved_and_linked(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


DEEDS: dict[str, Deed] = {
    "deleted": gone,
    "the folder above deleted": lambda vault: gone(vault.parent),
    "a file in its place": lambda vault: then(vault, Path.touch),
    "a file in place of the folder above": lambda vault: then(vault.parent, Path.touch),
    "a pipe in its place": lambda vault: then(vault, os.mkfifo),
    "a link to nothing in its place": lambda vault: then(vault, lambda path: path.symlink_to("nothing")),
    "moved and linked": moved_and_linked,
    "the baseline deleted": lambda vault: gone(vault / "baseline.json"),
    "the journal emptied": lambda vault: os.truncate(vault / "journal.jsonl", 0),
    "the journal huge": lambda vault: os.truncate(vault / "journal.jsonl", 100 * 1024**3),
    "junk in the journal": lambda vault: (vault / "journal.jsonl").open("ab").write(b"x\n" * 1000),
    "the decisions huge": lambda vault: os.truncate(vault / "decisions.jsonl", 100 * 1024**3),
    "the journal a folder": lambda vault: then(vault / "journal.jsonl", Path.mkdir),
    "the journal rewritten": lambda vault: (vault / "journal.jsonl").write_text('{"event": "notice"}\n'),
    "the decisions deleted": lambda vault: gone(vault / "decisions.jsonl"),
    "the decisions a pipe": lambda vault: then(vault / "decisions.jsonl", os.mkfifo),
    "the locks folders": lambda vault: [then(vault / name, Path.mkdir) for name in ("edit.lock", ".lock")],
    "the streams a file": lambda vault: then(vault / "streams", Path.touch),
    "the baseline emptied": lambda vault: os.truncate(vault / "baseline.json", 0),
    "the baseline replaced": lambda vault: (vault / "baseline.json").write_text(
        '{"qa": null, "decisions": null, "recorded": 0}\n'
    ),
    "the guidance emptied": lambda vault: os.truncate(vault / "guidance.md", 0),
    "the guidance cut": lambda vault: os.truncate(vault / "guidance.md", 20),
    "the guidance huge": lambda vault: os.truncate(vault / "guidance.md", 100 * 1024**3),
    "the overview emptied": lambda vault: os.truncate(vault / "overview.md", 0),
    "the overview rewritten": lambda vault: (vault / "overview.md").write_text("## Status\nPhase: done\n"),
    "the requests a pipe": lambda vault: os.mkfifo(vault / "control.json"),
}


def begun(parent: Path) -> tuple[SessionFolder, str]:
    folder = make_session(parent, phase="planning", qa=QUESTIONS)
    sha = write_plan(folder)
    append(folder, EventName.RUN_START, NOW, run="r", pid=1, auto=False, budget_usd=3)
    append(folder, EventName.ITERATION_END, NOW, n=1, phase="planning", cost_usd=1)
    answer(folder, {"Q1": "A", "Q2": "loud"}, ANNA, NOW, KEY)
    tell(folder, "Use tabs", "anna", NOW)
    with edit_lock(folder.path):
        baseline.save(folder)
    return folder, sha


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_records_that_an_agent_destroys_are_restored_and_the_user_is_told(tmp_path: Path, deed: Deed) -> None:
    folder, sha = begun(tmp_path)
    copy = copy_vault(folder.vault)
    assert restore_vault(copy) is None
    deed(folder.vault.path)
    with folder.decisions.open("a") as file:
        file.write(f'{{"kind": "approval", "who": "owner", "sha256": "{sha}", "id": "0"}}\n')
    sentence = restore_vault(copy)
    assert sentence is not None
    assert "they are back" in sentence
    assert restore_vault(copy) is None
    assert not look(folder).plan_approved
    with edit_lock(folder.path):
        assert VoidKind.DECISION in [each.kind for each in revert(folder)]
    known = read_journal(folder)
    assert (known.cost_usd, known.budget_usd) == (1, 3)
    assert [each.answer for each in look(folder).qa.questions] == ["A) hello", "loud"]
    assert (look(folder).overview.phase, look(folder).overview.task) == (Phase.PLANNING, "greet")
    assert [each.text for each in parse_guidance(folder.guidance.read_text())] == ["Use tabs"]
    assert not folder.vault.path.is_symlink()


def test_what_the_user_decides_after_the_records_were_deleted_is_kept(tmp_path: Path) -> None:
    folder, _ = begun(tmp_path)
    copy = copy_vault(folder.vault)
    gone(folder.vault.path)
    approve(folder, ANNA, NOW, KEY)
    append(folder, EventName.BUDGET, NOW, usd=5, by="anna")
    assert restore_vault(copy) is not None
    with edit_lock(folder.path):
        revert(folder)
    assert look(folder).plan_approved
    assert [each.kind for each in read(folder).decisions] == ["answer", "answer", "approval"]
    assert (read_journal(folder).cost_usd, read_journal(folder).budget_usd) == (1, 5)


def test_a_state_folder_that_is_gone_for_good_is_one_clear_error(tmp_path: Path) -> None:
    folder, _ = begun(tmp_path)
    copy = copy_vault(folder.vault)
    state = folder.vault.path.parent.parent
    gone(state)
    state.touch()
    with pytest.raises(StorageError, match="cannot be made"):
        restore_vault(copy)
