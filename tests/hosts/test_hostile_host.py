"""Whoever has a host's key can send anything on its own subjects: the hub loses that message, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from samobot.errors import HostAwayError, SamobotError
from samobot.fleet.models import PastSession
from samobot.hosts import subjects
from samobot.hosts.connection import Connection
from samobot.hosts.fleet_calls import error_of
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_link import MOST_PARTS, HubLink
from samobot.hosts.hub_messages import Beat, CallOutcome, DecisionReceipt, SessionSnapshot
from samobot.hosts.hub_store import HubStore
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.link import Link
from samobot.hosts.nats_streams import set_up
from samobot.system.clock import utc_now
from tests.support.cases import for_each
from tests.support.hosts import count_connections, hub, soon
from tests.support.nats import nats_server
from tests.support.views import REF, session

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)
GARBAGE = (b"\xff\xfe", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b"[" * 100_000, b'{"outcome": []}')


def beat(host: str = "laptop", boot: str = "one", **values: Any) -> bytes:
    return Beat(host=host, boot=boot, at=NOW, **values).encode()


def received(subject: str, content: bytes) -> Msg:
    return Msg(Client(), subject=subject, reply="$JS.ACK.RECEIPT.hub.1", data=content)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HubStore]:
    made = HubStore(tmp_path)
    yield made
    made.close()


@pytest.fixture
def known(store: HubStore) -> KnownHosts:
    made = KnownHosts(store, lambda: True, lambda: NOW, lambda: 0.0)
    for host in ("laptop", "studio"):
        made.note_beat(received(subjects.beat(host), beat(host)))
    return made


@for_each(
    "content",
    (
        *GARBAGE,
        beat("studio", boot="forged"),
        beat(limits={"spent_usd": 1}).replace(b'"spent_usd":1.0', b'"spent_usd":-1000'),
        beat(limits={"spent_usd": 1}).replace(b'"spent_usd":1.0', b'"spent_usd":NaN'),
        beat(limits={"allowed_usd": 1}).replace(b'"allowed_usd":1.0', b'"allowed_usd":Infinity'),
        beat(limits={"account": "a"}).replace(b'"account":"a"', b'"account":"a.>"'),
        beat(limits={"account": "a"}).replace(b'"account":"a"', b'"account":"x\\r\\nPUB y 0\\r\\n"'),
    ),
)
def test_a_bad_beat_is_left_out_and_changes_no_other_host(known: KnownHosts, content: bytes) -> None:
    before = {name: state.beat for name, state in known.hosts.items()}
    assert known.note_beat(received(subjects.beat("laptop"), content)) == ("", False)
    assert {name: state.beat for name, state in known.hosts.items()} == before
    known.save(at_once=True)


async def test_a_bad_snapshot_is_left_out(known: KnownHosts) -> None:
    own = REF.key
    other = REF.in_project("other")
    good = SessionSnapshot(boot="one", n=1, key=own, view=session())
    subject = subjects.snapshot("laptop", own)
    for name, content in (
        *((subject, each) for each in GARBAGE),
        (f"{subjects.snapshot_prefix('laptop')}!", good.encode()),
        (f"{subjects.snapshot_prefix('laptop')}_w", good.encode()),
        (subjects.snapshot("laptop", other.key), good.encode()),
        (subject, good.model_copy(update={"view": session(ref=other)}).encode()),
        (subject, good.model_copy(update={"view": None, "past": PastSession(other.key, NOW)}).encode()),
    ):
        await known.on_snapshot(received(name, content))
        assert known.host("laptop").sessions() == [], content[:80]
        assert known.host("laptop").past() == [], content[:80]
    known.note_outcome("laptop", CallOutcome(snapshots=(good.model_copy(update={"key": other.key}),)))
    assert known.host("laptop").sessions() == []
    await known.on_snapshot(received(subject, good.encode()))
    assert known.host("laptop").sessions() == [session()]


async def test_a_receipt_that_cannot_be_read_is_not_sent_again(
    store: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty-four that come again and again would be all that the hub is given, of all hosts."""
    sent: list[bytes] = []

    async def publish(_: Connection, subject: str, content: bytes = b"") -> None:
        sent.append(content)

    monkeypatch.setattr(Connection, "publish", publish)
    link = HubLink(Link(user=subjects.HUB, servers=("nats://127.0.0.1:9",)), store, now=lambda: NOW)
    unknown = DecisionReceipt(id="f00d", at=NOW, outcome=CallOutcome()).encode()
    for content in (*GARBAGE, unknown):
        await link._decisions.on_receipt(received(subjects.receipt("laptop"), content))
    assert sent == [b"+TERM"] * len(GARBAGE) + [b"+ACK"]


async def test_an_answer_that_cannot_be_read_fails_that_read_alone(
    store: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_an_outcome = (b"{}", b'{"outcome": []}')  # one without anything
    answers = [each for each in GARBAGE if each not in is_an_outcome]
    answers.append(CallOutcome(result="ticket", parts=MOST_PARTS + 1).encode())
    answers += [CallOutcome(result="ticket", parts=1).encode(), CallOutcome(result="\u20ac").encode()]

    async def request(*_: object) -> Any:
        return SimpleNamespace(data=answers.pop(0))

    monkeypatch.setattr(Connection, "request", request)
    link = HubLink(Link(user=subjects.HUB, servers=("nats://127.0.0.1:9",)), store, now=lambda: NOW)
    monkeypatch.setattr(link.known, "is_online", lambda _: True)
    while answers:
        with pytest.raises(HostAwayError, match="cannot be read"):
            await link.read("laptop", "view", "{}")


@for_each("name", ["SavedForHostError", "KeyError", "SamobotError", "log", "__name__", "annotations", ""])
def test_an_error_of_any_name_is_one_that_handlers_know(name: str) -> None:
    assert type(error_of(CallOutcome(error=name, text="No."))) is SamobotError


def test_two_machines_under_one_name_are_noticed_and_a_restart_is_not() -> None:
    state = HostState("laptop")

    def hear(boot: str, at: float) -> bool:
        state.note_beat(Beat(host="laptop", boot=boot, at=NOW), at, NOW)
        return state.is_doubled(at)

    assert [hear(boot, at) for at, boot in enumerate(["a", "a", "b", "b", "c"])] == [False] * 5
    assert hear("b", 5.0)
    assert hear("b", 64.0)
    assert not hear("b", 66.0)


async def test_garbage_of_one_host_does_not_disconnect_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_connections(monkeypatch)
    (tmp_path / "nats").mkdir()
    with nats_server(tmp_path / "nats") as server:
        client = await nats.connect(server.url)
        await set_up(client)
        stream = client.jetstream()
        await stream.publish(f"{subjects.snapshot_prefix('laptop')}_w", b"garbage")  # there before the hub
        async with hub(tmp_path / "hub", server.url) as link:
            await soon(lambda: made)
            await stream.publish(subjects.beat("laptop"), b"\xff")
            await stream.publish(f"{subjects.snapshot_prefix('laptop')}_w", b"[]")
            for subject in (subjects.receipt("laptop"), subjects.news("laptop")):
                await stream.publish(subject, b"[]")
            await stream.publish(
                subjects.beat("studio"), Beat(host="studio", boot="one", at=utc_now()).encode()
            )
            await soon(lambda: link.is_online("studio"))
            async with asyncio.timeout(60):
                while any([(await stream.stream_info(each)).state.messages for each in ("RECEIPT", "NEWS")]):
                    await asyncio.sleep(0.01)
            assert made == ["again"]
        await client.close()
