"""The proxy out of an agent's own network, on loopback: what it connects, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from samobot.claude.egress import Egress
from samobot.claude.inner_network import MAX_CONNECTIONS, InnerNetwork
from samobot.config.destination import Destination, parse_destination


@dataclass
class Outside:
    """A service that records what it gets and sends it back with a mark in front."""

    port: int = 0
    got: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got.append(b"")
        while data := await reader.read(1000):
            self.got[-1] += data
            writer.write(b"echo " + data)
            if b"Connection: close" in self.got[-1] and self.got[-1].endswith((b"\r\n\r\n", b"end")):
                break
        writer.close()


@asynccontextmanager
async def served(handler: object) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def send(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
    received = await reader.read()
    writer.close()
    return received


@asynccontextmanager
async def proxy(
    allowed: str, refused: Counter[str], addresses: dict[str, list[str]] | None = None
) -> AsyncIterator[int]:
    async def resolve(host: str, port: int) -> list[str]:
        return (addresses or {}).get(host, [host])

    egress = Egress([parse_destination(each) for each in allowed.split(",")], refused, resolve)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await egress.serve(reader, writer)
        writer.close()

    async with served(serve) as port:
        yield port


async def test_tunnel_to_a_listed_host_carries_what_follows() -> None:
    outside, refused = Outside(), Counter[str]()
    async with served(outside.serve) as port, proxy(f"127.0.0.1:{port}", refused) as way:
        head = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        # What a program sends without waiting for the answer belongs to the tunnel.
        received = await send(way, head + b"hello")
    assert received.startswith(b"HTTP/1.1 200 Connection established\r\n")
    assert received.endswith(b"echo hello")
    assert outside.got == [b"hello"]
    assert not refused


async def test_http_request_is_written_anew_and_only_one_is_carried_out() -> None:
    outside, refused = Outside(), Counter[str]()
    async with served(outside.serve) as port, proxy(f"127.0.0.1:{port}", refused) as way:
        request = (
            f"POST http://127.0.0.1:{port}/a?b HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 3\r\n"
            "Proxy-Authorization: Basic x\r\nConnection: keep-alive\r\nX-Own: 1\r\n\r\nend"
            "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        )
        received = await send(way, request.encode())
    assert b"X-Own: 1" in received
    assert outside.got == [
        f"POST /a?b HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 3\r\nX-Own: 1\r\nConnection: close\r\n\r\nend".encode()
    ]


REFUSED = {
    "CONNECT evil.example:443": "evil.example:443",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: ok.example:443": "evil.example:443",
    "CONNECT ok.example:22": "ok.example:22",
    "CONNECT ok.example.evil.example:443": "ok.example.evil.example:443",
    "CONNECT 127.0.0.1:443": "127.0.0.1:443",
    "CONNECT 127.1:443": "127.1:443",
    "CONNECT 2130706433:443": "2130706433:443",
    "CONNECT 0x7f.1:443": "0x7f.1:443",
    "CONNECT [::1]:443": "[::1]:443",
    "CONNECT [::ffff:127.0.0.1]:443": "[::ffff:127.0.0.1]:443",
    "CONNECT localhost:443": "localhost:443",
    "CONNECT 169.254.169.254:80": "169.254.169.254:80",
    "GET http://169.254.169.254/latest": "169.254.169.254:80",
    "GET http://evil.example/ok.example": "evil.example:80",
}
MALFORMED = (
    "CONNECT ok.example:443@evil.example:443",
    "CONNECT *.example:443",
    "CONNECT ok.example:443/",
    "CONNECT ok.example:443#:80",
    "GET http://ok.example:443@evil.example/",
    "GET http://ok.example:443\\@evil.example/",
    "GET https://ok.example/",
    "GET file:///etc/passwd",
    "GET /",
    "CONNECT ok.example:443 HTTP/1.1\r\nContent-Length: 5",
    "CONNECT ok.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked",
    "GET http://ok.example:443/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
    "GET http://ok.example:443/ HTTP/1.1\r\nTransfer-Encoding: chunked, identity",
    "GET http://ok.example:443/\x01",
    "CONNECT  ok.example:443",
    "nonsense",
    "X" * 40_000,
)


async def ask(way: int, text: str) -> str:
    line, _, rest = text.partition(" HTTP/1.1")
    host = "" if "Host:" in rest else "\r\nHost: ok.example"
    return (await send(way, f"{line} HTTP/1.1{rest}{host}\r\n\r\n".encode())).decode()


async def test_what_is_not_listed_is_refused_by_name_and_counted() -> None:
    for text, name in REFUSED.items():
        refused = Counter[str]()
        async with proxy("ok.example", refused, {"ok.example": ["127.0.0.1"]}) as way:
            received = await ask(way, text)
        reason = f"403 Refused by samobot's fence: {name} is not in SAMOBOT_FENCE_HOSTS\r\n"
        assert received.startswith(f"HTTP/1.1 {reason}"), text
        assert refused == {name: 1}, text


async def test_what_could_be_read_in_two_ways_is_not_carried_out() -> None:
    for text in MALFORMED:
        outside, refused = Outside(), Counter[str]()
        async with served(outside.serve) as port:
            allowed = f"ok.example,ok.example:{port}"
            async with proxy(allowed, refused, {"ok.example": ["203.0.113.1"]}) as way:
                received = await ask(way, text.replace(":443", f":{port}"))
        assert received.startswith("HTTP/1.1 400 "), text
        assert outside.got == [], text


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "fe80::1%eth0",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0:0:0:0:0:80ff:fffe",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
async def test_listed_name_does_not_lead_to_this_machine(address: str) -> None:
    outside, refused = Outside(), Counter[str]()
    async with (
        served(outside.serve) as port,
        proxy(f"ok.example:{port}", refused, {"ok.example": [address]}) as way,
    ):
        received = await ask(way, f"CONNECT ok.example:{port}")
    assert "leads to this machine or its own link" in received
    assert refused == {f"ok.example:{port}": 1}
    assert outside.got == []


async def test_address_that_the_network_translates_is_not_taken_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a network of IPv6 only, all names of IPv4 lead to such addresses."""
    tried = []

    async def connect(address: str, port: int) -> NoReturn:
        tried.append((address, port))
        raise OSError("no route")

    async with proxy("ok.example", Counter(), {"ok.example": ["64:ff9b::cb00:7101"]}) as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way)
        monkeypatch.setattr("asyncio.open_connection", connect)
        writer.write(b"CONNECT ok.example:443 HTTP/1.1\r\nHost: ok.example\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 502 ")
        writer.close()
    assert tried == [("64:ff9b::cb00:7101", 443)]


