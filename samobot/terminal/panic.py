"""`samobot panic`: stops everything and keeps it stopped."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot import panic
from samobot.address import known_projects
from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.emergency import stop_everything
from samobot.errors import ConflictError, SamobotError, UsageError
from samobot.project import Project
from samobot.settings import Settings, load_settings
from samobot.terminal.person import user_name


@click.command("panic")
def panic_command() -> None:
    """Stop everything at once: all workers, all agents and what they started, of every project.

    Nothing starts again, from the chat or here, until `samobot resume --all` or /resume in the chat releases it.
    The bot itself stays, to be asked.
    """
    # Not strict: a `.env` that others may read must not keep the brake from working.
    settings = load_settings(strict=False)
    panic.pull(settings.samobot_state_dir, user_name(), datetime.now(UTC))
    click.echo("🛑 Emergency stop: from now on nothing starts.")
    alive = False
    for ended in stop_everything(settings.samobot_state_dir, _projects(settings)):
        alive = alive or bool(ended.halted.alive)
        click.echo(f"⏹ {ended.folder.name}: {ended.halted.words}")
    click.echo(
        "Nothing is running. Release it with: samobot resume --all" if not alive else "Look at the above."
    )
    if alive:
        raise SystemExit(1)


def release_panic(settings: Settings, name: str | None, *, everything: bool) -> None:
    """What `samobot resume` does without a session's name.

    Raises:
        UsageError: A name was given as well, or there is nothing to release.
        SamobotError: It was called from inside an iteration.
    """
    if name is not None:
        raise UsageError("Say a session's name or --all, not both.")
    if os.environ.get(ITERATION_VARIABLE):
        raise SamobotError("The emergency stop is for a person to release, not for an agent.")
    if panic.release(settings.samobot_state_dir):
        click.echo("▶️ The emergency stop is released. Start sessions again with: samobot resume NAME")
    elif everything:
        raise ConflictError("No emergency stop is in force, so there is nothing to release.")
    else:
        raise UsageError("Say which session should go on (see samobot status).")


def _projects(settings: Settings) -> list[Project]:
    try:
        return known_projects(None, Path.cwd(), settings.samobot_projects)[0]
    except UsageError:
        return []  # none is known here; what runs is found by its processes
