"""The hook that refuses a Claude CLI inside an iteration, as the CLI runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.assets import plugin_dir


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "refuse_nested", plugin_dir() / "hooks" / "refuse_nested.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = _load()


@pytest.mark.parametrize(
    "command",
    [
        "claude -p 'Fix it'",
        "claude --print hi",
        "claude --model opus -p hi",
        "claude 'hi'",
        "/usr/local/bin/claude -p hi",
        "cd /tmp && claude -p hi",
        "echo hi | claude",
        "cat x | claude -p --output-format json > out.json",
        "true; claude -p hi &",
        "FOO=1 claude -p hi",
        "env FOO=1 claude -p hi",
        "timeout 60 claude -p hi",
        "nohup claude -p hi > log 2>&1 &",
        "xargs -n1 claude -p < tasks",
        "npx @anthropic-ai/claude-code -p hi",
        "npx -y @anthropic-ai/claude-code@latest -p hi",
        'bash -c "claude -p hi"',
        "sh -c 'cd /tmp; claude -p hi'",
        "(claude -p hi)",
        "echo $(claude -p hi)",
        'echo "$(claude -p hi)"',
        "x=`claude -p hi`",
        "for i in 1 2; do claude -p $i; done",
        "if true; then claude -p hi; fi",
        "echo one\nclaude -p hi",
        "claude -p 'unclosed",
    ],
)
def test_command_that_asks_a_model_is_refused(command: str) -> None:
    assert HOOK.asks_a_model(command)


@pytest.mark.parametrize(
    "command",
    [
        "claude --version",
        "claude mcp list",
        "claude auth status",
        "grep -rn claude -p .",
        "git commit -m 'claude -p is refused'",
        "echo 'claude -p hi'",
        "cat docs/claude.md",
        "ls ~/.claude",
        "python -m pytest tests/claude -p no:cacheprovider",
        "which claude",
        "npm install @types/node",
        "rg 'claude' --print0",
        "./claude-wrapper -p x",
        "",
    ],
)
def test_command_that_only_mentions_claude_is_not_refused(command: str) -> None:
    assert not HOOK.asks_a_model(command)


@given(st.text() | st.from_regex(r"[a-z'\"$();|&` -]{0,40}claude[a-z'\"$();|&` -]{0,40}"))
def test_no_command_is_too_strange(command: str) -> None:
    assert HOOK.asks_a_model(command) in (True, False)


@pytest.mark.parametrize(
    ("stdin", "inside", "refused"),
    [
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "claude -p hi"}}), True, True),
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "claude -p hi"}}), False, False),
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "ls # claude"}}), True, False),
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": 3, "x": "claude"}}), True, False),
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "make"}}), True, False),
        ("nonsense about claude", True, False),
        ("", True, False),
    ],
)
def test_hook_refuses_inside_an_iteration_and_nowhere_else(
    tmp_path: Path, stdin: str, inside: bool, refused: bool
) -> None:
    hooks = json.loads((plugin_dir() / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]
    environ = {
        "PATH": os.environ["PATH"],
        "CLAUDE_PLUGIN_ROOT": str(plugin_dir()),
        "SAMOCODE_PYTHON": sys.executable,
    }
    if inside:
        environ["SAMOCODE_SIGNAL"] = str(tmp_path / "_signal.json")
    done = subprocess.run(
        ["/bin/sh", "-c", hooks["PreToolUse"][0]["hooks"][0]["command"]],
        input=stdin,
        env=environ,
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stderr == ""
    verdict: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    decision = verdict.get("hookSpecificOutput", {}).get("permissionDecision")
    assert decision == ("deny" if refused else None)
