"""The way out of an agent's own network: an HTTP proxy that connects to listed hosts only.

It speaks `CONNECT` (RFC 9110, section 9.3.6), and forwards single `http://` requests. h11 parses what the agent sends; a
forwarded request is rewritten, so nothing can hide between two readings of it. The agent resolves no names: this
process does, and connects to the very address that it has checked.
"""

from __future__ import annotations

import asyncio
import re
import socket
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NoReturn

import h11

from samobot.config.destination import Destination, parse_destination

HEAD_SECONDS = 20.0
"""Time for the head of a request, and for a connection to be made."""

_HEAD_BYTES = 32 * 1024
_PIECE = 64 * 1024
_NAMES = 50
_TARGET = re.compile(rb"[\w.*:\[\]-]{1,270}")
_URL = re.compile(rb"http://([\w.:\[\]-]{1,270})(/[!-~]*)?")
_HOP_BY_HOP = frozenset(
    {b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"upgrade"}
)

_METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Services of Alibaba, Azure, Oracle, AWS and Google that hand out a machine's credentials; the usual one is link-local."""
_ANY_PORT = 9
_NAT64 = ip_network("64:ff9b::/96")

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Returns the IP addresses of a host."""


class _Refusal(Exception):
    """Why a request is not carried out; `text` is what the agent reads."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Egress:
    """Connects an agent to what it may reach.

    Args:
        allowed: The hosts that it may connect to.
        refused: Receives what it was refused, each with the number of times.
        resolve: Resolves a host.
    """

    def __init__(
        self, allowed: Iterable[Destination], refused: Counter[str], resolve: Resolver | None = None
    ) -> None:
        self._allowed = tuple(allowed)
        self._refused = refused
        self._resolve = resolve or _resolve

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection of a program that uses the proxy."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                request = await _next_event(connection, reader)
                if not isinstance(request, h11.Request):
                    return
                destination, path = _target(request)
                self._check(destination)
                if path is None and not isinstance(await _next_event(connection, reader), h11.EndOfMessage):
                    raise _Refusal(400, "CONNECT has no body")
                upstream, to_upstream = await self._connect(destination)
        except h11.RemoteProtocolError as error:
            await _answer(connection, writer, _Refusal(400, f"Not HTTP/1.1: {error}"))
            return
        except TimeoutError:
            await _answer(connection, writer, _Refusal(504, "It took too long"))
            return
        except _Refusal as refusal:
            await _answer(connection, writer, refusal)
            return
        try:
            if path is None:
                established = h11.Response(status_code=200, headers=[], reason=b"Connection established")
                writer.write(connection.send(established) or b"")
                to_upstream.write(connection.trailing_data[0])
                await _join(_pump(reader, to_upstream), _pump(upstream, writer))
            else:
                sending = _forward(connection, request, destination, path, reader, to_upstream)
                await _join(sending, _pump(upstream, writer))
        finally:
            to_upstream.close()

    async def forward(self, destination: Destination, reader: StreamReader, writer: StreamWriter) -> None:
        """Connect one connection to a listed service on this machine, whatever is spoken."""
        try:
            upstream, to_upstream = await self._connect(destination)
        except (_Refusal, TimeoutError):
            return
        try:
            await _join(_pump(reader, to_upstream), _pump(upstream, writer))
        finally:
            to_upstream.close()

    def _check(self, destination: Destination) -> None:
        if any(each.covers(destination) for each in self._allowed):
            return
        self._refuse(destination, "is not in SAMOBOT_FENCE_HOSTS")

    async def _connect(self, destination: Destination) -> tuple[StreamReader, StreamWriter]:
        """Connect to a permitted destination.

        Raises:
            _Refusal: Its name leads to a place that no name may lead to, or it cannot be reached.
        """
        is_literal = destination.address is not None or destination.is_loopback
        problem: Exception = OSError("the name has no address")
        try:
            addresses = await self._resolve(destination.host, destination.port)
        except (OSError, UnicodeError) as error:
            addresses, problem = [], error
        safe = [each for each in addresses if is_literal or _is_elsewhere(each)]
        if addresses and not safe:
            self._refuse(destination, "leads to this machine or its own link")
        for address in safe:
            try:
                return await asyncio.open_connection(address, destination.port)
            except OSError as error:
                problem = error
        raise _Refusal(502, f"{destination} cannot be reached: {problem}")

    def _refuse(self, destination: Destination, why: str) -> NoReturn:
        name = str(destination)
        if name in self._refused or len(self._refused) < _NAMES:
            self._refused[name] += 1
        raise _Refusal(403, f"Refused by samobot's fence: {name} {why}")


