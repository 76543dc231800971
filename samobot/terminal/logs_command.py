"""`samobot logs`: what the agent did, read from its own log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from samobot.claude.activity import activity
from samobot.claude.records import Assistant, Record, Result
from samobot.claude.stream import Tail
from samobot.config.address import LocatedSession
from samobot.errors import NotFoundError
from samobot.session.file_marks import written_ns
from samobot.session.folder import SessionFolder
from samobot.session.lock import holder
from samobot.terminal.actor import find
from samobot.terminal.options import config_option, name_argument
from samobot.text import human_money, printable

SHOWN_BYTES = 64 * 1024 * 1024
"""How much of a log is read, from its end."""

POLL_SECONDS = 0.3
"""How often a followed log is looked at."""


@click.command("logs")
@name_argument()
@config_option
@click.option("-f", "--follow", is_flag=True, help="Show new lines as they come, until the run ends.")
@click.option(
    "-n",
    "--iterations",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many of the last iterations to show.",
)
@click.option("--raw", is_flag=True, help="Print the names of the log files instead, for jq and the like.")
def logs_command(name: str, config: Path | None, follow: bool, iterations: int, raw: bool) -> None:
    """Show what the agent said and did in the last iterations of a session.

    \b
    Examples:
      samobot logs greet -f
      jq . "$(samobot logs greet --raw)"
    """
    located = find(name, config)
    logs = iteration_logs(located.folder)[-iterations:]
    if not logs and not follow:
        raise NotFoundError(f"{located.folder.name} has no log yet: no iteration has been run.")
    if raw:
        for log in logs:
            click.echo(log)
        return
    for log in logs[:-1] if follow else logs:
        _show(log, located)
    if follow:
        # Ctrl-C is the way to leave, no failure.
        with suppress(KeyboardInterrupt):
            _follow(located, logs[-1] if logs else None)


def iteration_logs(folder: SessionFolder) -> list[Path]:
    """The logs of a session's iterations, oldest first."""
    return sorted(
        (path for path in folder.logs.glob("*-*-*-*-*.jsonl") if path.is_file()),
        key=lambda path: (written_ns(path.stat()), path.name),
    )


def _show(log: Path, located: LocatedSession) -> None:
    click.secho(f"── {log.stem}", bold=True)
    with Tail(log) as tail:
        tail.skip_to_last(SHOWN_BYTES)
        for line in _lines(tail.finish(), located):
            click.echo(line)


def _follow(located: LocatedSession, log: Path | None) -> None:
    """Show the newest log as it grows; go over to the next iteration's when one begins."""
    while True:
        if log is not None:
            click.secho(f"── {log.stem}", bold=True)
            with Tail(log) as tail:
                tail.skip_to_last(SHOWN_BYTES)
                newest = log
                while newest == log:
                    for line in _lines(tail.read(), located):
                        click.echo(line)
                    newest = (iteration_logs(located.folder) or [log])[-1]
                    if newest == log:
                        if holder(located.folder) is None:
                            for line in _lines(tail.finish(), located):
                                click.echo(line)
                            return
                        time.sleep(POLL_SECONDS)
                log = newest
            continue
        if holder(located.folder) is None:
            raise NotFoundError(f"{located.folder.name} is not running and has no log yet.")
        time.sleep(POLL_SECONDS)
        logs = iteration_logs(located.folder)
        log = logs[-1] if logs else None


def _lines(records: Iterator[Record], located: LocatedSession) -> Iterator[str]:
    """The records worth showing, as lines."""
    for record in records:
        match record:
            case Result():
                cost = "" if record.cost_usd is None else f", {human_money(record.cost_usd)}"
                yield f"🏁 {record.num_turns} turns{cost}" if record.num_turns else f"🏁 Ended{cost}"
                continue
            case Assistant() if record.text:
                yield f"💬 {printable(record.text.strip())}"
                if not record.tools:
                    continue
            case _:
                pass
        doing = activity(record, located.project.main_repo, located.folder.path)
        if doing is not None:
            yield f"   {doing.sign} {printable(doing.words)}"
