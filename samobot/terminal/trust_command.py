"""`samobot trust`: shows what a project's own files would run, and asks whether that is trusted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.config.project import Project, choose_project
from samobot.config.settings_loader import load_settings
from samobot.config.trust import Content, trust
from samobot.errors import NotFoundError, SamobotError
from samobot.fleet.project_trust import all_untrusted, session_work_dir
from samobot.session.folder import resolve
from samobot.terminal.actor import project_reader, user_name
from samobot.text import printable


@click.command("trust")
@click.option("--config", type=click.Path(path_type=Path), help="The project's .samocode file or its folder.")
@click.option("--session", "name", help="A session: its worktree is looked at instead of MAIN_REPO.")
def trust_command(config: Path | None, name: str | None) -> int:
    """Show what a project's own files would run with your rights, and trust it.

    Settings, hooks and MCP servers of Claude Code in the repository, and WORKTREE_SETUP of its .samocode file,
    are used only after that, and only as they were shown: a change is asked about again. So are the lessons of
    earlier sessions (_learned.md beside the sessions) if they were edited by hand.
    """
    settings = load_settings()
    project = choose_project(config, Path.cwd(), settings.samobot_projects, project_reader())
    work_dir = project.main_repo if name is None else _work_dir(project, name)
    found = all_untrusted(settings.samobot_state_dir, project, work_dir)
    if not found:
        click.echo(f"✅ {project.name}: nothing that is not trusted.")
        return 0
    return 0 if ask_to_trust(found, project, settings.samobot_state_dir) else 1


def _work_dir(project: Project, name: str) -> Path:
    folder = resolve(project.sessions, name)
    if folder is None:
        raise NotFoundError(f"There is no session “{name}” in {project.name}.")
    return session_work_dir(project, folder)


def ask_to_trust(found: Iterable[Content], project: Project, state_dir: Path) -> bool:
    """Show what is not trusted yet and ask about each; returns whether all of it is trusted now.

    Raises:
        SamobotError: An agent called this.
        click.Abort: The user left.
    """
    if os.environ.get(ITERATION_VARIABLE):
        raise SamobotError("This was called from inside an iteration: only the user can trust a project.")
    trusted = True
    for content in found:
        click.echo(f"\n⚠️ {project.name} · {content.title}:")
        for line in content.lines:
            click.echo(f"    {printable(line)}")
        if content.files is None:
            click.echo("This is too large to be trusted; it is not used.")
            trusted = False
        elif not sys.stdin.isatty():
            click.echo(
                f"Not trusted, so not used. To trust it, at a terminal: samobot trust --config {project.file}"
            )
            trusted = False
        elif click.confirm("Trust exactly this?", default=False):
            trust(state_dir, project, content, user_name(), datetime.now().astimezone())
        else:
            click.echo("It is not used.")
            trusted = False
    return trusted
