"""`samobot chart`: a run as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.chart.draw import Theme, draw
from samobot.errors import UsageError
from samobot.session.files import write_atomic
from samobot.session.journal import events
from samobot.session.lock import holder
from samobot.terminal.actor import find


@click.command("chart")
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the PNG goes; default: NAME-chart.png in this folder.",
)
@click.option(
    "--theme",
    type=click.Choice([theme.value for theme in Theme]),
    default=Theme.LIGHT.value,
    show_default=True,
    help="Which background the picture is for.",
)
@click.option("--config", type=click.Path(path_type=Path), help="The project's .samocode file or its folder.")
def chart_command(name: str, output: Path | None, theme: str, config: Path | None) -> None:
    """Draw a session's run: its phases over time, iterations, waits for you, limits, and what it cost."""
    folder = find(name, config).folder
    path = output or Path(f"{folder.name}-chart.png")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {path.absolute().parent}; make it, or name another with --output."
        )
    picture = draw(
        events(folder),
        folder.name,
        Theme(theme),
        now=datetime.now(UTC),
        alive=holder(folder) is not None,
    )
    write_atomic(path, picture)
    click.echo(f"🖼 {path}")