async def test_listed_name_does_not_lead_to_this_machine_by_its_address_in_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.77", 9))  # reserved for documentation; nothing is sent
        except OSError:
            pytest.skip("this machine has no address in a network")
        own = str(probe.getsockname()[0])
    refused = Counter[str]()
    async with proxy("ok.example:8080", refused, {"ok.example": [own]}) as way:
        received = await ask(way, "CONNECT ok.example:8080")
    assert "leads to this machine or its own link" in received


async def test_host_that_cannot_be_reached_is_named_and_not_counted() -> None:
    refused = Counter[str]()
    async with proxy("ok.example", refused, {"ok.example": []}) as way:
        received = await ask(way, "CONNECT ok.example:443")
    assert received.startswith("HTTP/1.1 502 ok.example:443 cannot be reached: the name has no address")
    assert not refused


async def test_names_that_are_remembered_are_few() -> None:
    refused = Counter[str]()
    async with proxy("ok.example", refused) as way:
        for number in range(60):
            await ask(way, f"CONNECT n{number}.example:443")
    assert len(refused) == 50


async def test_local_service_is_forwarded_whatever_it_speaks() -> None:
    outside = Outside()
    async with served(outside.serve) as port:
        destination = Destination("127.0.0.1", port)
        egress = Egress([destination], Counter())
        async with served(lambda reader, writer: egress.forward(destination, reader, writer)) as way:
            reader, writer = await asyncio.open_connection("127.0.0.1", way)
            writer.write(b"\x00\x01")
            assert await reader.readexactly(7) == b"echo \x00\x01"
            writer.close()


async def test_open_connections_are_few_enough_for_the_worker_to_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("samobot.claude.egress.HEAD_SECONDS", 3600)
    network = InnerNetwork(Egress([], Counter()), [])
    with socket.create_server(("127.0.0.1", 0), backlog=300) as listener:
        address = listener.getsockname()
        async with network.channel() as channel:
            with socket.socket(fileno=os.dup(channel)) as launcher:
                socket.send_fds(launcher, [b"."], [os.dup(listener.fileno())])
            held = [await asyncio.open_connection(*address) for _ in range(MAX_CONNECTIONS)]
            until_all = [asyncio.create_task(reader.read(1)) for reader, _ in held]
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b"", "one too many is closed"
            assert not any(each.done() for each in until_all)
            writer.close()
        assert [await each for each in until_all] == [b""] * MAX_CONNECTIONS, "all end with the network"
        for _, writer in held:
            writer.close()
