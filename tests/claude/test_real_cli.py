"""The real CLI in the middle of a tool: ended in every way there is, with nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samobot.claude.invocation import FIXED_FOLDER, ClaudeOptions, build
from samobot.claude.permission_rules import asking_hooks
from samobot.claude.reaper import end_session_processes
from tests.claude.bench import Bench, wait_for_end
from tests.support.claude_cli import cli_environment, require_claude, require_newest_claude, run_claude
from tests.support.messages_api import MessagesApi, Request, Turn, bash, say, tool

pytestmark = pytest.mark.real_cli


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    # The token is the number of seconds that sleeps are told, so that it is on their command lines.
    bench = Bench(tmp_path, token=f"600.{uuid.uuid4().int % 10**12:012d}")
    yield bench
    for process in bench.left():
        process.kill()


def start(bench: Bench, turn: Turn) -> tuple[subprocess.Popen[str], MessagesApi]:
    turns = iter((turn, say("Done.")))
    api = MessagesApi(lambda _: next(turns))
    context = bench.folder / "context.md"
    context.write_text("Context.")
    call = build(
        ClaudeOptions(path=str(require_claude()), max_turns=5),
        plugin=plugin(bench.folder / "plugin"),
        agent="tester",
        session_id=str(uuid.uuid4()),
        context_file=context,
        prompt="Do it.",
        cwd=bench.folder,
        session_dir=bench.folder,
        log=bench.folder / "001.jsonl",
        budget_left=1.0,
        signal_file=bench.folder / "_signal.json",
        environ=cli_environment(bench.folder / "home", api.url),
        python="python3",
    )
    job = bench.job("", argv=list(call.argv), env=dict(call.env), log=str(call.log), stop_at="term")
    return bench.start(job), api


def plugin(folder: Path) -> Path:
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin" / "plugin.json").write_text(
        json.dumps({"name": "samocode", "version": "1.0.0"})
    )
    (folder / "agents").mkdir()
    (folder / "agents" / "tester.md").write_text(
        "---\nname: tester\ndescription: Tests.\ntools: Bash\n---\nYou test.\n"
    )
    return folder


@pytest.mark.parametrize("how", ["SIGTERM to the worker", "SIGKILL to the CLI", "SIGKILL to the worker"])
def test_ended_in_the_middle_of_a_tool_nothing_is_left(bench: Bench, how: str) -> None:
    ready = bench.folder / "ready"
    os.mkfifo(ready)
    token = bench.token
    command = (
        f"(sleep {token} & disown); setsid sleep {token} & sleep {token} & echo > '{ready}'; sleep {token}"
    )
    worker, api = start(bench, bash(command))
    with api:
        assert worker.stdout is not None
        cli = int(worker.stdout.readline())
        ready.read_text()
        assert bench.left()
        match how:
            case "SIGTERM to the worker":
                worker.terminate()
            case "SIGKILL to the CLI":
                os.kill(cli, signal.SIGKILL)
            case _:
                worker.kill()
        out, errors = worker.communicate(timeout=60)
        if how == "SIGKILL to the worker":
            wait_for_end(cli)
            end_session_processes(bench.folder)
        else:
            assert out, errors
            report = json.loads(out)
            assert report["kind"] == ("interrupted" if how == "SIGTERM to the worker" else "crashed")
    assert bench.left() == []


def test_after_a_normal_end_nothing_is_left(bench: Bench) -> None:
    token = bench.token
    detached = "</dev/null >/dev/null 2>&1"
    command = f"(sleep {token} {detached} & disown); (setsid sleep {token} {detached} &); (nohup sleep {token} {detached} &)"
    worker, api = start(bench, bash(command))
    with api:
        # Not `readline` first: it may buffer the report as well, and `communicate` never sees that buffer.
        out, errors = worker.communicate(timeout=60)
    assert out, errors
    report = json.loads(out.splitlines()[-1])
    assert report["kind"] == "completed", errors
    assert report["end"]["leftover"] == 3
    assert bench.left() == []


@pytest.mark.parametrize("claude", [require_claude, require_newest_claude], ids=["oldest", "newest"])
def test_command_of_an_agent_that_asks_runs_in_the_folder_that_the_user_reads(
    tmp_path: Path, claude: Callable[[], Path]
) -> None:
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    steps = iter((bash("mkdir sub; cd sub"), bash("pwd > where"), say("Done.")))
    with MessagesApi(lambda _: next(steps)) as api:
        environment = cli_environment(tmp_path / "home", api.url) | FIXED_FOLDER
        run_claude(prompt="Go.", cwd=work_dir, environment=environment, claude=claude())
    assert (work_dir / "where").read_text() == f"{work_dir}\n"


@pytest.mark.parametrize(
    ("claude", "mode"), [(require_claude, "bypassPermissions"), (require_newest_claude, "acceptEdits")]
)
def test_sub_agent_does_not_skip_asking_by_a_mode_of_its_own(
    tmp_path: Path, claude: Callable[[], Path], mode: str
) -> None:
    made = tmp_path / "made"
    task = "A task for the sub-agent."

    def model(request: Request) -> Turn:
        is_first = all(message["role"] != "assistant" for message in request.messages)
        if task in str(request.messages[0]):
            return bash(f"touch {made}") if is_first else say("Done.")
        called = tool("Agent", description="Do it", prompt=task, subagent_type="free")
        return called if is_first else say("Done.")

    free = {"free": {"description": "Does things", "prompt": "Do it.", "permissionMode": mode}}
    settings = {"hooks": asking_hooks("default")}
    flags = ["--permission-mode", "default", "--settings", json.dumps(settings), "--agents", json.dumps(free)]
    with MessagesApi(model) as api:
        environment = cli_environment(tmp_path / "home", api.url)
        run_claude(*flags, prompt="Go.", cwd=tmp_path, environment=environment, claude=claude())
        assert any(task in str(request.messages[0]) for request in api.requests)
    assert not made.exists()
