"""`samobot init`: the dialog. It asks and finds out first, writes in one go, and can be run again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from samobot.config.address import close_projects
from samobot.config.project import load_project
from samobot.config.trust import untrusted
from samobot.errors import SamobotError, UsageError
from samobot.fleet.worktree_setup import INCLUDE_FILE
from samobot.session.git import GitError
from samobot.setup.choices import Choices, Flags, nothing_chosen
from samobot.setup.env_file import make_private
from samobot.setup.outcome_plan import SetupPlan, dress
from samobot.setup.repositories import project_folder
from samobot.setup.telegram_check import BotApi
from samobot.setup.worktree_include import include, missing_in_worktrees
from samobot.system.service_manager import service_manager
from samobot.terminal.init_bot import choose_bot
from samobot.terminal.init_chat import choose_chat
from samobot.terminal.init_claude import choose_claude
from samobot.terminal.init_projects import choose_projects
from samobot.terminal.service_command import install_and_report
from samobot.terminal.trust_command import ask_to_trust
from samobot.text import one_line

_NOTHING = "Nothing was written."


@click.command("init")
@click.option("--yes", is_flag=True, help="Ask nothing: take the flags, and keep what is set already.")
@click.option("--token-file", metavar="FILE", help="File with the bot's token; - reads it from stdin.")
@click.option("--chat-id", type=int, help="Your chat with the bot, instead of waiting for /start in it.")
@click.option(
    "--project",
    "projects",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A repository to work in; may be repeated.",
)
@click.option("--service/--no-service", default=None, help="Whether to install the bot as a service.")
@click.option(
    "--message/--no-message",
    default=True,
    help="Whether to send the first message once something was written. Default: yes.",
)
def init_command(
    yes: bool,
    token_file: str | None,
    chat_id: int | None,
    projects: tuple[Path, ...],
    service: bool | None,
    message: bool,
) -> None:
    """Set samobot up: Claude, the bot, your chat with it, and the projects.

    Nothing is written before the end, and then only after a yes. It can be run again at any time and changes only
    what you choose. The token is never taken from the command line, where every user of this machine could see it.

    \b
    In a script:
      samobot init --yes --token-file - --chat-id 4711 --project ~/code/greet < token
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError("samobot init asks questions, and this is not a terminal: use --yes with the flags.")
    flags = Flags(yes, token_file, chat_id, projects, service, message)
    wizard = Wizard(nothing_chosen(flags, os.environ), Path.cwd())
    try:
        wizard.run()
    except (click.Abort, KeyboardInterrupt):
        words = "Your choices are saved; run samobot init again to finish." if wizard.written else _NOTHING
        click.echo(f"\nAborted. {words}", err=True)
        raise SystemExit(130) from None


