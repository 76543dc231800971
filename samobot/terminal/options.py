"""What several commands take: the project's file, and the name of a session."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

_Command = TypeVar("_Command", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):
    """A number within limits. Click lets `nan` pass any of them, and a budget that is not a number is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number that was given."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not an amount; give a plain number.", param, ctx)
        return number


US_DOLLARS = FiniteRange(min=0, min_open=True)
"""An amount of money that may be spent."""


def complete_session(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The sessions whose name begins so, for the shell; none if no project can be read."""
    from samobot.config.address import known_projects
    from samobot.config.environment import configured_projects
    from samobot.errors import SamobotError
    from samobot.session.folder import list_folders
    from samobot.terminal.actor import project_reader

    try:
        config = context.params.get("config")
        projects, _ = known_projects(config, Path.cwd(), configured_projects(), project_reader())
        names = {
            folder.name: project.name for project in projects for folder in list_folders(project.sessions)
        }
    except SamobotError:
        return []
    return [CompletionItem(name, help=names[name]) for name in sorted(names) if name.startswith(incomplete)]


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The project's .samocode file or its folder.",
)


def name_argument(*, required: bool = True) -> Callable[[_Command], _Command]:
    """The argument NAME: `session`, or `project:session`."""
    return click.argument("name", required=required, shell_complete=complete_session)
