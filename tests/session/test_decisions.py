from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.errors import StorageError
from samobot.session.decisions import (
    Decision,
    DecisionKind,
    approved,
    is_marked,
    load_key,
    parse_decisions,
    read,
    record,
)
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import read_plan
from samobot.session.plan import Plan
from samobot.session.qa import parse_qa
from tests.support.session_folder import KEY, NOW, QUESTIONS, make_session, write_plan


def decide(folder: SessionFolder, kind: DecisionKind, sha256: str) -> Decision:
    return record(folder, Decision(NOW, "anna", "telegram", kind, sha256=sha256, text="é\n“x” \ud800"), KEY)


def plan_of(folder: SessionFolder) -> Plan:
    plan = read_plan(folder).plan
    assert plan is not None
    return plan


def test_a_recorded_decision_reads_back_with_its_mark(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    first = record(
        folder,
        Decision(NOW, "anna", "terminal", DecisionKind.ANSWER, question="Q1", asked="a", text="é\n“x”"),
        KEY,
    )
    log = read(folder)
    assert log.decisions == (first,)
    assert is_marked(folder, log.decisions[0], KEY)
    assert log.problems == ()


def test_equal_decisions_have_different_marks(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    one, two = decide(folder, DecisionKind.APPROVAL, "x"), decide(folder, DecisionKind.APPROVAL, "x")
    assert one.mark != two.mark


def test_a_changed_line_a_foreign_key_and_another_session_spoil_the_mark(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    record(folder, Decision(NOW, "anna", "telegram", DecisionKind.APPROVAL, sha256="x"), KEY)
    line = json.loads(folder.decisions.read_text())
    assert is_marked(folder, parse_decisions(json.dumps(line)).decisions[0], KEY)
    for key, value in {"sha256": "y", "who": "eve", "kind": "rejection", "at": None, "mark": "é"}.items():
        assert not is_marked(folder, parse_decisions(json.dumps({**line, key: value})).decisions[0], KEY)
    decision = read(folder).decisions[0]
    assert not is_marked(folder, decision, b"other")
    assert not is_marked(SessionFolder(tmp_path / "26-01-15-other"), decision, KEY)


def test_an_approval_is_bound_to_the_plan_as_it_was(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    sha = write_plan(folder)
    assert not approved(folder, plan_of(folder))
    decide(folder, DecisionKind.APPROVAL, sha)
    assert approved(folder, plan_of(folder))
    write_plan(folder, "# changed\n- [ ] x\n")
    assert not approved(folder, plan_of(folder))
    write_plan(folder)
    assert approved(folder, plan_of(folder))


def test_newest_decision_about_a_plan_counts(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    sha = write_plan(folder)
    decide(folder, DecisionKind.APPROVAL, sha)
    decide(folder, DecisionKind.REJECTION, sha)
    decide(folder, DecisionKind.APPROVAL, "another plan")
    assert not approved(folder, plan_of(folder))
    decide(folder, DecisionKind.APPROVAL, sha)
    assert approved(folder, plan_of(folder))


def test_line_that_the_user_wrote_by_hand_counts(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    sha = write_plan(folder)
    folder.decisions.write_text(f'{{"kind": "approval", "sha256": "{sha.upper()}"}}\r\n')
    assert approved(folder, plan_of(folder))
    folder.decisions.write_text('{"kind": "approval", "file": "01-15-10:30-plan-greeting.md"}\n')
    assert not approved(folder, plan_of(folder))


def test_what_is_no_decision_is_named_and_left_out(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    decide(folder, DecisionKind.APPROVAL, "x")
    with folder.decisions.open("a") as file:
        file.write('{"kind": "dance"}\n\nnot json\n[]\n')
    log = read(folder)
    assert len(log.decisions) == 1
    assert [problem.split(" is not")[0] for problem in log.problems] == [
        "_decisions.jsonl line 2",
        "_decisions.jsonl line 4",
        "_decisions.jsonl line 5",
    ]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    log = parse_decisions(text)
    assert len(log.decisions) + len(log.problems) <= text.count("\n") + 1


def test_question_is_identified_by_its_text_and_options_not_by_its_place() -> None:
    first = parse_qa(QUESTIONS).questions[0]
    moved = parse_qa("# New\n\n\n" + QUESTIONS.replace("with the name", "with  the name")).questions[0]
    other = parse_qa(QUESTIONS.replace("A) hello", "A) goodbye")).questions[0]
    assert first.identity == moved.identity
    assert first.identity != other.identity


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    state = tmp_path / "state" / "samobot"
    keys: list[bytes] = []
    together = threading.Barrier(8)

    def load() -> None:
        together.wait()
        keys.append(load_key(state))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    (file,) = state.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert load_key(state) == keys[0]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "é"])
def test_a_damaged_key_is_said_with_the_remedy(tmp_path: Path, content: str) -> None:
    load_key(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    with pytest.raises(StorageError, match="delete it"):
        load_key(tmp_path)