def _target(request: h11.Request) -> tuple[Destination, bytes | None]:
    """Where a request is to go; the path is None for a tunnel.

    Raises:
        _Refusal: It is neither.
    """
    is_tunnel = request.method == b"CONNECT"
    found = (_TARGET if is_tunnel else _URL).fullmatch(request.target)
    try:
        if found is not None:
            text = found[0].decode() if is_tunnel else f"http://{found[1].decode()}"
            destination = parse_destination(text)
            if "*" not in destination.host:
                return destination, None if is_tunnel else found[2] or b"/"
    except ValueError:
        pass
    raise _Refusal(400, "A proxy takes CONNECT host:port, or an http:// address")


async def _next_event(connection: h11.Connection, reader: StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_PIECE))
    return event


async def _forward(
    connection: h11.Connection,
    request: h11.Request,
    destination: Destination,
    path: bytes,
    reader: StreamReader,
    writer: StreamWriter,
) -> None:
    """Send one request on, rewritten; the connection ends with its response."""
    host = str(destination).removesuffix(":80").encode()
    headers = [each for each in request.headers.raw_items() if each[0].lower() not in _HOP_BY_HOP]
    onward = h11.Connection(h11.CLIENT)
    head = h11.Request(
        method=request.method, target=path, headers=[(b"Host", host), *headers, (b"Connection", b"close")]
    )
    writer.write(onward.send(head) or b"")
    while isinstance(event := await _next_event(connection, reader), h11.Data):
        writer.write(onward.send(h11.Data(data=event.data)) or b"")
        await writer.drain()
    if isinstance(event, h11.EndOfMessage):
        writer.write(onward.send(h11.EndOfMessage()) or b"")
        await writer.drain()


async def _answer(connection: h11.Connection, writer: StreamWriter, refusal: _Refusal) -> None:
    """Answer a request that is not carried out; clients show the reason or the body."""
    text = " ".join(refusal.text.encode("ascii", "replace").decode().split())
    body = f"{text}\n".encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Connection", "close")]
    response = h11.Response(status_code=refusal.status, headers=headers, reason=text.encode())
    try:
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
    except (h11.LocalProtocolError, OSError):
        pass  # the agent did not wait for it


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_PIECE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _join(*directions: Awaitable[None]) -> None:
    """Run both directions of a connection; an error in one ends both."""
    tasks = [asyncio.ensure_future(each) for each in directions]
    try:
        await asyncio.gather(*tasks)
    except (OSError, h11.ProtocolError):
        pass
    finally:
        for task in tasks:
            task.cancel()


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _is_elsewhere(text: str) -> bool:
    """Whether an address that a name leads to is on another machine, and no cloud's metadata service."""
    return not any(
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or address in _METADATA
        or _is_own(address)
        for address in _ends(ip_address(text.partition("%")[0]))
    )


def _ends(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """Where connections to an address may end: networks translate some of IPv6 into the IPv4 address inside."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or address in _NAT64:
            yield IPv4Address(address.packed[-4:])
            return
        if address.sixtofour is not None:
            yield address.sixtofour
        yield from address.teredo or ()
    yield address


def _is_own(address: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address: then it is what the kernel would send from, too. Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), _ANY_PORT))
            return ip_address(str(probe.getsockname()[0])) == address
    except OSError:
        return False  # there is no way there
