"""A hub and its hosts in one event loop, over a real nats-server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from samobot.config.settings_loader import load_settings
from samobot.fleet.fleet import Fleet
from samobot.fleet.local_fleet import LocalFleet
from samobot.hosts.connection import Connection
from samobot.hosts.host import HostService
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_store import HubStore
from samobot.hosts.link import Link
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.hosts.subjects import HUB
from samobot.system.clock import utc_now
from tests.support.workshop import Workshop


async def soon(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait in the event loop until a condition holds.

    Raises:
        AssertionError: It did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(0.005)


def count_connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each connection that is made."""
    made: list[str] = []
    established = Connection.established

    def count(self: Connection) -> None:
        made.append("again")
        established(self)

    monkeypatch.setattr(Connection, "established", count)
    return made


@asynccontextmanager
async def hub(state_dir: Path, url: str) -> AsyncIterator[HubLink]:
    """A hub that is connected, or will be."""
    link = HubLink(Link(user=HUB, servers=(url,)), HubStore(state_dir), now=utc_now)
    link.start()
    try:
        yield link
    finally:
        await link.close()


async def _cut_off() -> None:
    """Send nothing, as a host that is killed."""


@asynccontextmanager
async def host_service(
    name: str, url: str, fleet: Fleet, state_dir: Path, *, in_order: bool = False
) -> AsyncIterator[HostService]:
    """A host that serves; it ends in order, or is cut off wherever it is."""
    service = HostService(
        Link(user=name, servers=(url,)), fleet, state_dir=state_dir, now=utc_now, poll_seconds=60, most=3
    )
    if not in_order:
        setattr(service, "_say_farewell", _cut_off)  # noqa: B010 - a method
    running = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class RemoteHost:
    """A host with its sessions, as a hub reaches it.

    Attributes:
        name: Its name.
        fleet: How the hub reaches it.
        link: The hub's connection.
        service: The host.
    """

    name: str
    fleet: RemoteFleet
    link: HubLink
    service: HostService

    async def looked(self) -> None:
        """Let the host look at its sessions, and wait until the hub knows what it saw."""
        n = await self.service.look()
        await soon(lambda: self.link.host(self.name).n >= n)


@asynccontextmanager
async def remote_host(shop: Workshop, url: str, name: str) -> AsyncIterator[RemoteHost]:
    """The fleet of a workshop as a host of a hub of its own."""
    settings = load_settings(shop.environment)
    local = LocalFleet(settings, environ=shop.environment, watch_files=True)
    try:
        async with (
            hub(shop.root / "hub", url) as link,
            host_service(name, url, local, settings.samobot_state_dir) as service,
        ):
            await soon(lambda: link.is_online(name) and link.host(name).is_whole)
            yield RemoteHost(name, RemoteFleet(name, link, utc_now), link, service)
    finally:
        await local.close()
