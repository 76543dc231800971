"""`samobot schedule`: sessions that the bot starts at a time."""

from __future__ import annotations

from pathlib import Path

import click

from samobot.config.address import known_projects
from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.fleet.schedule_times import EXAMPLES, parse_timing
from samobot.fleet.schedules import Schedule, Schedules, machine_zone, zone_named
from samobot.system.clock import utc_now
from samobot.terminal.actor import VIA, project_reader, refuse_an_iteration, user_name
from samobot.terminal.options import config_option
from samobot.text import one_line, printable

_AN_AGENT = "An agent may not schedule work."


@click.group("schedule", invoke_without_command=True)
@click.pass_context
def schedule_command(context: click.Context) -> None:
    """List the schedules; `add` makes one. The bot starts their sessions while it runs."""
    if context.invoked_subcommand is None:
        found = _schedules().all()
        for each in found:
            click.echo(_line(each))
        if not found:
            click.echo("Nothing is scheduled. See samobot schedule add --help.", err=True)


@schedule_command.command("add")
@click.argument("when")
@click.argument("task")
@click.option("--project", help="The project's name; needed if there are several.")
@config_option
def add_command(when: str, task: str, project: str | None, config: Path | None) -> None:
    """Start a session for TASK at WHEN, such as "tomorrow 7:00", "every weekday 8:30" or a cron expression."""
    refuse_an_iteration(_AN_AGENT)
    zone = machine_zone()
    timing, rest = parse_timing(when, utc_now(), zone_named(zone))
    if rest:
        raise UsageError(
            f"“{one_line(rest, 60)}” is no part of a time. Times are written like this: {EXAMPLES}."
        )
    if not task.strip():
        raise UsageError("TASK is empty: say what should be done.")
    made = _schedules().add(
        Schedule(
            number=0,
            project=choose_project_name(project, config),
            task=task.strip(),
            timing=timing,
            zone=zone,
            who=user_name(),
            via=VIA,
        )
    )
    click.echo(_line(made))


@schedule_command.command("pause")
@click.argument("number", type=int)
def pause_command(number: int) -> None:
    """Let schedule NUMBER start nothing until it is resumed."""
    refuse_an_iteration(_AN_AGENT)
    click.echo(_line(_schedules().pause(number)))


@schedule_command.command("resume")
@click.argument("number", type=int)
def resume_command(number: int) -> None:
    """Let schedule NUMBER start sessions again."""
    refuse_an_iteration(_AN_AGENT)
    click.echo(_line(_schedules().resume(number)))


@schedule_command.command("delete")
@click.argument("number", type=int)
def delete_command(number: int) -> None:
    """Forget schedule NUMBER; sessions that it has started continue."""
    refuse_an_iteration(_AN_AGENT)
    click.echo(f"Deleted: {_line(_schedules().delete(number))}")


def _schedules() -> Schedules:
    return Schedules(load_settings().samobot_state_dir, utc_now)


def choose_project_name(name: str | None, config: Path | None) -> str:
    """Return the name of the project that is meant: the one that was named, or the only one.

    Raises:
        UsageError: There are several, or none of that name.
    """
    projects, problems = known_projects(
        config, Path.cwd(), load_settings().samobot_projects, project_reader()
    )
    for problem in problems:
        click.echo(problem, err=True)
    names = [project.name for project in projects]
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        known = ", ".join(names) or "none is configured"
        raise UsageError(f"Which project? --project takes one of: {known}.")
    return name


def _line(one: Schedule) -> str:
    if one.next_at is not None:
        state = f"next {one.next_at.astimezone(zone_named(one.zone)):%a %Y-%m-%d %H:%M}"
    else:
        state = "paused" if one.paused else "waits for a decision in the chat"
    return printable(f"{one.number}  {one.timing.words}  {state}  {one.project}  {one_line(one.task, 80)}")
