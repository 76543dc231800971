"""`samobot init`: the dialog. It asks and finds out first, writes in one go, and can be run again."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values

from samobot.botapi import BotApi, RefusedError, TokenError, UnreachableError, clean_token
from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import preflight
from samobot.environment import default_env_file, find_env_file
from samobot.errors import SamobotError, UsageError
from samobot.settings import Settings, load_settings
from samobot.setup.env_file import make_private
from samobot.setup.plan import Plan, changed, dress
from samobot.setup.repositories import as_project, find_repositories
from samobot.terminal.service import install_and_tell
from samobot.text import one_line

_CLAUDE_PLACES = (
    *("~/.local/bin/claude", "~/.claude/local/claude", "~/.npm-global/bin/claude"),
    *("/usr/local/bin/claude", "/opt/homebrew/bin/claude"),
)


_NOTHING = "Nothing was written."


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says already; None or empty is asked for.

    Attributes:
        yes: Ask nothing.
        token_file: Where the token is; `-` is stdin.
        chat_id: The owner's chat.
        projects: Folders that become projects.
        service: Whether to install the service.
        message: Whether to send the first message.
    """

    yes: bool
    token_file: str | None
    chat_id: int | None
    projects: tuple[Path, ...]
    service: bool | None
    message: bool


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
@click.option("--message/--no-message", default=True, help="Whether to send the first message. Default: yes.")
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
    wizard = Wizard(Flags(yes, token_file, chat_id, projects, service, message), os.environ, Path.cwd())
    try:
        wizard.run()
    except (click.Abort, KeyboardInterrupt):
        words = (
            "What was chosen is saved; run samobot init again for the rest." if wizard.written else _NOTHING
        )
        click.echo(f"\nGiven up. {words}", err=True)
        raise SystemExit(130) from None


