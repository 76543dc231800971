"""The scripted agent stands in for the CLI: what it accepts, leaves behind, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from samobot.errors import UsageError
from samobot.phases import Phase, SignalStatus, WaitingFor
from samobot.sandbox.agent import scenario as s
from samobot.sandbox.agent import steps as do
from samobot.sandbox.agent.journeys import endless, greeting
from samobot.session.folder import SessionFolder
from samobot.session.gate_state import read_plan
from samobot.session.guidance import add_guidance
from samobot.session.overview import parse_overview
from samobot.session.overview_edits import new_overview
from samobot.session.plan import outline
from samobot.session.qa import parse_qa, set_answer
from samobot.session.signal import Signal, parse_signal

pytestmark = pytest.mark.slow

FLAGS = ("-p", "--output-format", "stream-json", "--verbose")


class Stage:
    """A folder with a session, a git repository and an installed scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session = folder / "26-11-22-greet"
        self.repo = folder / "repo"
        self.session.mkdir()
        self.repo.mkdir()
        self.scenario = folder / "bin" / "scenario.json"
        self.claude = self.scenario.with_name("claude")
        self.started: list[subprocess.Popen[bytes]] = []

    def install(self, scenario: s.Scenario) -> None:
        assert s.install(self.scenario.parent, scenario) == self.claude

    def steps(self, *steps: do.Step) -> None:
        self.install(s.Scenario(phases={"*": [steps]}))

    def git(self, *words: str) -> str:
        return subprocess.check_output(["git", *words], cwd=self.repo, text=True)

    def command(self, phase: str = "planning", *more: str) -> list[str]:
        agent = ("--agent", f"samocode:{phase}-agent", "--add-dir", str(self.session))
        return [str(self.claude), *FLAGS, *agent, *more]

    def run(
        self, phase: str = "planning", *more: str, prompt: str = "Go on"
    ) -> subprocess.CompletedProcess[bytes]:
        command = self.command(phase, *more)
        return subprocess.run(command, input=prompt.encode(), cwd=self.repo, capture_output=True, timeout=60)

    def start(self, phase: str = "planning") -> subprocess.Popen[bytes]:
        with (self.folder / "prompt").open("w+b") as prompt, self.log.open("wb") as log:
            prompt.write(b"Go on")
            prompt.seek(0)
            process = subprocess.Popen(self.command(phase), stdin=prompt, stdout=log, cwd=self.repo)
        self.started.append(process)
        return process

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    def signal(self) -> Any:
        return json.loads((self.session / "_signal.json").read_text())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for pid in s.read_children(stage.scenario):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for process in stage.started:
        process.kill()
        process.wait()


def records(output: bytes) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def result(output: bytes) -> Any:
    last = records(output)[-1]
    assert last["type"] == "result"
    return last


def eventually(check: Callable[[], object]) -> None:
    """Wait until something is so; the limit is only there to end a broken test."""
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def dead(pid: int) -> bool:
    return not alive(pid)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_version_and_login_answer_as_the_real_cli_does(stage: Stage) -> None:
    stage.steps()
    assert subprocess.check_output([stage.claude, "--version"]) == b"2.1.197 (Claude Code)\n"
    assert json.loads(subprocess.check_output([stage.claude, "auth", "status"]))["loggedIn"] is True
    stage.install(s.Scenario(logged_in=False))
    done = subprocess.run([stage.claude, "auth", "status"], capture_output=True)
    assert (done.returncode, json.loads(done.stdout)["loggedIn"]) == (1, False)


@pytest.mark.parametrize("version", ["2.1.332 (Claude Code)", '2.1.5 ("é\\n")'])
def test_version_is_the_scenarios_whatever_is_in_it(stage: Stage, version: str) -> None:
    stage.install(s.Scenario(version=version))
    assert subprocess.check_output([stage.claude, "--version"]).decode() == f"{version}\n"


