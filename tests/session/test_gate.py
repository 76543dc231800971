from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samobot.errors import ConflictError, NotFoundError, StorageError, UsageError
from samobot.phases import GateFacts, Phase, WaitingFor
from samobot.session import baseline, gate
from samobot.session.decisions import DecisionKind, read, record
from samobot.session.files import write_atomic
from samobot.session.folder import SessionFolder
from samobot.session.gate import Person, Settled
from samobot.session.guidance import parse_guidance
from samobot.session.journal import EventName, adopt, append, events
from samobot.session.journal import read as read_journal
from samobot.session.lock import RunLock
from samobot.session.overview import Overview, parse_overview
from samobot.session.qa import parse_qa
from samobot.session.question import Option, Question
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from tests.support.cases import for_each
from tests.support.session_folder import ANNA, KEY, NOW, QUESTIONS, make_session, write_plan, write_signal

BEN = Person("ben", "terminal")


def questions(folder: SessionFolder) -> tuple[Question, ...]:
    return parse_qa(folder.qa.read_text()).questions


def answers(folder: SessionFolder) -> list[str | None]:
    return [question.answer for question in questions(folder)]


def overview(folder: SessionFolder) -> Overview:
    return parse_overview(folder.overview.read_text())


def journaled(folder: SessionFolder, event: str) -> list[dict[str, object]]:
    return [record for record in events(folder) if record["event"] == event]


@pytest.fixture
def asking(tmp_path: Path) -> SessionFolder:
    return make_session(
        tmp_path,
        phase="requirements",
        blocked="waiting_human",
        qa=QUESTIONS,
        signal={"status": "waiting", "for": "qa_answers"},
    )


@pytest.fixture
def planning(tmp_path: Path) -> SessionFolder:
    folder = make_session(
        tmp_path,
        phase="planning",
        blocked="waiting_human",
        iteration=3,
        signal={"status": "waiting", "for": "plan_approval"},
    )
    write_plan(folder)
    return folder


def sha_of(folder: SessionFolder) -> str:
    plan = snapshot(folder, "demo").standing.plan
    assert plan is not None
    return plan.sha256


# Answers


def test_letter_takes_the_option_with_its_text_and_keeps_the_remainder(asking: SessionFolder) -> None:
    receipt = gate.answer(asking, {"Q1": "b"}, ANNA, NOW, KEY)
    assert asking.qa.read_text() == QUESTIONS.replace("_waiting_", "B) good day, with the name", 1)
    assert (receipt.open_questions, receipt.settled) == (1, Settled.NOTHING)
    (done,) = receipt.answered
    assert (done.question.label, done.answer, done.before) == ("Q1", "B) good day, with the name", None)


@pytest.mark.parametrize(
    "words",
    ["B because it is polite", "`code`\n\n### Q9: x\n**Answer:** no", "_waiting_", "x" * 10_000, "é “ü”"],
)
def test_any_other_text_is_written_verbatim(asking: SessionFolder, words: str) -> None:
    gate.answer(asking, {"2": words}, ANNA, NOW, KEY)
    assert answers(asking) == [None, words]


def test_the_last_answer_opens_the_way_in_the_same_phase(asking: SessionFolder) -> None:
    receipt = gate.answer(asking, {"Q1": "A", 1: "loud"}, ANNA, NOW, KEY)
    assert (receipt.open_questions, receipt.settled) == (0, Settled.ANSWERED)
    now = overview(asking)
    assert (now.phase, now.blocked) == (Phase.REQUIREMENTS, "no")
    assert "2 questions answered" in now.flow[-1].text
    assert not asking.signal.exists()
    assert snapshot(asking, "demo").status.state is SessionState.IDLE


def test_an_answer_is_on_record_and_in_the_journal(asking: SessionFolder) -> None:
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    (decision,) = read(asking).decisions
    assert (decision.kind, decision.who, decision.via) == (DecisionKind.ANSWER, "anna", "telegram")
    assert (decision.question, decision.text, decision.asked) == (
        "Q1",
        "A) hello",
        questions(asking)[0].identity,
    )
    (event,) = journaled(asking, "decision")
    assert (event["kind"], event["who"], event["via"], event["question"]) == (
        "answer",
        "anna",
        "telegram",
        "Q1",
    )


