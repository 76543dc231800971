"""`samobot install-service`: the bot as a service of its user."""

from __future__ import annotations

import getpass
import os

import click

from samobot.config.settings_loader import load_settings
from samobot.system import systemd


@click.command("install-service")
@click.option("--print", "only_print", is_flag=True, help="Only show the unit; change nothing.")
@click.option("--now/--no-now", default=True, help="Start the bot, or start it anew. Default: yes.")
def install_service_command(only_print: bool, now: bool) -> None:
    """Install the bot as a systemd service of your user, enable it and start it.

    Can be run again at any time, and should be after samobot or Claude has moved.
    """
    if only_print:
        click.echo(systemd.render_here(os.environ), nl=False)
        return
    load_settings().require_token()
    install_and_tell(now=now)


def install_and_tell(*, now: bool) -> None:
    """Install the service and report what was done and what is left to do.

    Raises:
        SamobotError: See `samobot.service.install`.
    """
    installed = systemd.install(os.environ, now=now)
    click.echo(f"✅ {installed.path} {'written' if installed.changed else 'is as it should be'}, enabled")
    if installed.running:
        click.echo("✅ The bot is running")
    else:
        click.echo("   Start it: systemctl --user start samobot")
    if installed.lingers is not True:
        click.echo(
            f"⚠️ It ends when you log out, until you run once: sudo loginctl enable-linger {getpass.getuser()}"
        )
    if os.environ.get("ANTHROPIC_API_KEY"):
        click.echo(
            "⚠️ ANTHROPIC_API_KEY is set in this shell but not in the service: put it into "
            "~/.config/environment.d/claude.conf (mode 0600), or log in with `claude auth login`."
        )
    click.echo("   Look:  systemctl --user status samobot    Logs:  journalctl --user -u samobot -f")
