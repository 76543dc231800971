"""Many machines: 50 simulated hosts with 20 sessions each and one real one, a real server, and the real bot."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from nats.aio.msg import Msg

from benchmarks.chat import stage
from benchmarks.host_simulator import SESSIONS, ref_of
from benchmarks.measure import Measure, percentile, spread
from benchmarks.programs import fill
from samobot.fleet.models import SessionView
from samobot.hosts import keys, subjects
from samobot.hosts.connection import Connection
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_registry import HubRegistry, server_url
from samobot.hosts.hub_store import HubStore
from samobot.hosts.link import Link, host_link_file, hub_link_file, read_link, write_link
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.sandbox.agent.journeys import endless
from samobot.session.gate import Person
from samobot.system.clock import utc_now
from tests.support.claude_cli import REPOSITORY, cli_environment
from tests.support.nats import free_port
from tests.support.workshop import make_workshop

HOSTS = 50
PROCESSES = 2
CHANGES = 40.0
"""Changes of sessions a second, on all hosts together."""
DECISIONS = 500
ASKED = 30
COMMANDS = 25
REAL = "real"

_PACE_SECONDS = 1.3
"""More than the second that Telegram asks for between two messages in a chat."""
_ASK_SECONDS = 3.2
"""The same for a question, which comes with the session's card."""
_GAP_SECONDS = 0.05
_ANNA = Person("anna", "telegram")


async def many_machines(root: Path) -> list[Measure]:
    """Measure everything about many machines, in one go: what costs is to set them up."""
    state = root / "state" / "samobot"
    names = [f"host-{number}" for number in range(HOSTS)]
    registry = HubRegistry(state)
    port = free_port()
    registry.set_up(("127.0.0.1",), "127.0.0.1", port, datetime.now(UTC))
    for name in (*names, REAL):
        folder = root / "hosts" / name
        folder = folder / "state" / "samobot" if name == REAL else folder
        folder.mkdir(parents=True)
        _enroll(registry, name, folder, port)
    environment = cli_environment(root / "home", "http://127.0.0.1:9") | {
        "XDG_STATE_HOME": str(root / "state"),
        "PYTHONPATH": str(REPOSITORY),
    }
    with contextlib.ExitStack() as programs:
        programs.enter_context(_program(["samobot", "hub", "run"], environment))
        await _until(lambda: _server(state) is not None)
        parts = [names[number::PROCESSES] for number in range(PROCESSES)]
        simulators = [programs.enter_context(_simulator(root / "hosts", part, environment)) for part in parts]
        real = programs.enter_context(_real_host(root / "hosts" / REAL))
        measures = await _between_machines(state, names, root / "hosts")
        measures += await _in_the_chat(root, state, parts, simulators)
        server = _server(state)
        assert server is not None
        measures.append(_memory("server's memory, 50 hosts × 20 sessions", server, 90))
        measures.append(_memory("a host's memory, 20 sessions", psutil.Process(real.pid), 60))
    return measures


def _enroll(registry: HubRegistry, name: str, folder: Path, port: int) -> None:
    """Do what inviting and joining do, without the programs."""
    seed = keys.new_seed()
    registry.invite(name, datetime.now(UTC))
    registry.admit(name, keys.public_key(seed), datetime.now(UTC))
    registry.close(name)
    key = folder / "host.seed"
    key.write_text(seed)
    link = Link(user=name, servers=(server_url("127.0.0.1", port),), ca=registry.authority_file, seed=key)
    write_link(host_link_file(folder), link)