def test_start_imports_nothing_that_takes_long() -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r}); import samobot.sandbox.agent.main; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-I", "-S", "-c", code], text=True).split()
    assert not {"typing", "subprocess", "pydantic", "uuid", "tempfile"} & set(loaded)


def test_the_launcher_is_private_and_needs_nothing_from_the_environment(stage: Stage) -> None:
    stage.steps(do.Say(text="hello"))
    assert stage.claude.stat().st_mode & 0o777 == 0o700
    done = subprocess.run(stage.command(), input=b"Go on", cwd=stage.repo, capture_output=True, env={})
    assert done.returncode == 0
    assert result(done.stdout)["result"] == "hello"


def test_a_folder_with_quotes_and_spaces_in_its_name_works(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s "here" $HOME'
    folder.mkdir()
    stage = Stage(folder)
    stage.steps(do.Write(path="session:a b.txt", text="x"))
    assert stage.run().returncode == 0
    assert (stage.session / "a b.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--nonsense",), "error: unknown option '--nonsense'"),
        (("--model",), "argument missing"),
        (("--session-id", "7"), "Error: Invalid session ID. Must be a valid UUID."),
        (("--append-system-prompt-file", "/nowhere"), "Error: Append system prompt file not found: /nowhere"),
        (("--settings", "/nowhere"), "Error: Settings file not found: /nowhere"),
    ],
)
def test_a_wrong_command_line_is_refused(stage: Stage, more: Sequence[str], complaint: str) -> None:
    stage.steps()
    done = stage.run("planning", *more)
    assert done.returncode == 1
    assert complaint in done.stderr.decode()
    assert done.stdout == b""
    assert s.read_runs(stage.scenario) == []


def test_the_whole_invocation_of_the_worker_is_accepted_and_noted_down(stage: Stage) -> None:
    stage.steps()
    context = stage.folder / "context.md"
    context.write_text("You are in <planning>.")
    session_id = str(uuid.uuid4())
    command = [
        *(str(stage.claude), *FLAGS, "--plugin-dir", "/plugin", "--agent", "samocode:planning-agent"),
        *("--session-id", session_id, "--model", "opus", "--max-turns", "300", "--max-budget-usd", "5"),
        *("--permission-mode", "bypassPermissions", "--add-dir", str(stage.session)),
        *("--append-system-prompt-file", str(context), "--settings", "{}", "--strict-mcp-config"),
        *("--disallowedTools", "Bash(git push *)", "Bash(rm *)", "--setting-sources", ""),
    ]
    env = {**os.environ, "SAMOCODE_SESSION": str(stage.session), "ANTHROPIC_API_KEY": "a-secret-value"}
    done = subprocess.run(command, input=b"Go on", cwd=stage.repo, env=env, capture_output=True)
    assert done.returncode == 0
    assert {record["session_id"] for record in records(done.stdout)} == {session_id}
    [run] = s.read_runs(stage.scenario)
    assert run.argv == command[1:]
    assert (run.phase, run.prompt, run.appended) == ("planning", "Go on", "You are in <planning>.")
    assert (run.cwd, run.session, run.n) == (str(stage.repo), str(stage.session), 1)
    assert run.env["SAMOCODE_SESSION"] == str(stage.session)
    assert "ANTHROPIC_API_KEY" in run.env_names
    assert "a-secret-value" not in s.runs_file(stage.scenario).read_text()
    [end] = [note for note in s.read_notes(stage.scenario) if note.event == "end"]
    assert (end.exit_code, end.pid) == (0, run.pid)


def test_a_session_id_can_be_used_only_once(stage: Stage) -> None:
    stage.steps()
    session_id = str(uuid.uuid4())
    assert stage.run("planning", "--session-id", session_id).returncode == 0
    again = stage.run("planning", "--session-id", session_id)
    assert again.returncode == 1
    assert b"already in use" in again.stderr


