"""The MCP servers of the user, and of a trusted project, that the agents are offered.

An agent with a list of tools is offered no server that the list does not name, and the plugin's files cannot know the
names; so the agent is redefined on the command line. Measured on 2.1.197 and 2.1.332: `mcp__NAME` in the list lets
in all tools of a server, with `_` for what a name may not hold; `--mcp-config` ignores the other keys of `.claude.json`;
`deniedMcpServers` keeps a server of these files from starting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from samobot.claude.invocation import Invocation, with_settings
from samobot.claude.user_settings import config_folder
from samobot.frozen import frozen
from samobot.phases import Phase

NONE = "none"
ALL = "all"
PROJECT_FILE = ".mcp.json"

_MAX_BYTES = 16 * 1024 * 1024
_HEADER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_BROWSER = re.compile(r"browser|playwright|puppeteer|selenium|chrome|webdriver", re.IGNORECASE)
_LOOK_AT_PAGES = (Phase.IMPLEMENTATION, Phase.TESTING, Phase.QUALITY)
"""Phases in which something runs that a browser could show."""

# 2.1.197 sends its first request after 5 s whether the servers are connected or not, unless it is given both of these
# (a server that took 9 s was then offered); 2.1.332 waits 30 s anyway, which is also how long a server may take.
_WAIT_FOR_SERVERS = {"MCP_CONNECTION_NONBLOCKING": "0", "MCP_CONNECT_TIMEOUT_MS": "30000"}


@frozen
class McpServers:
    """The MCP servers of an iteration.

    Attributes:
        files: The configuration files that name them, for the CLI to read.
        names: The names of those that are offered.
        browsers: Those of them that show web pages.
        denied: The other ones in the files, which are not started.
    """

    files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


def servers_file(environ: Mapping[str, str]) -> Path:
    """The file in which the CLI keeps the user's own servers."""
    if environ.get("CLAUDE_CONFIG_DIR"):
        return config_folder(environ) / ".claude.json"
    return Path(environ.get("HOME") or Path.home()) / ".claude.json"


def local_servers(file: Path, folders: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return the servers that the user added for some folders alone (`claude mcp add`, scope `local`), by name.

    Args:
        file: The file in which the CLI keeps them, see `servers_file`.
        folders: Where the CLI would have been called; the first one goes before the others.
    """
    projects = _content(file).get("projects")
    found: dict[str, dict[str, Any]] = {}
    if not isinstance(projects, dict):
        return found
    for folder in folders:
        own = projects.get(str(folder))
        found = dict(_usable(own if isinstance(own, dict) else {})) | found
    return found


def mcp_name(server: str) -> str:
    """A server's name as its tools bear it."""
    return re.sub("[^a-zA-Z0-9_-]", "_", server)


def find_servers(choice: str, files: Iterable[Path], phase: Phase) -> McpServers:
    """Find the servers that the agent of a phase is offered.

    Browsers are offered where something runs that they could show, the other servers in each phase but the last, which
    only reports.

    Args:
        choice: `none`, `all`, or names separated by commas.
        files: Files that may name servers. One with an entry that the CLI would refuse counts as absent: the
            iteration would end at its start.
        phase: The phase.
    """
    chosen = {part.strip() for part in choice.split(",")}
    used: list[Path] = []
    known: dict[str, bool] = {}
    for file in () if choice == NONE or phase is Phase.DONE else files:
        found = dict(_entries(file))
        if found:
            used.append(file)
            known = {name: _is_browser(name, server) for name, server in found.items()} | known
    names = tuple(
        name
        for name, is_browser in known.items()
        if (choice == ALL or name in chosen) and (not is_browser or phase in _LOOK_AT_PAGES)
    )
    if not names:
        return McpServers()
    return McpServers(
        files=tuple(used),
        names=names,
        browsers=tuple(name for name in names if known[name]),
        denied=tuple(name for name in known if name not in names),
    )


def offer(invocation: Invocation, servers: McpServers, plugin: Path, agent: str) -> Invocation:
    """Offer servers to the agent of a call, and none besides: a project's own count only if it is trusted.

    Args:
        invocation: The call, not yet inside a fence.
        servers: The servers.
        plugin: Folder of the plugin.
        agent: Name of the agent in it.
    """
    argv = list(invocation.argv)
    place = argv.index("--agent")
    if not servers.names:
        argv.insert(place, "--strict-mcp-config")
        return replace(invocation, argv=tuple(argv))
    argv[place : place + 2] = [
        "--agent",
        agent,
        "--strict-mcp-config",
        "--mcp-config",
        *map(str, servers.files),
        "--agents",
        json.dumps({agent: _definition(plugin / "agents" / f"{agent}.md", servers.names)}),
    ]
    if servers.denied:
        argv[:] = with_settings(argv, deniedMcpServers=[{"serverName": name} for name in servers.denied])
    return replace(invocation, argv=tuple(argv), env=_WAIT_FOR_SERVERS | dict(invocation.env))


def _definition(file: Path, servers: Iterable[str]) -> dict[str, object]:
    match = _HEADER.fullmatch(file.read_text(encoding="utf-8"))
    assert match is not None, f"{file} is part of the program"
    header = dict(line.split(": ", 1) for line in match[1].splitlines())
    tools = [*header["tools"].split(", "), *(f"mcp__{mcp_name(name)}" for name in servers)]
    return {"description": header["description"], "prompt": match[2].strip(), "tools": tools}


def _entries(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _usable(_content(file))


def _content(file: Path) -> dict[str, Any]:
    """What a file holds; empty if it is no object that can be read."""
    try:
        if not file.is_file() or file.stat().st_size > _MAX_BYTES:
            return {}
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _usable(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The servers of a configuration; none if the CLI would refuse one of them."""
    servers = content.get("mcpServers")
    if isinstance(servers, dict) and all(map(_is_usable, servers.values())):
        yield from servers.items()


def _is_usable(server: object) -> bool:
    return isinstance(server, dict) and any(isinstance(server.get(key), str) for key in ("command", "url"))


def _is_browser(name: str, server: Mapping[str, Any]) -> bool:
    arguments = server.get("args")
    parts = (name, server.get("command"), *(arguments if isinstance(arguments, list) else ()))
    return any(isinstance(part, str) and _BROWSER.search(part) is not None for part in parts)
