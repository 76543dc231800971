"""`samobot check` and `recover`: what is wrong with a session's folder, and its repair from samobot's own records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.settings_loader import load_settings
from samobot.fleet.session_check import check_session, recover_session
from samobot.terminal.actor import find, person_at
from samobot.terminal.options import config_option, name_argument
from samobot.text import printable


@click.command("check")
@name_argument()
@config_option
def check_command(name: str, config: Path | None) -> int:
    """Show what is wrong with a session's folder, one line each, with what to do. Changes nothing; exits with 1 if anything is."""
    located = find(name, config)
    found = check_session(located.project, located.folder)
    for problem in found:
        click.echo(printable(f"✗ {problem.text} → {problem.remedy}"))
    if any(problem.is_repairable for problem in found):
        click.echo(f"Repair what samobot has a record of: samobot recover {name}")
    if not found:
        click.echo(f"✓ {located.folder.name}: nothing is wrong.")
    return 1 if found else 0


@click.command("recover")
@name_argument()
@config_option
def recover_command(name: str, config: Path | None) -> int:
    """Repair a session from samobot's own records: overview, journal and decisions after a crash, a deleted worktree.

    Nothing is guessed: what no record holds is left, and shown by `samobot check`. Exits with 1 if anything is left.
    """
    settings = load_settings()
    located = find(name, config)
    by = person_at(located.folder)
    done = recover_session(
        located.project,
        located.folder,
        by.who,
        datetime.now(UTC),
        state_dir=settings.samobot_state_dir,
        branch_prefix=settings.git_branch_prefix,
    )
    for sentence in done:
        click.echo(printable(f"✓ {sentence}"))
    left = check_session(located.project, located.folder)
    for problem in left:
        click.echo(printable(f"✗ {problem.text} → {problem.remedy}"))
    if not done and not left:
        click.echo(f"✓ {located.folder.name}: nothing to repair.")
    return 1 if left else 0
