"""`samobot hub`: the server that connects several machines, on the machine where the bot runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import socket

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import UsageError
from samobot.system.clock import utc_now
from samobot.system.logs import setup_logging
from samobot.system.sd_notify import READY, STOPPING, ServiceNotifier
from samobot.terminal.actor import refuse_an_iteration

LOG_NAME = "hub.log"

_AN_AGENT = "An agent may not change the hub."


@click.group("hub")
def hub_command() -> None:
    """Connect several machines behind one chat: this machine runs the server that they meet at."""
    require_extra()


def require_extra() -> None:
    """Check that the packages of the extra `hosts` are installed.

    Raises:
        UsageError: One is missing.
    """
    for module in ("nats", "nkeys", "cryptography"):
        if importlib.util.find_spec(module) is None:
            raise UsageError(
                f"The package {module} is missing. Install samobot with its extra: samobot[hosts]"
            )


@hub_command.command("init")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="Name or IP address by which the other machines reach this one. Can be repeated. Default: its name.",
)
@click.option("--listen", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on. Default: 4222.")
def init_command(addresses: tuple[str, ...], listen: str, port: int | None) -> None:
    """Make this machine the hub: keys, certificates and an encrypted store in the state folder.

    Can be run again to change the addresses or the port; hosts and messages stay.
    """
    from samobot.hosts.hub_registry import DEFAULT_PORT, HubRegistry
    from samobot.hosts.server_binary import server_binary

    refuse_an_iteration(_AN_AGENT)
    binary = server_binary(os.environ)
    registry = HubRegistry(load_settings().samobot_state_dir)
    known = registry.record() if registry.exists else None
    if not addresses:
        addresses = known.addresses if known is not None else (socket.getfqdn(),)
    if port is None:
        port = known.port if known is not None else DEFAULT_PORT
    registry.set_up(addresses, listen, port, utc_now())
    click.echo(
        f"✅ {registry.folder} is ready; hosts reach {', '.join(addresses)} at port {port} ({binary.name})"
    )
    if known is not None:
        click.echo("   After a change, restart the hub and the bot, which read it at their start.")
        if known.hosts and (addresses, port) != (known.addresses, known.port):
            click.echo(
                "   Hosts keep the address that they joined with: on each, put the new one into hosts/host.json of\n"
                "   its state folder, and restart it."
            )
        return
    click.echo("   Start it:      samobot install-service --hub     (or, in a terminal: samobot hub run)")
    click.echo("   Add a machine: samobot host add laptop")
    click.echo("   Then restart the bot, which reads at its start that there is a hub.")


@hub_command.command("run")
@click.option("--verbose", "-v", is_flag=True, help="Log more, such as each line of the server.")
def run_command(verbose: bool) -> int:
    """Run the server until it is stopped (Ctrl-C, SIGTERM), and admit machines that were invited.

    SIGHUP makes it take over the hosts as they are now; the others stay connected.
    """
    from samobot.hosts.server_binary import server_binary

    settings = load_settings()
    setup_logging(
        logging.DEBUG if verbose else logging.INFO, file=settings.samobot_state_dir / LOG_NAME, secrets=[]
    )
    binary = server_binary(os.environ)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(binary))
    return 0


async def _run(binary: os.PathLike[str]) -> None:
    from pathlib import Path

    from samobot.hosts.enrollment import Enrollment
    from samobot.hosts.hub_registry import HubRegistry
    from samobot.hosts.hub_server import HubServer
    from samobot.hosts.link import hub_link_file, read_link

    state_dir = load_settings().samobot_state_dir
    registry = HubRegistry(state_dir)
    registry.record()  # or an error with what to do
    link = read_link(hub_link_file(state_dir))
    if link is None:
        raise UsageError(f"{hub_link_file(state_dir)} is missing; run `samobot hub init` again.")
    notifier = ServiceNotifier(os.environ)
    server = HubServer(registry, Path(binary), utc_now)
    enrollment = Enrollment(registry, server, link, utc_now)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(server.run(), name="server"),
            group.create_task(enrollment.run(), name="enrollment"),
            group.create_task(_notify_ready(server.is_ready, notifier), name="ready"),
        ]

        def end() -> None:
            notifier.notify(STOPPING)
            for task in tasks:
                task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end)
        loop.add_signal_handler(signal.SIGHUP, server.reload_soon)


async def _notify_ready(is_ready: asyncio.Event, notifier: ServiceNotifier) -> None:
    await is_ready.wait()
    notifier.notify(READY)
    logging.getLogger(__name__).info("the hub's server is ready")


@hub_command.command("check")
def check_command() -> int:
    """Check the hub: its server, certificate, streams and hosts. Exit code 1 if something has to be fixed."""
    from samobot.setup.doctor import exit_code
    from samobot.setup.hub_checks import examine_hub

    findings = examine_hub(load_settings().samobot_state_dir, os.environ)
    for finding in findings:
        click.echo(f"{finding.level.mark} {finding.check}: {finding.text}")
        if finding.remedy:
            click.echo(f"   → {finding.remedy}")
    return exit_code(findings)