def test_iterations_are_played_in_turn_for_each_phase_and_session(stage: Stage) -> None:
    def say(text: str) -> list[do.Step]:
        return [do.Say(text=text)]

    stage.install(
        s.Scenario(
            phases={Phase.PLANNING: [say("{phase} {run} {iteration}"), say("last")], "*": [say("other")]},
            sessions={"greet": {Phase.TESTING: [say("of {session_name}")]}},
        )
    )
    said = [result(stage.run("planning").stdout)["result"] for _ in range(3)]
    assert said == ["planning 1 1", "last", "last"]
    assert result(stage.run("quality").stdout)["result"] == "other"
    assert result(stage.run("testing").stdout)["result"] == "of greet"
    stage.session = stage.folder / "26-11-23-api"
    assert result(stage.run("planning").stdout)["result"] == "planning 1 1"
    assert result(stage.run("testing").stdout)["result"] == "other"


def test_runs_side_by_side_are_all_counted(stage: Stage) -> None:
    stage.steps()
    processes = [
        subprocess.Popen(stage.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(8)
    ]
    for process in processes:
        process.communicate(b"Go on")
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(run.n for run in s.read_runs(stage.scenario)) == list(range(1, 9))


def test_an_agent_that_the_scenario_does_not_know_is_refused(stage: Stage) -> None:
    stage.install(s.Scenario(phases={Phase.PLANNING: [[]]}))
    done = stage.run("testing")
    assert done.returncode == 1
    assert "Available agents: planning-agent" in done.stderr.decode()


def test_an_exhausted_scenario_can_fail(stage: Stage) -> None:
    stage.install(s.Scenario(phases={"*": [[]]}, on_exhausted="fail"))
    assert stage.run().returncode == 0
    assert stage.run().returncode == 1


def test_files_are_written_changed_and_deleted_as_in_the_scenario(stage: Stage) -> None:
    (stage.session / "old.md").write_text("x")
    stage.steps(
        do.Write(path="session:11-22-07:31-plan-a.md", text="- [ ] one\n"),
        do.Replace(path="session:*-plan-*.md", old="[ ]", new="[x]"),
        do.Append(path="notes.txt", text="a\r\n"),
        do.Append(path="cwd:notes.txt", text="{braces} {phase}"),
        do.Delete(path="session:old.md"),
        do.Replace(path="notes.txt", old="absent", new=""),
    )
    done = stage.run()
    assert (stage.session / "11-22-07:31-plan-a.md").read_text() == "- [x] one\n"
    assert (stage.repo / "notes.txt").read_bytes() == b"a\r\n{braces} planning"
    assert not (stage.session / "old.md").exists()
    errors = [r["message"]["content"][0]["is_error"] for r in records(done.stdout) if r["type"] == "user"]
    assert errors == [False] * 5 + [True]


def test_answers_and_guidance_reach_the_texts(stage: Stage) -> None:
    (stage.session / "_overview.md").write_text("# greet\nTask: add a “greeting”\n")
    (stage.session / "_guidance.md").write_text(
        "- [x] [11-22 07:31] you: old\n- [ ] [11-22 07:32] you: be short\n"
    )
    questions = [
        do.QuestionStep(text="Which?", options=["Hello", "Bye"], suggestion="A", why="polite"),
        do.QuestionStep(text="Why?"),
    ]
    stage.install(
        s.Scenario(
            phases={
                Phase.REQUIREMENTS: [
                    [do.Questions(questions=questions)],
                    [do.Questions(questions=[do.QuestionStep(text="More?")])],
                ],
                Phase.PLANNING: [[do.Say(text="{task}|{answer1}|{answer2:json}|{answer3}|{guidance}")]],
            }
        )
    )
    assert stage.run("requirements").returncode == 0
    assert stage.run("requirements").returncode == 0
    qa = stage.session / "_qa.md"
    text = qa.read_text()
    assert (
        "### Q1: Which?\n\nA) Hello\nB) Bye\n\n**Suggestion:** A - polite\n\n**Answer:** _waiting_\n" in text
    )
    assert "**Answer:** _waiting_\n\n## Round 2\n\n### Q3: More?\n" in text
    qa.write_text(text.replace("_waiting_", "B", 1).replace("_waiting_", 'so "it" is', 1))
    said = result(stage.run().stdout)["result"]
    assert said == 'add a “greeting”|Bye|"so \\"it\\" is"||be short'


def test_what_the_agent_writes_is_what_the_session_reads_and_the_other_way_round(stage: Stage) -> None:
    now = datetime(2026, 11, 22, 7, 31, tzinfo=UTC)
    task = 'Add "a greeting"\n\n- polite'
    overview = new_overview("greet", started="today", working_dir="/x", task=task, phase=Phase.PLANNING)
    (stage.session / "_overview.md").write_text(overview)
    (stage.session / "_guidance.md").write_text(add_guidance("", "you", "be short\nand polite", now))
    stage.steps(
        do.Questions(
            questions=[do.QuestionStep(text="Which?", options=["Hello", "Bye"], suggestion="B", why="polite")]
            * 2
        ),
        do.PlanStep(
            title="Greeting",
            slug="greet",
            goal="{task}",
            phases=[do.PlanPhaseStep(title="Script", steps=["a", "b"])],
        ),
        do.OverviewStep(status={"Last Action": "Asked"}, flow="asked"),
        do.SignalStep(status=SignalStatus.WAITING, wait=WaitingFor.QA_ANSWERS, summary="{guidance}"),
    )
    assert stage.run().returncode == 0
    asked = parse_qa((stage.session / "_qa.md").read_text())
    assert asked.problems == ()
    assert [(q.text, len(q.options), q.suggestion, q.answer) for q in asked.questions] == [
        ("Which?", 2, "B", None)
    ] * 2
    plan = read_plan(SessionFolder(stage.session)).plan
    assert plan is not None
    assert outline(plan.text).steps == 2
    signal_ = parse_signal((stage.session / "_signal.json").read_text())
    assert isinstance(signal_, Signal)
    assert (signal_.waiting_for, signal_.summary) == (WaitingFor.QA_ANSWERS, "be short and polite")
    seen = parse_overview((stage.session / "_overview.md").read_text())
    assert (seen.last_action, seen.task) == ("Asked", task)

    qa = set_answer((stage.session / "_qa.md").read_text(), 0, "B")
    (stage.session / "_qa.md").write_text(set_answer(qa, 1, 'two\nlines "x"'))
    stage.steps(do.Say(text="{answer1}|{answer2}|{task}"))
    assert result(stage.run().stdout)["result"] == 'Bye|two lines "x"|Add "a greeting" - polite'


def test_overview_is_edited_and_its_remainder_kept(stage: Stage) -> None:
    overview = stage.session / "_overview.md"
    overview.write_text(
        "# x\n\n## Status\nPhase: planning\nLast Action: old\n\n## Flow Log\n- [11-22 07:31] a\n\n## Files\n"
    )
    stage.steps(
        do.OverviewStep(
            status={"Last Action": "back\\1slash", "Next": "b"},
            flow="planned",
            files={"a.md": "one", "b.md": "two"},
        )
    )
    stage.run()
    text = overview.read_text()
    assert "## Status\nNext: b\nPhase: planning\nLast Action: back\\1slash\n" in text
    assert text.index("] a\n- [") < text.index("] planned\n\n## Files\n")
    assert text.endswith("## Files\n- a.md: one\n- b.md: two\n")


def test_a_signal_has_the_fields_of_the_contract(stage: Stage) -> None:
    stage.steps(
        do.SignalStep(
            status=SignalStatus.WAITING, wait=WaitingFor.HUMAN_ACTION, summary="{phase}", needs="a key"
        )
    )
    stage.run()
    assert stage.signal() == {
        "status": "waiting",
        "for": "human_action",
        "summary": "planning",
        "needs": "a key",
    }
    stage.steps(do.BadSignal())
    stage.run()
    with pytest.raises(json.JSONDecodeError):
        stage.signal()


def test_the_stream_has_the_records_of_the_real_one(stage: Stage) -> None:
    stage.steps(
        do.Say(text="first"),
        do.RunStep(command="echo out; echo err >&2; exit 3"),
        do.Tool(name="Read", input={"file_path": "{cwd}/a"}, result="text", parent="toolu_task"),
        do.Cost(usd=1.25, input_tokens=10, output_tokens=20),
    )
    done = stage.run()
    kinds = [(record["type"], record.get("subtype")) for record in records(done.stdout)]
    assert kinds[0] == ("system", "init")
    assert [kind for kind, _ in kinds[1:]] == [
        "assistant",
        "assistant",
        "user",
        "assistant",
        "user",
        "result",
    ]
    _, _, _, ran, read, _, end = records(done.stdout)
    assert ran["message"]["content"][0]["content"] == "Exit code 3\nout\nerr"
    assert read["message"]["content"][0]["input"] == {"file_path": f"{stage.repo}/a"}
    assert read["parent_tool_use_id"] == "toolu_task"
    assert (end["subtype"], end["is_error"], end["total_cost_usd"], end["num_turns"]) == (
        "success",
        False,
        1.25,
        3,
    )
    assert end["usage"]["output_tokens"] == 20
    assert sum(model["costUSD"] for model in end["modelUsage"].values()) == 1.25


def test_given_records_garbage_and_long_lines_go_out_as_they_are(stage: Stage) -> None:
    stage.steps(
        do.Emit(records=[{"type": "brand_new", "x": 1}, "not json"]),
        do.Garbage(text="oops"),
        do.BigLine(characters=300_000),
        do.BigLog(records=3, characters=50),
        do.Garbage(text="warning", to="stderr"),
    )
    done = stage.run()
    lines = done.stdout.split(b"\n")
    assert json.loads(lines[1])["x"] == 1
    assert lines[2] == b"not json"
    assert lines[3] == b"oops \xff\xfe\x00"
    assert len(lines[5]) > 300_000
    assert json.loads(lines[-2])["type"] == "result"
    assert done.stderr.startswith(b"warning")


@pytest.mark.parametrize(
    ("step", "status", "text"),
    [
        (do.Fail(kind="overloaded"), 529, "Overloaded"),
        (do.Fail(kind="server"), 500, "Internal server error"),
        (do.Fail(kind="auth"), 401, "/login"),
        (do.Fail(kind="login"), None, "Not logged in"),
        (do.Fail(kind="credit"), 400, "Credit balance is too low"),
        (do.Fail(kind="too_long"), 400, "Prompt is too long"),
        (do.LimitStep(resets_in=3600), 429, "You've hit your session limit · resets "),
        (do.LimitStep(kind="seven_day", resets_at=1_800_000_000), 429, "weekly limit · resets 8:00am (UTC)"),
        (do.LimitStep(text="You're out of extra usage · resets 9pm"), 429, "out of extra usage"),
    ],
)
def test_an_error_of_the_api_is_a_success_record_with_is_error(
    stage: Stage, step: do.Step, status: int | None, text: str
) -> None:
    stage.steps(step, do.SignalStep(status=SignalStatus.DONE))
    done = stage.run()
    end = result(done.stdout)
    assert done.returncode == 1
    assert (end["subtype"], end["is_error"], end["api_error_status"]) == ("success", True, status)
    assert text in end["result"]
    assert not (stage.session / "_signal.json").exists()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("max_turns", "error_max_turns"),
        ("max_budget", "error_max_budget_usd"),
        ("execution", "error_during_execution"),
    ],
)
def test_an_end_by_a_limit_of_the_cli_names_it(stage: Stage, kind: Any, subtype: str) -> None:
    stage.steps(do.Fail(kind=kind))
    done = stage.run()
    assert done.returncode == 1
    assert result(done.stdout)["subtype"] == subtype
    assert result(done.stdout)["errors"]