class Wizard:
    """One run of the dialog.

    Args:
        flags: What need not be asked.
        environ: The environment.
        cwd: Where repositories are looked for first.

    Attributes:
        written: Whether anything has been written yet.
    """

    def __init__(self, flags: Flags, environ: Mapping[str, str], cwd: Path) -> None:
        self._flags = flags
        self._environ = environ
        self._cwd = cwd
        self._file = _target(environ)
        self._settings = _settings(environ, self._file)
        self._values: dict[str, str] = {}
        self._me: dict[str, Any] = {}
        self.written = False

    def run(self) -> None:
        """Go through all steps.

        Raises:
            SamobotError: Something cannot work; nothing was written, unless `written` says so.
            click.Abort: The person left.
        """
        if not self._flags.yes:
            click.echo(
                "This sets samobot up. Nothing is written before you say so; Ctrl-C leaves at any time."
            )
        self._claude()
        self._step("The bot")
        token = self._token()
        with BotApi(token, self._settings.telegram_api_url) as api:
            self._step("Your chat")
            chat_id = self._chat(api, token)
            self._step("Projects")
            plan = Plan(self._file, new_projects=self._projects())
            known = {name: value for name, value in _file_values(self._file).items() if value is not None}
            plan.values = changed(self._values, known)
            self._write(plan)
            self._greet(api, chat_id)
        self._service()

    # The steps.

    def _claude(self) -> None:
        self._step("Claude")
        while True:
            try:
                click.echo(f"✅ Claude Code {self._find_claude()}, logged in")
            except UsageError as error:
                if self._flags.yes:
                    raise
                click.echo(f"❌ {error.message}")
                if not click.confirm("Try again", default=True):
                    raise click.Abort from None
            else:
                return

    def _find_claude(self) -> str:
        wanted = self._settings.claude_path
        try:
            cli = self._preflight(wanted)
        except UsageError:
            found = next((path for path in map(_expanded, _CLAUDE_PLACES) if os.access(path, os.X_OK)), None)
            if wanted != "claude" or found is None:
                raise
            cli = self._preflight(found)
            self._values["CLAUDE_PATH"] = found
        return cli

    def _preflight(self, path: str) -> str:
        options = ClaudeOptions(
            path=path,
            permission_mode=self._settings.claude_permission_mode,
            args=self._settings.claude_args,
        )
        cli = preflight(options, self._environ, login=True)
        return f"{cli.version} at {cli.path}"

    def _token(self) -> str:
        if self._flags.token_file is not None:
            return self._take(clean_token(_read_token(self._flags.token_file)))
        current = self._settings.telegram_bot_token
        if current:
            token = clean_token(current)
            name = f"@{self._verify(token)['username']}"
            if self._flags.yes or click.confirm(f"It is {name}. Keep it", default=True):
                click.echo(f"✅ {name}")
                return token
        if self._flags.yes:
            raise UsageError("There is no bot token yet: give it by --token-file FILE, or - for stdin.")
        click.echo(
            "In Telegram, open @BotFather, send /newbot, and choose a name and a username ending in “bot”."
        )
        click.echo("It answers with a token like 123456789:AAE…: paste that here; it is not shown.")
        while True:
            try:
                return self._take(clean_token(click.prompt("Token", hide_input=True)))
            except (UsageError, TokenError, UnreachableError) as error:
                click.echo(f"❌ {error.message}")

    def _take(self, token: str) -> str:
        click.echo(f"✅ @{self._verify(token)['username']}")
        self._values["TELEGRAM_BOT_TOKEN"] = token
        return token

    def _verify(self, token: str) -> dict[str, Any]:
        with BotApi(token, self._settings.telegram_api_url) as api:
            self._me = api.call("getMe")
        return self._me

    def _chat(self, api: BotApi, token: str) -> int:
        chosen = self._flags.chat_id
        chat_id = chosen if chosen is not None else self._settings.telegram_chat_id
        if chat_id is not None:
            try:
                name = _chat_name(api.call("getChat", chat_id=chat_id))
            except RefusedError as error:
                words = f"The chat {chat_id} cannot be reached ({error.message}) Press Start in it first."
                if chosen is not None or self._flags.yes:
                    raise UsageError(words) from None
                click.echo(f"⚠️ {words}")
            else:
                question = f"It is the chat with {name} ({chat_id}). Keep it"
                if chosen is not None or self._flags.yes or click.confirm(question, default=True):
                    self._require_people(chat_id)
                    click.echo(f"✅ {name} ({chat_id})")
                    self._values["TELEGRAM_CHAT_ID"] = str(chat_id)
                    return chat_id
        if self._flags.yes:
            raise UsageError("It is not known yet whose bot this is: give your chat's number by --chat-id.")
        chat_id = self._pair(api, token)
        self._values["TELEGRAM_CHAT_ID"] = str(chat_id)
        return chat_id

    def _require_people(self, chat_id: int) -> None:
        # A group's number is negative and lets nobody in by itself.
        if chat_id < 0 and not self._settings.telegram_allowed_users:
            raise UsageError(
                f"{chat_id} is a group, and nobody is listed who may use the bot there: set "
                "TELEGRAM_ALLOWED_USERS to numeric ids first, or use your private chat with the bot."
            )

    def _pair(self, api: BotApi, token: str) -> int:
        # The Telegram library is loaded here, where it is needed.
        from samobot.bot.token_lock import TokenLock, lock_folder
        from samobot.setup.pairing import invitation, wait_for_owner

        lock = TokenLock(token, lock_folder(self._environ))
        try:
            with invitation() as invited:
                click.echo(
                    "So that the bot obeys you and nobody else, open this on your phone and press Start:"
                )
                click.echo(f"   {invited.code.link(self._me['username'])}")
                click.echo(f"or send it yourself: /start {invited.code.shown}")
                click.echo("Waiting for it (ten minutes at most) …")
                owner = wait_for_owner(api, invited, self._settings.samobot_state_dir, time.time)
        finally:
            lock.release()
        click.echo(f"✅ {owner.name} ({owner.user_id})")
        return owner.user_id

    def _projects(self) -> list[Path]:
        known = list(self._settings.samobot_projects)
        for path in known:
            click.echo(f"✅ {path}")
        chosen = [as_project(path) for path in self._flags.projects]
        if not self._flags.yes and not chosen:
            chosen = self._ask_projects([_folder(path) for path in known])
        added = list(dict.fromkeys(path for path in chosen if path not in map(_folder, known)))
        for path in added:
            click.echo(f"✅ {path}")
        if not known and not added:
            click.echo("⚠️ No project: the bot has nothing to work on until samobot init is run again.")
        if added:
            self._values["SAMOBOT_PROJECTS"] = ":".join(map(str, [*known, *added]))
        return [path for path in added if not (path / ".samocode").exists()]

    def _ask_projects(self, known: list[Path]) -> list[Path]:
        found = [each for each in find_repositories(self._cwd, Path.home()) if each.path not in known]
        for number, each in enumerate(found, start=1):
            click.echo(f"  {number:2}. {each.path}{'  (has a .samocode)' if each.configured else ''}")
        none = "none" if known or not found else "1"
        while True:
            words = click.prompt(
                "Which to add? Numbers or a path, all, or none" if found else "Path of a repository, or none",
                default=none,
            )
            try:
                return _choose(words, [each.path for each in found])
            except UsageError as error:
                click.echo(f"❌ {error.message}")

    def _write(self, plan: Plan) -> None:
        lines = plan.lines()
        if not lines:
            if make_private(self._file):
                click.echo(f"✅ {self._file} is yours alone now (0600)")
            click.echo("Everything is set up like that already.")
            return
        self._step("Write")
        for line in lines:
            click.echo(f"  {line}")
        if not self._flags.yes and not click.confirm("Write this", default=True):
            raise click.Abort
        plan.write()
        self.written = True
        click.echo("✅ Written; the token's file is yours alone (0600).")
        for name, value in plan.values.items():
            if self._environ.get(name) not in (None, "", value):
                click.echo(f"⚠️ {name} is also set in the environment, which wins: unset it there.")

    def _greet(self, api: BotApi, chat_id: int) -> None:
        from samobot.bot.commands import menu

        try:
            dress(api, menu())
            click.echo("✅ Command menu and description")
            if self._flags.message:
                api.call("sendMessage", chat_id=chat_id, text=self._greeting())
                click.echo("✅ First message sent")
        except SamobotError as error:
            click.echo(f"⚠️ {error.message} Run samobot init again later for menu and greeting.")

    def _greeting(self) -> str:
        listed = self._values.get("SAMOBOT_PROJECTS")
        paths = listed.split(":") if listed else list(map(str, self._settings.samobot_projects))
        names = ", ".join(_folder(Path(path)).name for path in paths)
        about = f"Projects: {names}.\n" if names else ""
        return (
            "👋 samobot is set up and obeys you alone.\n"
            f"{about}Once the bot runs, begin with: /run greet Add a greeting script"
        )

    def _service(self) -> None:
        wanted = self._flags.service
        if wanted is None:
            wanted = not self._flags.yes and click.confirm(
                "Start the bot now and at every boot", default=True
            )
        if not wanted:
            click.echo("Start the bot: samobot bot    Check everything: samobot doctor")
            return
        try:
            install_and_tell(now=True)
        except SamobotError as error:
            if self._flags.yes:
                raise
            click.echo(f"⚠️ {error.message}")

    def _step(self, title: str) -> None:
        if not self._flags.yes:
            click.echo(f"\n{click.style(title, bold=True)}")


