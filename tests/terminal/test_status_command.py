"""`samobot status`, `sessions` and `logs`: also where a file cannot be read."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.steps import Hang, Say
from samobot.session.journal import RunEndReason
from tests.support.scripted import KeptShop, ScriptedShop, blocked, investigation, scripted_shop
from tests.support.session_folder import make_session
from tests.support.terminal import Terminal
from tests.support.waiting import until

pytestmark = pytest.mark.slow

KEYS = [
    "project", "session", "path", "state", "phase", "iteration", "total_iterations", "blocked", "last_action",
    "next", "waiting_for", "questions", "worker", "cost_usd", "updated",
]  # fmt: skip


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> KeptShop:
    """A shop whose session waits for answers."""
    root = tmp_path_factory.mktemp("asked")
    made = scripted_shop(root / "shop", greeting())
    assert made.run("greet", "--task", "Add a greeting script").returncode == RunEndReason.WAITING.exit_code
    return KeptShop(made, root / "kept")


@pytest.fixture
def shop(asked: KeptShop) -> ScriptedShop:
    return asked.again()


def status_of(shop: ScriptedShop, name: str) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(shop.quickly("status", name, "--json").stdout)
    return status


def test_json_has_the_keys_that_are_promised(shop: ScriptedShop) -> None:
    status = status_of(shop, "greet")
    assert list(status) == KEYS
    assert list(status["questions"][0]) == ["number", "text", "options", "suggestion", "answer"]
    assert (status["project"], status["session"], status["state"]) == ("demo", "greet", "waiting")
    assert status["worker"] is None
    listed = json.loads(shop.quickly("status", "--json").stdout)
    assert [list(each) for each in listed] == [KEYS]


def test_a_running_worker_is_shown(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Hang()]))
    run = shop.start("run", "--session", "greet")
    until(shop.runs)
    until(lambda: shop.status("greet")["worker"])
    worker = shop.status("greet")["worker"]
    assert (worker["pid"], list(worker)) == (run.pid, ["pid", "started", "iteration"])
    assert "investigation, iteration 1" in shop.samobot("status").stdout
    assert "without a fence" in shop.samobot("status", "greet").stdout  # the scripted agent is a script
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=60)


@pytest.mark.parametrize(
    "name", ["_overview.md", "_qa.md", "_decisions.jsonl", "_guidance.md", "_signal.json"]
)
@pytest.mark.parametrize("what", ["folder", "garbage"])
def test_unreadable_parts_are_reported_and_the_others_shown(shop: ScriptedShop, name: str, what: str) -> None:
    path = shop.session("greet") / name
    path.unlink(missing_ok=True)
    if what == "folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(range(256)) * 40)
    for arguments in (["status", "greet"], ["sessions"]):
        shown = shop.quickly(*arguments)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "greet" in shown.stdout
    status = status_of(shop, "greet")
    if what == "folder":
        assert any(name in problem for problem in status["problems"])


def test_a_journal_that_is_damaged_keeps_what_is_readable(shop: ScriptedShop) -> None:
    cost = status_of(shop, "greet")["cost_usd"]
    journal = shop.vault("greet").journal
    journal.write_bytes(b"\xff\x00 garbage\n" + journal.read_bytes() + b'{"at": "2026')
    status = status_of(shop, "greet")
    assert status["cost_usd"] == cost
    assert "unreadable" in status["problems"][0]


def test_a_cost_that_is_not_known_in_full_is_said_to_be_at_least_that(shop: ScriptedShop) -> None:
    journal = shop.vault("greet").journal
    assert "at least" not in shop.quickly("status", "greet").stdout
    died = {"at": "2026-01-15T10:30:00.000Z", "event": "iteration_end", "phase": "testing", "cost_usd": None}
    journal.write_text(json.dumps(died) + "\n" + journal.read_text())
    for arguments in (["status"], ["status", "greet"], ["sessions"]):
        assert "· at least $" in shop.quickly(*arguments).stdout


def test_a_project_that_is_broken_does_not_hide_the_others(shop: ScriptedShop, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / ".samocode").write_text("MAIN_REPO=.\n")
    shop.environment["SAMOBOT_PROJECTS"] = f"{broken}:{shop.repo}"
    shown = shop.quickly("sessions")
    assert shown.returncode == 0
    assert "greet" in shown.stdout
    assert "lacks WORKTREES and SESSIONS" in shown.stderr


def test_without_a_session_it_shows_how_to_begin(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    assert "samobot run --session" in shop.quickly("status").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "gret"], "Did you mean “greet”?"),
        (["stauts"], "Did you mean “status”?"),
        (["status", "../x"], "cannot be a session's name"),
        (["status", "elsewhere:greet"], "There is no project “elsewhere”"),
        (["logs", "gret"], "Did you mean “greet”?"),
        (["stop"], "--all"),
        (["answer", "greet", "Q9=A"], "no question"),
        (["approve", "greet"], "no plan"),
        (["reject", "greet", "--feedback", " "], "different"),
        (["pause", "greet"], "not running"),
        (["resume", "greet"], "waits for answers"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(shop: ScriptedShop, arguments: list[str], words: str) -> None:
    done = shop.quickly(*arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("samobot: ")


def test_watching_ends_with_ctrl_c(shop: ScriptedShop) -> None:
    with Terminal(shop, "status", "greet", "--watch") as terminal:
        terminal.expect("Which greeting")
        terminal.press("c")
        assert terminal.wait() == 0


def test_logs_show_what_the_agent_wrote_and_did(shop: ScriptedShop) -> None:
    shown = shop.quickly("logs", "greet", "-n", "9")
    assert shown.returncode == 0
    assert "I look at what is there" in shown.stdout
    assert "git log" in shown.stdout
    (log, *_) = shop.quickly("logs", "greet", "--raw").stdout.splitlines()
    assert Path(log).read_bytes().count(b"\n") > 2
    with mock.patch("samobot.terminal.logs_command.SHOWN_BYTES", 10):
        end_only = shop.quickly("logs", "greet")
    assert "I look at what is there" not in end_only.stdout


def test_logs_follow_a_run_to_its_end(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Say(text="First words"), blocked()]))
    shop.run("greet", "--detach")
    shown = shop.samobot("logs", "greet", "-f")
    assert shown.returncode == 0
    assert "First words" in shown.stdout


def test_an_agent_cannot_decide_through_the_command_line(shop: ScriptedShop) -> None:
    shop.environment["SAMOBOT_ITERATION"] = "inside"
    done = shop.quickly("answer", "greet", "--suggestions")
    assert done.returncode == 1
    assert "may not answer or approve" in done.stderr
    del shop.environment["SAMOBOT_ITERATION"]
    assert [question["answer"] for question in status_of(shop, "greet")["questions"]] == [None] * 3


def test_a_session_is_archived_and_no_longer_listed(shop: ScriptedShop) -> None:
    assert shop.quickly("archive", "greet").returncode == 0
    assert "No sessions yet" in shop.quickly("sessions").stdout


@pytest.mark.parametrize(
    "command",
    [
        ("tell", "greet", "hi"),
        ("answer", "greet", "B"),
        ("answer", "greet", "Q1=B"),
        ("answer", "greet", "--suggestions"),
        ("approve", "greet"),
        ("reject", "greet", "--feedback", "smaller"),
    ],
)
def test_done_session_refuses_decisions_and_names_the_next_step(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    make_session(shop.sessions, phase="done", signal={"status": "done"})
    done = shop.quickly(*command)
    assert done.returncode == 1
    assert done.stderr == "samobot: greet is done; start a session of another name for what is next.\n"


def test_projects_of_one_name_can_each_be_addressed_by_the_name_of_the_chat(
    shop: ScriptedShop, tmp_path: Path
) -> None:
    other = scripted_shop(tmp_path / "other", greeting())
    other.run("greet")
    shop.environment |= {"SAMOBOT_PROJECTS": f"{shop.repo}:{other.repo}"}
    asked = shop.quickly("status", "greet")
    assert asked.returncode == 2
    assert "Say which: demo:greet, other-demo:greet." in asked.stderr
    for project, sessions in (("demo", shop.sessions), ("other-demo", other.sessions)):
        status = status_of(shop, f"{project}:greet")
        assert (status["project"], Path(status["path"]).parent) == (project, sessions)
        assert f"{project}:greet" in shop.quickly("status").stdout
    # Also from the second one's folder, which is looked at first there.
    other.environment |= {"SAMOBOT_PROJECTS": f"{shop.repo}:{other.repo}"}
    assert "Say which: other-demo:greet, demo:greet." in other.quickly("status", "greet").stderr


@pytest.mark.parametrize("words", [("Q1=A", "Q1=B"), ("Q1=A", "q1=B"), ("1=A", "Q01=B")])
def test_two_answers_to_one_question_are_refused_and_none_is_lost(
    shop: ScriptedShop, words: tuple[str, str]
) -> None:
    before = (shop.session("greet") / "_qa.md").read_bytes()
    done = shop.quickly("answer", "greet", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "two answers to Q1" in done.stderr
    assert (shop.session("greet") / "_qa.md").read_bytes() == before


def test_text_without_quotation_marks_is_not_cut_to_the_last_word(shop: ScriptedShop) -> None:
    shop.quickly("answer", "greet", "Q1=A", "Q2=A")
    done = shop.quickly("answer", "greet", "only", "what", "breaks")
    assert done.returncode == 2
    assert "quotation marks" in done.stderr
    assert status_of(shop, "greet")["questions"][2]["answer"] is None


def test_sums_of_money_are_cents_for_scripts(shop: ScriptedShop) -> None:
    assert status_of(shop, "greet")["cost_usd"] == 0.33
    assert json.loads(shop.quickly("cost", "--json").stdout)["total"]["usd"] == 0.33


def test_a_session_that_finished_long_ago_is_listed_alike_each_time_and_as_it_is_now(
    shop: ScriptedShop,
) -> None:
    folder = make_session(shop.session("greet").parent, phase="done", signal={"status": "done"})
    old = time.time() - 3 * 3600
    for path in (*folder.path.rglob("*"), folder.path):
        os.utime(path, (old, old))
    first, second = (json.loads(shop.quickly("status", "--json").stdout) for _ in range(2))
    assert first == second
    assert "done" in [each["state"] for each in second]
    text = shop.quickly("status").stdout
    assert "done · 3 h ago" in text
    folder.signal.write_text('{"status": "blocked", "reason": "stuck"}')
    assert "done" not in [each["state"] for each in json.loads(shop.quickly("status", "--json").stdout)]
