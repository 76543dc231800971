"""One hub at a time uses the hosts, and a refused permission ends the connection instead of leaving it blind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nats
import pytest
from nats.errors import Error

from samobot.errors import SavedForHostError
from samobot.fleet.models import SessionRef
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.hub_lease import HubLease
from samobot.hosts.link import Link
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.session.gate import Person
from samobot.system.clock import utc_now
from tests.support.hosts import hub, soon
from tests.support.hub import running_hub
from tests.support.nats import nats_server

OTHERS = "another hub is connected"


class Bucket:
    """The lease's key on a server, as far as a lease uses it."""

    def __init__(self) -> None:
        self.value, self.number, self.last = b"", 0, 0

    async def store(self, _: str, content: bytes, headers: dict[str, str] | None = None) -> int:
        expected = (headers or {}).get("Nats-Expected-Last-Subject-Sequence")
        if expected is not None and int(expected) != self.last:
            raise NotStoredError("wrong last sequence")
        self.value, self.number = content, self.number + 1
        self.last = self.number
        return self.number

    def run_out(self) -> None:
        self.value, self.last = b"", 0

    async def request(self, *_: object) -> Any:
        return SimpleNamespace(data=self.value, headers={"Nats-Sequence": str(self.last)})


def lease(bucket: Any, identity: str) -> HubLease:
    return HubLease(bucket, identity)


async def test_a_lease_belongs_to_one_hub_until_it_is_released() -> None:
    bucket = Bucket()
    one, other = lease(bucket, "one"), lease(bucket, "other")
    await one.take()
    with pytest.raises(NotStoredError, match=OTHERS):
        await other.take()
    await one.take()
    again = lease(bucket, "one")  # the same hub, killed and started again
    await again.take()
    await again.release()
    await other.take()
    with pytest.raises(NotStoredError, match=OTHERS):
        await one.take()


async def test_a_lease_that_ran_out_while_its_hub_slept_is_not_taken_back_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_streams, "BEAT_SECONDS", 0)
    bucket = Bucket()
    one, other = lease(bucket, "one"), lease(bucket, "other")
    await one.take()
    bucket.run_out()
    await other.take()
    with pytest.raises(NotStoredError, match=OTHERS):
        await asyncio.wait_for(one.renew(), 60)
    await one.release()  # as it does at its end
    assert bucket.value == b"other"


async def test_a_second_hub_waits_and_says_why_and_a_hub_that_lost_its_lease_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_streams, "BEAT_SECONDS", 0.1)
    (tmp_path / "nats").mkdir()
    gone = {"KV-Operation": "DEL"}
    with nats_server(tmp_path / "nats") as server:
        client = await nats.connect(server.url)
        async with hub(tmp_path / "one", server.url) as one:
            await soon(lambda: not one.problem)
            async with hub(tmp_path / "two", server.url) as two:
                await soon(lambda: OTHERS in two.problem)
                assert one.problem == ""
                fleet = RemoteFleet("laptop", two, utc_now)
                ref = SessionRef(project="demo", folder="26-01-15-greet", name="greet")
                with pytest.raises(SavedForHostError):
                    await fleet.add_guidance(ref, "Keep it short", Person("anna", "telegram"))
                await one.close()
                # As when the lease runs out: where the end was cut short, it was not released.
                await client.jetstream().publish(subjects.beat(subjects.HUB), b"", headers=gone)
                await soon(lambda: not two.problem)
                assert two.pending("laptop") == 1  # nothing was lost meanwhile

                await client.jetstream().publish(subjects.beat(subjects.HUB), b"an intruder")
                await soon(lambda: OTHERS in two.problem)
                kept = await client.jetstream().get_last_msg(
                    f"KV_{subjects.BEATS}", subjects.beat(subjects.HUB)
                )
                assert kept.data == b"an intruder"
                await client.jetstream().publish(subjects.beat(subjects.HUB), b"", headers=gone)
                await soon(lambda: not two.problem)
                await client.close()


@asynccontextmanager
async def connected(link: Link, serve: Any) -> AsyncIterator[Connection]:
    made = Connection(link, lambda: serve(made))
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_permission_that_the_server_refuses_ends_the_connection_and_is_said(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub") as running:
        link = await running.add("laptop", tmp_path / "laptop")
        served: list[str] = []
        failed: list[Exception] = []

        async def listen(connection: Connection) -> None:
            served.append("listen")
            await connection.subscribe(subjects.read("studio"), lambda _: asyncio.sleep(0))
            await asyncio.Event().wait()  # a watch that would wait for ever

        async with connected(link, listen) as connection:
            await soon(lambda: len(served) > 1)
            assert "permissions violation" in connection.problem.lower()
            assert subjects.read("studio") in connection.problem

        async def send(connection: Connection) -> None:
            try:
                await connection.store(subjects.receipt("studio"), b"{}")
            except (Error, NotStoredError) as error:
                failed.append(error)
                raise

        async with connected(link, send) as connection:
            await soon(lambda: "permissions violation" in connection.problem.lower())
            assert subjects.receipt("studio") in connection.problem
