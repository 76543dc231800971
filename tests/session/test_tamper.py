from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.session.decisions import Decision, DecisionKind, approved, read, record
from samobot.session.folder import SessionFolder
from samobot.session.gate import answer, approve
from samobot.session.gate_state import read_plan
from samobot.session.qa import parse_qa, set_answer
from samobot.session.tamper import VoidKind, save, saved, undo
from tests.support.session_folder import ANNA, KEY, NOW, QUESTIONS, make_session, write_plan


def answers(folder: SessionFolder) -> list[str | None]:
    return [question.answer for question in parse_qa(folder.qa.read_text()).questions]


def kinds(folder: SessionFolder, baseline_edit: Callable[[], object]) -> list[VoidKind]:
    baseline = save(folder)
    baseline_edit()
    return [voided.kind for voided in undo(folder, baseline, KEY)]


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, phase="requirements", qa=QUESTIONS)


def forge_answer(folder: SessionFolder, index: int = 0, words: str = "B) mine") -> None:
    folder.qa.write_text(set_answer(folder.qa.read_text(), index, words))


def test_an_answer_of_the_agents_own_is_open_again(folder: SessionFolder) -> None:
    baseline = save(folder)
    forge_answer(folder)
    (voided,) = undo(folder, baseline, KEY)
    assert voided.kind is VoidKind.ANSWER
    assert "Q1" in voided.detail
    assert "B) mine" in voided.detail
    assert folder.qa.read_text() == QUESTIONS
    assert undo(folder, baseline, KEY) == ()


