"""`samobot init`, the fourth step: the repositories that become projects."""

from __future__ import annotations

from pathlib import Path

import click

from samobot.config.project import FILE_NAME
from samobot.errors import UsageError
from samobot.setup.choices import Choices
from samobot.setup.repositories import (
    as_project,
    find_repositories,
    has_git_identity,
    pick,
    project_folder,
)


def choose_projects(choices: Choices, cwd: Path) -> list[Path]:
    """Ask which repositories to work in; sets SAMOBOT_PROJECTS, and returns those that need a `.samocode`.

    Args:
        choices: What was chosen so far.
        cwd: Where repositories are looked for first.

    Raises:
        UsageError: A folder that the flags name cannot be a project.
        click.Abort: The user quit.
    """
    known = list(choices.settings.samobot_projects)
    for path in known:
        click.echo(f"✅ {path}")
    folders = [project_folder(path) for path in known]
    chosen = [as_project(path) for path in choices.flags.projects]
    if not choices.flags.yes and not chosen:
        chosen = _ask(folders, cwd)
    added = list(dict.fromkeys(path for path in chosen if path not in folders))
    for path in added:
        click.echo(f"✅ {path}")
    if not known and not added:
        click.echo("⚠️ No project: the bot has nothing to work on until samobot init is run again.")
    _check_identity([*folders, *added], choices)
    if added:
        choices.values["SAMOBOT_PROJECTS"] = ":".join(map(str, [*known, *added]))
    return [path for path in added if not (path / FILE_NAME).exists()]


def _check_identity(folders: list[Path], choices: Choices) -> None:
    lacking = [
        folder for folder in folders if folder.is_dir() and not has_git_identity(folder, choices.environ)
    ]
    if lacking:
        where = f" in {lacking[0]}" if len(lacking) < len(folders) else ""
        click.echo(
            f"⚠️ git does not know whose commits these are{where}. Set it, for example in another terminal:\n"
            '   git config --global user.name "Your Name"\n'
            "   git config --global user.email you@example.com"
        )


def _ask(known: list[Path], cwd: Path) -> list[Path]:
    found = [each for each in find_repositories(cwd, Path.home()) if each.path not in known]
    for number, each in enumerate(found, start=1):
        click.echo(f"  {number:2}. {each.path}{f'  (has a {FILE_NAME})' if each.configured else ''}")
    none = "none" if known or not found else "1"
    while True:
        words = click.prompt(
            "Which to add? Numbers and paths (1, 2, ~/path), all, or none"
            if found
            else "Path of a repository, or none",
            default=none,
        )
        try:
            return pick(words, [each.path for each in found])
        except UsageError as error:
            click.echo(f"❌ {error.message}")
