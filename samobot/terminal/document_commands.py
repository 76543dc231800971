"""`samobot plan`, `diff`, `files` and `projects`: what can be read, as in the chat."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from samobot.config.address import known_projects
from samobot.config.environment import configured_projects
from samobot.fleet import documents
from samobot.fleet.review_reader import read_review
from samobot.session.files import write_atomic
from samobot.session.folder import list_folders, split_date
from samobot.terminal.actor import find, project_reader
from samobot.terminal.options import config_option, name_argument
from samobot.text import human_size, one_line, printable


@click.command("plan")
@name_argument()
@config_option
def plan_command(name: str, config: Path | None) -> None:
    """Show a session's newest plan."""
    folder = find(name, config).folder
    click.echo(printable(asyncio.run(documents.plan_text(folder)).text))


@click.command("diff")
@name_argument()
@click.option("--stat", is_flag=True, help="Only the files, with the lines added and removed.")
@config_option
def diff_command(name: str, stat: bool, config: Path | None) -> None:
    """Show what a session's branch changes, and what is not committed yet."""
    located = find(name, config)
    found = asyncio.run(documents.diff(located.folder, located.project.main_repo))
    if not stat:
        click.echo(printable(found.text), nl=False)
        return
    for each in found.files:
        counts = f"+{each.added} −{each.removed or 0}" if each.added is not None else "binary"
        click.echo(f"{counts:>12}  {printable(one_line(each.path))}")
    files = "1 file" if len(found.files) == 1 else f"{len(found.files) + found.more} files"
    commits = "1 commit" if found.commits == 1 else f"{found.commits} commits"
    left = f", {found.uncommitted} not committed" if found.uncommitted else ""
    click.echo(f"{commits}, {files}, +{found.added} −{found.removed}{left}")


@click.command("review")
@name_argument()
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; - for the standard output.",
)
@config_option
def review_command(name: str, output: Path | None, config: Path | None) -> None:
    """Write a session's review guide: one page about what to look at, what was not checked, and the change."""
    from samobot.review.page import review_page

    located = find(name, config)
    session = split_date(located.folder.name)[1]
    page = review_page(read_review(located.folder, located.project.main_repo, session))
    if output == Path("-"):
        click.echo(page, nl=False)
        return
    path = output or Path(f"review-{session}.html")
    write_atomic(path, page)
    click.echo(f"Written to {printable(str(path))}. Open it in a browser.")


@click.command("files")
@name_argument()
@click.argument("file", required=False)
@config_option
def files_command(name: str, file: str | None, config: Path | None) -> None:
    """List a session's files; with FILE, write that one to the standard output."""
    folder = find(name, config).folder
    if file is not None:
        content = asyncio.run(documents.file(folder, file))
        if sys.stdout.isatty():
            click.echo(printable(content.decode("utf-8", "replace")), nl=False)
        else:
            click.echo(content, nl=False)
        return
    found = asyncio.run(documents.files(folder))
    for each in found:
        click.echo(f"{human_size(each.size):>9}  {printable(one_line(each.name))}")
    if not found:
        click.echo(f"{folder.name} has no files yet.")


@click.command("projects")
@config_option
def projects_command(config: Path | None) -> None:
    """List the project here and those of SAMOBOT_PROJECTS, with their problems."""
    projects, problems = known_projects(config, Path.cwd(), configured_projects(), project_reader())
    for each in projects:
        count = len(list_folders(each.sessions))
        sessions = "1 session" if count == 1 else f"{count} sessions"
        click.echo(f"{each.name}  {sessions}  {each.main_repo}")
        for warning in each.warnings:
            click.echo(f"   {warning}")
    for problem in problems:
        click.echo(problem, err=True)
