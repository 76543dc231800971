"""The day's money and an account's usage limit travel between machines over a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from samobot.fleet.fleet import Fleet
from samobot.fleet.models import PastSession
from samobot.fleet.results import FleetPoll, ProjectView
from samobot.hosts import hub_control, nats_streams
from samobot.hosts.host import HostService
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_store import HubStore
from samobot.hosts.link import Link, host_link_file, hub_link_file, write_link
from samobot.hosts.machine_limits import MachineLimits
from samobot.hosts.subjects import HUB
from samobot.money import spending
from samobot.money.machine_share import ShareFile
from samobot.system.clock import utc_now
from samobot.worker.usage_limit import AccountLimit, KnownLimit
from tests.support.hosts import soon
from tests.support.nats import nats_server

NOW = utc_now()


class QuietFleet:
    """A machine on which nothing runs."""

    async def poll(self) -> FleetPoll:
        return FleetPoll([], [], [])

    async def projects(self) -> list[ProjectView]:
        return []

    async def past(self) -> list[PastSession]:
        return []

    async def emergency_stop(self) -> None:
        return None

    async def wait_for_change(self) -> bool:
        await asyncio.Event().wait()
        return False


def environment(root: Path, account: str) -> dict[str, str]:
    root.mkdir(parents=True)
    (root / ".claude.json").write_text(json.dumps({"oauthAccount": {"accountUuid": account}}))
    return {"HOME": str(root)}


@asynccontextmanager
async def machine(root: Path, name: str, url: str, account: str) -> AsyncIterator[Path]:
    """A host that serves; its state folder."""
    environ, state = environment(root / name, account), root / name / "state"
    link = Link(user=name, servers=(url,))
    write_link(host_link_file(state), link)
    service = HostService(
        link,
        cast(Fleet, QuietFleet()),
        state_dir=state,
        now=lambda: NOW,
        poll_seconds=60,
        most=3,
        machine=MachineLimits(name, state, environ, lambda: NOW),
    )
    running = asyncio.create_task(service.run())
    try:
        yield state
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def hub(root: Path, url: str, cap_usd: float) -> AsyncIterator[Path]:
    """A hub that is connected; its state folder."""
    state, link = root / "hub" / "state", Link(user=HUB, servers=(url,))
    limits = MachineLimits(HUB, state, environment(root / "hub", "other"), lambda: NOW)
    write_link(hub_link_file(state), link)
    made = HubLink(link, HubStore(state), now=lambda: NOW, machine=limits, cap_usd=cap_usd)
    made.start()
    try:
        yield state
    finally:
        await made.close()


async def test_machines_share_the_days_money_and_their_accounts_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_streams, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(hub_control, "_SECONDS", 0.1)
    monkeypatch.setattr(hub_control, "_SHORTEST_REST", 0.05)
    (tmp_path / "nats").mkdir()
    with nats_server(tmp_path / "nats") as server:
        url = server.url
        async with (
            hub(tmp_path, url, 10) as at_hub,
            machine(tmp_path, "laptop", url, "anna") as laptop,
            machine(tmp_path, "server", url, "anna") as other,
        ):
            spending.add(laptop, NOW, Path("/s"), 6)
            spending.add(other, NOW, Path("/s"), 5)
            machines = (laptop, other, at_hub)
            await soon(lambda: all(spending.day_is_over(each, NOW, None) for each in machines))
            spending.allow(other, NOW, 5, "anna")
            await soon(lambda: not any(spending.day_is_over(each, NOW, None) for each in machines))

            limit = KnownLimit(NOW + timedelta(hours=2), "five_hour", "The limit is reached.", "/s")
            AccountLimit(laptop).record(limit, NOW)
            await soon(lambda: AccountLimit(other).limit(NOW))
            assert AccountLimit(other).limit(NOW) == replace(limit, session="on laptop", shared=1)
            assert AccountLimit(at_hub).limit(NOW) is None, "it has another account"
            await soon(lambda: AccountLimit(laptop).unshared() is None)
            AccountLimit(other).clear()
            await soon(lambda: AccountLimit(laptop).limit(NOW) is None)
            share = ShareFile(laptop)
            # Between its file's replacement and the mark of this fixed time, it seems alone.
            await soon(lambda: not share.is_alone(NOW))
