"""A removed host leaves nothing behind, and whoever has a stolen key cannot fill the server's disk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from samobot.fleet.models import PastSession
from samobot.hosts import known_hosts, subjects
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import Beat, CallOutcome, HostDecision, SessionSnapshot
from samobot.hosts.hub_store import HubStore, StoredDecision
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.link import Link
from samobot.hosts.nats_streams import set_up
from samobot.hosts.subjects import HUB
from samobot.system.clock import utc_now
from tests.support.hosts import count_connections, soon
from tests.support.nats import nats_server

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def decision(name: str) -> HostDecision:
    return HostDecision(id=name, call="approve", about="demo:greet", at=NOW)


def test_what_waits_for_a_removed_host_ends_with_a_refusal_that_is_reported(tmp_path: Path) -> None:
    store = HubStore(tmp_path)
    for host, name in (("laptop", "a1"), ("studio", "b2")):
        store.add(StoredDecision(host, decision(name), "{}"))
        store.mark_saved(name)
    assert store.forget_host("laptop", NOW) == 1
    assert store.pending() == {"studio": 1}
    (ended,) = store.unreported()
    assert ended.receipt is not None
    assert ended.receipt.outcome.text == "laptop was removed."
    assert store.forget_host("laptop", NOW) == 0
    store.close()


async def test_the_hub_forgets_a_removed_host_on_the_server_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samobot.hosts.hub_link._SAVE_SECONDS", 0.1)
    monkeypatch.setattr(known_hosts, "_ON_THE_WAY_SECONDS", 0.0)
    admitted = {"laptop", "studio"}
    made = count_connections(monkeypatch)
    (tmp_path / "nats").mkdir()
    with nats_server(tmp_path / "nats") as server:
        link = HubLink(
            Link(user=HUB, servers=(server.url,)),
            HubStore(tmp_path),
            now=utc_now,
            admitted=lambda: frozenset(admitted),
        )
        client = await nats.connect(server.url)
        await set_up(client)
        stream = client.jetstream()
        for host in ("laptop", "studio"):
            snapshot = SessionSnapshot(boot="one", n=1, key="demo:greet").encode()
            await stream.publish(subjects.snapshot(host, "demo:greet"), snapshot)
            await stream.publish(subjects.beat(host), Beat(host=host, boot="one", at=NOW, n=1).encode())
        link.start()
        await soon(lambda: set(link.hosts) == {"laptop", "studio"})
        await soon(lambda: made)

        # Beats that count a change which never arrives: the hub watches again.
        for _ in range(2):
            await stream.publish(
                subjects.beat("studio"), Beat(host="studio", boot="one", at=NOW, n=7).encode()
            )
        await soon(lambda: len(made) > 1)

        admitted.discard("laptop")
        await soon(lambda: set(link.hosts) == {"studio"})
        state = await stream.stream_info(f"KV_{subjects.SESSIONS}", subjects_filter=">")
        assert state.state.subjects == {subjects.snapshot("studio", "demo:greet"): 1}
        async with asyncio.timeout(60):
            while [each.name for each in await stream.consumers_info(subjects.DECISIONS)] != ["host-studio"]:
                await asyncio.sleep(0.01)
        await client.close()
        await link.close()


async def test_a_host_that_floods_is_named_and_its_sessions_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_hosts, "MOST_BYTES", 2000)
    monkeypatch.setattr(known_hosts, "SESSION_BYTES", 0)
    known = KnownHosts(HubStore(tmp_path), lambda: True, lambda: NOW, lambda: 0.0)

    async def send(host: str, n: int, size: int) -> None:
        subject = subjects.snapshot(host, f"demo:{n % 3}")
        content = SessionSnapshot(boot="one", n=n, key=f"demo:{n % 3}").encode().ljust(size)
        await known.on_snapshot(Msg(Client(), subject=subject, data=content))

    for n in range(1, 31):
        await send("studio", n, 600)  # the same three sessions again and again
    assert known.take_flooding() == set()
    await send("laptop", 1, 1500)
    await send("laptop", 2, 1500)
    assert known.take_flooding() == {"laptop"}
    assert known.take_flooding() == set()
    assert (known.host("laptop").sessions(), known.host("laptop").has_changes) == ([], True)


@pytest.mark.parametrize("way", ["snapshots", "outcomes"])
async def test_what_the_hub_keeps_of_one_host_is_bounded_however_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A snapshot without a view has forty bytes: two million of them would be two gigabytes in the bot."""
    monkeypatch.setattr(known_hosts, "MOST_BYTES", 20 * known_hosts.SESSION_BYTES)
    known = KnownHosts(HubStore(tmp_path), lambda: True, lambda: NOW, lambda: 0.0)
    known.host("laptop").note_beat(Beat(host="laptop", boot="one", at=NOW), 0.0, NOW)
    most = 0
    for n in range(1, 201):
        snapshots = [
            SessionSnapshot(
                boot="one", n=n, key=f"demo:{n}-{part}", past=PastSession(f"demo:{n}-{part}", NOW)
            )
            for part in range(100 if way == "outcomes" else 1)
        ]
        if way == "outcomes":
            known.note_outcome("laptop", CallOutcome(snapshots=tuple(snapshots)))
        else:
            subject = subjects.snapshot("laptop", snapshots[0].key)
            await known.on_snapshot(Msg(Client(), subject=subject, data=snapshots[0].encode()))
        most = max(most, len(known.host("laptop").past()))
        if n % 50 == 0:
            assert known.take_flooding() == {"laptop"}
    assert 10 < most < 20
    known.save()
