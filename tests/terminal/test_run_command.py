"""`samobot run` as a program: what it refuses, how it ends, and that it can always be ended."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import psutil
import pytest

from samobot.phases import Phase, WaitingFor
from samobot.sandbox.agent.journeys import greeting
from samobot.sandbox.agent.scenario import Scenario, install
from samobot.sandbox.agent.steps import (
    Children,
    Commit,
    Cost,
    Crash,
    Fail,
    Hang,
    IgnoreStep,
    LimitStep,
    Questions,
    QuestionStep,
    RunStep,
    Step,
    WaitFor,
    Write,
)
from tests.support.scripted import ScriptedShop, blocked, go_on, investigation, scripted_shop, wait_for
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def everything(shop: ScriptedShop) -> dict[str, bytes | None]:
    """Every file of the workshop but the HOME, and what the agent notes about itself."""
    return {
        str(path.relative_to(shop.root)): path.read_bytes() if path.is_file() else None
        for path in shop.root.rglob("*")
        if not {"home", "agent"} & set(path.relative_to(shop.root).parts)
    }


# Refusals


def no_project(shop: ScriptedShop) -> None:
    shop.config.unlink()


def no_key(shop: ScriptedShop) -> None:
    shop.config.write_text("MAIN_REPO=.\nSESSIONS=../sessions\n")


def no_repository(shop: ScriptedShop) -> None:
    shop.config.write_text("MAIN_REPO=../nowhere\nWORKTREES=../worktrees\nSESSIONS=../sessions\n")


def project_is_garbage(shop: ScriptedShop) -> None:
    shop.config.write_bytes(b"\xff\xfe\x00MAIN")


def no_claude(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_PATH"] = "/nowhere/claude"


def claude_is_no_program(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_PATH"] = str(shop.repo / "README.md")


def claude_is_something_else(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_PATH"] = "/bin/echo"


def not_logged_in(shop: ScriptedShop) -> None:
    # A folder of that name is what tells the CLI from a script of the person's own, which is not asked.
    agent = install(shop.root / "claude-code", Scenario(phases={"*": [[go_on()]]}, logged_in=False))
    shop.environment["CLAUDE_PATH"] = str(agent)
    del shop.environment["ANTHROPIC_API_KEY"]  # with a key it is not asked either


def root_without_a_sandbox(shop: ScriptedShop) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is refused")
    del shop.environment["IS_SANDBOX"]


def a_reserved_flag(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_ARGS"] = "--resume x"


def a_permission_mode_among_the_flags(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_ARGS"] = "--permission-mode plan"


def a_bad_setting(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_TIMEOUT"] = "soon"


def a_line_that_cannot_be_read(shop: ScriptedShop) -> None:
    file = shop.root / "some.env"
    file.write_text('CLAUDE_MODEL="opus\n')
    shop.environment["SAMOBOT_ENV_FILE"] = str(file)


def an_unknown_permission_mode(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_PERMISSION_MODE"] = "foo"


def a_permission_mode_without_work(shop: ScriptedShop) -> None:
    shop.environment["CLAUDE_PERMISSION_MODE"] = "plan"


def a_file_for_sessions(shop: ScriptedShop) -> None:
    shop.config.write_text("MAIN_REPO=.\nWORKTREES=../worktrees\nSESSIONS=README.md\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_project, ".samocode"),
        (no_key, "lacks WORKTREES"),
        (no_repository, "not a folder"),
        (project_is_garbage, "cannot be read"),
        (no_claude, "There is no Claude CLI at /nowhere/claude"),
        (claude_is_no_program, "chmod +x"),
        (claude_is_something_else, "does not seem to be a working Claude CLI"),
        (not_logged_in, "not logged in"),
        (root_without_a_sandbox, "As root"),
        (a_reserved_flag, "--resume"),
        (a_permission_mode_among_the_flags, "CLAUDE_PERMISSION_MODE sets that"),
        (a_bad_setting, "CLAUDE_TIMEOUT"),
        (a_line_that_cannot_be_read, "some.env, line 1 (CLAUDE_MODEL), cannot be read"),
        (an_unknown_permission_mode, "one of acceptEdits, auto, bypassPermissions, default, dontAsk"),
        (a_permission_mode_without_work, "nothing can be done with it"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence_and_changes_nothing(
    tmp_path: Path, spoil: object, words: str
) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    assert callable(spoil)
    spoil(shop)
    before = everything(shop)
    done = shop.quickly("run", "--session", "greet", "--task", "Greet", "--config", str(shop.config))
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("samobot: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert everything(shop) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--session", "../greet"], "cannot be a session's name"),
        (["--session", "greet/../../x"], "cannot be a session's name"),
        (["--session", ""], "cannot be a session's name"),
        ([], "--session"),
        (["--session", "greet", "--budget", "0"], "--budget"),
        (["--session", "greet", "--budget", "nan"], "--budget"),
        (["--session", "greet", "--budget", "inf"], "--budget"),
        (["--session", "greet", "--budget", "1e999"], "--budget"),
        (["--session", "greet", "--timeout", "nan"], "--timeout"),
        (["--session", "greet", "--timeout", "inf"], "--timeout"),
        (["--session", "greet", "--max-iterations", "none"], "--max-iterations"),
        (["--session", "greet", "--bugdet", "5"], "--budget"),
        (["--session", "greet", "--task", "x", "--from", "gone"], "no session “gone”"),
        (["--session", "greet", "--profile", "huge"], "'light', 'standard', 'strong', 'max'"),
    ],
)
def test_a_bad_argument_is_said_and_changes_nothing(tmp_path: Path, arguments: list[str], words: str) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    before = everything(shop)
    done = shop.quickly("run", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert everything(shop) == before


def test_session_continues_only_with_a_budget_that_is_an_amount(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()]))
    shop.run("greet", "--max-iterations", "1")
    for amount in ("nan", "inf", "-1", "0"):
        done = shop.quickly("resume", "greet", f"--budget={amount}")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--budget" in done.stderr
        assert done.stderr.count("\n") == 1
    assert len(shop.journal("greet", "run_start")) == 1


def test_a_name_whose_branch_is_taken_is_said_and_changes_nothing(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()]))
    shop.run("foo.lock", "--task", "t", "--max-iterations", "1")
    before = everything(shop)
    for name, place in (("foo", shop.worktrees / "foo.lock"), ("main", shop.repo)):
        done = shop.refused_run(name, "--task", "t")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"checked out in {place}: give the session another name" in done.stderr
        assert done.stderr.count("\n") == 1
        assert everything(shop) == before


def test_a_slip_in_a_sessions_name_makes_no_second_session(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greeting", "--task", "Greet")
    slip = shop.refused_run("greetign")
    assert slip.returncode == 2
    assert "Did you mean “greeting”?" in slip.stderr
    assert len(list(shop.sessions.iterdir())) == 1


def test_an_overview_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet")
    overview = shop.session("greet") / "_overview.md"
    overview.unlink()
    overview.mkdir()
    done = shop.refused_run("greet")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "_overview.md" in done.stderr


def test_an_unknown_phase_is_said_with_those_there_are(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet")
    overview = shop.session("greet") / "_overview.md"
    overview.write_text(overview.read_text().replace("Phase: investigation", "Phase: deploying"))
    done = shop.refused_run("greet")
    assert done.returncode == 2
    assert "deploying" in done.stderr
    assert "investigation, requirements" in done.stderr
    assert len(shop.runs()) == 1


# Ends


def test_the_whole_way_of_a_task_and_its_exit_codes(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    asked = shop.run("greet", "--task", "Add a greeting script")
    assert asked.returncode == 10, asked.stderr
    assert "Q1  Which greeting" in asked.stdout
    assert "samobot answer greet" in asked.stdout
    assert shop.quickly("answer", "greet", "--suggestions").returncode == 0
    assert shop.run("greet").returncode == 10
    assert shop.quickly("approve", "greet").returncode == 0
    capped = shop.run("greet", "--max-iterations", "1")
    assert capped.returncode == 13
    assert "1 iteration was run" in capped.stdout
    assert shop.run("greet").returncode == 0
    again = shop.run("greet")
    assert again.returncode == 0
    assert "done before" in again.stdout
    runs = len(shop.runs())
    late = shop.run("greet", "--task", "More")
    assert (late.returncode, len(shop.runs())) == (2, runs)
    assert "is done" in late.stderr


def test_budget_stops_and_a_bigger_one_continues(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Cost(usd=1.0), Write(path="{run}.txt", text="x"), go_on()]))
    done = shop.run("greet", "--budget", "1.5")
    assert done.returncode == 13, done.stderr
    assert "$1.50" in done.stdout
    assert len(shop.runs()) == 2
    assert "--max-budget-usd" in shop.runs()[0].argv
    assert shop.run("greet").returncode == 13
    assert len(shop.runs()) == 2
    assert shop.run("greet", "--budget", "2.5").returncode == 13
    assert len(shop.runs()) == 3


def test_profile_of_a_run_reaches_the_cli_and_the_journal(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet", "--profile", "light")
    [ran] = shop.runs()
    assert [ran.argv[ran.argv.index(flag) + 1] for flag in ("--model", "--effort")] == ["sonnet", "medium"]
    [started] = shop.journal("greet", "iteration_start")
    assert (started["model"], started["effort"]) == ("sonnet", "medium")


def test_run_begins_on_the_commits_of_another_session(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet")
    place = shop.worktrees / "greet"
    (place / "new.py").write_text("pass\n")
    shop.git("add", ".", cwd=place)
    shop.git("commit", "--quiet", "-m", "new", cwd=place)
    assert shop.run("more", "--task", "Go on", "--from", "greet").returncode == 11
    assert (shop.worktrees / "more" / "new.py").exists()
    refused = shop.samobot("run", "--session", "more", "--from", "greet")
    assert refused.returncode == 2
    assert "more is there already; --from is for a new session" in refused.stderr


def test_text_for_an_existing_session_becomes_guidance(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet", "--task", "Greet")
    shop.run("greet", "--task", "Use argparse")
    assert "Use argparse" in shop.runs()[1].prompt
    assert "Use argparse" in (shop.session("greet") / "_guidance.md").read_text()


def test_a_failing_agent_is_tried_again_and_then_said(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Crash(exit_code=3, stderr="out of luck")]))
    done = shop.run("greet")
    assert done.returncode == 1
    assert len(shop.runs()) == 4
    assert "4 iterations in a row failed" in done.stdout
    assert "out of luck" in done.stdout


def test_a_refused_login_in_mid_run_asks_at_once(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Fail(kind="auth")]))
    done = shop.run("greet")
    assert done.returncode == 11
    assert len(shop.runs()) == 1


def test_limit_parks_the_run_until_the_user_or_the_reset_wakes_it(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([LimitStep(resets_in=3600)], [blocked()]))
    run = shop.start("run", "--session", "greet")
    until(lambda: list(shop.sessions.glob("*/_logs/journal.jsonl")))
    until(lambda: shop.journal("greet", "park"))
    until(lambda: shop.status("greet")["state"] == "parked")
    woken = shop.samobot("resume", "greet")
    assert "continues now" in woken.stdout
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 11, out
    assert shop.journal("greet", "unpark")[0]["by"] == "person"


def test_a_pause_that_was_taken_back_during_the_iteration_pauses_nothing(tmp_path: Path) -> None:
    shop = scripted_shop(
        tmp_path / "shop", investigation([WaitFor(path=str(tmp_path / "go")), go_on()], [blocked()])
    )
    run = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: bool(shop.runs()))
    assert shop.samobot("pause", "greet").returncode == 0
    resumed = shop.samobot("resume", "greet")
    assert "the pause is canceled" in resumed.stdout
    (tmp_path / "go").touch()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 11, out


def test_a_pause_of_an_iteration_that_asks_is_said_at_the_terminal_and_holds(tmp_path: Path) -> None:
    ask = [Questions(questions=(QuestionStep(text="How loud?"),)), wait_for(WaitingFor.QA_ANSWERS)]
    looked = [go_on(Phase.REQUIREMENTS)]
    requirements = [[WaitFor(path=str(tmp_path / "go")), *ask], [blocked()]]
    scenario = Scenario(phases={Phase.INVESTIGATION: [looked], Phase.REQUIREMENTS: requirements})
    shop = scripted_shop(tmp_path / "shop", scenario)
    run = shop.start("run", "--session", "greet", "--task", "x")
    until(lambda: len(shop.runs()) == 2)
    assert shop.samobot("pause", "greet").returncode == 0
    (tmp_path / "go").touch()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 10, out
    assert "Then:    samobot resume greet   (it stays paused until then)" in out
    answered = shop.quickly("answer", "greet", "Q1=very")
    assert "It stays paused, as asked. Continue with: samobot resume greet" in answered.stdout
    assert "paused in requirements" in shop.quickly("status", "greet").stdout
    assert shop.samobot("resume", "greet").returncode == 0
    until(lambda: shop.status("greet")["state"] == "blocked")


def test_limit_ends_the_run_if_it_does_not_wait(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([LimitStep(resets_in=3600)]))
    done = shop.run("greet", "--no-wait")
    assert done.returncode == 14
    assert "samobot run --session greet" in done.stdout
    assert shop.status("greet")["state"] == "parked"


def test_second_run_is_refused_with_the_holder_of_the_session(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Hang()]))
    run = shop.start("run", "--session", "greet")
    try:
        until(shop.runs)
        second = shop.run("greet")
        assert second.returncode == 75
        assert f"process {run.pid}" in second.stderr
        detached = shop.run("greet", "--detach")
        assert detached.returncode == 75
        assert f"process {run.pid}" in detached.stderr
        for more in ([], ["--detach"]):
            refused = shop.run("greet", "--task", "Do not greet", *more)
            assert refused.returncode == 75
            assert "text was not saved" in refused.stderr
            assert "samobot tell greet" in refused.stderr
        assert not (shop.session("greet") / "_guidance.md").exists()
    finally:
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)


def test_background_session_runs_on_its_own(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    started = shop.run("greet", "--task", "Greet {with} 'quotes' $HOME", "--detach")
    assert started.returncode == 0, started.stderr
    assert "runs in the background" in started.stdout
    until(lambda: shop.status("greet")["state"] == "waiting")
    at_gate = shop.run("greet", "--detach")
    assert at_gate.returncode == 10
    assert "Which greeting" in at_gate.stdout
    assert "Greet {with} 'quotes' $HOME" in (shop.session("greet") / "_overview.md").read_text()
    until(lambda: shop.processes() == [])


def test_an_error_in_the_background_is_said_here(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    shop.run("greet")
    subprocess.run(["rm", "-rf", str(shop.worktrees / "greet")], check=True)
    done = shop.run("greet", "--detach")
    assert done.returncode == 2
    assert "working directory" in done.stderr
    assert "is gone" in done.stderr


@pytest.mark.parametrize("command", [["resume", "greet"], ["run", "--session", "greet", "--detach"]])
def test_a_deleted_worktree_is_recreated_on_request(tmp_path: Path, command: list[str]) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]))
    (shop.repo / ".worktreeinclude").write_text("local.env\n")
    (shop.repo / "local.env").write_text("PORT=1\n")
    with (shop.repo / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write("local.env\n")
    shop.run("greet")
    tree = shop.worktrees / "greet"
    seen = shop.git("rev-parse", "HEAD", cwd=tree).strip()
    (began,), (ended,) = (shop.journal("greet", f"iteration_{what}") for what in ("start", "end"))
    assert began["head"] == ended["head"] == seen
    shop.git("commit", "--quiet", "--allow-empty", "-m", "work", cwd=tree)
    shutil.rmtree(tree)
    refused = shop.samobot(*command)
    assert refused.returncode == 2
    assert "--recreate-worktree" in refused.stderr
    assert not tree.exists()
    done = shop.samobot(*command, "--recreate-worktree")
    assert done.returncode == 0, done.stderr
    assert "recreated from its branch greet" in done.stdout
    assert "not committed in the deleted worktree are lost" in done.stdout
    assert "work" in shop.git("log", "-1", "--format=%s", cwd=tree)
    assert (tree / "local.env").read_text() == "PORT=1\n", "it is prepared for building"
    assert any("was recreated" in str(event.get("text")) for event in shop.journal("greet", "notice"))
    until(lambda: shop.processes() == [])


def test_user_has_to_act_and_confirms_when_it_is_done(tmp_path: Path) -> None:
    needs = wait_for(WaitingFor.HUMAN_ACTION).model_copy(update={"needs": "Plug in the device"})
    implement = Scenario(
        phases={Phase.INVESTIGATION: [[go_on()]], Phase.IMPLEMENTATION: [[needs], [blocked()]]}
    )
    shop = scripted_shop(tmp_path, implement)
    shop.run("greet", "--max-iterations", "1")
    overview = shop.session("greet") / "_overview.md"
    overview.write_text(overview.read_text().replace("Phase: investigation", "Phase: implementation"))
    done = shop.run("greet")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "Plug in the device" in done.stdout
    assert "samobot resume greet" in done.stdout
    assert shop.run("greet").returncode == 10
    assert shop.samobot("resume", "greet").returncode == 0
    until(lambda: shop.status("greet")["state"] == "blocked")


# Being stopped


@pytest.mark.parametrize(
    ("how", "kind", "deaf"),
    [
        ("SIGINT", "foreground", False),
        ("SIGTERM", "background", False),
        ("SIGHUP", "setsid", False),
        ("samobot stop", "foreground", False),
        ("SIGTERM", "setsid", True),
        ("samobot stop", "background", True),
    ],
)
def test_a_stop_leaves_no_process_and_a_session_that_can_be_run(
    tmp_path: Path, how: str, kind: Literal["foreground", "background", "setsid"], deaf: bool
) -> None:
    ignore: list[Step] = [IgnoreStep(signals=["INT"])] if deaf else []
    steps: list[Step] = [*ignore, Children(kind=kind, deaf=deaf, count=2), Hang()]
    shop = scripted_shop(tmp_path, investigation(steps, [blocked()]))
    run = shop.start("run", "--session", "greet")
    until(shop.children)
    if how == "samobot stop":
        stopped = shop.samobot("stop", "greet", timeout=60)
        assert stopped.returncode == 0
        assert "nothing of the session is running" in stopped.stdout
    else:
        run.send_signal(getattr(signal, how))
    out, err = run.communicate(timeout=60)
    assert run.returncode == 12, out + err
    assert "is stopped" in out
    assert shop.processes() == []
    assert shop.status("greet")["state"] == "stopped"
    assert shop.run("greet").returncode == 11


def slow_git(shop: ScriptedShop) -> Path:
    """Make git hang at its first call to the remote; returns the file that says it has begun."""
    begun = shop.root / "begun"
    folder = shop.root / "bin"
    folder.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *ls-remote*) touch {begun}; sleep 1000;; esac\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    shop.environment["PATH"] = f"{folder}:{shop.environment['PATH']}"
    return begun


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_while_the_worktree_is_made_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    shop = scripted_shop(tmp_path, investigation([blocked()]), remote=True)
    begun = slow_git(shop)
    run = shop.start("run", "--session", "greet", "--task", "Greet")
    until(begun.exists)
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 12, out + err
    assert err == ""
    assert shop.processes() == []
    assert not shop.sessions.exists()
    assert not shop.worktrees.exists()


@pytest.mark.parametrize(
    ("step", "event"),
    [(Crash(), "retry"), (LimitStep(resets_in=3600), "park"), (Fail(kind="overloaded"), "retry")],
)
def test_a_stop_during_a_wait_ends_it_at_once(
    tmp_path: Path, step: Crash | LimitStep | Fail, event: str
) -> None:
    shop = scripted_shop(tmp_path, investigation([step]))
    shop.environment["SAMOCODE_RETRY_DELAY"] = "1000"
    run = shop.start("run", "--session", "greet")
    until(lambda: list(shop.sessions.glob("*/_logs/journal.jsonl")))
    until(lambda: shop.journal("greet", event))
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 12, out + err
    assert shop.journal("greet", "run_end")[-1]["reason"] == "stopped"


def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, greeting())
    run = shop.start("run", "--session", "greet")
    assert run.stdout is not None
    run.stdout.close()
    assert run.wait(timeout=60) == 10
    assert shop.status("greet")["state"] == "waiting"
    assert run.stderr is not None
    assert "Traceback" not in run.stderr.read()
    run.stderr.close()


# Being killed


def test_next_worker_after_a_killed_one_ends_what_was_left_and_reverts_what_was_forged(
    tmp_path: Path,
) -> None:
    shop = scripted_shop(
        tmp_path,
        Scenario(
            phases={
                Phase.INVESTIGATION: [
                    [
                        Questions(questions=[QuestionStep(text="Which?", options=["A", "B"])]),
                        Write(
                            path="session:_overview.md", text="# greet\n\n## Status\nPhase: implementation\n"
                        ),
                        Children(kind="setsid"),
                        IgnoreStep(signals=["INT", "TERM"]),
                        Hang(),
                    ],
                    [blocked()],
                ]
            }
        ),
    )
    run = shop.start("run", "--session", "greet")
    until(shop.children)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert shop.processes() != []
    (shop.session("greet") / "_qa.md").write_text("### Q1: Which?\n**Answer:** forged\n")
    assert shop.status("greet")["state"] != "running"
    again = shop.run("greet")
    assert again.returncode == 11, again.stdout + again.stderr
    assert shop.processes() == []
    assert [each.phase for each in shop.runs()] == ["investigation", "investigation"]
    details = " ".join(each["detail"] for each in shop.journal("greet", "void"))
    assert "overwritten" in details
    assert "not given by a user" in details


def test_agent_does_not_stop_or_pause_in_the_users_name(tmp_path: Path) -> None:
    config = tmp_path / "demo" / ".samocode"
    call = f"{shlex.quote(sys.executable)} -m samobot"
    ask = [
        RunStep(
            command=f"{disguise}{call} {what} --config {config} >> {{session}}/said 2>&1; echo rc=$? >> {{session}}/said"
        )
        for disguise in ("", "env -u SAMOBOT_ITERATION ")
        for what in ("stop greet", "stop --all", "pause greet", "run --session greet --task Faster")
    ]
    shop = scripted_shop(tmp_path, investigation([*ask, go_on()], [blocked()]))
    done = shop.run("greet", "--task", "x")
    assert done.returncode == 11, done.stdout + done.stderr
    stop = (
        "This was called from inside an iteration. An agent may not stop or pause a session; "
        "write the signal and end the iteration instead.\nrc=1\n"
    )
    run = (
        "This was called from inside an iteration. An agent may not answer or approve; "
        "signal “waiting” and end the iteration.\nrc=1\n"
    )
    said = (shop.session("greet") / "said").read_text()
    assert said.split("samobot: ")[1:] == [stop, stop, stop, run] * 2
    assert not (shop.session("greet") / "_guidance.md").exists()


def test_stop_cleans_up_after_a_killed_worker(tmp_path: Path) -> None:
    shop = scripted_shop(
        tmp_path, investigation([IgnoreStep(signals=["INT", "TERM"]), Children(kind="setsid"), Hang()])
    )
    run = shop.start("run", "--session", "greet")
    until(shop.children)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    stopped = shop.samobot("stop", "greet")
    assert stopped.returncode == 0
    assert "left behind ended too" in stopped.stdout
    assert shop.processes() == []
    assert shop.status("greet")["state"] == "stopped"
    assert "Stopped by the user" in (shop.session("greet") / "_overview.md").read_text()


def test_a_frozen_worker_is_killed_by_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = scripted_shop(tmp_path, investigation([Children(kind="setsid"), Hang()]))
    run = shop.start("run", "--session", "greet")
    until(shop.children)
    psutil.Process(run.pid).suspend()
    from samobot.session.folder import SessionFolder
    from samobot.worker import halt

    monkeypatch.setattr(halt, "WORKER_SECONDS", 0.5)
    halted = halt.halt(SessionFolder(shop.session("greet")))
    run.communicate()
    assert halted.forced
    assert halted.worker == run.pid
    assert shop.processes() == []
    assert shop.status("greet")["state"] == "stopped"


# What an agent may do to its files


OVERVIEW_DAMAGE = {
    "phase": ["sed -i 's/^Phase: .*/Phase: implementation/' _overview.md", "changed to “implementation”"],
    "deleted": ["rm _overview.md", "_overview.md was deleted"],
    "emptied": [": > _overview.md", "overwritten"],
    "garbage": ["head -c 3000 /dev/urandom > _overview.md", "overwritten"],
    "folder": ["rm _overview.md && mkdir _overview.md", "no file"],
    "fifo": ["rm _overview.md && mkfifo _overview.md", "no file"],
    "link": ["rm _overview.md && ln -s /dev/zero _overview.md", "no file"],
    "signal folder": ["mkdir _signal.json", "_signal.json had become"],
    # Again if the worker has just made a file in there, which keeps rm from the folder itself.
    "session": ["cd .. && while ! rm -rf *-greet; do :; done", "session's folder was deleted"],
    "replaced": [
        "cd .. && while ! rm -rf *-greet; do :; done && mkdir $(basename $SAMOCODE_SESSION)",
        "deleted",
    ],
    "locks": ["rm -rf _logs", ""],
}
FOLDER_DAMAGE = ("session", "replaced")


@pytest.mark.parametrize("damage", OVERVIEW_DAMAGE)
def test_a_session_survives_what_its_agent_does_to_it(tmp_path: Path, damage: str) -> None:
    from samobot.sandbox.agent.steps import RunStep

    command, words = OVERVIEW_DAMAGE[damage]
    shop = scripted_shop(
        tmp_path,
        Scenario(
            phases={
                Phase.INVESTIGATION: [[RunStep(command=f'cd "$SAMOCODE_SESSION" && {command}')], [blocked()]],
                "*": [[blocked("was let through")]],
            }
        ),
    )
    done = shop.run("greet", "--task", "Greet everybody")
    assert done.returncode == 11, done.stdout + done.stderr
    assert words in done.stdout
    if damage in FOLDER_DAMAGE:
        assert len(shop.runs()) == 1  # it does not go on in another folder before a person has said so
        assert shop.status("greet")["state"] == "blocked"
        assert shop.run("greet").returncode == 11
    assert [each.phase for each in shop.runs()] == ["investigation"] * 2
    status = shop.status("greet")
    assert (status["phase"], status["state"]) == ("investigation", "blocked")
    assert "Greet everybody" in (shop.session("greet") / "_overview.md").read_text()


def test_an_agents_own_lines_in_the_overview_stay(tmp_path: Path) -> None:
    from samobot.sandbox.agent.steps import OverviewStep

    shop = scripted_shop(
        tmp_path,
        investigation(
            [
                OverviewStep(status={"Next": "Ask about the colour", "Iteration": "0"}, flow="Found a trap"),
                go_on(),
            ],
            [blocked()],
        ),
    )
    shop.run("greet")
    overview = (shop.session("greet") / "_overview.md").read_text()
    assert "Next: Ask about the colour" in overview
    assert "Found a trap" in overview
    assert "Iteration: 2" in overview


def test_missing_working_directory_is_reported_and_can_be_restored(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([go_on()], [Commit(message="x"), blocked()]))
    shop.run("greet", "--max-iterations", "1")
    aside = shop.root / "aside"
    (shop.worktrees / "greet").rename(aside)
    before = (shop.session("greet") / "_overview.md").read_text()
    done = shop.run("greet")
    assert done.returncode == 2
    assert "git worktree" in done.stderr
    assert (shop.session("greet") / "_overview.md").read_text() == before
    aside.rename(shop.worktrees / "greet")
    assert shop.run("greet").returncode == 11


def test_full_disk_ends_the_run_in_one_sentence_and_it_continues_later(tmp_path: Path) -> None:
    import resource

    steps: list[Step] = [Write(path="session:note-{iteration}.md", text="x"), go_on()]
    shop = scripted_shop(tmp_path, investigation(steps))
    shop.run("greet", "--max-iterations", "1")
    size = (shop.session("greet") / "_logs" / "journal.jsonl").stat().st_size

    # A limit on the size of files stands in for the disk: the journal is the one that reaches it.
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1500, size + 1500))

    run = shop.start("run", "--session", "greet", "--max-iterations", "9", preexec_fn=full)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1, out + err
    assert err.startswith("samobot: Cannot write")
    assert err.count("\n") == 1
    assert shop.processes() == []
    assert shop.run("greet", "--max-iterations", "1").returncode == 13


def test_half_of_a_budget_is_reported_in_the_terminal_too(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Cost(usd=0.5), Write(path="{run}.txt", text="x"), go_on()]))
    done = shop.run("greet", "--budget", "1")
    assert "50 % of the budget is spent: $0.50 of $1.00." in done.stdout
    assert "100 %" not in done.stdout


def test_a_budget_that_ten_equal_iterations_use_up_pays_for_ten(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Cost(usd=0.1), Write(path="{run}.txt", text="x"), go_on()]))
    assert shop.run("greet", "--budget", "1").returncode == 13
    assert len(shop.runs()) == 10


def test_session_over_its_budget_is_not_announced_as_continuing(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Cost(usd=1.0), Write(path="{run}.txt", text="x"), go_on()]))
    shop.run("greet", "--budget", "2")
    decided = shop.session("greet") / "_decisions.jsonl"
    before = decided.read_bytes() if decided.exists() else None
    for more in ([], ["--budget", "1.5"]):
        done = shop.quickly("resume", "greet", *more)
        assert done.returncode == 1
        assert "is used up: $2.00 so far" in done.stderr
        assert "--budget" in done.stderr
        detached = shop.run("greet", "--detach", *more)
        assert detached.returncode == 13
        assert "is used up: $2.00 so far" in detached.stdout
    assert (decided.read_bytes() if decided.exists() else None) == before
    assert len(shop.runs()) == 2


def test_a_day_without_money_is_not_said_to_be_cured_by_a_session_budget(tmp_path: Path) -> None:
    shop = scripted_shop(tmp_path, investigation([Cost(usd=1.0), Write(path="{run}.txt", text="x"), go_on()]))
    shop.environment |= {"SAMOBOT_DAILY_BUDGET_USD": "1"}
    done = shop.run("greet")
    assert done.returncode == 13
    assert "SAMOBOT_DAILY_BUDGET_USD" in done.stdout
    assert "--budget" not in done.stdout
    again = shop.quickly("resume", "greet")
    assert again.returncode == 1
    assert "SAMOBOT_DAILY_BUDGET_USD" in again.stderr
    shop.environment |= {"SAMOBOT_DAILY_BUDGET_USD": "2"}
    assert shop.run("greet").returncode == 13
    assert len(shop.runs()) == 2
