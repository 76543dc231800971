"""`samobot clean`: worktrees and branches that are left of sessions that are over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.address import known_projects
from samobot.config.project import Project
from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, NotFoundError, SamobotError
from samobot.fleet.clean_up import clean, leftovers
from samobot.fleet.landing_models import Leftover
from samobot.session.decisions import load_key
from samobot.session.folder import ARCHIVE, SessionFolder
from samobot.terminal.actor import person_at, project_reader
from samobot.terminal.confirmation import confirm
from samobot.terminal.options import config_option, name_argument
from samobot.text import human_size, printable

_Found = Sequence[tuple[Project, Leftover]]


@click.command("clean")
@name_argument(required=False)
@click.option("--yes", is_flag=True, help="Remove without asking.")
@config_option
def clean_command(name: str | None, yes: bool, config: Path | None) -> None:
    """Remove worktrees and branches of sessions that are archived or done, if they are merged.

    What is not merged, or has files that are not committed, stays unless NAME names it.
    """
    settings = load_settings()
    projects, problems = known_projects(config, Path.cwd(), settings.samobot_projects, project_reader())
    for problem in problems:
        click.echo(problem, err=True)
    found = [(project, left) for project in projects for left in leftovers(project)]
    wanted = _named(found, name) if name is not None else [each for each in found if each[1].is_safe]
    for _, left in wanted if name is not None else (each for each in found if each[1].is_offered):
        stays = "" if left.is_safe or name is not None else "   stays"
        over = "archived" if left.archived else "done"
        size = human_size(left.size)
        click.echo(f"   {left.session.name}: {printable(left.branch)}, {over}, {left.state}, {size}{stays}")
    if not wanted:
        click.echo("Nothing to remove.")
        return
    _confirm(wanted, yes=yes)
    key, refused = load_key(settings.samobot_state_dir), False
    for project, left in wanted:
        try:
            folder = _folder(project, left)
            done = clean(
                project,
                folder,
                person_at(folder),
                expected=left.identity,
                anyway=name is not None,
                now=lambda: datetime.now(UTC),
                key=key,
            )
        except SamobotError as error:
            refused = True
            click.echo(error.message, err=True)
        else:
            click.echo(printable(done.text))
    if refused:
        raise ConflictError("Not everything was removed.")


def _named(found: _Found, name: str) -> _Found:
    addresses = {name, name.casefold()}
    for project, left in found:
        ref = left.session
        if addresses & {ref.name, ref.folder, ref.key, f"{ref.project}:{ref.name}"}:
            return [(project, left)]
    raise NotFoundError(f"Nothing is left of “{name}” that can be removed; samobot clean lists what is.")


def _folder(project: Project, left: Leftover) -> SessionFolder:
    parent = project.sessions / ARCHIVE if left.archived else project.sessions
    return SessionFolder(parent / left.session.folder)


def _confirm(wanted: _Found, *, yes: bool) -> None:
    """Ask once for all.

    Raises:
        ConflictError: It was declined.
        UsageError: The standard input is no terminal.
    """
    if yes:
        return
    size = human_size(sum(left.size for _, left in wanted))
    count = (
        "1 worktree with its branch" if len(wanted) == 1 else f"{len(wanted)} worktrees with their branches"
    )
    confirm(
        f"Remove {count}, {size}?",
        instead="To remove what is listed: --yes",
        declined="Nothing was removed.",
    )
