from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from samobot.assets import plugin_dir
from samobot.claude import trial_start as module
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.record_parser import parse
from samobot.claude.records import Init
from samobot.claude.trial_start import missing_parts, trial_start
from samobot.errors import UsageError
from tests.support.claude_cli import cli_environment, require_claude, require_newest_claude
from tests.support.fake_programs import init_record
from tests.support.messages_api import MessagesApi, say

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "IS_SANDBOX": "1"}
OPTIONS = ClaudeOptions(effort="high", fallback_model="sonnet")

WHOLE = cast(Init, parse(init_record()))


def fake(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_start_that_loads_everything_lacks_nothing() -> None:
    assert missing_parts(WHOLE, OPTIONS, plugin_dir()) == []


@pytest.mark.parametrize(
    ("init", "missing"),
    [
        (replace(WHOLE, tools=("Edit", "Read", "Skill", "Agent", "Write")), ["the tool Bash"]),
        (replace(WHOLE, tools=("Bash", "Edit", "Read", "Skill", "Write")), ["a tool for sub-agents"]),
        (replace(WHOLE, agents=WHOLE.agents[1:]), [f"the agent {WHOLE.agents[0].partition(':')[2]}"]),
        (replace(WHOLE, commands=WHOLE.commands[1:]), [f"/{WHOLE.commands[0]}"]),
        (
            replace(WHOLE, permission_mode="default"),
            ["the permission mode bypassPermissions (it is default)"],
        ),
    ],
)
def test_what_a_start_does_not_load_is_named(init: Init, missing: list[str]) -> None:
    assert missing_parts(init, OPTIONS, plugin_dir()) == missing


def test_what_the_cli_reports_is_read_past_other_lines(tmp_path: Path) -> None:
    line = json.dumps(
        {"type": "system", "subtype": "init", "tools": ["Read"], "claude_code_version": "9.0.0"}
    )
    start = trial_start(fake(tmp_path / "claude", f"echo hello; echo '{line}'"), OPTIONS, ENV, plugin_dir())
    assert start.init is not None
    assert (start.init.version, start.init.tools) == ("9.0.0", ("Read",))


def test_cli_that_refuses_a_flag_is_quoted(tmp_path: Path) -> None:
    path = fake(tmp_path / "claude", "echo \"error: unknown option '--agent'\" >&2; exit 1")
    start = trial_start(path, OPTIONS, ENV, plugin_dir())
    assert (start.init, start.error) == (None, "error: unknown option '--agent'")


def test_cli_that_reports_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    with pytest.raises(UsageError, match="has reported nothing"):
        trial_start(fake(tmp_path / "claude", "exec sleep 60"), OPTIONS, ENV, plugin_dir())


@pytest.mark.real_cli
@pytest.mark.parametrize("claude", [require_claude, require_newest_claude], ids=["oldest", "newest"])
def test_real_cli_loads_everything_and_asks_no_model(tmp_path: Path, claude: Callable[[], Path]) -> None:
    with MessagesApi(lambda _: say("ok")) as api:
        env = cli_environment(tmp_path / "home", api.url)
        settings = Path(env["HOME"], ".claude", "settings.json")
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": api.url}}))
        start = trial_start(str(claude()), OPTIONS, env, plugin_dir())
        assert start.init is not None, start.error
        assert missing_parts(start.init, OPTIONS, plugin_dir()) == []
        assert api.requests == []
    assert not list(Path(env["HOME"], ".claude").glob("projects/*/*.jsonl"))


@pytest.mark.real_cli
def test_real_cli_without_a_part_of_the_plugin_is_found_out(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    for name in (".claude-plugin", "agents", "commands"):
        shutil.copytree(plugin_dir() / name, plugin / name)
    (plugin / "agents" / "reviewer.md").unlink()
    env = cli_environment(tmp_path / "home", "http://127.0.0.1:9")
    start = trial_start(str(require_claude()), OPTIONS, env, plugin)
    assert start.init is not None, start.error
    assert missing_parts(start.init, OPTIONS, plugin_dir()) == ["the agent reviewer"]
