"""A network of the agent's own, in the real bubblewrap: the one way out, and the ways that are none."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from samobot.claude.egress import Egress
from samobot.claude.fence import fence
from samobot.claude.fence_probe import env_resets_signals, fence_problem, find_bwrap
from samobot.claude.fence_rules import fence_rules
from samobot.claude.inner_network import InnerNetwork
from samobot.claude.spawn import wrapped
from samobot.config.destination import parse_destinations
from tests.claude.fenced_world import FencedWorld

_PROBLEM = fence_problem(os.environ, own_network=True)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(_PROBLEM is not None, reason=f"there can be no fence here: {_PROBLEM}"),
]


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """A service of the machine that greets whoever connects."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nreached\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "0.0.0.0", 0)  # also at the machine's own address
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def run(
    world: FencedWorld, command: str, allowed: str, environ: dict[str, str]
) -> tuple[str, Counter[str]]:
    """Run a shell command as the CLI is run, in a network of its own."""
    refused = Counter[str]()
    destinations = parse_destinations(allowed)
    network = InnerNetwork(Egress(destinations, refused), destinations)
    plain = world.invocation(command, fenced=False, environ=environ | {"PY": sys.executable})
    bwrap = find_bwrap(os.environ)
    assert bwrap is not None
    async with network.channel() as channel:
        call = fence(
            plain,
            fence_rules(world.places(program=sys.executable), plain.env),
            bwrap,
            env_resets=env_resets_signals(plain.env["PATH"]),
            network=network,
            channel=channel,
        )
        process = await asyncio.create_subprocess_exec(
            *wrapped(call),
            cwd=call.cwd,
            env=dict(call.env),
            pass_fds=call.inherited,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode(errors="replace"), refused


async def test_listed_service_is_reached_at_its_address_and_others_are_named(world: FencedWorld) -> None:
    async with service() as listed, service() as other:
        command = f"curl -sS http://127.0.0.1:{listed}; curl -sS -x $HTTP_PROXY --noproxy '' http://127.0.0.1:{other}"
        out, refused = await run(world, command, f"127.0.0.1:{listed}", {})
    assert out.splitlines() == [
        "reached",
        f"Refused by samobot's fence: 127.0.0.1:{other} is not in SAMOBOT_FENCE_HOSTS",
    ]
    assert refused == {f"127.0.0.1:{other}": 1}


_CONNECT = "$PY -c \"import socket; s = socket.create_connection(('{host}', {port}), 5); print(s.recv(99))\""
WAYS_OUT = {
    "a service of the machine": _CONNECT.format(host="127.0.0.1", port="$PORT"),
    "the bot's webhooks through the proxy": 'curl -sS -p -x "$HTTPS_PROXY" --noproxy "" http://127.0.0.1:$PORT',
    "another spelling of this machine": 'for h in 127.1 2130706433 0x7f.1 localhost [::ffff:127.0.0.1]; do '
    'curl -sS -p -x "$HTTPS_PROXY" --noproxy "" http://$h:$PORT; done',
    "the machine's own address": _CONNECT.format(host="$ADDRESS", port="$PORT"),
    "a name server": '$PY -c "import socket; s = socket.socket(type=2); s.sendto(b\'x\', (\'$ADDRESS\', 53)); print(\'reached\')"',
    "an abstract socket": '$PY -c "import socket; s = socket.socket(1); s.connect(\'\\0\' + \'$ABSTRACT\'); print(\'reached\')"',
    "the list of connections": 'grep -i ":$(printf %04X $PORT) " /proc/net/tcp /proc/1/net/tcp && echo reached',
    "another network": "ip link add x type veth peer name y && echo reached; ip addr add $ADDRESS/8 dev lo && echo reached",
    "a network of one more namespace": "unshare -Urn sh -c 'curl -sS -m 5 http://$ADDRESS:$PORT'; nsenter -t 1 -n true && "
    + _CONNECT.format(host="127.0.0.1", port="$PORT"),
    "descriptors of the launcher": "for fd in /proc/1/fd/* /proc/self/fd/*; do readlink $fd; done | grep socket && echo reached",
}  # fmt: skip


@pytest.mark.parametrize("command", WAYS_OUT.values(), ids=WAYS_OUT)
async def test_there_is_no_other_way_out(world: FencedWorld, command: str) -> None:
    name = f"samobot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        async with service() as port:
            environ = {"PORT": str(port), "ADDRESS": _own_address(), "ABSTRACT": name}
            out, _ = await run(world, command, "ok.example", environ)
    assert "reached" not in out


@pytest.mark.parametrize("name", ["a service of the machine", "the machine's own address"])
async def test_with_an_open_network_the_same_succeeds(world: FencedWorld, name: str) -> None:
    async with service() as port:
        environ = {"PORT": str(port), "ADDRESS": _own_address(), "PY": sys.executable}
        done = await asyncio.to_thread(world.run, WAYS_OUT[name], environ=environ, program=sys.executable)
    assert "reached" in done.stdout, done.stderr


@pytest.mark.parametrize("fenced", [True, False])
def test_abstract_socket_is_reached_only_without_the_fence(world: FencedWorld, fenced: bool) -> None:
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 6:
        pytest.skip("this kernel's Landlock cannot keep a program from abstract sockets: Linux 6.12 can")
    name = f"samobot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        environ = {"ABSTRACT": name, "PY": sys.executable}
        done = world.run(
            WAYS_OUT["an abstract socket"], fenced=fenced, environ=environ, program=sys.executable
        )
    assert ("reached" in done.stdout) is not fenced, done.stderr


def _own_address() -> str:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