@contextlib.contextmanager
def _program(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _simulator(
    folder: Path, names: list[str], environment: dict[str, str]
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    changes = str(CHANGES / PROCESSES)
    return _program(["benchmarks.host_simulator", str(folder), changes, *names], environment)


@contextlib.contextmanager
def _real_host(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`samobot host` with real sessions."""
    shop = make_workshop(root, cli_environment(root / "home", "http://127.0.0.1:9"))
    shop.sessions.mkdir()
    fill(shop, SESSIONS)
    shop.environment |= {"SAMOBOT_PROJECTS": str(shop.repo), "PYTHONPATH": str(REPOSITORY)}
    with _program(["samobot", "host"], shop.environment) as process:
        yield process


def _server(state: Path) -> psutil.Process | None:
    """The nats-server, once it is ready."""
    try:
        found = json.loads((state / "hub" / "server.json").read_text())
    except FileNotFoundError:
        return None
    return psutil.Process(found["pid"]) if found["revision"] else None


def _memory(name: str, process: psutil.Process, aim: float) -> Measure:
    return Measure(name, process.memory_info().rss / 1e6, "MB", aim)


# Between the machines ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _link(state: Path, names: Iterable[str]) -> AsyncIterator[HubLink]:
    """The bot's end of the connection, once it knows every host and session."""
    found = read_link(hub_link_file(state))
    assert found is not None
    link = HubLink(found, HubStore(state), now=utc_now)
    link.start()
    try:
        await _until(lambda: all(link.is_online(name) and link.host(name).is_whole for name in names))
        yield link
    finally:
        await link.close()


async def _between_machines(state: Path, names: list[str], folder: Path) -> list[Measure]:
    """Decisions at random hosts, while sessions change on all."""
    chance = random.Random(15)
    arrived: list[float] = []
    called: dict[str, int] = {}
    receipts: list[float] = []
    async with _link(state, (*names, REAL)) as link:
        fleets = {name: RemoteFleet(name, link, utc_now) for name in names}
        watching = asyncio.create_task(_watch(link, arrived))
        await asyncio.sleep(2.0)
        arrived.clear()  # what comes with the start

        async def decide(text: str) -> None:
            called[text] = began = time.monotonic_ns()
            fleet = fleets[chance.choice(names)]
            await fleet.add_guidance(ref_of(chance.randrange(SESSIONS)), text, _ANNA)
            receipts.append((time.monotonic_ns() - began) / 1e6)

        async with asyncio.TaskGroup() as group:
            for number in range(DECISIONS):
                group.create_task(decide(f"Rule {number}"))
                await asyncio.sleep(chance.expovariate(1 / _GAP_SECONDS))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    written = [
        json.loads(line)
        for name in names
        if (folder / name / "guidance.jsonl").exists()
        for line in (folder / name / "guidance.jsonl").read_text().splitlines()
    ]
    assert sorted(each["text"] for each in written) == sorted(called), "a decision was lost or applied twice"
    on_disk = [(each["at"] - called[each["text"]]) / 1e6 for each in written]
    return [
        *_both("change on a host → bot's fleet", arrived),
        *_both("decision → on the host's disk", on_disk),
        Measure("decision → its receipt (p50)", statistics.median(receipts), "ms", None, spread(receipts)),
    ]


def _both(name: str, times: list[float]) -> list[Measure]:
    return [
        Measure(f"{name} (p50)", statistics.median(times), "ms", 10, spread(times)),
        Measure(f"{name} (p99)", percentile(times, 0.99), "ms", 250),
    ]


async def _watch(link: HubLink, arrived: list[float]) -> None:
    """Note how long each change took to get here."""
    seen: dict[tuple[str, str], str] = {}
    looked: dict[str, list[SessionView]] = {}
    while True:
        await link.changed.wait()
        link.changed.clear()
        now = time.monotonic_ns()
        for name, state in link.hosts.items():
            if looked.get(name) is state.sessions():
                continue
            looked[name] = state.sessions()
            for view in looked[name]:
                if view.summary.isdigit() and seen.get((name, view.ref.key)) != view.summary:
                    seen[name, view.ref.key] = view.summary
                    arrived.append((now - int(view.summary)) / 1e6)


# In the chat ---------------------------------------------------------------------------------------------------------


async def _in_the_chat(
    root: Path, state: Path, parts: list[list[str]], simulators: list[subprocess.Popen[bytes]]
) -> list[Measure]:
    """The real bot: from a change on a host to the message, and `/status` with and without absent hosts."""
    async with stage(root, endless()) as on, _snapshots(state) as published:
        messages: dict[str, int] = {}
        await asyncio.sleep(_ASK_SECONDS)  # what the start has sent counts for the chat's pace
        for number in range(ASKED):
            part = number % PROCESSES
            name = parts[part][number // PROCESSES % len(parts[part])]
            pipe = simulators[part].stdin
            assert pipe is not None
            pipe.write(f"{name} {SESSIONS - 1}\n".encode())
            pipe.flush()
            await on.chat.wait_for(lambda message: _asks(message.text, messages), timeout=60)
            await asyncio.sleep(_ASK_SECONDS)

        async def status() -> list[float]:
            times = []
            for _ in range(COMMANDS):
                began = time.perf_counter()
                said = on.owner.say("/status")
                await on.chat.wait_for(lambda message: "task-" in message.text, timeout=60, after=said.id)
                times.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(_PACE_SECONDS)
            return times

        online = await status()
        size = psutil.Process(on.bot.pid).memory_info().rss / 1e6
        simulators[0].kill()
        said = on.owner.say("/hosts")
        while True:  # until the bot reckons all of them as away
            found = await on.chat.wait_for(lambda message: "host-" in message.text, timeout=60, after=said.id)
            if found.text.count("not reachable") >= len(parts[0]):
                break
            await asyncio.sleep(5)
            said = on.owner.say("/hosts")
        absent = await status()
    asked = [(at - int(stamp)) / 1e6 for stamp, at in messages.items()]
    return [
        *_both("snapshot → message", [(at - published[stamp]) / 1e6 for stamp, at in messages.items()]),
        Measure("change on a host → message (p50)", statistics.median(asked), "ms", None, spread(asked)),
        Measure("/status, 50 hosts (p50)", statistics.median(online), "ms", 20, spread(online)),
        Measure("/status, 25 of them absent (p50)", statistics.median(absent), "ms", 20, spread(absent)),
        Measure("bot's memory, 50 hosts × 20 sessions", size, "MB", 110),
    ]


_STAMP = re.compile(r"Shall it begin at (\d+)\?")


def _asks(text: str, seen: dict[str, int]) -> bool:
    """Note when a question came that has not been noted."""
    found = _STAMP.search(text)
    if found is None or found[1] in seen:
        return False
    seen[found[1]] = time.monotonic_ns()
    return True


@contextlib.asynccontextmanager
async def _snapshots(state: Path) -> AsyncIterator[dict[str, int]]:
    """Note when each question's snapshot was on the server, before that has synced it and passed it on to the bot."""
    link = read_link(hub_link_file(state))
    assert link is not None
    published: dict[str, int] = {}

    async def note(message: Msg) -> None:
        _asks(message.data.decode(), published)

    async def listen() -> None:
        await connection.subscribe(f"$KV.{subjects.SESSIONS}.>", note)
        connection.established()
        await asyncio.Event().wait()

    connection = Connection(link, listen)
    running = asyncio.create_task(connection.run())
    try:
        await _until(lambda: not connection.problem)
        yield published
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until(holds: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(0.05)