def _target(environ: Mapping[str, str]) -> Path:
    """The `.env` file that is written: the one that is read, or would be."""
    named = environ.get("SAMOBOT_ENV_FILE")
    if named:
        return Path(named).expanduser().absolute()
    return find_env_file(environ) or default_env_file(environ)


def _settings(environ: Mapping[str, str], file: Path) -> Settings:
    """The settings as they are; the file may not be there yet."""
    if file.is_file():
        return load_settings({**environ, "SAMOBOT_ENV_FILE": str(file)}, strict=False)
    with tempfile.NamedTemporaryFile(prefix="samobot-") as empty:
        return load_settings({**environ, "SAMOBOT_ENV_FILE": empty.name}, strict=False)


def _file_values(file: Path) -> dict[str, str | None]:
    return dotenv_values(file, interpolate=False) if file.is_file() else {}


def _read_token(source: str) -> str:
    if source == "-":
        return sys.stdin.readline()
    try:
        return Path(source).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token's file {source} cannot be read: {error}.") from None


def _expanded(path: str) -> str:
    return os.path.expanduser(path)


def _folder(path: Path) -> Path:
    """The folder of a project that is named by its file or its folder."""
    return path.parent if path.name == ".samocode" else path


def _chat_name(chat: Mapping[str, Any]) -> str:
    return one_line(str(chat.get("title") or chat.get("first_name") or "somebody"), 60)


def _choose(words: str, found: list[Path]) -> list[Path]:
    """The folders that a person named: by number, by path, all of them or none.

    Raises:
        UsageError: A number or path that cannot be; it is named.
    """
    said = words.strip()
    if said.casefold() in ("none", "n", ""):
        return []
    if said.casefold() == "all":
        return [as_project(path) for path in found]
    if not all(part.isdecimal() for part in said.replace(",", " ").split()):
        return [as_project(Path(said))]
    chosen = []
    for part in said.replace(",", " ").split():
        if not 1 <= int(part) <= len(found):
            raise UsageError(f"There is no number {part} in the list.")
        chosen.append(as_project(found[int(part) - 1]))
    return chosen
