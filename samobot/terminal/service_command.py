"""`samobot install-service`: the bot, the hub or a host as a service of its user."""

from __future__ import annotations

import os
from pathlib import Path

import click

from samobot.config.address import close_projects
from samobot.config.environment import configured_projects
from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.system.service import Service
from samobot.system.service_manager import service_manager


@click.command("install-service")
@click.option("--hub", "service", flag_value=Service.HUB.value, help="The hub's server instead of the bot.")
@click.option("--host", "service", flag_value=Service.HOST.value, help="This machine as a host of a hub.")
@click.option("--print", "only_print", is_flag=True, help="Only show the file; change nothing.")
@click.option("--now/--no-now", default=True, help="Start or restart it. Default: yes.")
def install_service_command(service: str | None, only_print: bool, now: bool) -> None:
    """Install the bot as a service of your user (systemd, or launchd on macOS), enable it and start it.

    Can be run again at any time, and should be after samobot or Claude has moved. With --hub or --host it is the
    server that connects several machines, or one of these machines.
    """
    chosen = Service(service) if service is not None else Service.BOT
    if only_print:
        click.echo(service_manager().render_here(os.environ, chosen), nl=False)
        return
    settings = load_settings()
    match chosen:
        case Service.BOT:
            settings.require_token()
        case Service.HUB:
            _require_file(settings.samobot_state_dir / "hub" / "hub.json", "samobot hub init")
        case Service.HOST:
            _require_file(
                settings.samobot_state_dir / "hosts" / "host.json", "samobot host add NAME, on the hub"
            )
    install_and_report(now=now, service=chosen)


def _require_file(path: Path, first: str) -> None:
    if not path.is_file():
        raise UsageError(f"{path} is missing. First: {first}")


def install_and_report(*, now: bool, service: Service = Service.BOT) -> None:
    """Install a service and report what was done and what is left to do.

    Raises:
        SamobotError: See `ServiceManager.install`.
    """
    close_projects(Path.cwd(), configured_projects())
    manager = service_manager()
    hints = manager.hints(service)
    installed = manager.install(os.environ, now=now, service=service)
    click.echo(f"✅ {installed.path} {'written' if installed.changed else 'is as it should be'}, enabled")
    if installed.running:
        click.echo(f"✅ The {service.name.lower()} is running")
    else:
        click.echo(f"   Start it: {hints.start}")
    if installed.lingers is not True:
        click.echo(f"⚠️ It ends when you log out. {hints.outlive}")
    if service is not Service.HUB and os.environ.get("ANTHROPIC_API_KEY"):
        click.echo(
            "⚠️ ANTHROPIC_API_KEY is set in this shell but not in the service: put it into "
            f"{hints.variables}, or log in with `claude auth login`."
        )
    click.echo(f"   Look:  {hints.look}    Logs:  {hints.logs}")
