"""The call of Codex, what it is told in place of the plugin, and the checks before it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from samobot.assets import plugin_dir, workflow_text
from samobot.claude.agent_program import IterationOrder
from samobot.claude.codex_program import CodexProgram, instructions
from samobot.claude.fence_probe import fence_problem
from samobot.claude.fence_rules import codex_login
from samobot.claude.mcp import McpServers
from samobot.claude.outcome import Outcome, OutcomeKind
from samobot.claude.records import Tokens
from samobot.config.token_price import TokenPrice
from samobot.errors import UsageError
from samobot.phases import RULES
from samobot.session.provider import CODEX_PHASES, Provider
from tests.claude.fenced_world import make_world


def program(tmp_path: Path, *, script: str = "echo codex-cli 0.171.0", free: bool = True) -> CodexProgram:
    path = tmp_path / "codex"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return CodexProgram(str(path), plugin_dir(), free)


def order(tmp_path: Path, *, mcp: str = "all", effort: str = "high", model: str = "") -> IterationOrder:
    return IterationOrder(
        agent="implementation-agent",
        model=model,
        effort=effort,
        session_id="uuid",
        contract="# One iteration",
        facts="# This iteration",
        context_file=tmp_path / "context.md",
        prompt="Begin.",
        cwd=tmp_path,
        session_dir=tmp_path,
        log=tmp_path / "log.jsonl",
        budget_left=None,
        signal_file=tmp_path / "_signal.json",
        environ={"HOME": str(tmp_path), "PATH": "/bin", "ANTHROPIC_API_KEY": "secret", "SAMOBOT_ASK": "off"},
        python="python3",
        trust_project=False,
        servers=McpServers(),
        mcp=mcp,
    )


def config(argv: tuple[str, ...]) -> dict[str, object]:
    """What the `--config` options set, read as Codex reads them."""
    lines = [value for flag, value in pairwise(argv) if flag == "--config"]
    return tomllib.loads("\n".join(lines))


def test_call_has_the_role_as_developer_and_the_task_on_stdin(tmp_path: Path) -> None:
    call = program(tmp_path).call(order(tmp_path, model="gpt-5.5"))
    assert call.argv[1:3] == ("exec", "--json")
    assert call.argv[call.argv.index("--model") + 1] == "gpt-5.5"
    assert call.stdin == b"# This iteration\n\nBegin.\n"
    assert (call.provider, call.steerable) == (Provider.CODEX, False)
    set_to = config(call.argv)
    assert set_to["model_reasoning_effort"] == "high"
    assert set_to["project_doc_fallback_filenames"] == ["CLAUDE.md"]
    assert set_to["developer_instructions"] == instructions(
        plugin_dir(), "implementation-agent", "# One iteration"
    )
    assert "ANTHROPIC_API_KEY" not in call.env
    assert call.env["SAMOCODE_SESSION"] == str(tmp_path)


def test_cost_is_computed_from_known_tokens_with_a_known_price_and_never_guessed(tmp_path: Path) -> None:
    ended = Outcome(OutcomeKind.COMPLETED, "Well.", tokens=Tokens(1_000_000, 100_000, 2_000_000, 0))
    unpriced = program(tmp_path)
    priced = replace(unpriced, price=TokenPrice(1, 0.1, 10))
    assert priced.with_cost(ended).cost_usd == pytest.approx(1 + 0.2 + 1)
    assert unpriced.with_cost(ended).cost_usd is None
    assert priced.with_cost(replace(ended, tokens=Tokens())).cost_usd is None
    assert priced.with_cost(replace(ended, cost_usd=0.0)).cost_usd == 0
    assert "in no budget" in unpriced.lacks[-1]
    assert "CODEX_PRICE" in priced.lacks[-1]


@pytest.mark.parametrize("phase", CODEX_PHASES)
def test_role_skill_and_contract_of_a_phase_reach_codex_and_fit_into_an_argument(phase: str) -> None:
    text = instructions(plugin_dir(), RULES[phase].agent, workflow_text())  # type: ignore[index]
    for part in ("samocode session", f"# {phase.capitalize()}", "You run in Codex", "# One iteration"):
        assert part in text
    assert "tools: Read" not in text
    for absent in ("samocode:", "## Sub-agents", "## Reviewers", "## dop", "## clarity-review"):
        assert absent not in text
    assert len(text.encode()) < 64 * 1024  # Linux takes 128 KiB


def test_servers_that_are_not_chosen_are_turned_off(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()
    file = tmp_path / ".codex" / "config.toml"
    file.write_text('[mcp_servers.docs]\ncommand = "a"\n[mcp_servers.web]\ncommand = "b"\n')
    codex = program(tmp_path)
    off = {"enabled": False}
    for choice, expected in {"all": None, "none": {"docs": off, "web": off}, "docs, x": {"web": off}}.items():
        chosen = config(codex.call(order(tmp_path, mcp=choice)).argv)
        assert chosen.get("mcp_servers") == expected
        # A connector of the account reaches as much as a server.
        assert chosen.get("features") == (None if expected is None else {"apps": False, "plugins": False})
    file.write_text('[mcp_servers."a.b"]\ncommand = "a"\n')
    with pytest.raises(UsageError, match="cannot keep Codex from its MCP server"):
        codex.call(order(tmp_path, mcp="none"))


def test_codex_refuses_to_work_where_the_user_wants_to_be_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither asks before single calls"):
        program(tmp_path, free=False).call(order(tmp_path))


@pytest.mark.parametrize(
    ("script", "environ", "problem"),
    [
        ("echo codex-cli 0.171.0", {}, None),
        ('[ "$1" = --version ] && echo codex-cli 0.180.2 || echo Not logged in', {}, "is not logged in"),
        (
            '[ "$1" = --version ] && echo codex-cli 0.180.2 || echo Not logged in',
            {"CODEX_API_KEY": "k"},
            None,
        ),
        ("echo codex-cli 0.99.0", {}, "older than 0.171.0"),
        ("echo hello", {}, "does not seem to be a working Codex CLI"),
    ],
)
def test_check_finds_a_codex_that_cannot_work(
    tmp_path: Path, script: str, environ: dict[str, str], problem: str | None
) -> None:
    codex = program(tmp_path, script=script)
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **environ}
    if problem is None:
        assert codex.check(environ, login=True).startswith("0.1")
    else:
        with pytest.raises(UsageError, match=problem):
            codex.check(environ, login=True)


def test_absent_codex_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Codex CLI named “codex”"):
        CodexProgram("codex", plugin_dir()).check({"HOME": str(tmp_path), "PATH": "/nowhere"}, login=False)


def test_each_program_reaches_its_own_login_in_the_fence_and_no_settings_to_write(tmp_path: Path) -> None:
    problem = fence_problem(os.environ)
    if problem is not None:
        pytest.skip(f"there can be no fence here: {problem}")
    world = make_world(tmp_path)
    home = world.home / ".codex"
    (home / "sessions").mkdir(parents=True)
    for name in ("auth.json", "config.toml", "sessions/talk.jsonl"):
        (home / name).write_text('{"of": "codex"}')
    command = (
        'cd "$HOME"; cat .codex/auth.json .codex/config.toml .codex/sessions/talk.jsonl .claude/.credentials.json; '
        "echo x > .codex/config.toml; echo x > .codex/history.jsonl; "
        "echo '{\"renewed\": 1}' > .codex/new; mv .codex/new .codex/auth.json"
    )
    login = codex_login(world.places(), world.environ)
    login.inside.parent.mkdir()
    login.exchange()
    done = world.run(command, provider=Provider.CODEX)
    login.exchange()
    assert done.stdout == '{"of": "codex"}' * 2, done.stderr
    assert (home / "auth.json").read_text() == '{"renewed": 1}\n'
    assert (home / "config.toml").read_text() == '{"of": "codex"}'
    assert not (home / "history.jsonl").exists()
    assert world.run('cat "$HOME/.codex/auth.json"').stdout == ""