def test_limit_events_say_when_it_ends(stage: Stage) -> None:
    stage.steps(
        do.ApiRetryStep(count=2),
        do.LimitStep(status="allowed_warning", resets_at=5),
        do.LimitStep(resets_at=1_800_000_000),
    )
    _, retry, _, warning, event, *_ = records(stage.run().stdout)
    assert (retry["subtype"], retry["attempt"], retry["error_status"]) == ("api_retry", 1, 529)
    assert warning["rate_limit_info"]["status"] == "allowed_warning"
    assert event["rate_limit_info"]["status"] == "rejected"
    assert event["rate_limit_info"]["resetsAt"] == 1_800_000_000


def test_a_crash_leaves_no_result(stage: Stage) -> None:
    stage.steps(do.Crash(exit_code=7, mid_line=True, stderr="boom"))
    done = stage.run()
    assert done.returncode == 7
    assert not done.stdout.endswith(b"\n")
    assert b"boom" in done.stderr
    stage.steps(do.Crash(signal="KILL"))
    assert stage.run().returncode == -signal.SIGKILL
    stage.steps(do.NoResult())
    done = stage.run()
    assert done.returncode == 0
    assert records(done.stdout)[-1]["type"] == "system"


def test_a_run_waits_for_the_file_a_test_touches(stage: Stage) -> None:
    stage.steps(do.Write(path="session:here", text=""), do.WaitFor(path="session:go"), do.Say(text="went on"))
    process = stage.start()
    eventually((stage.session / "here").exists)
    assert process.poll() is None
    (stage.session / "go").touch()
    assert process.wait(60) == 0
    assert result(stage.log.read_bytes())["result"] == "went on"


