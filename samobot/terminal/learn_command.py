"""`samobot learn`: shows what a session learned about its project, and keeps it once the user agrees."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.learned import LEARNED, keep_lessons, session_lessons
from samobot.config.settings_loader import load_settings
from samobot.terminal.actor import find, person_at
from samobot.terminal.options import config_option, name_argument
from samobot.text import plural, printable


@click.command("learn")
@name_argument()
@click.option("--keep", is_flag=True, help="Keep it without asking.")
@config_option
def learn_command(name: str, *, keep: bool, config: Path | None) -> None:
    """Show what a session learned that its project does not know yet, and keep it for later sessions.

    It is added to _learned.md beside the sessions, which the agents of later sessions are given.
    """
    settings = load_settings()
    located = find(name, config)
    found = session_lessons(located.project, located.folder)
    if not found.new:
        click.echo(f"{located.folder.name} has noted nothing that {located.project.name} does not know yet.")
        return
    for lesson in found.new:
        click.echo(f"- {printable(lesson)}")
    if not keep:
        if not sys.stdin.isatty():
            click.echo(f"To keep it: samobot learn {name} --keep")
            return
        click.confirm(f"Keep this for {located.project.name}?", abort=True)
    by = person_at(located.folder)
    kept = keep_lessons(
        settings.samobot_state_dir,
        located.project,
        located.folder,
        by.who,
        datetime.now(UTC),
        expected=found.sha256,
    )
    click.echo(f"✅ {plural(len(kept), 'lesson')} added to {located.project.sessions / LEARNED}")
