"""The worker's decisions, with iterations that are only played and a clock that costs no time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from samobot.claude.outcome_kinds import OutcomeKind, Remedy
from samobot.errors import BusyError, StorageError, UsageError
from samobot.phases import RULES, BlockCause, Phase, WaitingFor
from samobot.session import gate, requests
from samobot.session.folder import SessionFolder
from samobot.session.journal import EventName, RunEndReason, events
from samobot.session.lock import RunLock
from samobot.session.provider import Provider
from samobot.session.requests import RequestKind, WorkerRequest
from samobot.session.snapshot import snapshot
from samobot.session.status import SessionState
from samobot.session.vault import state_dir
from samobot.worker.budget import UNPRICED_AFTER
from samobot.worker.run import RetryPolicy, RunOptions
from samobot.worker.session_files import SessionFiles
from samobot.worker.stagnation import STAGNATION_AFTER
from samobot.worker.usage_limit import AccountLimit, KnownLimit
from tests.support.fake_iteration import Bench, Played, bench
from tests.support.session_folder import ANNA, KEY, NOW, QUESTIONS, make_session, write_plan, write_signal

STAY = Played({"status": "continue", "summary": "Did a piece"})
BLOCKED = Played({"status": "blocked", "reason": "No key", "needs": "Put a key into .env"})
DONE = Played({"status": "done", "summary": "All of it"})


def journaled(made: Bench, event: EventName) -> list[dict[str, Any]]:
    return [each for each in events(made.folder) if each["event"] == event]


def status_of(made: Bench) -> Any:
    return snapshot(made.folder, "demo").status


# Signals


async def test_session_continues_through_the_phases_to_done(tmp_path: Path) -> None:
    made = bench(
        make_session(tmp_path, phase="implementation"),
        STAY,
        Played({"status": "continue", "phase": "testing", "summary": "Written"}),
        Played({"status": "continue", "phase": "done", "summary": "Tested"}),
        DONE,
    )
    end = await made.worker.run()
    assert (end.reason, end.phase, end.text) == (RunEndReason.DONE, Phase.DONE, "All of it")
    assert [each.phase for each in made.iteration.assignments] == [
        "implementation", "implementation", "testing", "done",
    ]  # fmt: skip
    assert [each.number for each in made.iteration.assignments] == [4, 5, 6, 7]
    overview = made.files.overview()
    assert (overview.phase, overview.last_action, overview.total_iterations) == (Phase.DONE, "All of it", 7)
    told = [entry.text for entry in overview.flow]
    assert told[:4] == ["Did a piece", "Written", "Phase implementation → testing", "Tested"]
    assert status_of(made).cost_usd == pytest.approx(0.4)


async def test_a_done_session_is_left_as_it_is(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="done", signal={"status": "done", "summary": "All of it"})
    before = {path.name: path.read_bytes() for path in folder.path.glob("_*.*")}
    made = bench(folder, STAY)
    end = await made.worker.run()
    assert end.reason is RunEndReason.DONE
    assert made.iteration.assignments == []
    assert {path.name: path.read_bytes() for path in folder.path.glob("_*.*")} == before
    assert not folder.journal.exists()


async def test_block_brings_both_its_reason_and_what_is_needed_to_the_user(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), BLOCKED)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.AGENT)
    assert end.text == "No key\nPut a key into .env"
    status = status_of(made)
    assert (status.state, status.blocked) == (SessionState.BLOCKED, "No key\nPut a key into .env")
    assert "No key Put a key into .env" in (made.files.overview().blocked or "")


async def test_running_a_blocked_session_again_tries_again(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    await bench(folder, BLOCKED).worker.run()
    again = bench(folder, DONE)
    end = await again.worker.run()
    assert len(again.iteration.assignments) == 1
    assert end.cause is BlockCause.ILLEGAL_SIGNAL  # investigation may not say “done”


async def test_a_valid_signal_counts_even_if_its_process_ended_badly(tmp_path: Path) -> None:
    crashed = Played({"status": "continue", "phase": "requirements"}, OutcomeKind.CRASHED)
    made = bench(make_session(tmp_path), crashed, BLOCKED)
    end = await made.worker.run()
    assert end.phase is Phase.REQUIREMENTS
    assert journaled(made, EventName.RETRY) == []


async def test_requirements_that_ask_nothing_are_blocked(tmp_path: Path) -> None:
    made = bench(
        make_session(tmp_path, phase="requirements"), Played({"status": "continue", "phase": "planning"})
    )
    end = await made.worker.run()
    assert (end.reason, end.cause, end.phase) == (
        RunEndReason.BLOCKED, BlockCause.GATE, Phase.REQUIREMENTS,
    )  # fmt: skip
    assert "question" in end.text


async def test_what_looks_like_a_question_and_cannot_be_asked_is_sent_back_once_with_its_line(
    tmp_path: Path,
) -> None:
    def ask_badly(folder: SessionFolder) -> None:
        folder.qa.write_text("# Questions\n\n- Which port?\n\n" + QUESTIONS)

    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_badly)
    made = bench(make_session(tmp_path, phase="requirements"), ask, ask)
    end = await made.worker.run()
    assert (end.reason, end.waiting_for) == (RunEndReason.WAITING, WaitingFor.QA_ANSWERS)
    first, second = made.iteration.assignments
    assert first.reminder == ""
    assert "line 3 “- Which port?”" in second.reminder


async def test_questions_of_which_none_can_be_asked_block_after_one_reminder(tmp_path: Path) -> None:
    def ask_badly(folder: SessionFolder) -> None:
        folder.qa.write_text("# Questions\n\n- Which port?\n")

    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_badly)
    made = bench(make_session(tmp_path, phase="requirements"), ask)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.GATE)
    assert "line 3 “- Which port?”" in end.text
    assert len(made.iteration.assignments) == 2


WAIT_FOR_APPROVAL = {"status": "waiting", "for": "plan_approval"}


def plan_in(folder: SessionFolder) -> None:
    write_plan(folder)


async def test_a_plan_that_cannot_be_found_is_asked_for_once_with_its_name(tmp_path: Path) -> None:
    made = bench(
        make_session(tmp_path, phase="planning"),
        Played(WAIT_FOR_APPROVAL),
        Played(WAIT_FOR_APPROVAL, act=plan_in),
    )
    end = await made.worker.run()
    assert (end.reason, end.waiting_for) == (RunEndReason.WAITING, WaitingFor.PLAN_APPROVAL)
    first, second = made.iteration.assignments
    assert first.reminder == ""
    assert "there is no plan file" in second.reminder
    assert "MM-DD-HH:MM-plan-SLUG.md" in second.reminder


@pytest.mark.parametrize("text", [None, "", "# Plan\n"])
async def test_a_plan_that_stays_missing_or_empty_blocks_after_one_reminder(
    tmp_path: Path, text: str | None
) -> None:
    def write(folder: SessionFolder) -> None:
        if text is not None:
            write_plan(folder, text)

    made = bench(make_session(tmp_path, phase="planning"), Played(WAIT_FOR_APPROVAL, act=write))
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.GATE)
    assert len(made.iteration.assignments) == 2


async def test_of_two_plans_the_agent_is_asked_which_one_it_is(tmp_path: Path) -> None:
    def write_two(folder: SessionFolder) -> None:
        write_plan(folder, name="01-15-09:00-plan-a.md")
        write_plan(folder, "# Other\n- [ ] x\n", "01-15-10:00-plan-b.md")

    made = bench(
        make_session(tmp_path, phase="planning"),
        Played(WAIT_FOR_APPROVAL, act=write_two),
        Played(WAIT_FOR_APPROVAL | {"plan": "01-15-09:00-plan-a.md"}),
    )
    end = await made.worker.run()
    assert end.reason is RunEndReason.WAITING
    assert "01-15-09:00-plan-a.md and 01-15-10:00-plan-b.md" in made.iteration.assignments[1].reminder
    assert journaled(made, EventName.GATE)[0]["plan"] == "01-15-09:00-plan-a.md"


async def test_open_questions_wait_and_answers_continue(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="requirements")
    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_in)
    made = bench(folder, ask)
    end = await made.worker.run()
    assert (end.reason, end.waiting_for) == (RunEndReason.WAITING, WaitingFor.QA_ANSWERS)
    assert journaled(made, EventName.GATE)[0]["questions"] == 2
    again = bench(folder, STAY)
    assert (await again.worker.run()).reason is RunEndReason.WAITING
    assert again.iteration.assignments == []
    gate.answer(folder, {"Q1": "A", "Q2": "very"}, ANNA, NOW, KEY)
    last = bench(folder, BLOCKED)
    assert (await last.worker.run()).reason is RunEndReason.BLOCKED
    assert len(last.iteration.assignments) == 1


def test_prompt_has_the_answers_since_the_last_iteration_began_and_no_older_ones(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="requirements", qa=QUESTIONS)
    at = NOW
    files = SessionFiles(folder, lambda: at)
    gate.answer(folder, {"Q1": "A"}, ANNA, NOW, KEY)
    assert [each.answer for each in files.fresh_answers()] == ["A) hello"]
    at = NOW + timedelta(seconds=1)
    files.log(EventName.ITERATION_START, n=1, visit=1, phase="requirements")
    during = NOW + timedelta(seconds=2)
    gate.answer(folder, {"Q2": "very"}, ANNA, during, KEY)
    at = NOW + timedelta(seconds=3)
    files.log(EventName.ITERATION_END, n=1, phase="requirements", outcome="completed", cost_usd=0.1)
    assert [each.answer for each in files.fresh_answers()] == ["very"]


def ask_in(folder: SessionFolder) -> None:
    folder.qa.write_text(QUESTIONS)


async def test_a_decision_made_while_the_run_ends_is_taken_up_by_it(tmp_path: Path) -> None:
    folder = make_session(tmp_path, phase="planning")

    def plan_and_approve(session: SessionFolder) -> None:
        write_plan(session)
        gate.approve(session, ANNA, NOW, KEY)  # says that the running worker takes it up

    made = bench(folder, Played({"status": "waiting", "for": "plan_approval"}, act=plan_and_approve), BLOCKED)
    end = await made.worker.run()
    assert end.phase is Phase.IMPLEMENTATION
    assert [each.phase for each in made.iteration.assignments] == ["planning", "implementation"]


async def test_a_plan_changed_after_its_approval_has_to_be_approved_again(tmp_path: Path) -> None:
    folder = make_session(
        tmp_path,
        phase="planning",
        blocked="waiting_human",
        signal={"status": "waiting", "for": "plan_approval"},
    )
    write_plan(folder)
    gate.approve(folder, ANNA, NOW, KEY)
    assert SessionFiles(folder, lambda: NOW).phase() is Phase.IMPLEMENTATION
    write_plan(folder, "# Another plan\n\n## Phase 1: Elsewhere\n- [ ] rm -rf\n")
    made = bench(folder, STAY)
    end = await made.worker.run()
    assert (end.reason, end.waiting_for, end.phase) == (
        RunEndReason.WAITING, WaitingFor.PLAN_APPROVAL, Phase.PLANNING,
    )  # fmt: skip
    assert made.iteration.assignments == []
    gate.approve(folder, ANNA, NOW, KEY)
    going = bench(folder, BLOCKED)
    await going.worker.run()
    assert going.iteration.assignments[0].phase is Phase.IMPLEMENTATION


async def test_ticking_the_plan_in_implementation_does_not_bring_the_gate_back(tmp_path: Path) -> None:
    folder = make_session(
        tmp_path,
        phase="planning",
        blocked="waiting_human",
        signal={"status": "waiting", "for": "plan_approval"},
    )
    write_plan(folder)
    gate.approve(folder, ANNA, NOW, KEY)

    def tick(session: SessionFolder) -> None:
        write_plan(session, "# Greeting script\n\n## Phase 1: Script\n- [x] write it\n")

    await bench(
        folder, Played({"status": "continue"}, act=tick), options=RunOptions(max_iterations=1)
    ).worker.run()
    going = bench(folder, BLOCKED)
    end = await going.worker.run()
    assert end.phase is Phase.IMPLEMENTATION


async def test_an_iteration_without_a_signal_is_repeated_once_with_a_reminder(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), Played(None), STAY, Played(None), BLOCKED)
    end = await made.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert end.cause is BlockCause.AGENT
    reminders = [each.reminder for each in made.iteration.assignments]
    assert "_signal.json" in reminders[1]
    assert reminders[0] == reminders[2] == ""


async def test_two_iterations_without_a_signal_block(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), Played(None, OutcomeKind.MAX_TURNS), Played({"status": "maybe"}))
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.NO_SIGNAL)
    # What can be done about it is said by the terminal and by the chat, each in its own words.
    assert "guidance" not in end.text
    assert "samobot" not in end.text
    assert len(made.iteration.assignments) == 2
    assert "max_turns" in made.iteration.assignments[1].reminder


@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.DONE])
async def test_a_phase_may_not_take_more_than_its_iterations(tmp_path: Path, phase: Phase) -> None:
    made = bench(make_session(tmp_path, phase=phase, iteration=0), STAY)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.ITERATION_LIMIT)
    assert len(made.iteration.assignments) == RULES[phase].limit
    again = bench(made.folder, BLOCKED)
    await again.worker.run()
    assert again.iteration.assignments[0].visit == 1


async def test_testing_and_quality_do_not_disagree_for_ever(tmp_path: Path) -> None:
    ping = Played({"status": "continue", "phase": "quality", "summary": "Two tests fail again"})
    pong = Played({"status": "continue", "phase": "testing"})
    made = bench(make_session(tmp_path, phase="testing"), *[ping, pong] * 30)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.ITERATION_LIMIT)
    assert len(made.iteration.assignments) == 7  # the first visit of quality, and three returns
    assert (
        "back to quality 3 times, the last time with: Two tests fail again. Should they continue?" in end.text
    )
    again = bench(made.folder, *[pong, ping] * 30)
    end = await again.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.ITERATION_LIMIT)
    assert len(again.iteration.assignments) == 6  # a retry gives them three more rounds


async def test_guidance_that_comes_while_a_session_finishes_gets_another_iteration(tmp_path: Path) -> None:
    late = replace(DONE, act=lambda folder: gate.tell(folder, "and the docs", "ann", NOW))
    tested = Played({"status": "continue", "phase": "done"})
    made = bench(make_session(tmp_path, phase="testing"), tested, late, DONE)
    end = await made.worker.run()
    assert end.reason is RunEndReason.DONE
    assert len(made.iteration.assignments) == 3
    assert made.files.pending_guidance() == ()
    assert "Not finished yet: new guidance has come" in [entry.text for entry in made.files.overview().flow]


async def test_guidance_is_ticked_once_an_iteration_that_had_it_ended_well(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    gate.tell(folder, "Use argparse", "anna", NOW)
    first = bench(folder, Played(None, OutcomeKind.CRASHED), retry_policy=RetryPolicy(max_retries=0))
    await first.worker.run()
    assert [item.done for item in first.files.pending_guidance()] == [False]
    second = bench(folder, STAY, BLOCKED)
    await second.worker.run()
    assert second.files.pending_guidance() == ()
    assert "- [x]" in folder.guidance.read_text()


# What a person wants


async def test_a_stopped_iteration_does_not_act_on_its_signal(tmp_path: Path) -> None:
    made = bench(
        make_session(tmp_path), Played({"status": "continue", "phase": "requirements"}, stop=True), STAY
    )
    end = await made.worker.run()
    assert (end.reason, end.phase) == (RunEndReason.STOPPED, Phase.INVESTIGATION)
    assert not made.folder.signal.exists()
    overview = made.files.overview()
    assert overview.phase is Phase.INVESTIGATION
    assert overview.flow[-1].text == "Stopped by the user"
    assert status_of(made).state is SessionState.STOPPED


async def test_a_stop_between_iterations_starts_no_other(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), STAY)
    made.worker.stop()
    assert (await made.worker.run()).reason is RunEndReason.STOPPED
    assert made.iteration.assignments == []


async def test_a_pause_ends_the_run_after_the_iteration(tmp_path: Path) -> None:
    def ask(folder: SessionFolder) -> None:
        requests.request(folder, WorkerRequest(RequestKind.PAUSE, "anna"))

    made = bench(make_session(tmp_path), Played({"status": "continue"}, act=ask), STAY)
    end = await made.worker.run()
    assert end.reason is RunEndReason.PAUSED
    assert len(made.iteration.assignments) == 1


def ask_questions_and_pause(folder: SessionFolder) -> None:
    folder.qa.write_text(QUESTIONS)
    requests.request(folder, WorkerRequest(RequestKind.PAUSE, "anna"))


async def test_a_pause_asked_of_an_iteration_that_asks_still_holds_after_the_answers(tmp_path: Path) -> None:
    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_questions_and_pause)
    made = bench(make_session(tmp_path, phase="requirements"), ask, STAY)
    end = await made.worker.run()
    assert (end.reason, end.waiting_for) == (RunEndReason.WAITING, WaitingFor.QA_ANSWERS), (
        "it is asked all the same"
    )
    assert status_of(made).state is SessionState.WAITING
    gate.answer(made.folder, {"Q1": "A"}, ANNA, NOW, KEY)
    assert status_of(made).state is SessionState.WAITING
    gate.answer(made.folder, {"Q2": "very"}, ANNA, NOW, KEY)
    assert status_of(made).state is SessionState.STOPPED
    again = bench(made.folder, BLOCKED)
    assert (await again.worker.run()).reason is RunEndReason.BLOCKED, "whoever runs it wants it to go on"


async def test_a_pause_holds_also_where_the_answers_come_while_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_questions_and_pause)
    made = bench(make_session(tmp_path, phase="requirements"), ask, BLOCKED)
    look = made.files.decided_meanwhile

    def answered_meanwhile() -> bool:
        gate.answer(made.folder, {"Q1": "A", "Q2": "very"}, ANNA, NOW, KEY)
        return look()

    monkeypatch.setattr(made.files, "decided_meanwhile", answered_meanwhile)
    assert (await made.worker.run()).reason is RunEndReason.PAUSED
    assert len(made.iteration.assignments) == 1
    assert status_of(made).state is SessionState.STOPPED


async def test_resume_lifts_a_pause_also_before_the_questions_are_answered(tmp_path: Path) -> None:
    ask = Played({"status": "waiting", "for": "qa_answers"}, act=ask_questions_and_pause)
    made = bench(make_session(tmp_path, phase="requirements"), ask)
    await made.worker.run()
    os.utime(made.folder.signal, (NOW.timestamp(),) * 2)  # as early as the made-up clock says
    gate.retry(made.folder, ANNA, made.clock() + timedelta(seconds=1), KEY)
    assert status_of(made).state is SessionState.WAITING
    gate.answer(made.folder, {"Q1": "A", "Q2": "very"}, ANNA, NOW, KEY)
    assert status_of(made).state is SessionState.IDLE


async def test_a_pause_asked_while_the_worker_takes_the_session_up_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(make_session(tmp_path), STAY)
    requests.request(made.folder, WorkerRequest(RequestKind.PAUSE, "of a worker that is gone"))

    async def ask() -> None:
        requests.request(made.folder, WorkerRequest(RequestKind.PAUSE, "anna"))

    monkeypatch.setattr(made.iteration, "clean_up_after_a_dead_worker", ask)
    assert (await made.worker.run()).reason is RunEndReason.PAUSED
    assert made.iteration.assignments == []
    assert not made.folder.vault.control.exists()


async def test_a_worker_removes_what_killed_writes_have_left(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), BLOCKED)
    left = [made.folder.path / f".samobot-{'a' * 16}.tmp", made.folder.logs / f".samobot-{'b' * 16}.tmp"]
    for path in left:
        path.write_text("half")
        os.utime(path, (1000, 1000))
    await made.worker.run()
    assert not any(path.exists() for path in left)


async def test_a_run_ends_after_the_iterations_it_was_given(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), STAY, options=RunOptions(max_iterations=2))
    end = await made.worker.run()
    assert (end.reason, end.reason.exit_code) == (RunEndReason.ITERATIONS, 13)
    assert len(made.iteration.assignments) == 2
    more = bench(made.folder, BLOCKED)
    assert (await more.worker.run()).reason is RunEndReason.BLOCKED


async def test_budget_stops_within_one_iteration_of_the_cap_and_a_bigger_one_continues(
    tmp_path: Path,
) -> None:
    paid = Played({"status": "continue"}, cost=1.0)
    made = bench(make_session(tmp_path), paid, options=RunOptions(budget_usd=2.5))
    end = await made.worker.run()
    assert (end.reason, end.reason.exit_code) == (RunEndReason.BUDGET, 13)
    assert "$2.50" in end.text
    assert [each.budget_left for each in made.iteration.assignments] == [2.5, 1.5, 0.5]
    assert (await bench(made.folder, paid).worker.run()).reason is RunEndReason.BUDGET
    more = bench(made.folder, paid, options=RunOptions(budget_usd=4))
    await more.worker.run()
    assert [each.budget_left for each in more.iteration.assignments] == [1.0]


async def test_a_default_budget_is_for_sessions_for_which_nobody_said_one(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    first = bench(folder, BLOCKED, options=RunOptions(budget_usd=9, default_budget_usd=1))
    await first.worker.run()
    second = bench(folder, BLOCKED, options=RunOptions(default_budget_usd=1))
    await second.worker.run()
    assert second.files.budget() == 9


async def test_an_iteration_that_uses_up_its_money_asks_about_the_budget(tmp_path: Path) -> None:
    made = bench(
        make_session(tmp_path),
        Played(None, OutcomeKind.MAX_BUDGET, cost=3.0),
        options=RunOptions(budget_usd=2.5),
    )
    end = await made.worker.run()
    assert end.reason is RunEndReason.BUDGET
    assert "$3.00 so far" in end.text


async def test_a_budget_that_is_used_up_by_more_than_is_known_is_said_so(tmp_path: Path) -> None:
    lost = Played({"status": "continue"}, OutcomeKind.CRASHED, cost=None)
    dear = Played({"status": "continue"}, cost=3.0)
    made = bench(make_session(tmp_path), lost, dear, options=RunOptions(budget_usd=2.5))
    assert (await made.worker.run()).text.endswith("is used up: at least $3.00 so far.")


async def test_budget_error_of_the_cli_is_quoted(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), Played(None, OutcomeKind.MAX_BUDGET))
    end = await made.worker.run()
    assert (end.reason, end.text) == (RunEndReason.BUDGET, "This came of it: max_budget.")


# Trouble


@pytest.mark.parametrize("kind", list(OutcomeKind))
async def test_every_outcome_without_a_signal_comes_to_a_reported_end(
    tmp_path: Path, kind: OutcomeKind
) -> None:
    made = bench(make_session(tmp_path), *[Played(None, kind)] * 5, BLOCKED)
    end = await made.worker.run()
    expected = {
        Remedy.CONTINUE: (RunEndReason.BLOCKED, 2),
        Remedy.RETRY: (RunEndReason.FAILED, 4),
        Remedy.ASK: (RunEndReason.BLOCKED, 1),
        Remedy.CAP: (RunEndReason.BUDGET, 1),
        Remedy.BACK_OFF: (RunEndReason.BLOCKED, 6),
        Remedy.PARK: (RunEndReason.BLOCKED, 6),
    }
    assert (end.reason, len(made.iteration.assignments)) == expected[kind.remedy]


async def test_failures_are_retried_with_growing_pauses_and_then_block(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), Played(None, OutcomeKind.CRASHED))
    end = await made.worker.run()
    assert (end.reason, end.reason.exit_code, end.cause) == (
        RunEndReason.FAILED, 1, BlockCause.FAILURES,
    )  # fmt: skip
    assert [each["delay_s"] for each in journaled(made, EventName.RETRY)] == [5, 10, 20]
    assert made.clock.slept == 35
    assert "crashed" in made.iteration.assignments[1].reminder
    assert status_of(made).state is SessionState.BLOCKED


async def test_failures_in_between_are_forgiven(tmp_path: Path) -> None:
    crash = Played(None, OutcomeKind.CRASHED)
    made = bench(make_session(tmp_path), *[crash, crash, crash, STAY] * 3, BLOCKED)
    assert (await made.worker.run()).reason is RunEndReason.BLOCKED
    assert len(made.iteration.assignments) == 13


async def test_a_service_at_fault_is_waited_for_and_said_once_after_ten_minutes(tmp_path: Path) -> None:
    fault = Played(None, OutcomeKind.OVERLOADED, cost=None)
    made = bench(make_session(tmp_path), *[fault] * 30, BLOCKED)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.AGENT)
    delays = [each["delay_s"] for each in journaled(made, EventName.RETRY)]
    assert delays[:6] == [30, 60, 120, 240, 480, 600]
    assert set(delays[5:]) == {600}
    (notice,) = journaled(made, EventName.NOTICE)
    assert notice["at"] >= NOW + timedelta(minutes=10)
    assert "tried again every 10 minutes" in notice["text"]
    assert {each.visit for each in made.iteration.assignments} == {2}


async def test_a_short_fault_of_the_service_is_not_said(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), *[Played(None, OutcomeKind.NETWORK)] * 4, BLOCKED)
    await made.worker.run()
    assert journaled(made, EventName.NOTICE) == []


@pytest.mark.parametrize("kind", [OutcomeKind.AUTH, OutcomeKind.ACCOUNT])
async def test_refused_login_or_account_blocks_at_once(tmp_path: Path, kind: OutcomeKind) -> None:
    made = bench(make_session(tmp_path), Played(None, kind))
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.ACCOUNT)
    assert made.clock.naps == []


async def test_limit_parks_and_continues_automatically_after_the_reset(tmp_path: Path) -> None:
    reset = NOW + timedelta(hours=3)
    made = bench(make_session(tmp_path), Played(None, OutcomeKind.USAGE_LIMIT, resets_at=reset), BLOCKED)
    end = await made.worker.run()
    assert end.cause is BlockCause.AGENT
    assert 60 <= (made.clock.now - reset).total_seconds() <= 122
    (park,), (unpark,) = journaled(made, EventName.PARK), journaled(made, EventName.UNPARK)
    assert (park["kind"], unpark["by"]) == ("five_hour", "reset")
    assert made.heartbeat.parked[0] is not None
    assert made.heartbeat.parked[-1] is None
    assert journaled(made, EventName.RETRY) == []
    assert made.iteration.assignments[1].visit == made.iteration.assignments[0].visit


async def test_user_can_wake_a_parked_run(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    made = bench(folder, Played(None, OutcomeKind.USAGE_LIMIT), BLOCKED)
    made.clock.at_nap = lambda number: (
        requests.request(folder, WorkerRequest(RequestKind.RESUME, "anna")) if number == 3 else None
    )
    await made.worker.run()
    assert len(made.clock.naps) == 3
    assert journaled(made, EventName.UNPARK)[0]["by"] == "person"


async def test_resume_that_came_too_late_for_one_sleep_does_not_end_the_next(tmp_path: Path) -> None:
    reset = NOW + timedelta(hours=3)

    def late(folder: SessionFolder) -> None:
        requests.request(folder, WorkerRequest(RequestKind.RESUME, "anna"))

    made = bench(
        make_session(tmp_path), Played(None, OutcomeKind.USAGE_LIMIT, act=late, resets_at=reset), BLOCKED
    )
    await made.worker.run()
    assert made.clock.now >= reset
    assert journaled(made, EventName.UNPARK)[0]["by"] == "reset"


async def test_a_parked_run_can_be_stopped_and_paused(tmp_path: Path) -> None:
    limit = Played(None, OutcomeKind.USAGE_LIMIT)
    stopped = bench(make_session(tmp_path), limit)
    stopped.clock.at_nap = lambda number: stopped.worker.stop()
    assert (await stopped.worker.run()).reason is RunEndReason.STOPPED
    paused = bench(stopped.folder, limit)
    paused.clock.at_nap = lambda number: requests.request(
        paused.folder, WorkerRequest(RequestKind.PAUSE, "anna")
    )
    assert (await paused.worker.run()).reason is RunEndReason.PAUSED
    assert len(paused.clock.naps) == 1
    assert journaled(paused, EventName.UNPARK) == []


async def test_limit_ends_the_run_if_it_does_not_wait(tmp_path: Path) -> None:
    reset = NOW + timedelta(hours=3)
    made = bench(
        make_session(tmp_path),
        Played(None, OutcomeKind.USAGE_LIMIT, resets_at=reset),
        options=RunOptions(wait_for_limits=False),
    )
    end = await made.worker.run()
    assert (end.reason, end.reason.exit_code) == (RunEndReason.PARKED, 14)
    assert end.until is not None
    assert end.until > reset
    assert status_of(made).state is SessionState.PARKED


# Going nowhere


async def test_a_runaway_agent_is_stopped_after_five_iterations_that_change_nothing(tmp_path: Path) -> None:
    idle = Played({"status": "continue", "summary": "Nearly there"}, changed=False)
    made = bench(make_session(tmp_path, phase="implementation"), STAY, idle)
    end = await made.worker.run()
    assert (end.reason, end.cause) == (RunEndReason.BLOCKED, BlockCause.STAGNATION)
    assert end.text.endswith("no file in the session.")
    assert len(made.iteration.assignments) == 1 + STAGNATION_AFTER
    assert status_of(made).state is SessionState.BLOCKED


async def test_agent_that_commits_every_third_iteration_may_continue(tmp_path: Path) -> None:
    idle = Played({"status": "continue"}, changed=False)
    made = bench(
        make_session(tmp_path, phase="implementation", iteration=0), *[idle, idle, STAY] * 20, BLOCKED
    )
    end = await made.worker.run()
    assert end.cause is BlockCause.AGENT
    assert len(made.iteration.assignments) == 61


@pytest.mark.parametrize("signal", [None, {"status": "continue", "summary": "On"}])
async def test_a_budget_that_nobody_can_count_against_ends_the_run(
    tmp_path: Path, signal: dict[str, str] | None
) -> None:
    dies = Played(signal, OutcomeKind.CRASHED, cost=None)
    made = bench(make_session(tmp_path, phase="implementation"), dies, options=RunOptions(budget_usd=5))
    end = await made.worker.run()
    assert end.cause is BlockCause.FAILURES
    if signal is None:
        assert (end.reason, len(made.iteration.assignments)) == (RunEndReason.FAILED, 4)
    else:
        assert (end.reason, len(made.iteration.assignments)) == (RunEndReason.BLOCKED, UNPRICED_AFTER)
        assert "reported no cost" in end.text
        assert status_of(made).state is SessionState.BLOCKED


@pytest.mark.parametrize(
    ("budget", "priced", "runs"), [(5.0, False, False), (5.0, True, True), (None, False, True)]
)
async def test_codex_is_not_started_in_a_session_with_a_budget_unless_its_price_is_known(
    tmp_path: Path, budget: float | None, priced: bool, runs: bool
) -> None:
    made = bench(
        make_session(tmp_path, phase="implementation"),
        BLOCKED,
        options=RunOptions(budget_usd=budget),
        codex_is_priced=priced,
    )
    made.iteration.program = Provider.CODEX
    end = await made.worker.run()
    assert (end.reason, bool(made.iteration.assignments)) == (RunEndReason.BLOCKED, runs)
    assert ("CODEX_PRICE" in end.text) is not runs


async def test_program_that_was_chosen_during_a_wait_is_asked_for_its_own_limits_and_costs(
    tmp_path: Path,
) -> None:
    folder = make_session(tmp_path, phase="implementation")
    made = bench(folder, BLOCKED, options=RunOptions(budget_usd=5.0))
    limit = KnownLimit(made.clock.now + timedelta(hours=1), "five_hour", "Reached.")
    AccountLimit(folder.path.parent / "state").record(limit, made.clock.now)
    made.clock.at_nap = lambda number: setattr(made.iteration, "program", Provider.CODEX)
    end = await made.worker.run()
    assert (end.reason, made.iteration.assignments) == (RunEndReason.BLOCKED, [])
    assert "CODEX_PRICE" in end.text


async def test_one_price_in_between_or_no_budget_stops_nothing(tmp_path: Path) -> None:
    dies = Played({"status": "continue", "summary": "On"}, OutcomeKind.NO_RESULT, cost=None)
    story = [*[dies] * (UNPRICED_AFTER - 1), STAY] * 2
    priced = bench(
        make_session(tmp_path, phase="implementation"), *story, BLOCKED, options=RunOptions(budget_usd=5)
    )
    assert (await priced.worker.run()).cause is BlockCause.AGENT
    free = bench(make_session(tmp_path / "free", phase="implementation"), *[dies] * 10, BLOCKED)
    assert (await free.worker.run()).cause is BlockCause.AGENT


async def test_iterations_that_fail_at_once_stop_before_they_cost(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), Played(None, OutcomeKind.START_FAILED, cost=None))
    end = await made.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert len(made.iteration.assignments) == 1
    failing = bench(made.folder, Played(None, OutcomeKind.NO_RESULT, cost=None))
    assert (await failing.worker.run()).reason is RunEndReason.FAILED
    assert len(failing.iteration.assignments) == 4


# The session's files


async def test_an_unknown_phase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path, phase="deploying"), STAY)
    with pytest.raises(UsageError, match=r"deploying.*which does not exist"):
        await made.worker.run()
    assert not made.folder.journal.exists()


async def test_second_worker_is_refused_with_the_holder_of_the_session(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    holding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
            "from samobot.session.folder import SessionFolder; from samobot.session.lock import RunLock\n"
            "lock = RunLock.acquire(SessionFolder(Path(sys.argv[1])), datetime.now(UTC)); print('held', flush=True)\n"
            "sys.stdin.read()",
            str(folder.path),
        ],
        env={**os.environ, "SAMOBOT_STATE_DIR": str(state_dir())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {holding.pid}"):
            await bench(folder, STAY).worker.run()
    finally:
        holding.communicate()


async def test_a_disk_that_refuses_ends_the_run_with_one_sentence_and_leaves_the_session_runnable(
    tmp_path: Path,
) -> None:
    def a_folder_in_the_way(folder: SessionFolder) -> None:
        folder.qa.mkdir()

    made = bench(make_session(tmp_path), Played({"status": "continue"}, act=a_folder_in_the_way))
    with pytest.raises(StorageError, match=r"_qa\.md"):
        await made.worker.run()
    (end,) = journaled(made, EventName.RUN_END)
    assert (end["reason"], end["exit_code"]) == ("failed", 1)
    made.folder.qa.rmdir()
    with RunLock.acquire(made.folder, NOW):
        pass  # the session was given free
    again = bench(made.folder, BLOCKED)
    assert (await again.worker.run()).cause is BlockCause.AGENT


async def test_run_reports_in_the_journal_who_runs_and_why_it_ended(tmp_path: Path) -> None:
    made = bench(make_session(tmp_path), BLOCKED, options=RunOptions(auto=True, budget_usd=5))
    await made.worker.run()
    (start,), (end,) = journaled(made, EventName.RUN_START), journaled(made, EventName.RUN_END)
    assert (start["pid"], start["auto"], start["budget_usd"]) == (os.getpid(), True, 5)
    assert (end["reason"], end["cause"], end["exit_code"], end["phase"]) == (
        "blocked", "agent", 11, "investigation",
    )  # fmt: skip


def test_signals_left_by_hand_count_like_an_agents(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    write_signal(folder, status="waiting", **{"for": "human_action"}, needs="Plug it in")
    assert SessionFiles(folder, lambda: NOW).open_gate() is WaitingFor.HUMAN_ACTION
    assert SessionFiles(folder, lambda: NOW).what_is_needed() == "Plug it in"