@pytest.mark.parametrize(("at", "last"), [("start", None), ("here", "system"), ("after_result", "result")])
def test_a_hang_lasts_until_sigterm(stage: Stage, at: Any, last: str | None) -> None:
    stage.steps(do.Hang(at=at))
    process = stage.start()
    eventually(
        lambda: s.read_runs(stage.scenario) if last is None else last.encode() in stage.log.read_bytes()
    )
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM
    seen = records(stage.log.read_bytes())
    assert (seen[-1]["type"] if seen else None) == last


def test_sigint_ends_the_tool_with_its_setsid_children_and_still_writes_a_result(stage: Stage) -> None:
    stage.steps(do.RunStep(command="setsid sleep 600 & echo $! $$ >pids; sleep 600"))
    process = stage.start()
    pids = stage.repo / "pids"
    eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 1
    assert result(stage.log.read_bytes())["subtype"] == "error_during_execution"
    for pid in pids.read_text().split():
        eventually(partial(dead, int(pid)))


def test_a_run_can_be_deaf_to_sigint(stage: Stage) -> None:
    stage.steps(
        do.IgnoreStep(signals=["INT"]), do.Write(path="session:here", text=""), do.WaitFor(path="session:go")
    )
    process = stage.start()
    eventually((stage.session / "here").exists)
    process.send_signal(signal.SIGINT)
    (stage.session / "go").touch()
    assert process.wait(60) == 0


