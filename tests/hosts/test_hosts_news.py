"""What a host's fleet did reaches the chat once, whenever the bot dies, and a hostile host can forge nothing with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from samobot.fleet.results import FleetEvent, FleetEventKind
from samobot.hosts import news_table, subjects
from samobot.hosts.connection import Connection
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import LARGEST_NEWS, HostNews
from samobot.hosts.hub_store import KEPT_DAYS, HubStore
from samobot.hosts.link import Link

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def news(name: str, kind: FleetEventKind = FleetEventKind.GAVE_UP) -> HostNews:
    return HostNews(id=name, event=FleetEvent(ref=None, key="demo:greet", kind=kind, text="It crashed."))


@pytest.fixture
def confirmed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was published; nothing needs a server."""
    sent: list[bytes] = []

    async def publish(_: Connection, subject: str, content: bytes = b"") -> None:
        sent.append(content)

    monkeypatch.setattr(Connection, "publish", publish)
    return sent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HubStore]:
    made = HubStore(tmp_path)
    yield made
    made.close()


def hub(store: HubStore) -> HubLink:
    return HubLink(Link(user=subjects.HUB, servers=("nats://127.0.0.1:9",)), store, now=lambda: NOW)


async def receive(link: HubLink, content: bytes, host: str = "laptop") -> None:
    message = Msg(Client(), subject=subjects.news(host), reply="$JS.ACK.NEWS.hub.1", data=content)
    await link._on_news(message)


def told(link: HubLink) -> list[str]:
    return [event.id for event in link.take_news()]


async def test_news_survive_the_bots_death_until_they_were_posted(
    store: HubStore, confirmed: list[bytes]
) -> None:
    first = hub(store)
    await receive(first, news("a").encode())
    assert confirmed == [b"+ACK"]
    # Killed before it asked, and killed before it had posted what it got.
    assert told(hub(store)) == ["laptop:a"]
    third = hub(store)
    assert told(third) == ["laptop:a"]
    assert told(third) == []
    assert told(hub(store)) == []
    await receive(third, news("a").encode())  # its confirmation was lost on the way
    assert told(third) == []


async def test_news_that_cannot_be_kept_are_not_confirmed(
    store: HubStore, confirmed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(news_table.NewsTable, "add", refuse)
    with pytest.raises(OSError, match="full"):
        await receive(hub(store), news("a").encode())
    assert confirmed == []


async def test_what_a_hostile_host_sends_as_news_is_bounded_and_no_end_of_a_decision(
    store: HubStore, confirmed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_table, "MOST", 3)
    link = hub(store)
    for content in (
        b"",
        b"garbage",
        b"[]",
        news("long").encode().replace(b"long", b"x" * 65),
        news("a").encode().replace(b"It crashed.", b"x" * LARGEST_NEWS),
        news("a", FleetEventKind.DELIVERED).encode(),
        news("b", FleetEventKind.REFUSED).encode(),
    ):
        await receive(link, content)
    assert told(link) == []
    for number in range(5):
        await receive(link, news(str(number)).encode())
    await receive(link, news("0").encode(), "studio")
    assert told(link) == ["laptop:0", "laptop:1", "laptop:2", "studio:0"]
    assert set(confirmed) == {b"+ACK"}  # otherwise the server would send them for ever


def test_posted_news_are_forgotten_after_a_while(store: HubStore) -> None:
    store.news.add("laptop", news("a"), NOW)
    store.news.add("laptop", news("b"), NOW)
    store.news.mark_reported([1])
    store.prune(NOW + timedelta(days=KEPT_DAYS, seconds=1))
    assert [each.event.id for each in store.news.unreported()] == ["laptop:b"]
    assert store.news.add("laptop", news("a"), NOW)
    store.forget_host("laptop", NOW)
    assert store.news.unreported() == []
