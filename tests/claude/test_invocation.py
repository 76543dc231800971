"""How the CLI is called, and what it may see."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.claude.extra_flags import check_args
from samobot.claude.fence import fence
from samobot.claude.forge_logins import FORGE_TOKENS
from samobot.claude.invocation import (
    FIXED_FOLDER,
    ClaudeOptions,
    Invocation,
    build,
    child_environment,
)
from samobot.claude.permission_rules import asking_hooks
from samobot.errors import UsageError
from tests.support.cases import for_each


def make(
    options: ClaudeOptions | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    budget_left: float | None = None,
    steerable: bool = False,
) -> Invocation:
    return build(
        options or ClaudeOptions(path="/bin/claude"),
        plugin=Path("/plugin"),
        agent="planning-agent",
        session_id="5b0a",
        context_file=Path("/session/_logs/context.md"),
        prompt="Plan it — \ud800",
        cwd=Path("/worktree"),
        session_dir=Path("/session"),
        log=Path("/session/_logs/001.jsonl"),
        budget_left=budget_left,
        signal_file=Path("/session/_signal.json"),
        environ=environ or {"HOME": "/home/me", "PATH": "/bin"},
        python="/venv/bin/python",
        steerable=steerable,
    )


def value_of(invocation: Invocation, flag: str) -> str:
    return invocation.argv[invocation.argv.index(flag) + 1]


def test_the_call_is_complete() -> None:
    call = make(ClaudeOptions("/bin/claude", "sonnet", 50, "acceptEdits", ("--mcp-config", "x.json")))
    assert call.argv[0] == "/bin/claude"
    assert {"--print", "--verbose"} <= set(call.argv)
    assert value_of(call, "--output-format") == "stream-json"
    assert value_of(call, "--agent") == "samocode:planning-agent"
    assert value_of(call, "--plugin-dir") == "/plugin"
    assert value_of(call, "--session-id") == "5b0a"
    assert value_of(call, "--model") == "sonnet"
    assert value_of(call, "--max-turns") == "50"
    assert value_of(call, "--permission-mode") == "acceptEdits"
    assert json.loads(value_of(call, "--settings")) == {
        "outputStyle": "default",
        "disableAllHooks": False,
        "env": {
            "CLAUDE_CODE_EFFORT_LEVEL": "",
            "CLAUDE_CODE_SAFE_MODE": "",
            "CLAUDE_CODE_SIMPLE": "",
        },
    }
    assert value_of(call, "--add-dir") == "/session"
    assert value_of(call, "--append-system-prompt-file") == "/session/_logs/context.md"
    assert call.argv[-2:] == ("--mcp-config", "x.json")
    assert "--max-budget-usd" not in call.argv
    assert call.cwd == Path("/worktree")
    assert call.stdin == "Plan it — ?".encode()


def test_the_money_left_is_a_limit_and_never_zero() -> None:
    assert value_of(make(budget_left=1.23456), "--max-budget-usd") == "1.2346"
    assert value_of(make(budget_left=-3), "--max-budget-usd") == "0.0100"


def test_an_agent_sees_no_secret_of_ours() -> None:
    environ = {
        "HOME": "/home/me",
        "PATH": "/bin",
        "TELEGRAM_BOT_TOKEN": "secret",
        "TELEGRAM_CHAT_ID": "1",
        "SAMOBOT_ENV_FILE": "/x",
        "SAMOCODE_SESSION": "/another",
        "ANTHROPIC_API_KEY": "needed",
        "CODEX_API_KEY": "secret",
        "CLAUDE_CODE_MAX_RETRIES": "2",
    }
    env = make(environ=environ).env
    assert "secret" not in env.values()
    assert not {"TELEGRAM_CHAT_ID", "SAMOBOT_ENV_FILE"} & set(env)
    assert env["SAMOCODE_SESSION"] == "/session"
    assert env["ANTHROPIC_API_KEY"] == "needed"
    assert env["CLAUDE_CODE_MAX_RETRIES"] == "2"


def test_prompt_names_the_sessions_folder() -> None:
    env = make().env
    assert env["SAMOCODE_SIGNAL"] == "/session/_signal.json"
    assert env["SAMOCODE_PYTHON"] == "/venv/bin/python"
    assert env["SAMOBOT_ITERATION"] == "5b0a"


def test_nothing_of_an_outer_claude_reaches_the_inner_one() -> None:
    outer = {
        "CLAUDECODE": "1",
        "CLAUDE_CODE_ENTRYPOINT": "cli",
        "CLAUDE_CODE_SESSION_ID": "x",
        "CLAUDE_CODE_MESSAGING_SOCKET": "/tmp/x",
        "CLAUDE_CODE_SESSION_ATTENDED": "0",
        "CLAUDE_CODE_CHILD_NOTES_DIR": "/tmp/x",
        "AI_AGENT": "y",
    }
    assert not set(outer) & set(make(environ=outer).env)


def test_home_is_always_set() -> None:
    assert make(environ={"PATH": "/bin"}).env["HOME"].startswith("/")
    assert make(environ={"HOME": ""}).env["HOME"].startswith("/")


def test_users_own_setting_is_kept() -> None:
    assert make(environ={"DISABLE_AUTOUPDATER": "0"}).env["DISABLE_AUTOUPDATER"] == "0"
    assert make().env["DISABLE_AUTOUPDATER"] == "1"
    assert (
        make(environ={"CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": ""}).env["CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS"]
        == ""
    )


@for_each(
    "arg",
    [
        "--output-format=json",
        "--resume",
        "-c",
        "--session-id",
        "--agent",
        "--bg",
        "--permission-mode=plan",
        "--permission-mode",
        "--permission-prompt-tool=x",
        "--permission-prompts=none",
        "--dangerously-skip-permissions",
        "--allow-dangerously-skip-permissions",
        "--cloud",
        "--remote-control",
        "--teleport=x",
        "--worktree",
        "-w",
        "--tmux=classic",
        "--chrome",
        "--ide",
        "--bare",
        "--safe-mode",
        '--settings={"disableAllHooks": true}',
        "--settings",
        "--managed-settings",
        "--inherit-permission-mode=bypassPermissions",
        "--dangerously-load-development-channels",
        "--sdk-url=ws://127.0.0.1:9",
        "--remote",
        "--rc",
        "--max-budget-usd=1000",
        "--append-system-prompt-file",
    ],
)
def test_flags_that_would_blind_the_worker_are_refused(arg: str) -> None:
    flag = arg.partition("=")[0]
    with pytest.raises(UsageError, match=f"CLAUDE_ARGS may not hold {flag}:"):
        make(ClaudeOptions(args=("--debug", arg)))
    check_args(["-dhooks,mcp", "-pnwork-c", "--mcp-config", "x.json", "--disallowedTools=Bash(git push *)"])


@for_each(
    "args",
    [
        ["--setting-sources", "user,project"],
        ["--setting-sources=local"],
        ["--setting-sources", "user", "--setting-sources", " project"],
    ],
)
def test_settings_of_the_project_need_trust_and_not_a_flag(args: list[str]) -> None:
    with pytest.raises(UsageError, match="samobot trust"):
        check_args(args)
    check_args(["--setting-sources", "user"])
    check_args(["--setting-sources="])


@for_each(
    "args",
    [
        ["--allowedTools", "Bash"],
        ["--allowed-tools=Read,Edit"],
        ["--allowedTools", "Bash(git log *)", "Write(*)", "--verbose"],
        ["--allowedTools", "Read Bash(:*) Edit(src/*)"],
        ["--allowedTools", "Read,Bash( * )"],
        ["--allowedTools", "Bash()"],
        ["--allowedTools", "Bash(git log), Edit(//**)"],
    ],
)
def test_tool_is_not_allowed_as_a_whole_where_the_agent_is_to_ask(args: list[str]) -> None:
    with pytest.raises(UsageError, match="CLAUDE_ARGS may not allow all of"):
        make(ClaudeOptions(args=tuple(args), asks=True))
    check_args(args)
    check_args(["--allowedTools", "Bash(git log *), Edit(src/*)", "-n", "Bash"], asks=True)
    check_args(["--allowedTools", "Bash(git log, Edit)", "Bash( * test)"], asks=True)


@pytest.mark.parametrize(("arg", "flag"), [("-wtree", "-w"), ("-pw", "-w"), ("-pc", "-c"), ("-r0000", "-r")])
def test_flag_among_other_short_ones_is_refused(arg: str, flag: str) -> None:
    with pytest.raises(UsageError, match=f"CLAUDE_ARGS may not hold {flag}:"):
        make(ClaudeOptions(args=(arg,)))


def test_build_lets_the_cli_ask_where_the_user_wants_to_be_asked() -> None:
    asking = make(ClaudeOptions(asks=True, permission_mode="default"), steerable=True)
    assert value_of(asking, "--permission-prompt-tool") == "stdio"
    assert value_of(asking, "--permission-mode") == "default"
    assert FIXED_FOLDER.items() <= asking.env.items()
    assert "--permission-prompt-tool" not in make(steerable=True).argv
    assert "hooks" in json.loads(value_of(asking, "--settings"))
    assert "hooks" not in json.loads(value_of(make(), "--settings"))


@for_each(
    ("mode", "of_call", "asks"),
    [
        ("default", "default", False),
        ("default", "dontAsk", False),
        ("default", "bypassPermissions", True),
        ("default", "acceptEdits", True),
        ("default", "auto", True),
        ("acceptEdits", "acceptEdits", False),
        ("acceptEdits", "bypassPermissions", True),
    ],
)
def test_call_in_a_mode_that_the_user_did_not_choose_is_asked_about(
    mode: str, of_call: str, asks: bool
) -> None:
    command = asking_hooks(mode)["PreToolUse"][0]["hooks"][0]["command"]
    given = {"permission_mode": of_call, "tool_input": {"command": 'echo \'"permission_mode":"auto"\''}}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=json.dumps(given, separators=(",", ":")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ('"permissionDecision": "ask"' in done.stdout) is asks


def test_build_passes_effort_and_fallback_only_if_chosen() -> None:
    plain = make()
    assert "--effort" not in plain.argv
    assert "--fallback-model" not in plain.argv
    chosen = make(ClaudeOptions(effort="high", fallback_model="sonnet,haiku"))
    assert value_of(chosen, "--effort") == "high"
    assert value_of(chosen, "--fallback-model") == "sonnet,haiku"


def test_an_agent_gets_no_login_of_a_forge_from_the_environment() -> None:
    tokens = dict.fromkeys(FORGE_TOKENS, "secret")
    assert {"GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN"} <= FORGE_TOKENS
    environment = child_environment({**tokens, "HOME": "/home/ann"})
    assert "secret" not in environment.values()
    assert environment["HOME"] == "/home/ann"


def test_clis_own_sandbox_is_off_inside_the_fence_where_it_could_not_work() -> None:
    call = make()
    assert "sandbox" not in json.loads(value_of(call, "--settings"))
    settings = json.loads(value_of(fence(call, (), "bwrap"), "--settings"))
    assert settings == json.loads(value_of(call, "--settings")) | {"sandbox": {"enabled": False}}
    other = fence(replace(call, argv=("codex", "exec")), (), "bwrap")
    assert other.argv[-2:] == ("codex", "exec")


def test_agent_is_not_left_without_hooks_by_the_environment() -> None:
    environ = {"CLAUDE_CODE_SIMPLE": "1", "CLAUDE_CODE_SAFE_MODE": "1", "CLAUDE_CODE_USE_BEDROCK": "1"}
    assert child_environment(environ).keys() & environ.keys() == {"CLAUDE_CODE_USE_BEDROCK"}
