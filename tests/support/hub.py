"""A hub with its real server on loopback, and users of that server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import nats
from nats.aio.client import Client

from samobot.hosts import subjects
from samobot.hosts.enrollment import Enrollment
from samobot.hosts.hub_registry import HubRegistry
from samobot.hosts.hub_server import HubServer
from samobot.hosts.joining import join
from samobot.hosts.link import Link, hub_link_file, read_link
from samobot.hosts.server_binary import server_binary
from tests.support.nats import free_port

DEADLINE = 60.0


def now() -> datetime:
    return datetime.now(UTC)


class Hub:
    """A hub in a folder: its registry, and while `running` its server and its enrollment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = HubRegistry(folder)
        self.registry.set_up(("127.0.0.1",), "127.0.0.1", free_port(), now())
        self.server = HubServer(self.registry, server_binary(os.environ), now)

    @property
    def link(self) -> Link:
        link = read_link(hub_link_file(self.folder))
        assert link is not None
        return link

    async def add(self, name: str, folder: Path) -> Link:
        """Invite a machine and let it join."""
        invitation = self.registry.invite(name, now())
        await self.server.reload()
        return await join(invitation, folder)


@contextlib.asynccontextmanager
async def running_hub(folder: Path) -> AsyncIterator[Hub]:
    hub = Hub(folder)
    enrollment = Enrollment(hub.registry, hub.server, hub.link, now)
    tasks = [asyncio.create_task(hub.server.run()), asyncio.create_task(enrollment.run())]
    try:
        async with asyncio.timeout(DEADLINE):
            await hub.server.is_ready.wait()
        yield hub
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class User:
    """A connected user of the server, and what the server refused it."""

    def __init__(self, client: Client, refused: list[str], is_lost: asyncio.Event) -> None:
        self.client = client
        self.refused = refused
        self.is_lost = is_lost

    async def wait_for_refusal(self) -> None:
        """Wait until the server has reported a refusal."""
        async with asyncio.timeout(DEADLINE):
            while not self.refused:
                await asyncio.sleep(0.01)


async def connect(link: Link, *, seed: str | None = None, ca: Path | None = None) -> User:
    """Connect as the user of a link, with another key or authority if one is given.

    Raises:
        nats.errors.Error, OSError: The server does not let the user in.
    """
    refused: list[str] = []
    is_lost = asyncio.Event()

    async def on_error(error: Exception) -> None:
        refused.append(str(error))

    async def on_lost() -> None:
        is_lost.set()

    assert link.seed is not None
    client = await nats.connect(
        list(link.servers),
        nkeys_seed_str=link.seed.read_text() if seed is None else seed or None,
        tls=ssl.create_default_context(cafile=ca or link.ca),
        inbox_prefix=subjects.inbox(link.user).encode(),
        allow_reconnect=False,
        max_reconnect_attempts=1,
        error_cb=on_error,
        disconnected_cb=on_lost,
        closed_cb=on_lost,
    )
    return User(client, refused, is_lost)
