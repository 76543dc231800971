"""MCP servers that agents are offered: which are found, and the call that offers them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from samobot.assets import plugin_dir
from samobot.claude.invocation import Invocation
from samobot.claude.mcp import McpServers, find_servers, local_servers, offer, servers_file
from samobot.phases import RULES, Phase
from tests.support.plugin import front_matter

BIRDS = {"command": "birds"}
MAPS = {"type": "http", "url": "http://127.0.0.1:1/mcp"}


def _file(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


BOTH = {"numStartups": 3, "mcpServers": {"birds": BIRDS, "maps": MAPS}}


@pytest.mark.parametrize(
    ("choice", "names", "denied"),
    [
        ("all", ("birds", "maps"), ()),
        ("none", (), ()),
        ("maps", ("maps",), ("birds",)),
        (" maps , birds,absent", ("birds", "maps"), ()),
        ("absent", (), ()),
        ("", (), ()),
    ],
)
def test_servers_are_those_that_the_user_chose(
    tmp_path: Path, choice: str, names: tuple[str, ...], denied: tuple[str, ...]
) -> None:
    file = _file(tmp_path / "x.json", BOTH)
    found = find_servers(choice, [file], Phase.TESTING)
    assert found == McpServers((file,) if names else (), names, denied=denied)


def test_servers_of_the_scope_local_are_those_of_the_projects_folders(tmp_path: Path) -> None:
    repo, tree = tmp_path / "repo", tmp_path / "trees" / "greet"
    content = {
        "mcpServers": {"birds": BIRDS},
        "projects": {
            str(repo): {"mcpServers": {"maps": MAPS, "pages": {"command": "old"}}},
            str(tree): {"mcpServers": {"pages": {"command": "new"}}},
            str(tmp_path / "other"): {"mcpServers": {"secret": BIRDS}},
            str(tmp_path / "broken"): {"mcpServers": {"ok": BIRDS, "bad": 5}},
            str(tmp_path / "odd"): "nothing",
        },
    }
    file = _file(tmp_path / "x.json", content)
    assert local_servers(file, (tree, repo)) == {"maps": MAPS, "pages": {"command": "new"}}
    assert local_servers(file, (tmp_path / "broken", tmp_path / "odd", tmp_path)) == {}
    odds: tuple[object, ...] = ([], {"projects": []}, {"projects": {str(repo): {"mcpServers": []}}})
    for odd in odds:
        assert local_servers(_file(tmp_path / "y.json", odd), (repo,)) == {}
    assert local_servers(tmp_path / "absent.json", (repo,)) == {}


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize(
    "server",
    [
        {"command": "npx", "args": ["-y", "@playwright/mcp@latest"]},
        {"command": "chrome-devtools-mcp"},
        {"url": "x"},
    ],
)
def test_browsers_are_offered_where_something_runs_and_nothing_in_the_last_phase(
    tmp_path: Path, phase: Phase, server: dict[str, object]
) -> None:
    name = "browser" if "url" in server else "pages"
    file = _file(tmp_path / "x.json", {"mcpServers": {name: server, "birds": BIRDS}})
    found = find_servers("all", [file], phase)
    if phase is Phase.DONE:
        assert found == McpServers()
    elif phase in (Phase.IMPLEMENTATION, Phase.TESTING, Phase.QUALITY):
        assert found == McpServers((file,), (name, "birds"), browsers=(name,))
    else:
        assert found == McpServers((file,), ("birds",), denied=(name,))


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"mcpServers": []},
        {"mcpServers": {}},
        {"mcpServers": {"birds": BIRDS, "x": {"args": []}}},
    ],
)
def test_file_that_the_cli_would_refuse_counts_as_absent(tmp_path: Path, content: object) -> None:
    file = _file(tmp_path / "x.json", content)
    assert find_servers("all", [file, tmp_path / "absent"], Phase.TESTING) == McpServers()
    file.write_text("{")
    assert find_servers("all", [file, tmp_path], Phase.TESTING) == McpServers()


def test_a_server_that_two_files_name_is_offered_once_as_the_first_names_it(tmp_path: Path) -> None:
    first = _file(tmp_path / "a", {"mcpServers": {"birds": BIRDS}})
    second = _file(tmp_path / "b", {"mcpServers": {"birds": {"command": "browser"}}})
    assert find_servers("all", [first, second], Phase.TESTING) == McpServers((first, second), ("birds",))


def test_the_users_servers_are_where_the_cli_keeps_them() -> None:
    assert servers_file({"HOME": "/h"}) == Path("/h/.claude.json")
    assert servers_file({"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}) == Path("/c/.claude.json")


CALL = Invocation(
    ("claude", "--agent", "samocode:x", "--settings", '{"outputStyle": "default"}', "--session-id", "1"),
    Path("/w"),
    {"MCP_CONNECT_TIMEOUT_MS": "5"},
    b"",
    Path("/l"),
    "1",
)


def test_a_call_without_servers_starts_none(tmp_path: Path) -> None:
    call = offer(CALL, McpServers(), plugin_dir(), "testing-agent")
    assert call == replace(CALL, argv=("claude", "--strict-mcp-config", *CALL.argv[1:]))


def test_servers_are_waited_for_and_those_that_are_not_offered_do_not_start() -> None:
    call = offer(CALL, McpServers((Path("/f"),), ("birds",), denied=("maps",)), plugin_dir(), "testing-agent")
    settings = json.loads(call.argv[call.argv.index("--settings") + 1])
    assert settings == {"outputStyle": "default", "deniedMcpServers": [{"serverName": "maps"}]}
    assert call.env == {"MCP_CONNECTION_NONBLOCKING": "0", "MCP_CONNECT_TIMEOUT_MS": "5"}, (
        "the user's own goes first"
    )


@pytest.mark.parametrize("phase", list(Phase))
def test_agent_keeps_its_role_and_tools_and_gets_those_of_the_servers(phase: Phase) -> None:
    agent = RULES[phase].agent
    argv = offer(CALL, McpServers((Path("/f"),), ("my birds",)), plugin_dir(), agent).argv
    assert argv[:3] == ("claude", "--agent", agent)
    assert argv[3:7] == ("--strict-mcp-config", "--mcp-config", "/f", "--agents")
    assert argv[8:] == CALL.argv[3:]
    header, role = front_matter(plugin_dir() / "agents" / f"{agent}.md")
    assert json.loads(argv[7]) == {
        agent: {
            "description": header["description"],
            "prompt": role.strip(),
            "tools": [*header["tools"].split(", "), "mcp__my_birds"],
        }
    }
