"""`samobot triggers`: issues and reviews at a forge that the bot offers to work on."""

from __future__ import annotations

from pathlib import Path

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.fleet.forge import WorkSource
from samobot.fleet.triggers import Trigger, Triggers
from samobot.system.clock import utc_now
from samobot.terminal.actor import VIA, refuse_an_iteration, user_name
from samobot.terminal.options import config_option
from samobot.terminal.schedule_command import choose_project_name
from samobot.text import one_line, printable

_AN_AGENT = "An agent may not make or change triggers."


@click.group("triggers", invoke_without_command=True)
@click.pass_context
def triggers_command(context: click.Context) -> None:
    """List the triggers; `add` makes one. The bot looks for their work while it runs, and offers it in the chat."""
    if context.invoked_subcommand is None:
        found = _triggers().all()
        for each in found:
            click.echo(_line(each))
        if not found:
            click.echo("There are no triggers. See samobot triggers add --help.", err=True)


@triggers_command.command("add")
@click.argument("source", type=click.Choice([each.value for each in WorkSource]))
@click.argument("label", required=False, default="")
@click.option("--project", help="The project's name; needed if there are several.")
@click.option("--start", is_flag=True, help="Start a session without asking.")
@config_option
def add_command(source: str, label: str, project: str | None, start: bool, config: Path | None) -> None:
    """Offer each open issue with LABEL, or each review that you are asked for."""
    refuse_an_iteration(_AN_AGENT)
    if label and source == WorkSource.REVIEW:
        raise UsageError("A review has no label.")
    made = _triggers().add(
        Trigger(
            number=0,
            project=choose_project_name(project, config),
            source=WorkSource(source),
            label=label.strip(),
            starts=start,
            who=user_name(),
            via=VIA,
        )
    )
    click.echo(_line(made))


@triggers_command.command("delete")
@click.argument("number", type=int)
def delete_command(number: int) -> None:
    """Forget trigger NUMBER; sessions that were started for it continue."""
    refuse_an_iteration(_AN_AGENT)
    click.echo(f"Deleted: {_line(_triggers().delete(number))}")


def _triggers() -> Triggers:
    return Triggers(load_settings().samobot_state_dir, utc_now)


def _line(one: Trigger) -> str:
    how = "starts without asking" if one.starts else "asks first"
    waiting = f"  {len(one.offers)} offered" if one.offers else ""
    return printable(f"{one.number}  {one_line(one.words, 80)}  {one.project}  {how}{waiting}")
