"""How often this machine's sessions are looked at while sessions of hosts change all the time."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from samobot.errors import StorageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.results import FleetPoll
from samobot.hosts.own_sessions import LONGEST_SECONDS, OwnSessions
from tests.support.views import session


class Machine:
    def __init__(self) -> None:
        self.now = 0.0
        self.polls = 0
        self.is_broken = False
        self.waits = 0
        self.changed = asyncio.Event()
        self.own = OwnSessions(cast(Fleet, self), lambda: self.now)

    async def poll(self) -> FleetPoll:
        self.polls += 1
        if self.is_broken:
            raise StorageError("The disk refuses.")
        return FleetPoll([], [session()], [])

    async def wait_for_change(self) -> bool:
        self.waits += 1
        await self.changed.wait()
        self.changed.clear()
        return False


async def test_a_change_on_a_host_is_no_reason_to_look_at_this_machine_again() -> None:
    machine, on_hosts = Machine(), asyncio.Event()
    first = await machine.own.poll()
    on_hosts.set()
    await machine.own.wait_for_change(on_hosts)
    again = await machine.own.poll()
    assert (machine.polls, again.sessions) == (1, first.sessions)
    assert again.sessions[0] is first.sessions[0]
    machine.now += LONGEST_SECONDS
    await machine.own.poll()
    assert machine.polls == 2, "a hint may be missing"


async def test_a_change_on_this_machine_is_looked_at_though_hosts_change_as_well() -> None:
    machine, on_hosts = Machine(), asyncio.Event()
    await machine.own.poll()
    machine.changed.set()
    on_hosts.set()
    await machine.own.wait_for_change(on_hosts)
    await machine.own.poll()
    assert machine.polls == 2
    await machine.own.poll()
    assert machine.polls == 2, "it is known now"


async def test_changes_on_hosts_do_not_begin_another_wait_for_this_machine() -> None:
    machine, on_hosts = Machine(), asyncio.Event()
    for _ in range(3):
        on_hosts.set()
        await machine.own.wait_for_change(on_hosts)
        on_hosts.clear()
    assert machine.waits == 1
    machine.changed.set()
    await machine.own.wait_for_change(on_hosts)
    await machine.own.poll()
    on_hosts.clear()
    machine.changed.set()
    await machine.own.wait_for_change(on_hosts)
    await machine.own.poll()
    assert (machine.waits, machine.polls) == (2, 2)
    await machine.own.close()


async def test_a_look_that_failed_is_repeated() -> None:
    machine = Machine()
    await machine.own.poll()
    machine.now += LONGEST_SECONDS
    machine.is_broken = True
    with pytest.raises(StorageError):
        await machine.own.poll()
    machine.is_broken = False
    await machine.own.poll()
    assert machine.polls == 3
