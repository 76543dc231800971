"""The gates at a real terminal: asked, answered, and gone on, in one run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from samobot.phases import Phase, WaitingFor
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import Scenario
from samobot.sandbox.agent.steps import Children, Hang, WaitFor
from tests.support.scripted import blocked, go_on, investigation, scripted_shop, wait_for
from tests.support.session_folder import make_session
from tests.support.terminal import Terminal
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def test_user_takes_a_task_to_done_without_leaving_the_run(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    with Terminal(shop, "run", "--session", "greet", "--task", "Add a greeting script") as terminal:
        terminal.expect("Which greeting should it print?")
        terminal.expect("Q1 [A/B/C or your words, Enter takes A]: ")
        terminal.type("B")
        terminal.expect("Q2 [")
        terminal.type("")  # takes what the agent suggests
        terminal.expect("Q3 [")
        terminal.type("Z")
        terminal.expect("Q3 has no option Z")
        terminal.expect("Q3 [")
        terminal.type("Everything, please")
        terminal.expect("greet has a plan")
        terminal.expect("[l]ater: ")
        terminal.type("s")
        terminal.expect("# Plan: Greeting script")
        terminal.expect("[l]ater: ")
        terminal.type("r")
        terminal.expect("What should be different? ")
        terminal.type("Fewer phases, and say “Ahoj”")
        terminal.expect("greet has a plan")
        terminal.expect("[l]ater: ")
        terminal.type("a")
        assert terminal.wait() == 0, terminal.text
        assert "greet is done" in terminal.text
    answers = [question["answer"] for question in shop.status("greet")["questions"]]
    assert answers == ["B) Good day", "A) world", "Everything, please"]
    again = [run for run in shop.runs() if run.phase == "planning"][1]
    assert "Fewer phases, and say “Ahoj”" in again.prompt
    assert shop.git("log", "--oneline", "greet").count("\n") >= 1


def held_up(phase: Phase, until_there: Path) -> Scenario:
    """The whole way, but for a phase whose first iteration goes on only when a file is there."""
    scenario = greeting()
    first, *others = scenario.phases[phase]
    held = [[WaitFor(path=str(until_there)), *first], *others]
    return scenario.model_copy(update={"phases": {**scenario.phases, phase: held}})


def test_run_that_was_to_pause_does_not_continue_after_the_answers_in_its_terminal(tmp_path: Path) -> None:
    let_go = tmp_path / "go"
    shop = scripted_shop(tmp_path / "shop", held_up(Phase.PLANNING, let_go))
    with Terminal(shop, "run", "--session", "greet", "--task", "Add a greeting script") as terminal:
        terminal.expect("Q1 [")
        shop.quickly("answer", "greet", "--suggestions")
        until(lambda: [run for run in shop.runs() if run.phase == "planning"])
        assert shop.samobot("pause", "greet").returncode == 0
        let_go.touch()
        terminal.expect("[l]ater: ")
        terminal.type("a")
        terminal.expect("greet stays paused, as asked.")
        assert terminal.wait() == 12, terminal.text
    assert shop.status("greet")["state"] == "stopped"
    assert shop.runs()[-1].phase == "planning"


def test_keys_typed_before_a_plan_is_shown_do_not_approve_it(tmp_path: Path) -> None:
    let_go = tmp_path / "go"
    shop = scripted_shop(tmp_path / "shop", held_up(Phase.PLANNING, let_go))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        for question in ("Q1 [", "Q2 [", "Q3 ["):
            terminal.expect(question)
            terminal.type("A")
        until(lambda: any(run.phase == "planning" for run in shop.runs()))
        terminal.type("a")
        let_go.touch()
        terminal.expect("greet has a plan")
        terminal.expect("[l]ater: ")
        terminal.type("l")
        assert terminal.wait() == 10, terminal.text
    assert shop.status("greet")["waiting_for"] == WaitingFor.PLAN_APPROVAL


def test_keys_typed_before_the_questions_are_shown_answer_none(tmp_path: Path) -> None:
    let_go = tmp_path / "go"
    shop = scripted_shop(tmp_path / "shop", held_up(Phase.REQUIREMENTS, let_go))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        until(lambda: any(run.phase == "requirements" for run in shop.runs()))
        for _ in range(3):
            terminal.type("")  # each would take a suggestion
        let_go.touch()
        for question in ("Q1 [", "Q2 [", "Q3 ["):
            terminal.expect(question)
            terminal.type("In words")
        terminal.expect("[l]ater: ")
        terminal.type("l")
        assert terminal.wait() == 10, terminal.text
    answers = [question["answer"] for question in shop.status("greet")["questions"]]
    assert answers == ["In words"] * 3


def test_ctrl_c_at_a_question_leaves_it_open_and_keeps_what_was_answered(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    with Terminal(shop, "run", "--session", "greet") as terminal:
        terminal.expect("Q1 [")
        terminal.type("C")
        terminal.expect("Q2 [")
        terminal.press("c")
        assert terminal.wait() == 10, terminal.text
        assert "What was answered is saved" in terminal.text
    status = shop.status("greet")
    assert [question["answer"] for question in status["questions"]] == ["C) Ahoy", None, None]
    assert status["state"] == "waiting"


def test_the_end_of_input_leaves_a_gate_open(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    with Terminal(shop, "run", "--session", "greet") as terminal:
        terminal.expect("Q1 [")
        terminal.press("d")
        assert terminal.wait() == 10, terminal.text


def test_decision_made_elsewhere_continues_the_run_automatically(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    with Terminal(shop, "run", "--session", "greet") as terminal:
        terminal.expect("Q1 [")
        assert shop.quickly("answer", "greet", "--suggestions").returncode == 0
        terminal.expect("Decided elsewhere")
        terminal.expect("greet has a plan")
        terminal.expect("[l]ater: ")
        terminal.type("l")
        assert terminal.wait() == 10, terminal.text


def test_answer_without_arguments_asks_and_takes_suggestions_on_enter(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    qa = """\
### Q1: Which parser?
**Suggestion:** argparse
**Answer:** _waiting_

