"""A deleted worktree in the terminal: a question about it, or recreated if an option asks for that."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.errors import WorktreeGoneError
from samobot.fleet.worktree_recreation import LOST, recreate, refuse_without_worktree
from samobot.session.folder import SessionFolder
from samobot.terminal.actor import person_at

recreate_option = click.option(
    "--recreate-worktree", "recreated", is_flag=True, help="Recreate a deleted worktree from its branch."
)


def ensure_worktree(project: Project, folder: SessionFolder, settings: Settings, *, recreated: bool) -> None:
    """Recreate a session's worktree if it was deleted and the user wants that.

    Args:
        project: The session's project.
        folder: The session.
        settings: The configuration.
        recreated: Whether the user has asked for it already.

    Raises:
        WorktreeGoneError: It was deleted, and the user does not want it recreated or cannot be asked.
        SamobotError: It cannot be recreated.
    """
    now = datetime.now(UTC)
    try:
        refuse_without_worktree(project, folder, now)
        return
    except WorktreeGoneError:
        if not recreated and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise
        if not recreated:
            click.echo(f"The worktree of {folder.name} was deleted. {LOST}")
            if not click.confirm("Recreate the worktree from its branch?", default=True):
                raise
    notes = recreate(
        project,
        folder,
        person_at(folder).who,
        now,
        branch_prefix=settings.git_branch_prefix,
    )
    for note in notes:
        click.echo(note)
