"""`samobot follow-up`: another round of a session that is done."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError
from samobot.fleet.emergency_flag import refuse_during_emergency
from samobot.fleet.launch import RunRequest, start_detached
from samobot.session.decisions import load_key
from samobot.session.follow_up import follow_up
from samobot.session.lock import holder
from samobot.terminal.actor import find, person_at
from samobot.terminal.allowance import no_money
from samobot.terminal.options import US_DOLLARS, config_option, name_argument
from samobot.worker.session_files import SessionFiles


@click.command("follow-up")
@name_argument()
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("--no-questions", is_flag=True, help="Start in planning instead of requirements.")
@click.option("--budget", type=US_DOLLARS, help="US dollars for the whole session, earlier rounds included.")
@config_option
def follow_up_command(
    name: str, words: tuple[str, ...], no_questions: bool, budget: float | None, config: Path | None
) -> None:
    """Continue a finished session with another task, on the same branch, in the background.

    Its artefacts stay. The plan of the new round has to be approved again.
    """
    settings = load_settings()
    refuse_during_emergency(settings.samobot_state_dir)
    located = find(name, config)
    folder = located.folder
    person = person_at(folder)
    now = datetime.now(UTC)
    key = load_key(settings.samobot_state_dir)
    follow_up(folder, " ".join(words), person, now, key, questions=not no_questions)
    if holder(folder) is not None:
        click.echo(f"▶ {folder.name} is running with this already.")
        return
    refused = no_money(SessionFiles(folder, lambda: now), budget, settings)
    if refused is not None:
        raise ConflictError(f"{refused} The follow-up is saved: samobot resume {folder.name}")
    request = RunRequest(config=located.project.file, session=folder.path.name, budget_usd=budget)
    pid = asyncio.run(start_detached(request, folder, settings.samobot_state_dir, os.environ))
    click.echo(f"▶ {folder.name} continues with the follow-up in the background (process {pid}).")