class Wizard:
    """One run of the dialog.

    Args:
        choices: What need not be asked, and what is chosen.
        cwd: Where repositories are looked for first.

    Attributes:
        written: Whether anything has been written yet.
    """

    def __init__(self, choices: Choices, cwd: Path) -> None:
        self._choices = choices
        self._cwd = cwd
        self.written = False

    def run(self) -> None:
        """Go through all steps.

        Raises:
            SamobotError: Something cannot work; nothing was written, unless `written` is set.
            click.Abort: The user quit.
        """
        choices = self._choices
        if not choices.flags.yes:
            click.echo(
                "This sets samobot up. Nothing is written before you say so; Ctrl-C leaves at any time."
            )
        close_projects(self._cwd, choices.settings.samobot_projects)
        self._step("Claude")
        choose_claude(choices)
        self._step("The bot")
        bot = choose_bot(choices)
        with BotApi(bot.token, choices.settings.telegram_api_url) as api:
            self._step("Your chat")
            chat_id = choose_chat(choices, bot, api)
            self._step("Projects")
            self._write(choices.plan(choose_projects(choices, self._cwd)))
            self._trust()
            self._offer_includes()
            self._greet(api, chat_id)
        self._service()

    def _write(self, plan: SetupPlan) -> None:
        lines = plan.lines()
        if not lines:
            if make_private(self._choices.file):
                click.echo(f"✅ {self._choices.file} is yours alone now (0600)")
            click.echo("Everything is set up like that already.")
            return
        self._step("Write")
        for line in lines:
            click.echo(f"  {line}")
        if not self._choices.flags.yes and not click.confirm("Write this", default=True):
            raise click.Abort
        plan.write()
        self.written = True
        click.echo("✅ Written; the token's file is yours alone (0600).")
        for name, value in plan.values.items():
            if self._choices.environ.get(name) not in (None, "", value):
                click.echo(f"⚠️ {name} is also set in the environment, which wins: unset it there.")

    def _trust(self) -> None:
        """Ask about what the projects' own files would run."""
        state_dir = self._choices.settings.samobot_state_dir
        for path in self._projects():
            try:
                project = load_project(path)
                found = untrusted(state_dir, project, project.main_repo)
            except SamobotError as error:
                click.echo(f"⚠️ {error.message}")
                continue
            if found and self._choices.flags.yes:
                command = f"samobot trust --config {project.file}"
                click.echo(f"⚠️ {project.name} has settings that are not used until you trust them: {command}")
            elif found:
                ask_to_trust(found, project, state_dir)

    def _offer_includes(self) -> None:
        """Ask whether new worktrees get the files that git ignores and a build needs."""
        for path in self._projects():
            try:
                repository = load_project(path).main_repo
                names = missing_in_worktrees(repository)
                if not names:
                    continue
                shown = one_line(", ".join(names), 200)
                question = f"{repository}: git ignores {shown}, so new worktrees lack that. Copy it into each"
                if self._choices.flags.yes:
                    click.echo(f"⚠️ {repository}: new worktrees lack {shown}; name it in {INCLUDE_FILE}")
                elif click.confirm(question, default=True):
                    click.echo(f"✅ {include(repository, names)}")
            except (SamobotError, GitError) as error:
                click.echo(f"⚠️ {error.message}")

    def _projects(self) -> list[Path]:
        listed = self._choices.values.get("SAMOBOT_PROJECTS")
        return list(map(Path, listed.split(":"))) if listed else list(self._choices.settings.samobot_projects)

    def _greet(self, api: BotApi, chat_id: int) -> None:
        from samobot.telegram.handlers.command_table import menu

        try:
            dress(api, menu())
            click.echo("✅ Command menu and description")
            # Who keeps everything has had it already.
            if self._choices.flags.message and self.written:
                api.call("sendMessage", chat_id=chat_id, text=self._greeting())
                click.echo("✅ First message sent")
        except SamobotError as error:
            click.echo(f"⚠️ {error.message} Run samobot init again later for the command menu.")

    def _greeting(self) -> str:
        names = ", ".join(project_folder(path).name for path in self._projects())
        about = f"Projects: {names}.\n" if names else ""
        return (
            "👋 samobot is set up and obeys you alone.\n"
            f"{about}Once the bot runs, send it a task, such as: Add a greeting script"
        )

    def _service(self) -> None:
        wanted = self._choices.flags.service
        if wanted is None:
            wanted = not self._choices.flags.yes and self._offer_service()
        if not wanted:
            click.echo("Start the bot: samobot bot    Check everything: samobot doctor")
            return
        try:
            install_and_report(now=True)
        except SamobotError as error:
            if self._choices.flags.yes:
                raise
            click.echo(f"⚠️ {error.message}")

    def _offer_service(self) -> bool:
        """Ask whether to install the service, if this system has one."""
        try:
            service_manager().require_manager(self._choices.environ)
        except SamobotError as error:
            click.echo(f"It cannot be a service here. {error.message}")
            return False
        return click.confirm("Start the bot now and at every boot", default=True)

    def _step(self, title: str) -> None:
        if not self._choices.flags.yes:
            click.echo(f"\n{click.style(title, bold=True)}")
