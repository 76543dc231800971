"""`samobot panic`: stops everything and keeps it stopped."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.claude.invocation import ITERATION_VARIABLE
from samobot.config.address import known_projects
from samobot.config.environment import Whereabouts, find_whereabouts
from samobot.config.project import Project
from samobot.config.settings import Settings
from samobot.errors import ConflictError, SamobotError, StorageError, UsageError
from samobot.fleet import emergency_flag
from samobot.fleet.emergency import stop_everything
from samobot.terminal.actor import project_reader, user_name


@click.command("panic")
def panic_command() -> None:
    """Stop everything at once: all workers, all agents and what they started, of every project.

    Nothing starts again, from the chat or here, until `samobot resume --all` or /resume in the chat releases it.
    The bot itself stays, to be asked.
    """
    # Not the settings: nothing that is wrong in them may keep the brake from working.
    places = find_whereabouts()
    for problem in places.problems:
        _report(f"samobot: {problem}", err=True)
    noted = _note(places.state_dir)
    clean = True
    for ended in stop_everything(places.state_dir, _projects(places)):
        clean = clean and ended.clean
        _report(f"⏹ {ended.folder.name}: {ended.words}")
    if not clean:
        _report("Look at the above.")
    elif noted:
        _report("Nothing is running. Release it with: samobot resume --all")
    else:
        _report("Nothing is running.")
    if not (clean and noted):
        raise SystemExit(1)


def _note(state_dir: Path) -> bool:
    """Keep everything from starting; False if that cannot be written down, as on a full disk."""
    try:
        emergency_flag.raise_flag(state_dir, user_name(), datetime.now(UTC))
    except StorageError as error:
        _report(
            "samobot: The emergency stop could not be noted, so it ends what runs but keeps nothing from "
            f"starting again: {error.message}",
            err=True,
        )
        return False
    _report("🛑 Emergency stop: from now on nothing starts.")
    return True


def _report(words: str, *, err: bool = False) -> None:
    # Nobody reading, or a full disk under a redirected output, is no reason to leave anything running.
    with suppress(OSError):
        click.echo(words, err=err)


def release_panic(settings: Settings, name: str | None, *, everything: bool) -> None:
    """What `samobot resume` does without a session's name.

    Raises:
        UsageError: A name was given as well, or there is nothing to release.
        SamobotError: It was called from inside an iteration.
    """
    if name is not None:
        raise UsageError("Say a session's name or --all, not both.")
    if os.environ.get(ITERATION_VARIABLE):
        raise SamobotError("An agent may not release the emergency stop.")
    if emergency_flag.lower_flag(settings.samobot_state_dir):
        click.echo("▶️ The emergency stop is released. Start sessions again with: samobot resume NAME")
    elif everything:
        raise ConflictError("No emergency stop is in force, so there is nothing to release.")
    else:
        raise UsageError("Name the session to resume (see samobot status).")


def _projects(places: Whereabouts) -> list[Project]:
    try:
        return known_projects(None, Path.cwd(), places.projects, project_reader())[0]
    except (SamobotError, OSError, ValueError):
        return []  # none can be read here; what runs is found by its processes