@pytest.mark.parametrize("kind", ["background", "setsid"])
def test_children_outlive_a_normal_end(stage: Stage, kind: Any) -> None:
    stage.steps(do.Children(kind=kind, count=2, deaf=True))
    assert stage.run().returncode == 0
    pids = s.read_children(stage.scenario)
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
        assert alive(pid)


def test_foreground_children_keep_the_run_waiting_and_are_orphaned_by_sigterm(stage: Stage) -> None:
    stage.steps(do.Children(kind="foreground"))
    process = stage.start()
    eventually(lambda: s.read_children(stage.scenario))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM
    [pid] = s.read_children(stage.scenario)
    assert alive(pid)


def test_wrong_scenario_is_refused_in_one_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    for text, place in [
        ("{", "the file"),
        ('{"phases": {"planing": [[]]}}', "phases"),
        ('{"phases": {"planning": [[{"do": "wrte"}]]}}', "phases.planning.0.0"),
        ('{"phases": {"planning": [[{"do": "write", "path": "a"}]]}}', "phases.planning.0.0.write.text"),
    ]:
        file.write_text(text)
        with pytest.raises(UsageError) as caught:
            s.install(tmp_path, file)
        assert f"{file} is wrong at {place}: " in caught.value.message
        assert "\n" not in caught.value.message
    with pytest.raises(UsageError, match="cannot be read"):
        s.load(tmp_path / "absent")


