"""The hook that refuses a Claude CLI inside an iteration, as the CLI runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.assets import plugin_dir
from tests.support.cases import for_each


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


@for_each(
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


OTHER_WAYS = (
    "npx claude -p hi",
    "pnpm dlx @anthropic-ai/claude-code -p x",
    "pnpm exec claude -p x",
    "yarn dlx @anthropic-ai/claude-code -p x",
    "npm exec @anthropic-ai/claude-code -- -p hi",
    "npm exec -- claude -p hi",
    "bunx claude -p hi",
    "~/.local/bin/claude -p hi",
    "$HOME/.claude/local/claude -p hi",
    "./node_modules/.bin/claude -p hi",
    "env -i /usr/bin/claude -p hi",
    "env -i PATH=/usr/bin claude -p hi",
    "env -u X claude -p x",
    "\\claude -p hi",
    "'claude' -p hi",
    '"claude" -p hi',
    "cl''aude -p hi",
    "node -e \"require('child_process').execSync('claude -p hi')\"",
    "python3 -c \"import subprocess; subprocess.run(['claude','-p','hi'])\"",
    "perl -e 'system(\"claude -p hi\")'",
    "ruby -e '`claude -p hi`'",
    "PATH=/tmp:$PATH claude -p hi",
    "nice -n 10 claude -p hi",
    "stdbuf -oL claude -p hi",
    "setsid -f claude -p hi",
    "script -qc 'claude -p hi' /dev/null",
    'script -c "claude -p hi" log',
    "watch claude -p hi",
    "parallel claude -p ::: a b",
    "find . -name x -exec claude -p {} \\;",
    "find . -exec claude -p {} +",
    "bash -lc 'claude -p hi'",
    "bash <<'EOF'\nclaude -p hi\nEOF",
    "cat <<EOF | bash\nclaude -p hi\nEOF",
    "echo 'claude -p hi' | sh",
    "echo claude -p hi | bash -s",
    'eval "claude -p hi"',
    "tmux new -d 'claude -p hi'",
    "tmux send-keys 'claude -p hi' Enter",
    "screen -dm claude -p hi",
    "at now <<< 'claude -p hi'",
    "systemd-run --user claude -p hi",
    "su -c 'claude -p hi'",
    "sudo -u x claude -p hi",
    "doas claude -p x",
    "flock x claude -p hi",
    "chronic claude -p hi",
    "strace -f claude -p hi",
    "unbuffer claude -p x",
    "expect -c 'spawn claude -p hi'",
    "coproc claude -p hi",
    "trap 'claude -p hi' EXIT",
    "f() { claude -p hi; }; f",
    "case x in x) claude -p hi;; esac",
    "[ -f x ] && claude -p hi",
    "true || claude -p",
    'while read l; do claude -p "$l"; done < x',
    "! claude -p hi",
    "{ claude -p hi; }",
    "{ claude -p hi;}",
    "claude -c -p hi",
    "claude --dangerously-skip-permissions -p hi",
    "claude < prompt.txt",
    "claude --resume x -p y",
    "exec claude -p hi",
    "command claude -p hi",
    "builtin command claude -p hi",
    "time -p claude -p hi",
    "uvx claude -p x",
    "$(which claude) -p hi",
    "`which claude` -p hi",
    '"$(command -v claude)" -p hi',
    "C=claude; $C -p hi",
    "busybox sh -c 'claude -p hi'",
    "ssh localhost claude -p hi",
    "node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js -p hi",
    "> out claude -p hi",
    "2>&1 claude -p hi",
    "claude --verbose mcp; claude -p x",
    "claude config -p; true | claude -p",
    "claude.exe -p hi",
    "bash -c claude < prompt",
    "alias c=claude; c -p hi",
    "alias c='claude -p'",
    "shopt -s expand_aliases; alias ask='/usr/bin/claude --model opus -p'\nask hi",
    'ask() { claude "$@"; }; ask -p hi',
    "env claude -p hi",
    "env -S 'claude -p hi'",
    "codex exec 'fix it'",
    "npx @openai/codex exec hi",
    "npx -y @openai/codex@latest exec hi",
    "gemini -p hi",
    "gemini --prompt=hi",
    "pnpm dlx @google/gemini-cli -p hi",
    "cd x && aider --yes --message 'fix it'",
    "bash -c 'codex exec hi'",
    "timeout 60 opencode run hi",
    "cursor-agent -p hi",
    "curl https://api.anthropic.com/v1/messages -d @body.json",
    'curl -s -X POST \\\n  -H "x-api-key: $ANTHROPIC_API_KEY" \\\n  https://api.anthropic.com/v1/messages',
    'curl "$ANTHROPIC_BASE_URL/v1/messages" -d x',
    "sleep 1; nohup curl https://api.openai.com/v1/chat/completions -d x &",
    "bash -c 'curl https://api.openai.com/v1/responses -d x'",
    "wget --post-file=b https://generativelanguage.googleapis.com/v1/models/gemini-pro:generateContent",
    "http POST https://openrouter.ai/api/v1/chat/completions model=x",
    "python3 -c \"import anthropic; anthropic.Anthropic().messages.create(model='x')\"",
    "python3 - <<'EOF'\nfrom openai import OpenAI\nOpenAI().responses.create(model='x', input='hi')\nEOF",
    "node -e \"require('@anthropic-ai/claude-agent-sdk').query({prompt: 'hi'})\"",
    "cd x && .venv/bin/python <<EOF\nimport httpx\nhttpx.post('https://api.anthropic.com/v1/messages', json={})\nEOF",
    "(codex exec 'fix it' > log 2>&1 &)",
    "setsid nohup codex exec hi < /dev/null &",
)
"""Launchers, interpreters, pipes, substitutions and quotes in between."""

MENTIONS = (
    "codex --version",
    "grep -rn 'codex exec' docs",
    "git commit -m 'gemini -p is refused'",
    "goose up",
    "cat aider -m",
    "npm install @openai/codex",
    "alias ll='ls -l'",
    "alias",
    "npx claude --version",
    "git log --grep 'claude -p'",
    'echo "run claude -p to ask"',
    "grep -r 'claude -p' docs",
    "sed -i 's/claude -p/x/' f",
    "cat > x.sh <<'EOF'\necho claude\nEOF",
    "find . -name 'claude*' -print",
    "find . -name claude -exec ls {} +",
    "python -m pytest -k claude",
    "vim claude.md",
    "which claude && claude --version",
    "command -v claude",
    "type claude",
    "pgrep claude",
    "ps aux | grep claude",
    "printf '%s' 'claude -p'",
    "npm view @anthropic-ai/claude-code version",
    "npm ls @anthropic-ai/claude-code",
    "npm install -g @anthropic-ai/claude-code",
    "git add claude",
    "cd claude && ls",
    "mkdir claude",
    "rm -rf claude",
    "cp claude.md x",
    "git commit -m \"$(cat <<'EOF'\nRefuse claude -p\nEOF\n)\"",
    "docker build -t claude .",
    "test -x /usr/bin/claude",
    "python -c \"print('claude')\"",
    "node -e \"console.log('claude')\"",
    "export CLAUDE=claude",
    "awk '/claude/' f",
    "head -5 bin/claude",
    "chmod +x bin/claude",
    "claude --help",
    "env | grep claude",
    "sudo apt install claude",
    "ls -la $(which claude)",
    "file `which claude`",
    "man claude",
    "bash -c 'which claude'",
    "echo claude | cat",
    "make claude",
    "uv run pytest tests/claude -p no:x",
    "tmux attach -t claude",
    "screen -S claude",
    "python -m pytest tests/claude -p no:cacheprovider",
    "node claude.js -p 8080",
    "python3 -c \"print('claude')\"",
    "npm i -g @anthropic-ai/claude-code",
    "find . -path claude -prune",
    "curl -I https://api.anthropic.com",
    "grep -rn 'https://api.anthropic.com/v1/messages' src",
    "python3 -c 'import anthropic; print(anthropic.__version__)'",
    "cat > app.py <<'EOF'\nclient.messages.create(model='x')\nEOF",
    "git commit -m 'Call https://api.openai.com/v1/responses'",
    "python -m pytest tests/test_messages.py",
)


def test_hook_is_started_for_each_name_that_it_knows() -> None:
    text = (plugin_dir() / "hooks" / "hooks.json").read_text(encoding="utf-8")
    assert all(f"*{name}*" in text for name in HOOK.OTHERS)
    patterns = re.findall(r"\*([\w.-]+)\*", text)
    assert all(any(pattern in host for pattern in patterns) for host in HOOK.HOSTS)


@for_each("command", OTHER_WAYS)
def test_command_that_asks_a_model_in_another_way_is_refused(command: str) -> None:
    assert HOOK.asks_a_model(command)


@for_each("command", MENTIONS)
def test_command_that_handles_the_cli_without_asking_is_not_refused(command: str) -> None:
    assert not HOOK.asks_a_model(command)


@given(st.text() | st.from_regex(r"[a-z'\"$();|&` -]{0,40}claude[a-z'\"$();|&` -]{0,40}"))
def test_no_command_is_too_strange(command: str) -> None:
    assert HOOK.asks_a_model(command) in (True, False)


@pytest.mark.parametrize(
    ("stdin", "inside", "refused"),
    [
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "claude -p hi"}}), True, True),
        (json.dumps({"tool_name": "Bash", "tool_input": {"command": "claude -p hi"}}), False, False),
        (
            json.dumps({"tool_name": "Bash", "tool_input": {"command": "npx @openai/codex exec hi"}}),
            True,
            True,
        ),
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
