"""`samobot host`: runs a host; adds, joins, lists and removes hosts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import BusyError, UsageError
from samobot.session.file_lock import FileLock
from samobot.system.clock import utc_now
from samobot.system.logs import setup_logging
from samobot.system.sd_notify import READY, STOPPING, ServiceNotifier
from samobot.terminal.actor import refuse_an_iteration
from samobot.terminal.hub_command import require_extra
from samobot.text import plural

if TYPE_CHECKING:
    from samobot.config.settings import Settings
    from samobot.hosts.link import Link

LOG_NAME = "host.log"
LOCK_NAME = "host.lock"
"""Two processes would both start the runs that wait, and carry out a decision twice."""

_AN_AGENT = "An agent may not change which machines belong together."


@click.group("host", invoke_without_command=True)
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
@click.pass_context
def host_command(context: click.Context, verbose: bool) -> None:
    """Run this machine as a host: its sessions are in the chat of the hub's bot.

    Until it is stopped (Ctrl-C, SIGTERM); sessions continue without it. `add` on the hub prints the line that joins
    another machine to it.
    """
    require_extra()
    if context.invoked_subcommand is None:
        _run(verbose=verbose)


def _run(*, verbose: bool) -> None:
    from samobot.hosts.link import host_link_file, read_link

    settings = load_settings()
    link = read_link(host_link_file(settings.samobot_state_dir))
    if link is None:
        raise UsageError("This machine is no host yet. On the hub, run: samobot host add NAME")
    setup_logging(
        logging.DEBUG if verbose else logging.INFO, file=settings.samobot_state_dir / LOG_NAME, secrets=[]
    )
    lock = FileLock(settings.samobot_state_dir / LOCK_NAME)
    try:
        if not lock.acquire():
            raise BusyError("This host runs already. Stop the other `samobot host` first.")
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_serve(settings, link))
    finally:
        lock.release()


async def _serve(settings: Settings, link: Link) -> None:
    from samobot.fleet.local_fleet import LocalFleet
    from samobot.hosts.nats_loading import load_nats

    load_nats()
    from samobot.hosts.host import HostService

    fleet = LocalFleet(settings, environ=os.environ, watch_files=True)
    service = HostService(
        link,
        fleet,
        state_dir=settings.samobot_state_dir,
        now=utc_now,
        poll_seconds=settings.samobot_poll_seconds,
        most=settings.samobot_max_parallel,
        alone=settings.samobot_host_alone,
    )
    task, notifier = asyncio.current_task(), ServiceNotifier(os.environ)
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    notifier.notify(READY)
    try:
        await service.run()
    finally:
        notifier.notify(STOPPING)
        await fleet.close()


@host_command.command("add")
@click.argument("name")
def add_command(name: str) -> None:
    """Invite a machine as NAME, on the hub: print the line to run there. It is valid ten minutes, once."""
    from samobot.hosts.hub_registry import INVITATION_LIFETIME, HubRegistry
    from samobot.hosts.hub_server import reload_running

    refuse_an_iteration(_AN_AGENT)
    registry = HubRegistry(load_settings().samobot_state_dir)
    invitation = registry.invite(name, utc_now())
    is_running = reload_running(registry)
    minutes = int(INVITATION_LIFETIME.total_seconds() // 60)
    click.echo(f"On {name}, within {minutes} minutes, once:\n\n    {invitation.line()}\n")
    if not is_running:
        click.echo("⚠️ The hub does not run, so nobody can join yet: samobot hub run", err=True)


@host_command.command("join")
@click.argument("name")
@click.option("--hub", "hubs", multiple=True, required=True, help="Address and port of the hub's server.")
@click.option("--token", required=True, help="What `samobot host add` printed.")
@click.option("--ca", required=True, help="Fingerprint of the hub's authority, as sha256:…")
def join_command(name: str, hubs: tuple[str, ...], token: str, ca: str) -> None:
    """Make this machine the host NAME; `samobot host add NAME` on the hub prints the whole line."""
    from samobot.hosts import keys, subjects
    from samobot.hosts.invitation import FINGERPRINT_PREFIX, HostInvitation
    from samobot.hosts.joining import join

    refuse_an_iteration(_AN_AGENT)
    if not subjects.is_host_name(name):
        raise UsageError(f"“{name}” cannot be a host's name.")
    if not ca.startswith(FINGERPRINT_PREFIX):
        raise UsageError(f"--ca is to begin with {FINGERPRINT_PREFIX}; copy the whole line.")
    try:
        keys.public_key(token)
    except ValueError:
        raise UsageError("--token is damaged; copy the whole line.") from None
    servers = tuple(f"tls://{hub.removeprefix('tls://')}" for hub in hubs)
    invitation = HostInvitation(name, servers, token, ca.removeprefix(FINGERPRINT_PREFIX).lower())
    link = asyncio.run(join(invitation, load_settings().samobot_state_dir))
    click.echo(f"✅ This machine is the host {name} of {', '.join(link.servers)}")
    click.echo("   Its key was made here and never leaves it.")


@host_command.command("list")
def list_command() -> None:
    """List the hosts and open invitations, on the hub."""
    from samobot.hosts.hub_registry import HubRegistry

    record = HubRegistry(load_settings().samobot_state_dir).record()
    now = utc_now()
    for host in record.hosts:
        click.echo(f"{host.name}  joined {host.since.astimezone():%Y-%m-%d %H:%M}  {host.key}")
    for invited in record.invitations:
        if invited.until > now:
            click.echo(f"{invited.host}  invited until {invited.until.astimezone():%H:%M}")
    if not record.hosts and not record.invitations:
        click.echo("No hosts yet. Add one: samobot host add NAME")


@host_command.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Remove a host on the hub: its key is refused at once. Its sessions continue on their machine."""
    from samobot.hosts.hub_registry import HubRegistry
    from samobot.hosts.hub_server import reload_running
    from samobot.hosts.hub_store import HubStore

    refuse_an_iteration(_AN_AGENT)
    state_dir = load_settings().samobot_state_dir
    registry = HubRegistry(state_dir)
    registry.remove(name)
    is_running = reload_running(registry)
    store = HubStore(state_dir)
    pending = store.forget_host(name, utc_now())
    store.close()
    if is_running:
        asyncio.run(_forget(name, state_dir))
        click.echo(f"✅ {name} is removed and disconnected. Other hosts were not touched.")
    else:
        click.echo(f"✅ {name} is removed. The hub does not run; {name} is refused when it does.")
    if pending:
        click.echo(f"   {plural(pending, 'decision')} that waited for it will not be carried out.")


async def _forget(name: str, state_dir: Path) -> None:
    """Remove what the server has of a host; the bot does the same, but may not run."""
    from samobot.hosts import nats_streams, subjects
    from samobot.hosts.joining import connect
    from samobot.hosts.link import hub_link_file, read_link
    from samobot.session.files import read_text

    link = read_link(hub_link_file(state_dir))
    if link is None or link.seed is None:
        return
    client = await connect(link, subjects.inbox(link.user), read_text(link.seed) or "")
    try:
        await nats_streams.forget_host(client, name)
    finally:
        await client.close()