def test_every_step_of_the_models_is_known_to_the_agent() -> None:
    from typing import get_args

    from samobot.sandbox.agent.failure_steps import FailureSteps
    from samobot.sandbox.agent.file_steps import FileSteps
    from samobot.sandbox.agent.step_runner import StepRunner

    for model in get_args(get_args(do.Step)[0]):
        name = f"do_{model.model_fields['do'].default}"
        assert sum(hasattr(part, name) for part in (StepRunner, FileSteps, FailureSteps)) == 1


def test_a_saved_scenario_is_the_same_when_loaded(tmp_path: Path) -> None:
    for scenario in (greeting(), endless()):
        s.save(tmp_path / "s.json", scenario)
        assert s.load(tmp_path / "s.json").model_dump_json() == scenario.model_dump_json()


def test_the_greeting_journey_does_the_work_it_reports(stage: Stage) -> None:
    stage.install(greeting())
    stage.git("init", "-q")
    stage.git(
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.invalid",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "first",
    )
    seen = []
    for phase in (
        *(Phase.INVESTIGATION, Phase.REQUIREMENTS, Phase.REQUIREMENTS, Phase.PLANNING),
        *(Phase.IMPLEMENTATION,) * 3,
        *(Phase.TESTING, Phase.QUALITY, Phase.TESTING, Phase.DONE),
    ):
        done = stage.run(phase)
        assert done.returncode == 0
        errors = [
            r["message"]["content"][0]["content"]
            for r in records(done.stdout)
            if r["type"] == "user" and r["message"]["content"][0]["is_error"]
        ]
        assert errors == []
        seen.append((stage.signal()["status"], stage.signal().get("phase")))
        if len(seen) == 2:
            qa = stage.session / "_qa.md"
            qa.write_text(
                qa.read_text().replace("_waiting_", 'Hi "there" {name}', 1).replace("_waiting_", "B")
            )
    assert seen == [
        ("continue", "requirements"), ("waiting", None), ("continue", "planning"), ("waiting", None),
        ("continue", None), ("continue", None), ("continue", "testing"),
        ("continue", "quality"), ("continue", "testing"), ("continue", "done"), ("done", None),
    ]  # fmt: skip
    said = subprocess.check_output(["python3", "-B", "greet.py"], cwd=stage.repo, text=True)
    assert said == 'Hi "there" {name}, stranger!\n'
    assert len(stage.git("log", "--oneline").splitlines()) == 5
    assert stage.git("status", "--short") == ""
    assert stage.git("ls-files").split() == ["README.md", "greet.py", "test_greet.py"]
    plan = read_plan(SessionFolder(stage.session)).plan
    assert plan is not None
    assert "[ ]" not in plan.text
    assert len(list(stage.session.glob("*-summary.md"))) == 1


def test_notes_of_runs_leave_out_a_line_that_is_still_being_written(stage: Stage) -> None:
    stage.steps()
    stage.run("planning")
    whole = s.read_notes(stage.scenario)
    with s.runs_file(stage.scenario).open("a", encoding="utf-8") as file:
        file.write('{"at": 1.5, "pid": 1, "prompt": "Never switch ')
    assert s.read_notes(stage.scenario) == whole != []


def test_the_endless_journey_never_finishes(stage: Stage) -> None:
    stage.install(endless(seconds=0))
    for _ in range(3):
        assert stage.run("implementation").returncode == 0
        assert stage.signal()["status"] == "continue"
