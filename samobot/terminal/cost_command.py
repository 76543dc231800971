"""`samobot cost`: where the money went."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from samobot.config.address import known_projects
from samobot.config.settings_loader import load_settings
from samobot.money.charges import Charge, collect, read_charges
from samobot.money.cost_table import cost_lines
from samobot.money.costs import add_up, first_day
from samobot.money.spending import day_budget
from samobot.session.journal import events
from samobot.terminal.actor import find, project_reader
from samobot.text import human_money

_WIDEST = 78


@click.command("cost")
@click.argument("name", required=False)
@click.option("--days", type=click.IntRange(min=1), help="Only the last so many days, today included.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--config", type=click.Path(path_type=Path), help="The project's .samocode file or its folder.")
def cost_command(name: str | None, days: int | None, as_json: bool, config: Path | None) -> None:
    """Show what one session has cost, or all known ones: by session, phase, model and day.

    \b
    Each line: US dollars, its share, and in how many iterations.
    """
    settings = load_settings()
    now = datetime.now(UTC)
    since = first_day(now, days) if days is not None else None
    charges: list[Charge]
    problems: list[str] = []
    if name is not None:
        folder = find(name, config).folder
        charges = list(read_charges(folder.name, events(folder)))
    else:
        projects, problems = known_projects(config, Path.cwd(), settings.samobot_projects, project_reader())
        charges, unread = collect(projects, since)
        problems = [*problems, *unread]
    for problem in problems:
        click.echo(f"samobot: {problem}", err=True)
    costs = add_up(charges, since=since)
    if as_json:
        values = _rounded(asdict(costs)) | {"since": since.isoformat() if since else None}
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    lines = cost_lines(costs, width=min(shutil.get_terminal_size().columns, _WIDEST))
    if name is None:
        day = day_budget(settings.samobot_state_dir, now, settings.samobot_daily_budget_usd)
        if day is not None:
            of = f"over {day.scope}" if day.elsewhere else "(SAMOBOT_DAILY_BUDGET_USD)"
            lines += ["", f"Today {human_money(day.spent)} of {human_money(day.cap)} {of}"]
    click.echo("\n".join(lines))


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """The same with every amount rounded to what is exact: sums of cents are not in binary."""
    rounded = dict(values)
    for name, value in values.items():
        if isinstance(value, dict):
            rounded[name] = _rounded(value)
        elif isinstance(value, float):
            rounded[name] = round(value, 6)
    return rounded