def test_users_answer_that_the_agent_changed_is_restored(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    before = folder.qa.read_text()
    assert kinds(folder, lambda: forge_answer(folder)) == [VoidKind.ANSWER]
    assert folder.qa.read_text() == before


def test_users_answer_that_the_agent_removed_is_restored(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A", "Q2": "loud\n\n### Q9: no question"}, ANNA, NOW, KEY)
    assert kinds(folder, lambda: folder.qa.write_text(QUESTIONS)) == [VoidKind.ANSWER_REMOVED] * 2
    assert answers(folder) == ["A) hello", "loud\n\n### Q9: no question"]


def test_answer_given_by_the_user_meanwhile_stays(folder: SessionFolder) -> None:
    assert kinds(folder, lambda: answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)) == []
    assert answers(folder) == ["A) hello", None]
    assert len(read(folder).decisions) == 1


def test_answer_given_meanwhile_and_overwritten_by_the_agent_is_restored(folder: SessionFolder) -> None:
    def meanwhile() -> None:
        answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
        folder.qa.write_text(QUESTIONS)
        forge_answer(folder, 1, "quiet")

    assert sorted(kinds(folder, meanwhile)) == [VoidKind.ANSWER, VoidKind.ANSWER_REMOVED]
    assert answers(folder) == ["A) hello", None]


def test_answer_changed_twice_by_the_user_meanwhile_is_the_last_one(folder: SessionFolder) -> None:
    def meanwhile() -> None:
        answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
        answer(folder, {"Q1": "my own words"}, ANNA, NOW + timedelta(seconds=1), KEY)

    assert kinds(folder, meanwhile) == []
    assert answers(folder) == ["my own words", None]


def test_a_question_that_is_asked_and_answered_at_once_is_open(folder: SessionFolder) -> None:
    folder.qa.unlink()
    asked_and_answered = set_answer(QUESTIONS, 0, "B) mine")
    assert kinds(folder, lambda: folder.qa.write_text(asked_and_answered)) == [VoidKind.ANSWER]
    assert answers(folder) == [None, None]


def test_new_questions_stay_and_so_do_the_answers_before_them(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A", "Q2": "loud"}, ANNA, NOW, KEY)
    text = folder.qa.read_text() + "\n## Round 2\n\n### Q1: And then?\n**Answer:** _waiting_\n"
    assert kinds(folder, lambda: folder.qa.write_text(text)) == []
    assert folder.qa.read_text() == text


def test_a_question_changed_under_its_answer_is_asked_again_and_the_old_file_is_kept(
    folder: SessionFolder,
) -> None:
    answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    before = folder.qa.read_bytes()
    changed = folder.qa.read_text().replace("A) hello", "A) delete everything", 1)
    assert kinds(folder, lambda: folder.qa.write_text(changed)) == [VoidKind.ANSWER]
    assert answers(folder) == [None, None]
    assert [path.read_bytes() for path in folder.logs.glob("qa-*.md")] == [before]


def test_removing_an_open_question_is_reported(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    shorter = folder.qa.read_text().split("### Q2")[0]
    assert kinds(folder, lambda: folder.qa.write_text(shorter)) == [VoidKind.QUESTION_REMOVED]


def test_a_new_file_for_a_new_round_is_fine_and_the_old_one_is_kept(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A", "Q2": "loud"}, ANNA, NOW, KEY)
    before = folder.qa.read_bytes()
    assert kinds(folder, lambda: folder.qa.write_text("### Q3: More?\n**Answer:** _waiting_\n")) == []
    assert [path.read_bytes() for path in folder.logs.glob("qa-*.md")] == [before]


def test_deleted_questions_come_back(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    before = folder.qa.read_text()
    assert kinds(folder, folder.qa.unlink) == [VoidKind.QUESTIONS_DELETED]
    assert folder.qa.read_text() == before


def forge_approval(folder: SessionFolder, sha: str) -> None:
    with folder.decisions.open("a") as file:
        file.write(
            f'{{"kind": "approval", "who": "anna", "sha256": "{sha}", "id": "1", "mark": "{"0" * 64}"}}\n'
        )


def test_a_forged_approval_is_taken_out(folder: SessionFolder) -> None:
    sha = write_plan(folder)
    assert kinds(folder, lambda: forge_approval(folder, sha)) == [VoidKind.DECISION]
    assert not folder.decisions.exists()
    plan = read_plan(folder).plan
    assert plan is not None
    assert not approved(folder, plan)


def test_users_approval_meanwhile_stays_although_the_agent_had_forged_the_same(
    folder: SessionFolder,
) -> None:
    sha = write_plan(folder)

    def meanwhile() -> None:
        forge_approval(folder, sha)
        approve(folder, ANNA, NOW, KEY)
        forge_approval(folder, "other")

    assert kinds(folder, meanwhile) == [VoidKind.DECISION, VoidKind.DECISION]
    (kept,) = read(folder).decisions
    assert (kept.who, kept.sha256) == ("anna", sha)


def test_users_answer_meanwhile_stays_although_the_agent_had_forged_the_same(folder: SessionFolder) -> None:
    answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    answer(folder, {"Q1": "B"}, ANNA, NOW, KEY)

    def meanwhile() -> None:
        forge_answer(folder, 0, "A) hello")
        answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
        answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)

    assert kinds(folder, meanwhile) == []
    assert answers(folder) == ["A) hello", None]
    assert [decision.text for decision in read(folder).decisions if decision.text == "A) hello"] == [
        "A) hello"
    ] * 2


def test_a_copied_decision_is_void(folder: SessionFolder) -> None:
    record(folder, Decision(NOW, "anna", "telegram", DecisionKind.APPROVAL, sha256="x"), KEY)
    record(folder, Decision(NOW, "anna", "telegram", DecisionKind.REJECTION, sha256="x"), KEY)
    before = folder.decisions.read_bytes()
    again = before.split(b"\n")[0] + b"\n"
    assert kinds(folder, lambda: folder.decisions.write_bytes(before + again)) == [VoidKind.DECISION]
    assert folder.decisions.read_bytes() == before
    spaced = again.replace(b'"who":', b'"who" :')
    assert kinds(folder, lambda: folder.decisions.write_bytes(before + spaced)) == [VoidKind.DECISION]
    assert folder.decisions.read_bytes() == before


def test_a_copied_decision_made_meanwhile_counts_once(folder: SessionFolder) -> None:
    def meanwhile() -> None:
        record(folder, Decision(NOW, "anna", "telegram", DecisionKind.APPROVAL, sha256="x"), KEY)
        folder.decisions.write_bytes(folder.decisions.read_bytes() * 2)

    assert kinds(folder, meanwhile) == [VoidKind.DECISION]
    assert len(read(folder).decisions) == 1


@pytest.mark.parametrize("how", ["delete", "empty", "folder", "link", "reorder"])
def test_record_of_decisions_that_was_deleted_or_rewritten_is_restored(
    folder: SessionFolder, how: str
) -> None:
    for kind in (DecisionKind.APPROVAL, DecisionKind.REJECTION):
        record(folder, Decision(NOW, "anna", "telegram", kind, sha256="x"), KEY)
    before = folder.decisions.read_bytes()

    def tamper() -> None:
        if how == "reorder":
            folder.decisions.write_bytes(b"\n".join(reversed(before.splitlines())) + b"\n")
            return
        folder.decisions.unlink()
        if how == "empty":
            folder.decisions.touch()
        elif how == "folder":
            folder.decisions.mkdir()
        elif how == "link":
            elsewhere = folder.path.parent / "elsewhere"
            elsewhere.write_bytes(before)
            folder.decisions.symlink_to(elsewhere)

    assert kinds(folder, tamper) == [VoidKind.DECISIONS_REWRITTEN]
    assert folder.decisions.read_bytes() == before
    assert not folder.decisions.is_symlink()


def test_lines_that_the_user_wrote_by_hand_before_stay(folder: SessionFolder) -> None:
    folder.decisions.write_bytes(b'{"kind": "approval", "sha256": "x"}')
    assert kinds(folder, lambda: None) == []
    assert folder.decisions.read_bytes() == b'{"kind": "approval", "sha256": "x"}'


def test_a_killed_worker_leaves_what_the_next_one_needs(folder: SessionFolder) -> None:
    save(folder)
    forge_answer(folder)
    baseline = saved(folder)
    assert baseline is not None
    assert [voided.kind for voided in undo(folder, baseline, KEY)] == [VoidKind.ANSWER]
    assert folder.qa.read_text() == QUESTIONS
    assert saved(folder) is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"qa": 1, "decisions": null}', '{"qa": "?", "decisions": null}']
)
def test_a_damaged_copy_is_no_baseline(folder: SessionFolder, content: str) -> None:
    save(folder)
    (folder.logs / "baseline.json").write_text(content)
    assert saved(folder) is None


@settings(max_examples=60, deadline=None)
@given(
    qa=st.text(max_size=200) | st.just(QUESTIONS.replace("_waiting_", "yes")),
    decisions=st.binary(max_size=100),
)
def test_whatever_an_agent_writes_no_new_answer_or_decision_is_left(
    tmp_path_factory: pytest.TempPathFactory, qa: str, decisions: bytes
) -> None:
    parent = tmp_path_factory.mktemp("agent")
    folder = make_session(parent, qa=QUESTIONS)
    try:
        baseline = save(folder)
        folder.qa.write_bytes(qa.encode("utf-8", "replace"))
        folder.decisions.write_bytes(decisions)
        undo(folder, baseline, KEY)
        text = folder.qa.read_bytes().decode("utf-8", "surrogateescape")
        assert all(question.answer is None for question in parse_qa(text).questions)
        assert read(folder).decisions == ()
    finally:
        shutil.rmtree(parent)


IMPOSTORS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("put", IMPOSTORS.values(), ids=IMPOSTORS)
def test_what_is_no_file_in_the_copys_place_hangs_nobody(
    folder: SessionFolder, put: Callable[[Path], object]
) -> None:
    path = folder.logs / "baseline.json"
    put(path)
    with pytest.raises(StorageError, match=r"baseline\.json is not a regular file; move it away"):
        answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    with pytest.raises(StorageError, match=r"baseline\.json"):
        saved(folder)


@pytest.mark.parametrize("put", IMPOSTORS.values(), ids=IMPOSTORS)
def test_what_an_agent_puts_in_the_copys_place_is_moved_away_and_helps_it_to_nothing(
    folder: SessionFolder, put: Callable[[Path], object]
) -> None:
    baseline = save(folder)
    path = folder.logs / "baseline.json"
    path.unlink()
    put(path)
    forge_answer(folder)
    (voided,) = undo(folder, baseline, KEY)
    assert voided.kind is VoidKind.ANSWER
    assert not os.path.lexists(path)
    assert len(list(folder.logs.glob("baseline.json.*"))) == 1
