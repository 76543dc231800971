"""`samobot init`, the first step: a Claude Code that can be run, found where it usually is."""

from __future__ import annotations

import os

import click

from samobot.claude.invocation import ClaudeOptions
from samobot.claude.preflight import Cli, preflight
from samobot.errors import UsageError
from samobot.setup.choices import Choices

_USUAL_PLACES = (
    *("~/.local/bin/claude", "~/.claude/local/claude", "~/.npm-global/bin/claude"),
    *("/usr/local/bin/claude", "/opt/homebrew/bin/claude"),
)


def choose_claude(choices: Choices) -> None:
    """Ask until Claude can be run; sets CLAUDE_PATH if it is not on the PATH.

    Raises:
        UsageError: It cannot be run, and this is not interactive.
        click.Abort: The user quit.
    """
    while True:
        try:
            cli = _find(choices)
        except UsageError as error:
            if choices.flags.yes:
                raise
            click.echo(f"❌ {error.message}")
            if not click.confirm("Try again", default=True):
                raise click.Abort from None
        else:
            click.echo(f"✅ Claude Code {cli.version} at {cli.path}, logged in")
            return


def _find(choices: Choices) -> Cli:
    wanted = choices.settings.claude_path
    try:
        return _examine(choices, wanted)
    except UsageError:
        places = map(os.path.expanduser, _USUAL_PLACES)
        found = next((path for path in places if os.access(path, os.X_OK)), None)
        if wanted != "claude" or found is None:
            raise
        cli = _examine(choices, found)
        choices.values["CLAUDE_PATH"] = found
        return cli


def _examine(choices: Choices, path: str) -> Cli:
    settings = choices.settings
    options = ClaudeOptions(
        path=path, permission_mode=settings.cli_permission_mode, asks=settings.asks, args=settings.claude_args
    )
    return preflight(options, choices.environ, login=True)
