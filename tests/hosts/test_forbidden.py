"""What a host's own key cannot do, on a real server with the hub's configuration and streams.

The hub's streams are looked at before and after: nothing may have changed but what the host may change of its own. A
refusal that is reported is asserted as well; where the server answers nothing, nothing happening is the refusal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nats.errors import Error, NoRespondersError
from nats.js.errors import NotFoundError

from samobot.hosts import keys, nats_streams, subjects
from samobot.hosts.link import Link
from tests.support.hub import Hub, User, connect, now, running_hub

STREAMS = (subjects.DECISIONS, subjects.RECEIPTS, subjects.NEWS, *(f"KV_{name}" for name in subjects.BUCKETS))
CONTROL_READ = f"$JS.API.DIRECT.GET.KV_{subjects.CONTROL}.{subjects.control('panic')}"

_TRACE = "Nats-Trace-Dest"
"""A header: where the server sends what it did with the message."""


@dataclass(frozen=True)
class Act:
    """Something that the host `a` tries.

    Attributes:
        subject: Where it publishes.
        content: What.
        reply: Where it wants the server's answer; None for its own inbox.
        headers: Headers.
        is_refused: Whether the server reports a violation; otherwise it silently has no effect.
    """

    subject: str
    content: bytes = b"{}"
    reply: str | None = None
    headers: dict[str, str] | None = None
    is_refused: bool = True


PUBLISHED = {
    "another's snapshot": Act(subjects.snapshot("b", "demo/greet")),
    "another's beat": Act(subjects.beat("b")),
    "another's receipt": Act(subjects.receipt("b")),
    "another's news": Act(subjects.news("b")),
    "another's parts of a decision": Act(subjects.fetch("b")),
    "a decision for another": Act(subjects.decide("b", "f00d")),
    "a decision for itself": Act(subjects.decide("a", "f00d")),
    "a delivery to another": Act(subjects.deliver("b")),
    "a read of another": Act(subjects.read("b")),
    "a control value": Act(subjects.control("panic")),
    "a hint about control values": Act(subjects.CONTROL_HINT),
    "an answer in the hub's inbox": Act(f"{subjects.inbox('hub')}.x"),
    "an answer in another's inbox": Act(f"{subjects.inbox('b')}.x"),
    "an acknowledgement of another's decision": Act(f"$JS.ACK.{subjects.DECISIONS}.host-b.1.1.1.1.0"),
    "a machine that joins": Act(subjects.enroll("c")),
    "a stream deleted": Act(f"$JS.API.STREAM.DELETE.{subjects.DECISIONS}", b""),
    "a stream purged": Act(f"$JS.API.STREAM.PURGE.KV_{subjects.SESSIONS}", b""),
    "a stream made": Act("$JS.API.STREAM.CREATE.MINE", b'{"name": "MINE", "subjects": ["x"]}'),
    "a stream changed": Act(f"$JS.API.STREAM.UPDATE.{subjects.RECEIPTS}", b"{}"),
    "a message deleted": Act(f"$JS.API.STREAM.MSG.DELETE.KV_{subjects.SESSIONS}", b'{"seq": 1}'),
    "a message read from a stream": Act(f"$JS.API.STREAM.MSG.GET.{subjects.RECEIPTS}", b'{"seq": 1}'),
    "another's snapshot read": Act(
        f"$JS.API.DIRECT.GET.KV_{subjects.SESSIONS}.{subjects.snapshot('b', 'demo/greet')}", b""
    ),
    "another's consumer read": Act(f"$JS.API.CONSUMER.MSG.NEXT.{subjects.DECISIONS}.host-b", b"1"),
    "a consumer made": Act(f"$JS.API.CONSUMER.CREATE.{subjects.DECISIONS}", b"{}"),
    "a consumer deleted": Act(f"$JS.API.CONSUMER.DELETE.{subjects.DECISIONS}.host-b", b""),
    "streams listed": Act("$JS.API.STREAM.NAMES", b""),
    "the server asked about others": Act("$SYS.REQ.SERVER.PING", b""),
    # The server sends its answer wherever it is wanted, without asking whether the requester may send there.
    "an answer as a stream's deletion": Act(
        CONTROL_READ, b"", f"$JS.API.STREAM.DELETE.{subjects.RECEIPTS}", is_refused=False
    ),
    "an answer as another's snapshot": Act(
        CONTROL_READ, b"", subjects.snapshot("b", "demo/greet"), is_refused=False
    ),
    "an answer as another's receipt": Act(CONTROL_READ, b"", subjects.receipt("b"), is_refused=False),
    "an answer as a decision": Act(CONTROL_READ, b"", subjects.decide("b", "f00d"), is_refused=False),
    "an answer as a control value": Act(CONTROL_READ, b"", subjects.control("limit"), is_refused=False),
    "a confirmation as a control value": Act(
        subjects.snapshot("a", "demo/own"), b"{}", subjects.control("limit"), is_refused=False
    ),
    # One message of its own in the place of all messages of the stream.
    "everybody's snapshots rolled up into its own": Act(
        subjects.snapshot("a", "demo/own"), headers={"Nats-Rollup": "all"}, is_refused=False
    ),
    # Headers by which the server itself sends something elsewhere.
    "another's snapshot by a schedule": Act(
        subjects.snapshot("a", "demo/own"),
        headers={
            "Nats-Schedule": "@at 2020-01-01T00:00:00Z",
            "Nats-Schedule-Target": subjects.snapshot("b", "demo/greet"),
        },
        is_refused=False,
    ),
    **{
        f"a trace as {what}": Act(subjects.beat("a"), headers={_TRACE: where})
        for what, where in (
            ("another's receipt", subjects.receipt("b")),
            ("a decision", subjects.decide("b", "f00d")),
            ("a control value", subjects.control("limit")),
            ("a stream's deletion", f"$JS.API.STREAM.DELETE.{subjects.RECEIPTS}"),
        )
    },
}

SUBSCRIBED = {
    "everything": ">",
    "all of samobot": "samobot.>",
    "everybody's inboxes": "*.>",
    "the hub's inbox": f"{subjects.inbox('hub')}.>",
    "another's inbox": f"{subjects.inbox('b')}.>",
    "another's decisions": subjects.deliver("b"),
    "another's reads": subjects.read("b"),
    "the hub's receipts": subjects.HUB_RECEIPTS,
    "everybody's snapshots": f"$KV.{subjects.SESSIONS}.>",
    "machines that join": subjects.ALL_ENROLLMENTS,
}


@dataclass
class Scene:
    """A hub with the hosts `a` and `b`; `hub` and `a` are connected."""

    running: Hub
    hub: User
    a: User
    link_a: Link

    async def state(self) -> dict[str, Any]:
        """All messages of all streams but what the host `a` may change."""
        stream = self.hub.client.jetstream()
        found: dict[str, Any] = {}
        for name in STREAMS:
            info = await stream.stream_info(name, subjects_filter=">")
            found[name] = {
                subject: (await stream.get_last_msg(name, subject)).seq
                for subject in sorted(info.state.subjects or {})
                if subject not in (subjects.snapshot("a", "demo/own"),)
            }
        try:
            await stream.stream_info("MINE")
        except NotFoundError:
            return found
        raise AssertionError("a host has made a stream")


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with running_hub(folder / "hub") as running:
        link_a = await running.add("a", folder / "a")
        running.registry.invite("b", now())
        running.registry.admit("b", keys.public_key(keys.new_seed()), now())
        await running.server.reload()
        hub, a = await connect(running.link), await connect(link_a)
        await nats_streams.set_up(hub.client)
        for host in ("a", "b"):
            await nats_streams.set_up_host(hub.client, host)
        stream = hub.client.jetstream()
        for subject in (
            subjects.control("panic"),
            subjects.snapshot("b", "demo/greet"),
            subjects.snapshot("a", "demo/own"),
            subjects.receipt("b"),
            subjects.decide("b", "0001"),
        ):
            await stream.publish(subject, b'{"from": "the hub"}')
        try:
            yield Scene(running, hub, a, link_a)
        finally:
            await a.client.close()
            await hub.client.close()


async def test_a_host_s_key_does_what_it_has_to_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as there:
        await does_none_of_it(there)
        await hears_nothing_of_others(there)
        with pytest.raises(NoRespondersError):  # an invited machine is not a host yet
            await there.hub.client.request(subjects.read("b"), b"?", timeout=30)
        await does_what_it_has_to(there)
        await lets_nobody_else_in(there, tmp_path)


async def does_none_of_it(there: Scene) -> None:
    before = await there.state()
    for name, act in PUBLISHED.items():
        there.a.refused.clear()
        reply = act.reply if act.reply is not None else there.a.client.new_inbox()
        await there.a.client.publish(act.subject, act.content, reply=reply, headers=act.headers)
        await there.a.client.flush()
        if act.is_refused:
            await there.a.wait_for_refusal()
            subject = (act.headers or {}).get(_TRACE, act.subject)
            assert [subject.lower() in text.lower() for text in there.a.refused] == [True], (
                name,
                there.a.refused,
            )
            assert "permissions violation" in there.a.refused[0].lower()
        else:
            assert there.a.refused == [], name
    # The hub's own requests come after all answers that the server still had to send.
    assert await there.state() == before


async def hears_nothing_of_others(there: Scene) -> None:
    for name, subject in SUBSCRIBED.items():
        there.a.refused.clear()
        await there.a.client.subscribe(subject)
        await there.a.wait_for_refusal()
        assert [subject.lower() in text.lower() for text in there.a.refused] == [True], (
            name,
            there.a.refused,
        )


async def does_what_it_has_to(there: Scene) -> None:
    """Otherwise the refusals above could be those of a server that refuses everything."""
    there.a.refused.clear()
    client = there.a.client
    for subject in (
        subjects.snapshot("a", "demo/greet"),
        subjects.beat("a"),
        subjects.receipt("a"),
        subjects.news("a"),
    ):
        assert json.loads((await client.request(subject, b"{}", timeout=30)).data)["seq"], subject
    assert (await client.request(CONTROL_READ, b"", timeout=30)).data == b'{"from": "the hub"}'
    delivered = await client.subscribe(subjects.deliver("a"))
    reads = await client.subscribe(subjects.read("a"))
    await client.flush()
    await there.hub.client.jetstream().publish(subjects.decide("a", "0002"), b"do")
    decision = await delivered.next_msg(timeout=30)
    assert decision.data == b"do"
    assert decision.reply.startswith(
        subjects.decision_acks("a").removesuffix(">")
    )  # `HostService` relies on it
    await decision.ack_sync(timeout=30)
    asked = there.hub.client.request(subjects.read("a"), b"?", timeout=30)

    async def answer() -> None:
        await (await reads.next_msg(timeout=30)).respond(b"!")

    asking, _ = await asyncio.gather(asked, answer())
    assert asking.data == b"!"
    assert there.a.refused == []


async def lets_nobody_else_in(there: Scene, folder: Path) -> None:
    other = Hub(folder / "other").registry.authority_file
    for seed, ca in (("", None), (keys.new_seed(), None), (None, other)):  # no key, another, another hub
        with pytest.raises((Error, OSError)):
            await connect(there.link_a, seed=seed, ca=ca)
    await (await connect(there.link_a)).client.close()
    there.running.registry.remove("a")
    await there.running.server.reload()
    with pytest.raises((Error, OSError)):
        await connect(there.link_a)