def test_the_same_answer_again_changes_nothing(asking: SessionFolder) -> None:
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    before = (asking.qa.read_text(), asking.decisions.read_text(), asking.journal.read_text())
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    assert (asking.qa.read_text(), asking.decisions.read_text(), asking.journal.read_text()) == before


def test_of_several_answers_all_are_written_or_none(asking: SessionFolder) -> None:
    with pytest.raises(UsageError, match="Q1 has no option C; it has A, B"):
        gate.answer(asking, {"Q2": "loud", "Q1": "C"}, ANNA, NOW, KEY)
    with pytest.raises(NotFoundError, match="Q1, Q2"):
        gate.answer(asking, {"Q2": "loud", "Q7": "x"}, ANNA, NOW, KEY)
    with pytest.raises(UsageError, match="empty"):
        gate.answer(asking, {"Q1": "A", "Q2": " \n"}, ANNA, NOW, KEY)
    with pytest.raises(UsageError, match="Q1=A"):
        gate.answer(asking, {}, ANNA, NOW, KEY)
    with pytest.raises(NotFoundError):
        gate.answer(asking, {5: "x"}, ANNA, NOW, KEY)
    assert asking.qa.read_text() == QUESTIONS
    assert not asking.decisions.exists()


def test_an_answer_may_be_changed_while_nobody_works_with_it(asking: SessionFolder) -> None:
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    receipt = gate.answer(asking, {"Q1": "B"}, BEN, NOW, KEY)
    assert receipt.answered[0].before == "A) hello"
    assert [decision.who for decision in read(asking).decisions] == ["anna", "ben"]
    with RunLock.acquire(asking, NOW) as lock:
        lock.update(claude_pid=4711)
        with pytest.raises(ConflictError, match="already working with"):
            gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
        gate.answer(asking, {"Q2": "loud"}, ANNA, NOW, KEY)
    assert answers(asking) == ["B) good day, with the name", "loud"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_answer_that_an_iteration_has_worked_with_is_not_rewritten(
    asking: SessionFolder, by_hand: bool
) -> None:
    written = datetime.now(UTC)
    if by_hand:
        asking.qa.write_text(QUESTIONS.replace("_waiting_", "A) hello", 1).replace("_waiting_", "loud"))
        gate.settle(asking, written)
    else:
        gate.answer(asking, {"Q1": "A", "Q2": "loud"}, ANNA, written, KEY)
        assert gate.answer(asking, {"Q2": "louder"}, ANNA, written, KEY).answered[0].before == "loud"
    later = written + timedelta(seconds=5)
    iteration = {"n": 4, "phase": "requirements", "visit": 2, "session_id": "s", "log": "x"}
    append(asking, EventName.ITERATION_START, later, **iteration)
    with pytest.raises(ConflictError, match="already working with the answer to Q1"):
        gate.answer(asking, {"Q1": "B"}, ANNA, later, KEY)
    append(asking, EventName.ITERATION_END, later, **iteration, outcome="ok", cost_usd=0.1)
    before = asking.qa.read_text()
    with pytest.raises(ConflictError, match="already working with the answer to Q1"):
        gate.answer(asking, {"Q1": "B"}, BEN, later, KEY)
    assert asking.qa.read_text() == before
    # The same answer again is what a crash may make of one tap.
    gate.answer(asking, {"Q1": "A"}, ANNA, later, KEY)
    assert asking.qa.read_text() == before


def test_an_answer_of_an_earlier_round_may_be_changed_while_the_agent_asks_more(
    asking: SessionFolder,
) -> None:
    gate.answer(asking, {"Q1": "A", "Q2": "loud"}, ANNA, NOW, KEY)
    later = NOW + timedelta(seconds=5)
    append(asking, EventName.ITERATION_END, later, n=4, phase="requirements", outcome="ok", cost_usd=0.1)
    with asking.qa.open("a") as file:
        file.write("\n### Q3: And then?\n**Answer:** _waiting_\n")
    write_signal(asking, status="waiting", **{"for": "qa_answers"})
    gate.answer(asking, {"Q1": "B"}, ANNA, later, KEY)
    assert answers(asking) == ["B) good day, with the name", "loud", None]


def test_first_of_two_taps_wins_and_the_other_is_answered(asking: SessionFolder) -> None:
    told: list[str] = []
    together = threading.Barrier(2)

    def tap(letter: str, person: Person) -> None:
        together.wait()
        try:
            gate.answer(asking, {0: letter}, person, NOW, KEY, change=False)
        except ConflictError as error:
            told.append(error.message)

    threads = [threading.Thread(target=tap, args=args) for args in (("A", ANNA), ("B", BEN))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert "answered meanwhile" in told[0]
    (decision,) = read(asking).decisions
    assert answers(asking)[0] == decision.text


def test_a_question_that_changed_since_it_was_shown_is_not_answered(asking: SessionFolder) -> None:
    seen = {0: questions(asking)[0].identity}
    asking.qa.write_text(QUESTIONS.replace("A) hello", "A) goodbye"))
    with pytest.raises(ConflictError, match="look at it again"):
        gate.answer(asking, {0: "A"}, ANNA, NOW, KEY, expect=seen)
    assert answers(asking) == [None, None]


def test_a_number_that_is_there_twice_means_the_open_question(asking: SessionFolder) -> None:
    gate.answer(asking, {"Q1": "A", "Q2": "x"}, ANNA, NOW, KEY)
    with asking.qa.open("a") as file:
        file.write("\n## Round 2\n\n### Q1: And then?\n**Answer:** _waiting_\n")
    gate.answer(asking, {"q1": "go"}, ANNA, NOW, KEY)
    assert answers(asking) == ["A) hello", "x", "go"]


def test_all_suggestions_can_be_taken_at_once(asking: SessionFolder) -> None:
    receipt = gate.answer_suggestions(asking, ANNA, NOW, KEY)
    assert [done.answer for done in receipt.answered] == ["B) good day, with the name"]
    assert receipt.open_questions == 1
    with pytest.raises(UsageError, match="one by one"):
        gate.answer_suggestions(asking, ANNA, NOW, KEY)
    gate.answer(asking, {"Q2": "x"}, ANNA, NOW, KEY)
    with pytest.raises(ConflictError, match="no open question"):
        gate.answer_suggestions(asking, ANNA, NOW, KEY)


def test_suggestions_of_questions_that_were_not_shown_are_not_taken(asking: SessionFolder) -> None:
    shown = [question.identity for question in parse_qa(asking.qa.read_text()).open]
    with asking.qa.open("a") as file:
        file.write("\n## Round 2\n\n### Q3: And then?\n\n**Suggestion:** go\n\n**Answer:** _waiting_\n")
    before = asking.qa.read_text()
    with pytest.raises(ConflictError, match="Q3 has changed since it was shown"):
        gate.answer_suggestions(asking, ANNA, NOW, KEY, expected=shown)
    assert asking.qa.read_text() == before
    gate.answer(asking, {"Q3": "stop"}, ANNA, NOW, KEY)
    receipt = gate.answer_suggestions(asking, ANNA, NOW, KEY, expected=shown)
    assert [done.question.label for done in receipt.answered] == ["Q1"]


# The plan


def test_an_approval_moves_on_to_implementation_at_once(planning: SessionFolder) -> None:
    verdict = gate.approve(planning, ANNA, NOW, KEY, expected=sha_of(planning))
    assert (verdict.repeated, verdict.settled) == (False, Settled.APPROVED)
    now = overview(planning)
    assert (now.phase, now.blocked, now.iteration) == (Phase.IMPLEMENTATION, "no", 0)
    assert "anna approved the plan" in now.flow[-1].text
    assert now.next == "Carry out the plan"
    (decision,) = read(planning).decisions
    assert (decision.kind, decision.sha256, decision.file) == (
        DecisionKind.APPROVAL,
        verdict.plan.sha256,
        verdict.plan.name,
    )
    (move,) = journaled(planning, "phase")
    assert (move["from"], move["to"], move["by"]) == ("planning", "implementation", "person")
    assert not planning.signal.exists()


def test_an_approval_said_twice_counts_once(planning: SessionFolder) -> None:
    gate.approve(planning, ANNA, NOW, KEY)
    before = (planning.overview.read_text(), planning.decisions.read_text(), planning.journal.read_text())
    assert gate.approve(planning, BEN, NOW, KEY).repeated
    assert (
        planning.overview.read_text(),
        planning.decisions.read_text(),
        planning.journal.read_text(),
    ) == before


def test_a_plan_that_changed_since_it_was_shown_is_not_decided(planning: SessionFolder) -> None:
    seen = sha_of(planning)
    write_plan(planning, "# changed\n- [ ] x\n")
    with pytest.raises(ConflictError, match="has changed"):
        gate.approve(planning, ANNA, NOW, KEY, expected=seen)
    with pytest.raises(ConflictError, match="has changed"):
        gate.reject(planning, "no", ANNA, NOW, KEY, expected=seen)
    assert not planning.decisions.exists()


def test_without_a_plan_there_is_nothing_to_decide(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning")
    with pytest.raises(NotFoundError, match="no plan"):
        gate.approve(folder, ANNA, NOW, KEY)


def test_a_plan_can_be_approved_before_the_agent_asks(planning: SessionFolder) -> None:
    planning.signal.unlink()
    planning.overview.write_text(planning.overview.read_text().replace("waiting_human", "no"))
    assert gate.approve(planning, ANNA, NOW, KEY).settled is Settled.APPROVED
    assert overview(planning).phase is Phase.IMPLEMENTATION
    assert len(journaled(planning, "phase")) == 1


def test_an_approval_does_not_lift_a_block(planning: SessionFolder) -> None:
    planning.overview.write_text(planning.overview.read_text().replace("waiting_human", "yes - no network"))
    assert gate.approve(planning, ANNA, NOW, KEY).settled is Settled.NOTHING
    assert (overview(planning).phase, overview(planning).blocked) == (Phase.PLANNING, "yes - no network")


def test_rejection_keeps_planning_and_gives_the_agent_the_feedback(planning: SessionFolder) -> None:
    words = "No:\n- use `argparse`\n\n## and\ttests"
    verdict = gate.reject(planning, words, ANNA, NOW, KEY)
    assert verdict.settled is Settled.REJECTED
    (item,) = parse_guidance(planning.guidance.read_text())
    assert (item.text, item.done, item.who) == (words, False, "anna")
    assert (overview(planning).phase, overview(planning).blocked) == (Phase.PLANNING, "no")
    assert read(planning).decisions[0].text == words
    assert gate.open_gate(planning) is None
    assert snapshot(planning, "demo").status.state is SessionState.IDLE


def test_a_rejection_said_twice_is_one(planning: SessionFolder) -> None:
    gate.reject(planning, "no", ANNA, NOW, KEY)
    assert gate.reject(planning, "no", ANNA, NOW, KEY).repeated
    assert len(parse_guidance(planning.guidance.read_text())) == 1
    assert len(read(planning).decisions) == 1


def test_a_rejected_plan_shown_again_can_be_rejected_and_approved_again(planning: SessionFolder) -> None:
    gate.reject(planning, "no", ANNA, NOW, KEY)
    write_signal(planning, status="waiting", **{"for": "plan_approval"})
    assert gate.open_gate(planning) is WaitingFor.PLAN_APPROVAL
    assert gate.reject(planning, "no", ANNA, NOW, KEY).settled is Settled.REJECTED
    assert gate.open_gate(planning) is None
    write_signal(planning, status="waiting", **{"for": "plan_approval"})
    assert gate.approve(planning, ANNA, NOW, KEY).settled is Settled.APPROVED


def test_a_plan_that_is_being_carried_out_cannot_be_rejected(planning: SessionFolder) -> None:
    gate.approve(planning, ANNA, NOW, KEY)
    with pytest.raises(ConflictError, match="being carried out"):
        gate.reject(planning, "no", ANNA, NOW, KEY)
    with pytest.raises(UsageError, match="what should be different"):
        gate.reject(planning, " ", ANNA, NOW, KEY)


def test_a_plan_edited_after_its_approval_is_not_approved(planning: SessionFolder) -> None:
    with RunLock.acquire(planning, NOW):
        gate.approve(planning, ANNA, NOW, KEY)
    assert gate.facts(planning).plan_approved
    write_plan(planning, "# edited\n- [ ] x\n")
    assert gate.facts(planning) == GateFacts(plan="01-15-10:30-plan-greeting.md")
    assert gate.settle(planning, NOW) is Settled.NOTHING
    assert overview(planning).phase is Phase.PLANNING


# Settling


def test_a_running_session_is_left_alone_and_its_worker_settles_it(planning: SessionFolder) -> None:
    with RunLock.acquire(planning, NOW):
        assert gate.approve(planning, ANNA, NOW, KEY).settled is Settled.NOTHING
        assert overview(planning).phase is Phase.PLANNING
        assert gate.settle(planning, NOW) is Settled.NOTHING
        assert gate.settle(planning, NOW, held_by_us=True) is Settled.APPROVED
    assert overview(planning).phase is Phase.IMPLEMENTATION
    assert gate.settle(planning, NOW) is Settled.NOTHING


def test_answers_and_approvals_written_by_hand_are_settled_too(asking: SessionFolder) -> None:
    adopt(asking)
    asking.qa.write_text(QUESTIONS.replace("_waiting_", "by hand"))
    assert gate.settle(asking, NOW) is Settled.ANSWERED
    asking.overview.write_text(asking.overview.read_text().replace("requirements", "planning"))
    sha = write_plan(asking)
    write_signal(asking, status="waiting")
    assert gate.settle(asking, NOW) is Settled.NOTHING
    asking.decisions.write_text(json.dumps({"kind": "approval", "sha256": sha}))
    assert gate.settle(asking, NOW) is Settled.APPROVED
    assert overview(asking).phase is Phase.IMPLEMENTATION


def test_waiting_for_answers_without_a_question_settles_nothing(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="requirements", blocked="waiting_human")
    assert gate.settle(folder, NOW) is Settled.NOTHING
    assert overview(folder).blocked == "waiting_human"


class Killed(BaseException):
    """The process dies here."""


def killed_at(step: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do something and die at its nth write; False if it has fewer."""
    left = [step]

    def dying(write: Callable[..., object]) -> Callable[..., object]:
        def write_or_die(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return write(*args, **kwargs)

        return write_or_die

    with monkeypatch.context() as patch:
        patch.setattr("samobot.session.baseline.write_atomic", dying(write_atomic))
        patch.setattr("samobot.session.answers.write_atomic", dying(write_atomic))
        for module in ("gate", "answers"):
            patch.setattr(f"samobot.session.{module}.record", dying(record))
        patch.setattr("samobot.session.journal.append", dying(append))
        patch.setattr(Path, "unlink", dying(Path.unlink))
        try:
            act()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("blocked", ["waiting_human", "no"])
def test_an_approval_killed_at_any_write_is_whole_when_said_again(
    planning: SessionFolder, monkeypatch: pytest.MonkeyPatch, step: int, blocked: str
) -> None:
    planning.overview.write_text(planning.overview.read_text().replace("waiting_human", blocked))
    killed_at(step, lambda: gate.approve(planning, ANNA, NOW, KEY), monkeypatch)
    gate.approve(planning, ANNA, NOW, KEY)
    assert (overview(planning).phase, overview(planning).blocked) == (Phase.IMPLEMENTATION, "no")
    assert len(read(planning).decisions) == len(journaled(planning, "decision")) == 1
    assert len(journaled(planning, "phase")) == 1
    assert len(overview(planning).flow) == 1
    assert gate.open_gate(planning) is None
    assert not planning.signal.exists()


@pytest.mark.parametrize("step", range(11))
def test_answers_killed_at_any_write_are_whole_when_said_again(
    asking: SessionFolder, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    def act() -> object:
        return gate.answer(asking, {"Q1": "A", "Q2": "x"}, ANNA, NOW, KEY)

    killed_at(step, act, monkeypatch)
    act()
    assert answers(asking) == ["A) hello", "x"]
    assert len(read(asking).decisions) == len(journaled(asking, "decision")) == 2
    assert overview(asking).blocked == "no"
    assert len(overview(asking).flow) == 1
    assert gate.open_gate(asking) is None


@pytest.mark.parametrize("step", range(8))
def test_a_rejection_killed_at_any_write_is_whole_when_said_again(
    planning: SessionFolder, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    killed_at(step, lambda: gate.reject(planning, "no", ANNA, NOW, KEY), monkeypatch)
    gate.reject(planning, "no", ANNA, NOW, KEY)
    assert len(parse_guidance(planning.guidance.read_text())) == 1
    assert len(read(planning).decisions) == len(journaled(planning, "decision")) == 1
    assert (overview(planning).phase, overview(planning).blocked) == (Phase.PLANNING, "no")
    assert gate.open_gate(planning) is None


def test_the_kill_steps_cover_every_write(asking: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> object:
        return gate.answer(asking, {"Q1": "A", "Q2": "x"}, ANNA, NOW, KEY)

    assert not killed_at(10, act, monkeypatch)


def test_no_answer_is_written_that_a_full_disk_kept_off_the_record(
    asking: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would seem to be written by hand, whoever wrote it."""

    def full(*_: object) -> None:
        raise StorageError("No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr("samobot.session.answers.record", full)
        with pytest.raises(StorageError):
            gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    assert answers(asking)[0] is None


def test_answer_given_again_to_a_repeated_message_counts_once_while_an_iteration_works_with_it(
    asking: SessionFolder,
) -> None:
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    baseline.save(asking)
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW + timedelta(seconds=2), KEY)
    assert [each.text for each in read(asking).decisions] == ["A) hello"]
    # What the agent made of it meanwhile is no answer.
    asking.qa.write_text(QUESTIONS)
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW + timedelta(seconds=3), KEY)
    assert answers(asking)[0] == "A) hello"
    assert [each.text for each in read(asking).decisions] == ["A) hello"]


def test_question_asked_again_in_the_same_words_is_answered_on_record_again(asking: SessionFolder) -> None:
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW, KEY)
    iteration = {"n": 4, "phase": "requirements", "visit": 2, "session_id": "s", "log": "x"}
    append(asking, EventName.ITERATION_START, NOW + timedelta(minutes=1), **iteration)
    append(asking, EventName.ITERATION_END, NOW + timedelta(minutes=2), **iteration, outcome="ok", cost_usd=0)
    asking.qa.write_text(QUESTIONS)
    gate.answer(asking, {"Q1": "A"}, ANNA, NOW + timedelta(minutes=3), KEY)
    assert [each.text for each in read(asking).decisions] == ["A) hello", "A) hello"]


# The rest


def test_guidance_is_left_verbatim_also_while_it_runs(asking: SessionFolder) -> None:
    with RunLock.acquire(asking, NOW):
        gate.tell(asking, "use tabs", "anna", NOW)
    gate.tell(asking, "use tabs", "anna", NOW)
    assert [item.text for item in parse_guidance(asking.guidance.read_text())] == ["use tabs", "use tabs"]


def test_what_the_agent_asked_for_is_done(tmp_path: Path) -> None:
    folder = make_session(
        tmp_path,
        phase="implementation",
        blocked="waiting_human",
        signal={"status": "waiting", "for": "human_action", "needs": "plug in the printer"},
    )
    assert gate.open_gate(folder) is WaitingFor.HUMAN_ACTION
    with RunLock.acquire(folder, NOW), pytest.raises(ConflictError, match="running"):
        gate.action_done(folder, ANNA, NOW, KEY)
    gate.action_done(folder, ANNA, NOW, KEY)
    assert gate.open_gate(folder) is None
    assert (overview(folder).phase, overview(folder).blocked) == (Phase.IMPLEMENTATION, "no")
    assert read(folder).decisions[0].text == "plug in the printer"
    with pytest.raises(ConflictError, match="does not wait"):
        gate.action_done(folder, ANNA, NOW, KEY)


def test_a_block_is_lifted_and_a_used_up_visit_starts_anew(tmp_path: Path) -> None:
    folder = make_session(
        tmp_path, phase="testing", blocked="yes - 3 tests fail", iteration=20, signal={"status": "blocked"}
    )
    assert snapshot(folder, "demo").status.state is SessionState.BLOCKED
    gate.retry(folder, ANNA, NOW, KEY)
    assert (overview(folder).blocked, overview(folder).iteration) == ("no", 0)
    assert snapshot(folder, "demo").status.state is SessionState.IDLE
    assert read_journal(folder).resolved == NOW


def test_what_needs_a_decision_is_not_retried(asking: SessionFolder) -> None:
    with pytest.raises(ConflictError, match="waits for an answer"):
        gate.retry(asking, ANNA, NOW, KEY)
    with RunLock.acquire(asking, NOW), pytest.raises(ConflictError, match="running"):
        gate.retry(asking, ANNA, NOW, KEY)
    assert not asking.decisions.exists()


def test_nothing_is_decided_on_files_that_cannot_be_read(planning: SessionFolder) -> None:
    planning.overview.unlink()
    planning.overview.mkdir()
    with pytest.raises(StorageError, match=r"_overview\.md"):
        gate.approve(planning, ANNA, NOW, KEY)
    assert not planning.decisions.exists()


@pytest.mark.parametrize(
    "decide",
    [
        lambda folder: gate.tell(folder, "Say it louder", "anna", NOW),
        lambda folder: gate.answer(folder, {"Q1": "B"}, ANNA, NOW, KEY),
        lambda folder: gate.answer_suggestions(folder, ANNA, NOW, KEY),
        lambda folder: gate.approve(folder, ANNA, NOW, KEY),
        lambda folder: gate.reject(folder, "smaller", ANNA, NOW, KEY),
    ],
    ids=["tell", "answer", "suggestions", "approve", "reject"],
)
def test_done_session_takes_no_guidance_that_nobody_would_read(
    tmp_path: Path, decide: Callable[[SessionFolder], object]
) -> None:
    folder = make_session(tmp_path, phase="done", qa=QUESTIONS, signal={"status": "done"})
    write_plan(folder)
    with pytest.raises(ConflictError, match=r"greet is done; start a session of another name"):
        decide(folder)
    assert folder.qa.read_text() == QUESTIONS
    assert not folder.guidance.exists()
    assert not folder.decisions.exists()
    with RunLock.acquire(folder, NOW):
        gate.tell(folder, "Say it louder", "anna", NOW)
    assert "Say it louder" in folder.guidance.read_text()


def test_a_retry_that_comes_late_does_not_open_a_session_that_is_done(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="done", blocked="no", signal={"status": "done", "summary": "Done"})
    with pytest.raises(ConflictError, match="is done"):
        gate.retry(folder, ANNA, NOW, KEY)
    assert folder.signal.exists()
    assert read(folder).decisions == ()
    assert snapshot(folder, "demo").status.state is SessionState.DONE


OPTIONS = (Option("A", "PostgreSQL"), Option("B", "SQLite"), Option("C", "MySQL"))


@for_each(
    "typed",
    ["B", "b", " B ", "(b)", "B)", "B.", "B!", "[B]", "**B**", "`b`", "option B", "Option b.", "В", "Β", "Ｂ", "Ⓑ", "🅱", "2", "2.", "#2",
     "B 👍", "✅ B", "👍🏽B", "🇧", "❷", "B, please", "Option B please", "I'd go with B", "let’s take B!", "Yes, B", "B it is",
     "Б", "б", "２", "option 2", "no. 2", "SQLite", "sqlite", "B) SQLite", "b) sqlite"],
)  # fmt: skip
def test_an_option_is_taken_by_its_letter_number_or_text(typed: str) -> None:
    question = Question(number=1, text="Which?", options=OPTIONS, label="Q1")
    assert gate.option_text(question, typed) == "B) SQLite"


@pytest.mark.parametrize(
    "typed",
    [
        "B, but small",
        "4",
        "0",
        "9000",
        "A and B",
        "SQLite, please",
        "2 of them",
        "yes",
        "д",
        "B 👎",
        "❌ B",
        "🤔 B?",
        "not B",
        "I'd go with B or C",
        "👍",
        "-2",
        "B?",
        "B because it is small",
    ],
)
def test_what_is_no_option_is_written_as_it_is(typed: str) -> None:
    question = Question(number=1, text="Which?", options=OPTIONS, label="Q1")
    assert gate.option_text(question, typed) == typed


def test_a_number_that_is_in_the_text_of_another_option_is_asked_about() -> None:
    days = (Option("A", "2 days"), Option("B", "1 day"), Option("C", "3 days"))
    question = Question(number=1, text="How long?", options=days, label="Q1")
    with pytest.raises(UsageError, match="answer with a letter"):
        gate.option_text(question, "2")
    assert gate.option_text(question, "3") == "C) 3 days"
    free = Question(number=1, text="Which port?", label="Q1")
    assert gate.option_text(free, "2") == "2"


def test_parts_of_a_question_are_answered_by_their_labels(tmp_path: Path) -> None:
    text = "### Q1.1: a?\n**Answer:** _waiting_\n\n### Q1.2: b?\n**Answer:** _waiting_\n"
    folder = make_session(tmp_path, phase="requirements", qa=text)
    gate.answer(folder, {"Q1.2": "yes", "1.1": "no"}, ANNA, NOW, KEY)
    assert [question.answer for question in questions(folder)] == ["no", "yes"]


WAITS = {"status": "waiting", "for": "human_action", "reason": "r", "needs": "Plug it in."}
BLOCKS = {"status": "blocked", "reason": "No key.", "needs": "A key."}


def let_continue(folder: SessionFolder, signal: dict[str, str]) -> None:
    decide = gate.retry if signal is BLOCKS else gate.action_done
    decide(folder, ANNA, datetime.now(UTC), KEY)


def dies_before_the_effect(
    folder: SessionFolder, signal: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the user's decision be recorded, on a disk that is full before its effect."""

    def full(*_: object) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(gate, "lift_released", full)
        with pytest.raises(StorageError):
            let_continue(folder, signal)


@pytest.mark.parametrize("signal", [WAITS, BLOCKS], ids=["something to do", "a block"])
@pytest.mark.parametrize("finish", ["the user again", "the worker"])
def test_a_decision_that_was_cut_off_takes_effect_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: dict[str, str], finish: str
) -> None:
    folder = make_session(tmp_path, phase="implementation", blocked="yes", signal=signal)
    dies_before_the_effect(folder, signal, monkeypatch)
    if finish == "the worker":
        gate.settle(folder, datetime.now(UTC), held_by_us=True)
    else:
        let_continue(folder, signal)
    assert not folder.signal.exists()
    assert len(journaled(folder, "decision")) == len(read(folder).decisions) == 1
    assert overview(folder).flow[-1].text.startswith("anna ")


@pytest.mark.parametrize("signal", [WAITS, BLOCKS], ids=["something to do", "a block"])
@pytest.mark.parametrize(
    "since", ["an iteration", "a run", "another request", "an unmarked line", "a journal of the agent"]
)
def test_no_old_decision_lets_a_later_request_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: dict[str, str], since: str
) -> None:
    folder = make_session(tmp_path, phase="implementation", signal=signal)
    kind = DecisionKind.RETRY if signal is BLOCKS else DecisionKind.ACTION_DONE
    later = datetime.now(UTC) + timedelta(seconds=1)
    match since:
        case "an unmarked line":
            forged = {"at": later.isoformat(), "who": "anna", "via": "telegram", "kind": kind, "id": "x"}
            folder.decisions.write_text(json.dumps(forged) + "\n")
        case "a journal of the agent":
            folder.logs.mkdir(exist_ok=True)
            line = {"at": later.isoformat(), "event": "decision", "kind": kind, "who": "anna", "id": "x"}
            folder.journal.write_text(json.dumps(line) + "\n")
        case _:
            dies_before_the_effect(folder, signal, monkeypatch)
            if since == "an iteration":
                append(folder, EventName.ITERATION_START, datetime.now(UTC), n=1, phase="implementation")
            elif since == "a run":
                append(folder, EventName.RUN_END, datetime.now(UTC), reason="blocked")
            else:
                os.utime(folder.signal, (later.timestamp(), later.timestamp()))
    gate.settle(folder, later, held_by_us=True)
    assert folder.signal.exists()
