"""What a host's fleet did automatically reaches the hub, whenever the host is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from samobot.errors import StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.results import FleetEvent, FleetEventKind, FleetPoll, ProjectView
from samobot.hosts import news_journal
from samobot.hosts.connection import Connection, NotStoredError
from samobot.hosts.host import HostService
from samobot.hosts.hub_messages import HostNews
from samobot.hosts.link import Link
from samobot.hosts.news_journal import NewsJournal
from samobot.system.clock import utc_now


def event(text: str) -> FleetEvent:
    return FleetEvent(ref=None, key="demo:26-01-15-greet", kind=FleetEventKind.GAVE_UP, text=text)


class GivesUp:
    """A fleet that gives up a run at its first look, and withdraws that run at the next one."""

    def __init__(self, *events: FleetEvent) -> None:
        self.events = list(events)

    async def poll(self) -> FleetPoll:
        events, self.events = self.events, []
        return FleetPoll(events, [], [])

    async def projects(self) -> list[ProjectView]:
        return []


def host(state_dir: Path, *events: FleetEvent) -> HostService:
    link = Link(user="laptop", servers=("nats://127.0.0.1:9",))
    fleet = cast(Fleet, GivesUp(*events))
    return HostService(link, fleet, state_dir=state_dir, now=utc_now, poll_seconds=60, most=3)


async def publish(service: HostService) -> None:
    """Let a host publish what is due, until that is done or the connection breaks."""
    publishing = asyncio.ensure_future(service._publish())
    while service._news.first is not None and not publishing.done():
        await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait([publishing])


async def test_news_of_a_host_that_is_killed_come_with_its_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[bytes] = []
    confirmed = False

    async def store(_: Connection, subject: str, content: bytes, *__: object) -> int:
        stored.append(content)
        if not confirmed:
            raise NotStoredError("the link was cut")
        return 1

    monkeypatch.setattr(Connection, "store", store)
    # Killed after the look that withdraws the run, without a connection.
    first = host(tmp_path, event("a"), event("b"))
    await first.look()
    await first.look()
    # Killed after the server has stored the news, before it has confirmed them.
    second = host(tmp_path)
    await second.look()
    await publish(second)
    confirmed = True
    third = host(tmp_path)
    await third.look()
    await publish(third)
    sent = [HostNews.model_validate_json(each) for each in stored]
    assert [each.event.text for each in sent] == ["a", "a", "b"]
    assert sent[0].id == sent[1].id, "the hub takes a repetition for what it is"
    assert host(tmp_path)._news.first is None


def test_a_disk_that_refuses_costs_no_news_and_many_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.")

    journal = NewsJournal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(news_journal, "write_atomic", refuse)
        journal.add([event("a")])
    assert journal.first is not None
    assert NewsJournal(tmp_path).first is None
    journal.done(journal.first)
    monkeypatch.setattr(news_journal, "MOST", 2)
    journal.add(map(event, "bcd"))
    again = NewsJournal(tmp_path)
    assert again.first is not None
    assert again.first.event.text == "c"
    (tmp_path / "hosts" / news_journal.FILE_NAME).write_text("[{")
    assert NewsJournal(tmp_path).first is None
