"""A network of the agent's own, whose only way out is through this process.

Inside there is a loopback device and nothing else. Before the CLI starts, a launcher inside opens listening sockets and
passes them to this process over an inherited socket. A listening socket stays in the network that it was opened in, so
this process accepts the agent's connections there, and no program inside has anything to do with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from samobot.config.destination import Destination

if TYPE_CHECKING:
    from samobot.claude.egress import Egress

MAX_CONNECTIONS = 200
"""Connections that an agent may have open at once; this process has to keep descriptors for its own work."""

_PROXY_PORT = 3128
_NO_PROXY = "localhost,127.0.0.1,::1"

LISTEN = """
import os, sys
from _socket import AF_INET, AF_INET6, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
from array import array
listeners = []
for place in sys.argv[2].split(","):
    host, _, port = place.rpartition(":")
    listener = socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM)
    listener.bind((host, int(port)))
    listener.listen(100)
    listeners.append(listener)
channel = socket(fileno=int(sys.argv[1]))
channel.sendmsg([b"."], [(SOL_SOCKET, SCM_RIGHTS, array("i", [each.fileno() for each in listeners]))])
channel.close()
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The launcher, run by Python: descriptor of the channel, places to listen at, the command. `_socket` imports ten times as
fast as `socket`."""

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]


class InnerNetwork:
    """The network of one call of the CLI.

    Args:
        egress: Connects the agent to what it may reach.
        allowed: What it may reach; services on this machine are found at their own address inside.
    """

    def __init__(self, egress: Egress, allowed: Iterable[Destination]) -> None:
        self._handlers: dict[tuple[str, int], Handler] = {}
        for each in allowed:
            if each.is_loopback:
                host = "127.0.0.1" if each.address is None else each.host
                self._handlers[host, each.port] = partial(egress.forward, each)
        taken = {port for _, port in self._handlers}
        self._port = next(port for port in range(_PROXY_PORT, 65536) if port not in taken)
        self._handlers["127.0.0.1", self._port] = egress.serve
        self._open: set[asyncio.Task[None]] = set()

    @property
    def places(self) -> str:
        """What the launcher listens at."""
        return ",".join(f"{host}:{port}" for host, port in self._handlers)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which programs find the way out."""
        proxy = f"http://127.0.0.1:{self._port}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return {
            **dict.fromkeys(names, proxy),
            "NO_PROXY": _NO_PROXY,
            "no_proxy": _NO_PROXY,
            "NODE_USE_ENV_PROXY": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[int]:
        """Serve the network while this context lasts; yields the descriptor that the launcher inherits."""
        ours, theirs = socket.socketpair()
        serving = asyncio.create_task(self._serve(ours))
        try:
            yield theirs.fileno()
        finally:
            theirs.close()
            serving.cancel()
            for task in self._open:
                task.cancel()
            await asyncio.gather(serving, *self._open, return_exceptions=True)
            ours.close()

    async def _serve(self, channel: socket.socket) -> None:
        await _readable(channel)
        _, descriptors, _, _ = socket.recv_fds(channel, 1, len(self._handlers))
        channel.close()  # what else arrives there is nobody's
        async with contextlib.AsyncExitStack() as stack:
            for descriptor, handler in zip(descriptors, self._handlers.values(), strict=False):
                listener = socket.socket(fileno=descriptor)
                server = await asyncio.start_server(partial(self._accept, handler), sock=listener)
                stack.callback(server.close)
            await asyncio.Event().wait()

    async def _accept(self, handler: Handler, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._open.add(task)
        try:
            with contextlib.suppress(OSError):
                await handler(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()


async def _readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(channel, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(channel)
