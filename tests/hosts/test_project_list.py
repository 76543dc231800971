"""Which projects `/run` offers first, and what they are called."""

from __future__ import annotations

from typing import Any, cast

import pytest

from samobot.errors import UsageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.results import ProjectView
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_link import HubLink
from samobot.hosts.hub_messages import Beat
from samobot.hosts.project_list import ProjectList
from samobot.hosts.qualified import qualified_view
from samobot.system.clock import utc_now
from samobot.telegram.notify.display_names import DisplayNames
from samobot.telegram.views.wording import project_of
from tests.support.views import REF, session


class Machines:
    """Hosts as a hub knows them, and this machine's fleet.

    Args:
        own: The projects of this machine.
        hosts: For each host its projects, how many sessions run, how many may, and whether it can be reached.
    """

    def __init__(self, own: list[str], hosts: dict[str, tuple[list[str], int, int, bool]]) -> None:
        self._own = own
        self._given = hosts
        self.hosts = {name: HostState(name) for name in hosts}
        for name, (projects, running, most, _) in hosts.items():
            views = tuple(ProjectView(name=each, repository="/r") for each in projects)
            self.hosts[name].beat = Beat(
                host=name, boot="one", at=utc_now(), projects=views, running=running, most=most
            )

    def host(self, name: str) -> HostState:
        return self.hosts[name]

    def is_online(self, name: str) -> bool:
        return self._given[name][3]

    async def projects(self) -> list[ProjectView]:
        return [ProjectView(name=each, repository="/r") for each in self._own]

    def listed(self, most: int | None = 2) -> ProjectList:
        return ProjectList(cast(Fleet, self), cast(HubLink, self), most)


def busy(count: int) -> list[Any]:
    return [session(has_worker=True) for _ in range(count)]


async def test_machines_that_have_room_come_first_this_one_before_others() -> None:
    machines = Machines(
        ["shop"],
        {
            "away": (["a"], 0, 3, False),
            "full": (["b"], 3, 3, True),
            "little": (["c"], 2, 3, True),
            "much": (["d"], 0, 3, True),
        },
    )
    listed = machines.listed()
    await listed.note_own(busy(1))
    assert [each.name for each in await listed.all()] == ["shop", "d@much", "c@little", "b@full", "a@away"]
    await listed.note_own(busy(2))
    found = await listed.all()
    assert [each.name for each in found] == ["d@much", "c@little", "shop", "b@full", "a@away"]
    assert [each.is_full for each in found] == [False, False, True, True, False]


async def test_a_project_of_one_machine_alone_is_shown_without_it() -> None:
    listed = Machines(
        ["shop", "demo"], {"laptop": (["demo", "web"], 0, 3, True), "studio": (["tool"], 0, 3, True)}
    ).listed()
    await listed.all()
    assert listed.unique() == {"laptop": {"web"}, "studio": {"tool"}}
    assert await listed.host_of("web") == "laptop"
    assert await listed.host_of("demo") == ""
    assert await listed.host_of("nothing") == ""


async def test_a_name_on_several_hosts_has_to_be_said_in_full() -> None:
    listed = Machines([], {"b": (["demo"], 0, 3, True), "a": (["demo"], 0, 3, True)}).listed()
    assert listed.unique() == {"a": frozenset(), "b": frozenset()}
    with pytest.raises(UsageError, match="demo@a, demo@b"):
        await listed.host_of("demo")


def test_a_card_names_the_machine_only_where_it_is_needed() -> None:
    own = session(ref=REF.in_project("demo"))
    unique = qualified_view(own, "laptop", "", {"demo"})
    shared = qualified_view(own, "laptop", "")
    assert (project_of(unique), unique.ref.project) == ("demo", "demo@laptop")
    assert project_of(shared) == "demo@laptop"
    other = session(ref=REF.in_project("web"))
    names = DisplayNames()
    names.update([unique, other])  # two projects have a session of this name
    assert names.displayed(unique).ref.name == f"demo:{REF.name}"
