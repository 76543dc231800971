"""Decisions on their way from the hub to a host's disk: none is lost, none is carried out twice, each has a receipt."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, HostAwayError, NotFoundError, SavedForHostError
from samobot.fleet.local_fleet import LocalFleet
from samobot.fleet.models import SessionRef
from samobot.fleet.request_scope import request_scope
from samobot.fleet.results import FleetEventKind
from samobot.fleet.start_request import StartRequest, UserFile
from samobot.fleet.worker_processes import WorkerProcesses
from samobot.hosts import nats_streams
from samobot.hosts.host_state import AWAY_SECONDS
from samobot.hosts.hub_link import HubLink
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.session.gate import Person
from samobot.system.clock import utc_now
from tests.support.claude_cli import cli_environment
from tests.support.crash_points import CrashPoint, at_point
from tests.support.hosts import host_service, hub, soon
from tests.support.nats import NatsServer, nats_server
from tests.support.workshop import Workshop, make_workshop

ANNA = Person("anna", "telegram")
LAPTOP = "laptop"
COUNT = 10


@dataclass
class Machine:
    """A host's machine, whose program can be ended and started, and its session `greet`.

    Attributes:
        shop: Its disk.
        server: The server in between.
        ref: The session.
    """

    shop: Workshop
    server: NatsServer
    ref: SessionRef

    @property
    def guidance(self) -> list[str]:
        """The texts that the session was sent, as its file has them."""
        file = self.shop.session("greet") / "_guidance.md"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.rpartition(": ")[2] for line in lines if line.startswith("- [")]

    def fleet(self) -> LocalFleet:
        return LocalFleet(load_settings(self.shop.environment), environ=self.shop.environment)

    def hub(self) -> Any:
        return hub(self.shop.root / "hub", self.server.url)

    async def make(self, *names: str) -> list[SessionRef]:
        """Make sessions, of which nothing runs."""
        fleet = self.fleet()
        made = []
        for name in names:
            started = await fleet.start(
                StartRequest(project="demo", session=name, task="Add a greeting"), ANNA
            )
            assert started.ref is not None
            made.append(started.ref)
        await fleet.wait_for_starts()
        for ref in made:
            await fleet.stop(ref, ANNA)
        await fleet.close()
        return made

    async def start(self, stack: AsyncExitStack, *, in_order: bool = False) -> None:
        """Start the host's program; it ends with the stack, in order or wherever it is."""
        fleet = self.fleet()
        stack.push_async_callback(fleet.close)
        state = load_settings(self.shop.environment).samobot_state_dir
        await stack.enter_async_context(
            host_service(LAPTOP, self.server.url, fleet, state, in_order=in_order)
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    (tmp_path / "nats").mkdir()
    with nats_server(tmp_path / "nats") as running:
        yield running


@pytest.fixture
async def machine(tmp_path: Path, server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> Machine:
    async def start(*_: object) -> int:
        return os.getpid()

    monkeypatch.setattr(WorkerProcesses, "start", start)
    monkeypatch.setattr(nats_streams, "ACK_SECONDS", 1.0)
    shop = make_workshop(tmp_path, cli_environment(tmp_path / "home", "http://127.0.0.1:9"))
    shop.environment["SAMOBOT_PROJECTS"] = str(shop.repo)
    made = Machine(shop, server, SessionRef(project="demo", folder="", name=""))
    (made.ref,) = await made.make("greet")
    return made


@pytest.fixture
async def link(machine: Machine) -> AsyncIterator[HubLink]:
    async with machine.hub() as connected:
        yield connected


def laptop(link: HubLink) -> RemoteFleet:
    return RemoteFleet(LAPTOP, link, utc_now)


def is_reached(link: HubLink) -> Callable[[], bool]:
    return lambda: link.is_online(LAPTOP) and link.host(LAPTOP).is_whole


async def tell(fleet: RemoteFleet, ref: SessionRef) -> None:
    with request_scope("update 7"):
        await fleet.add_guidance(ref, "Keep it short", ANNA)


async def archive(fleet: RemoteFleet, ref: SessionRef) -> None:
    with request_scope("update 7"):
        await fleet.archive(ref)


async def retry(fleet: RemoteFleet, ref: SessionRef) -> None:
    with request_scope("update 7"):
        await fleet.retry(ref, ANNA)


@pytest.mark.slow
@pytest.mark.parametrize("point", CrashPoint)
async def test_a_host_that_dies_carries_out_a_decision_once(
    machine: Machine, link: HubLink, point: CrashPoint
) -> None:
    """Decisions about three sessions are on their way when it dies, each at the same point."""
    old, failed = await machine.make("old", "failed")
    decisions = ((tell, machine.ref), (archive, old), (retry, failed))
    async with AsyncExitStack() as first:
        await machine.start(first)
        await soon(is_reached(link))
        reached, patch = asyncio.Semaphore(0), pytest.MonkeyPatch()

        async def end_there() -> None:
            reached.release()
            await asyncio.Event().wait()

        at_point(point, end_there, patch)
        deciding = [asyncio.create_task(decide(laptop(link), ref)) for decide, ref in decisions]
        async with asyncio.timeout(60):
            for _ in decisions:
                await reached.acquire()
        patch.undo()
    async with AsyncExitStack() as second:
        await machine.start(second)
        await asyncio.wait_for(asyncio.gather(*deciding), 60)
        assert link.pending(LAPTOP) == 0
        for decide, ref in decisions:
            await decide(laptop(link), ref)  # the same update again
        assert machine.guidance == ["Keep it short"]
        with pytest.raises(NotFoundError):
            await laptop(link).archive(old)
        journal = (machine.shop.session("failed") / "_decisions.jsonl").read_text()
        assert journal.count('"retry"') == 1


async def test_nothing_is_lost_with_the_servers_disk(machine: Machine, link: HubLink) -> None:
    fleet = laptop(link)
    texts = [f"Rule {number}" for number in range(COUNT)]
    for number, text in enumerate(texts):
        with request_scope(f"update {number}"), pytest.raises(SavedForHostError, match="Saved for laptop"):
            await fleet.add_guidance(machine.ref, text, ANNA)
    assert link.pending(LAPTOP) == COUNT
    machine.server.kill()
    shutil.rmtree(machine.server.folder / "store")
    machine.server.start()
    async with AsyncExitStack() as stack:
        await machine.start(stack)
        await soon(lambda: link.pending(LAPTOP) == 0)
        assert machine.guidance == texts
        events = link.take_news()
        assert [event.kind for event in events] == [FleetEventKind.DELIVERED] * COUNT
        assert events[0].text.startswith("on laptop ")
        assert len(link.take_news()) == 0


async def test_a_hub_that_dies_finds_its_decisions_again(machine: Machine) -> None:
    async def decide(link: HubLink) -> None:
        with request_scope("update 7"):
            await laptop(link).add_guidance(machine.ref, "Keep it short", ANNA)

    async with machine.hub() as link:
        with pytest.raises(SavedForHostError):
            await decide(link)
    async with AsyncExitStack() as stack:
        await machine.start(stack)
        async with machine.hub() as link:
            await soon(lambda: link.pending(LAPTOP) == 0)
            await decide(link)
            assert machine.guidance == ["Keep it short"]
        async with machine.hub() as link:
            await decide(link)
            assert machine.guidance == ["Keep it short"]


async def test_a_host_that_ends_is_away_at_once_stays_readable_and_refuses(
    machine: Machine, link: HubLink
) -> None:
    fleet = laptop(link)
    async with AsyncExitStack() as stack:
        await machine.start(stack, in_order=True)
        await soon(is_reached(link))
        before = await fleet.view(machine.ref)
        assert await fleet.files(machine.ref)
    await soon(lambda: not link.is_online(LAPTOP), AWAY_SECONDS / 2)  # it was not waited for its beats
    assert await fleet.view(machine.ref) == before
    assert await fleet.find("demo:greet") == [machine.ref]
    assert [each.name for each in await fleet.projects()] == ["demo"]
    with pytest.raises(HostAwayError, match="laptop not reachable since"):
        await fleet.files(machine.ref)
    await link.close()
    async with machine.hub() as again:
        assert await laptop(again).sessions() == [before]


async def test_what_no_message_can_hold_is_sent_in_parts(machine: Machine, link: HubLink) -> None:
    fleet, data = laptop(link), os.urandom(3_000_000)
    async with AsyncExitStack() as stack:
        await machine.start(stack)
        await soon(is_reached(link))
        (name,) = await fleet.add_files(machine.ref, [UserFile(name="a.bin", data=data)], "", ANNA)
        assert await fleet.file(machine.ref, name) == data


async def test_the_emergency_stop_reaches_a_host_that_was_away(machine: Machine, link: HubLink) -> None:
    fleet = laptop(link)
    (report,) = await fleet.panic(ANNA)
    assert not report.clean
    assert report.words.startswith("laptop: not confirmed.")
    async with AsyncExitStack() as stack:
        await machine.start(stack)
        await soon(is_reached(link))
        assert await machine.fleet().emergency_stop() == "anna"
        with pytest.raises(ConflictError, match="emergency stop"):
            await fleet.resume(machine.ref, ANNA)
        assert await fleet.lift_emergency_stop()
        assert await machine.fleet().emergency_stop() is None


async def test_a_stop_of_one_machine_alone_is_not_lifted_by_the_hub(machine: Machine, link: HubLink) -> None:
    alone = machine.fleet()
    await alone.panic(Person("bob", "terminal"))
    await alone.close()
    async with AsyncExitStack() as stack:
        await machine.start(stack)
        await soon(is_reached(link))
        assert await laptop(link).emergency_stop() == "bob"
