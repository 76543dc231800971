"""What `samobot doctor` finds about MCP servers: which the agents are offered, and which they are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from samobot.claude.mcp import ALL, NONE, PROJECT_FILE, find_servers, local_servers, servers_file
from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.config.settings_folders import project_folders
from samobot.config.trust import is_trusted, project_settings
from samobot.phases import Phase
from samobot.setup.doctor import Finding, Level

_TITLE = "MCP servers"


def mcp_findings(
    settings: Settings, projects: Iterable[Project], environ: Mapping[str, str]
) -> list[Finding]:
    """List the servers that a run offers.

    Args:
        settings: The configuration.
        projects: The known projects.
        environ: The environment of the CLI.

    Raises:
        StorageError: The record of what is trusted cannot be read.
    """
    choice, file = settings.samobot_mcp, servers_file(environ)
    offered = list(find_servers(choice, [file], Phase.TESTING).names)
    findings: list[Finding] = []
    for project in projects:
        local = local_servers(file, project_folders(project.main_repo))
        offered += [
            f"{name} (in {project.name})"
            for name in local
            if (choice == ALL or name in _chosen(choice)) and name not in offered
        ]
        own = find_servers(choice, [project.main_repo / PROJECT_FILE], Phase.TESTING).names
        content = project_settings(project.main_repo) if own else None
        if content is None:
            continue
        if is_trusted(settings.samobot_state_dir, project, content):
            offered += [f"{name} (in {project.name})" for name in own if name not in offered]
        else:
            text = f"{project.name}'s own {', '.join(own)} are not offered: you have not trusted them"
            remedy = f"See what they run: samobot trust --config {project.file}"
            findings.append(Finding(_TITLE, Level.WARNING, text, remedy))
    if offered:
        text = f"agents are offered {', '.join(offered)}, which act with credentials of their own; SAMOBOT_MCP narrows them"
        findings.insert(0, Finding(_TITLE, Level.OK, text))
    missing = [
        name for name in _chosen(choice) if name not in {each.partition(" (in ")[0] for each in offered}
    ]
    if missing:
        text = (
            f"SAMOBOT_MCP names {', '.join(missing)}, which {file} does not hold in a form that can be used"
        )
        remedy = "A trusted project may bring it; see: claude mcp list"
        findings.append(Finding(_TITLE, Level.WARNING, text, remedy))
    return findings


def _chosen(choice: str) -> Iterator[str]:
    if choice not in (ALL, NONE):
        yield from filter(None, map(str.strip, choice.split(",")))
