"""The command line: which commands there are, and where errors become one line for the user.

Each command lives in a module of `samobot.terminal` that is imported only when it is called, so that
`samobot --version` and shell completion stay fast.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click

from samobot import __version__
from samobot.errors import SamobotError, storage_error
from samobot.terminal.streams import prepare_streams

_WRITING_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_COMMANDS = {
    # name: (module, function, one line of help)
    "run": ("run_command", "run_command", "Run a session until it is done or needs you."),
    "status": ("status_command", "status_command", "Show one session, or all of them."),
    "answer": ("decision_commands", "answer_command", "Answer a session's questions."),
    "approve": ("decision_commands", "approve_command", "Approve a session's plan as it is now."),
    "reject": ("decision_commands", "reject_command", "Send a session's plan back with feedback."),
    "allow": ("permission_commands", "allow_command", "Allow a call that an agent asks for."),
    "deny": ("permission_commands", "deny_command", "Deny a call that an agent asks for."),
    "tell": ("decision_commands", "tell_command", "Give the agent guidance, now or at its next step."),
    "stop": ("control_commands", "stop_command", "Stop a session now, with everything it started."),
    "pause": ("control_commands", "pause_command", "Pause a session after its iteration."),
    "resume": (
        "control_commands",
        "resume_command",
        "Continue a paused, stopped, blocked or parked session.",
    ),
    "logs": ("logs_command", "logs_command", "Show what the agent did."),
    "cost": ("cost_command", "cost_command", "Show what sessions have cost, by phase, model and day."),
    "plan": ("document_commands", "plan_command", "Show a session's plan."),
    "check": ("check_commands", "check_command", "Show what is wrong with a session's folder."),
    "recover": ("check_commands", "recover_command", "Repair a session from samobot's own records."),
    "learn": (
        "learn_command",
        "learn_command",
        "Keep what a session learned for later sessions of its project.",
    ),
    "review": (
        "document_commands",
        "review_command",
        "Write a page about a session's change, for its review.",
    ),
    "diff": ("document_commands", "diff_command", "Show what a session has changed in the code."),
    "files": ("document_commands", "files_command", "List a session's files, or show one."),
    "projects": ("document_commands", "projects_command", "List the known projects."),
    "chart": ("chart_command", "chart_command", "Draw a session's run as a picture."),
    "sessions": ("status_command", "sessions_command", "List the sessions of a project."),
    "demo": ("demo_command", "demo_command", "Show the whole product on this machine, without an account."),
    "bot": ("bot_command", "bot_command", "Run the Telegram bot."),
    "hub": ("hub_command", "hub_command", "Connect several machines: run the server that they meet at."),
    "host": (
        "host_command",
        "host_command",
        "Be one of several machines behind one chat; add and remove them.",
    ),
    "follow-up": (
        "follow_up_command",
        "follow_up_command",
        "Continue a finished session with another task, on the same branch.",
    ),
    "land": ("land_command", "land_command", "Merge or push what a finished session made."),
    "archive": ("control_commands", "archive_command", "Archive a finished session."),
    "clean": ("clean_command", "clean_command", "Remove worktrees and branches of sessions that are merged."),
    "schedule": ("schedule_command", "schedule_command", "Start sessions at a time; list what is scheduled."),
    "triggers": (
        "triggers_command",
        "triggers_command",
        "Offer issues and reviews of a forge in the chat; list what is watched.",
    ),
    "panic": (
        "panic_command",
        "panic_command",
        "Stop everything, and let nothing start until it is released.",
    ),
    "init": ("init_command", "init_command", "Set samobot up: Claude, the bot, the chat, the projects."),
    "trust": (
        "trust_command",
        "trust_command",
        "Show what a project's own files would run, and trust it.",
    ),
    "doctor": (
        "doctor_command",
        "doctor_command",
        "Check everything samobot needs, and say how to fix what is wrong.",
    ),
    "install-service": (
        "service_command",
        "install_service_command",
        "Run the bot as a service of your user.",
    ),
}


class _LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, function, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(_load(f"samobot.terminal.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in _COMMANDS:
            from samobot.text import nearest

            close = nearest(name, list(_COMMANDS))
            hint = f"Did you mean “{close}”?" if close else "See samobot --help."
            ctx.fail(f"There is no command “{name}”. {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "\b\nA first run:  samobot run --session greet --task 'Add a greeting script'\n"
        'Completion:   eval "$(_SAMOBOT_COMPLETE=bash_source samobot)"   (or zsh_source, fish_source)'
    ),
)
@click.version_option(__version__, prog_name="samobot", message="%(prog)s %(version)s")
def cli() -> None:
    """Run autonomous Claude Code sessions and decide where they need you.

    A session is a folder of plain files about one task. `samobot run` starts the Claude CLI again and again on
    it; it stops when it needs an answer, an approval or help.
    """
    from samobot.terminal.state_folder import use_configured_state_dir

    use_configured_state_dir()


def _load(name: str) -> ModuleType:
    """Import without looking for garbage meanwhile: there is hardly any, and it takes a tenth of the time."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()


def main() -> NoReturn:
    """The entry point of the program. Ends the process."""
    # Python looks for garbage once more as it ends, which takes a fifth of a short command's time.
    atexit.register(gc.freeze)
    prepare_streams()
    try:
        _leave(cli.main(prog_name="samobot", standalone_mode=False))
    except click.exceptions.Abort:
        _complain("aborted; earlier decisions are saved.", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        with contextlib.suppress(OSError):
            click.echo(error.format_message(), err=True)
        _leave(error.exit_code)
    except click.UsageError as error:
        _complain(_with_hint(error), error.exit_code)
    except click.ClickException as error:
        _complain(error.format_message(), error.exit_code)
    except SamobotError as error:
        _complain(error.message, error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        _leave(0)
    except KeyboardInterrupt:
        _leave(130)
    except Exception as error:  # any other error: one line for the user, the traceback in a file
        _complain(_refusal(error) or _details_of(error), 1)


def _with_hint(error: click.UsageError) -> str:
    """The usage error, with a pointer to the help unless it has one."""
    words = error.format_message().rstrip()
    if error.ctx is None or "--help" in words or "Did you mean" in words:
        return words
    return f"{words}{'' if words.endswith(('.', '?')) else '.'} See {error.ctx.command_path} --help."


def _complain(words: str, code: int) -> NoReturn:
    """Say in one place, and one way, what is wrong, and end."""
    with contextlib.suppress(OSError):
        click.echo(f"samobot: {words}", err=True)
    _leave(code)


def _leave(code: object) -> NoReturn:
    """Exit with a code, also if the reader of stdout has gone."""
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again on its way out, and turn the exit code into one of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code if isinstance(code, int) else 0)


def _refusal(error: Exception) -> str | None:
    """The message if the system unexpectedly refused something; None for other errors.

    Failed reads and writes of our own files are StorageErrors.
    """
    if not isinstance(error, OSError):
        return None
    if error.errno in _WRITING_REFUSED:
        return (
            f"What is to be shown cannot be written: {error.strerror}. Send it elsewhere, or free some space."
        )
    if isinstance(error, PermissionError) and isinstance(error.filename, str):
        return storage_error("use", Path(error.filename), error).message
    if isinstance(error, FileNotFoundError) and error.filename is None:  # of getcwd
        return "The current folder is gone: change to one that exists."
    return None


def _details_of(error: Exception) -> str:
    """Keep the traceback of an internal error in a file; returns the message."""
    from samobot.terminal.internal_error import keep_details

    return keep_details(error)
