"""What the hub still knows of hosts after a death."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from samobot.errors import ConflictError, HostAwayError
from samobot.fleet.ask_models import AskView
from samobot.fleet.models import SessionView
from samobot.hosts import known_hosts as known_hosts_module
from samobot.hosts import subjects
from samobot.hosts.connection import Connection
from samobot.hosts.hub_link import READ_SECONDS, HubLink
from samobot.hosts.hub_messages import Beat, SessionSnapshot
from samobot.hosts.hub_store import HubStore
from samobot.hosts.known_hosts import KnownHosts
from samobot.hosts.link import Link
from samobot.telegram.inbound.update_handling import HANDLING_SECONDS
from tests.support.views import asking, question, session

ASK = AskView(
    id="ask-1", sha256="a" * 64, tool="Bash", subject="git push", text="git push", size=8, rule="Bash(git push)",
    reasons=(), said="", where="/demo", at=datetime(2026, 1, 15, tzinfo=UTC), waiting=True,
)  # fmt: skip
BEGAN = datetime(2026, 1, 15, 14, 5, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def known_hosts(folder: Path, clock: Clock) -> KnownHosts:
    return KnownHosts(HubStore(folder), lambda: True, clock.now, clock.monotonic)


def beat(host: str, clock: Clock, n: int = 0) -> Msg:
    content = Beat(host=host, boot="one", at=clock.now(), n=n).encode()
    return Msg(Client(), subject=f"$KV.{subjects.BEATS}.{host}", data=content)


def test_a_host_is_known_from_its_first_beat_on_even_if_the_hub_is_killed(tmp_path: Path) -> None:
    clock = Clock()
    known_hosts(tmp_path, clock).note_beat(beat("laptop", clock))
    again = known_hosts(tmp_path, clock)
    assert set(again.hosts) == {"laptop"}
    assert not again.is_online("laptop")


def test_changes_count_as_lost_once_they_are_missing_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    known = known_hosts(tmp_path, clock)

    def has_lost(seconds: float, n: int = 3) -> bool:
        clock.seconds += seconds
        return known.note_beat(beat("laptop", clock, n))[1]

    assert [has_lost(0), has_lost(0.2), has_lost(10), has_lost(10)] == [False, False, True, False]
    assert not has_lost(100, n=0), "they have come"
    assert [has_lost(10), has_lost(0.2), has_lost(10)] == [False, False, True]


def test_when_a_host_without_sessions_was_heard_of_is_kept_by_the_minute(tmp_path: Path) -> None:
    clock = Clock()
    known = known_hosts(tmp_path, clock)
    for _ in range(31):
        known.note_beat(beat("laptop", clock))
        known.save()
        clock.seconds += 10
    heard = known_hosts(tmp_path, clock).hosts["laptop"].heard
    assert heard == BEGAN + timedelta(minutes=5)
    known.note_beat(beat("laptop", clock))
    known.save(at_once=True)
    assert known_hosts(tmp_path, clock).hosts["laptop"].heard == clock.now()


def hub_link(folder: Path, clock: Clock) -> HubLink:
    return HubLink(
        Link(user=subjects.HUB, servers=("nats://127.0.0.1:9",)),
        HubStore(folder),
        now=clock.now,
        monotonic=clock.monotonic,
    )


async def test_a_read_ends_when_its_host_turns_out_to_be_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    async def never(*_: object) -> Msg:
        clock.seconds += READ_SECONDS  # the link was cut just before
        return await asyncio.Future()

    monkeypatch.setattr(known_hosts_module, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(Connection, "is_connected", True)
    monkeypatch.setattr(Connection, "request", never)
    link = hub_link(tmp_path, clock)
    link.known.note_beat(beat("laptop", clock))
    with pytest.raises(HostAwayError, match="does not answer just now"):
        await link.read("laptop", "diff", "{}")
    with pytest.raises(HostAwayError, match="not reachable since"):
        await link.read("laptop", "diff", "{}", seconds=600.0)
    assert READ_SECONDS < HANDLING_SECONDS, "the bot would say that it has broken the update off"


async def test_an_emergency_stop_outlives_a_bot_that_is_killed_while_it_sends_it(tmp_path: Path) -> None:
    clock = Clock()
    await hub_link(tmp_path, clock).panic.set(
        "anna", "telegram", on=True
    )  # there is no connection, and then no bot
    with pytest.raises(ConflictError, match="anna"):
        hub_link(tmp_path, clock).panic.refuse_start()
    # A hub whose database was lost counts on from what hosts have carried out; otherwise they would take it for old.
    fresh = hub_link(tmp_path / "fresh", clock)
    carried_out = Beat(host="laptop", boot="one", at=clock.now(), panic=7).encode()
    fresh.known.note_beat(Msg(Client(), subject=subjects.beat("laptop"), data=carried_out))
    assert (await fresh.panic.set("anna", "telegram", on=True)).n == 8


async def test_only_what_the_user_should_hear_of_at_once_makes_a_change_urgent(tmp_path: Path) -> None:
    known = known_hosts(tmp_path, Clock())
    numbers = count(1)

    async def arrives(view: SessionView) -> bool:
        snapshot = SessionSnapshot(boot="one", n=next(numbers), key=view.ref.key, view=view)
        subject = subjects.snapshot("laptop", view.ref.key)
        await known.on_snapshot(Msg(Client(), subject=subject, data=snapshot.encode()))
        assert known.changed.is_set()
        return known.take_hint()

    assert await arrives(session())
    assert not await arrives(session(summary="It reads the tests.", activity="Read test_greet.py"))
    assert await arrives(asking(question()))
    assert await arrives(asking(question(identity="other")))
    assert not await arrives(asking(question(identity="other"), cost_usd=7.0))
    assert await arrives(session(asks=(ASK,)))
    assert not known.changed.is_set()