### Q2: Which greeting?
A) hello
B) good day
**Suggestion:** B - polite
**Answer:** _waiting_

### Q3: For whom?
**Answer:** _waiting_
"""
    make_session(shop.sessions, phase="requirements", qa=qa)
    with Terminal(shop, "answer", "greet") as terminal:
        terminal.expect("Q1 [your words, Enter takes “argparse”]: ")
        terminal.type("")
        terminal.expect("Q2 [A/B or your words, Enter takes B]: ")
        terminal.type("")
        terminal.expect("Q3 [your words]: ")
        terminal.type("")
        terminal.expect("Please answer")
        terminal.expect("Q3 [your words]: ")
        terminal.type("The world")
        terminal.expect("All answered.")
        assert terminal.wait() == 0, terminal.text
    answers = [question["answer"] for question in shop.status("greet")["questions"]]
    assert answers == ["argparse", "B) good day", "The world"]


def test_ctrl_c_during_an_iteration_stops_it_and_everything_it_started(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), Hang()]))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        terminal.expect("investigation · iteration 1")
        until(shop.children)
        terminal.press("c")
        assert terminal.wait() == 12, terminal.text
        assert "is stopped" in terminal.text
    assert shop.processes() == []


def test_a_closed_terminal_stops_the_run_in_good_order(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), Hang()]))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        until(shop.children)
        terminal.close()
        assert terminal.process.wait(60) == 12
    assert shop.processes() == []
    assert shop.journal("greet", "run_end")[-1]["reason"] == "stopped"


def test_an_action_is_confirmed_right_there(tmp_path: Path) -> None:
    needs = wait_for(WaitingFor.HUMAN_ACTION).model_copy(update={"needs": "Plug in the device"})
    scenario = Scenario(
        phases={Phase.INVESTIGATION: [[go_on()]], Phase.IMPLEMENTATION: [[needs], [blocked()]]}
    )
    shop = scripted_shop(tmp_path, scenario)
    shop.run("greet", "--max-iterations", "1")
    overview = shop.session("greet") / "_overview.md"
    overview.write_text(overview.read_text().replace("Phase: investigation", "Phase: implementation"))
    with Terminal(shop, "run", "--session", "greet") as terminal:
        terminal.expect("Plug in the device")
        terminal.expect("[d]one, or [l]ater: ")
        terminal.type("d")
        assert terminal.wait() == 11, terminal.text
    decisions = (shop.session("greet") / "_decisions.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in decisions] == ["action_done"]


def test_the_cap_on_iterations_counts_over_the_gates_of_one_run(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    with Terminal(shop, "run", "--session", "greet", "--max-iterations", "3") as terminal:
        for question in ("Q1 [", "Q2 [", "Q3 ["):
            terminal.expect(question)
            terminal.type("A")
        assert terminal.wait() == 13, terminal.text
    assert len(shop.runs()) == 3


def test_a_deleted_worktree_is_asked_about_before_it_is_recreated(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    assert shop.run("greet", "--task", "Greet").returncode == 11
    tree = shop.worktrees / "greet"
    shutil.rmtree(tree)
    with Terminal(shop, "run", "--session", "greet", "--detach") as terminal:
        terminal.expect("The worktree of greet was deleted.")
        terminal.expect("Recreate the worktree from its branch? [Y/n]: ")
        terminal.type("n")
        assert terminal.wait() == 2, terminal.text
    assert not tree.exists()
    with Terminal(shop, "run", "--session", "greet", "--detach") as terminal:
        terminal.expect("Recreate the worktree from its branch? [Y/n]: ")
        terminal.type("")
        terminal.expect("recreated from its branch greet")
        assert terminal.wait() == 0, terminal.text
    assert (tree / ".git").is_file()
    until(lambda: shop.processes() == [])
