"""The bot's fleet if there are hosts: this machine's and each host's behind one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from samobot.errors import SamobotError
from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import WorkSource
from samobot.fleet.landing_models import (
    Leftover,
    WorkReport,
)
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import (
    DECISION_ENDS,
    CostReport,
    FleetPoll,
    HostView,
    ProjectView,
    StartResult,
    StopReport,
)
from samobot.fleet.start_request import StartRequest
from samobot.hosts.hub_link import HubLink
from samobot.hosts.own_sessions import OwnSessions
from samobot.hosts.project_list import ProjectList
from samobot.hosts.qualified import (
    QualifiedViews,
    host_of,
    plain_key,
    plain_name,
    plain_ref,
    qualified,
    qualified_view,
)
from samobot.hosts.remote_fleet import RemoteFleet
from samobot.hosts.session_router import SessionRouter
from samobot.money.costs import merge_costs
from samobot.session.gate import Person
from samobot.text import nearest

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class FleetRouter(SessionRouter):
    """The sessions of this machine and of all hosts.

    A host's projects are named `project@host`; this machine's have their plain names. Lists hold what is known of
    hosts that are away, and never wait for one.

    Args:
        local: This machine's fleet.
        link: The connection to the hosts.
        now: The clock, aware.
        most: How many sessions may run on this machine at the same time.
    """

    def __init__(
        self, local: Fleet, link: HubLink, now: Callable[[], datetime], most: int | None = None
    ) -> None:
        self._local = local
        self._link = link
        self._now = now
        self._remotes: dict[str, RemoteFleet] = {}
        self._views: dict[str, QualifiedViews] = {}
        self._past: tuple[list[list[PastSession]], list[PastSession]] = ([], [])
        self._projects = ProjectList(local, link, most)
        self._own = OwnSessions(local)
        link.start()

    def _hosts(self) -> dict[str, RemoteFleet]:
        for name in self._link.hosts:
            if name not in self._remotes:
                self._remotes[name] = RemoteFleet(name, self._link, self._now)
        return {name: self._remotes[name] for name in sorted(self._link.hosts)}

    def _host_of(self, project: str) -> str:
        """Return the host of a project; empty for this machine, whose projects may have an @ in their names."""
        host = host_of(project)
        return host if host in self._link.hosts else ""

    def _of(self, ref: SessionRef) -> tuple[Fleet, SessionRef]:
        host = self._host_of(ref.project)
        return (self._hosts()[host], plain_ref(ref)) if host else (self._local, ref)

    async def _on_project(self, name: str) -> tuple[str, Fleet, str]:
        """Return host, fleet and own name of a project; the host is empty for this machine.

        Raises:
            UsageError: Several hosts have a project of this name.
        """
        host = self._host_of(name) or await self._projects.host_of(name)
        if not host:
            return "", self._local, name
        return host, self._hosts()[host], plain_name(name, host)

    async def _from_online(
        self, call: Callable[[Fleet], Coroutine[Any, Any, list[_T]]], mark: Callable[[_T, str], _T]
    ) -> list[_T]:
        """Collect a list from this machine and from the hosts that answer."""
        online = {name: fleet for name, fleet in self._hosts().items() if self._link.is_online(name)}
        own, *others = await asyncio.gather(
            call(self._local), *(_unless_away(call(fleet), []) for fleet in online.values())
        )
        return own + [mark(each, name) for name, found in zip(online, others, strict=True) for each in found]

    async def hosts(self) -> list[HostView]:
        own = await self._local.hosts()
        return own + self._link.views()

    async def projects(self) -> list[ProjectView]:
        return await self._projects.all()

    async def sessions(self) -> list[SessionView]:
        return await self._local.sessions() + self._remote_views()

    def _remote_views(self) -> list[SessionView]:
        found, unique, online = [], self._projects.unique(), self._link.known.online()
        for name, state in sorted(self._link.hosts.items()):
            if state.beat is None:  # it has just joined, and what it is will be known in a moment
                continue
            away = "" if name in online else self._link.away(name)
            if name not in self._views:
                self._views[name] = QualifiedViews(name)
            found += self._views[name].of(state.sessions(), away, unique[name])
        return found

    async def past(self) -> list[PastSession]:
        return self._with_past(await self._local.past())

    def _with_past(self, own: list[PastSession]) -> list[PastSession]:
        remote = {name: state.past() for name, state in sorted(self._link.hosts.items())}
        parts = [own, *remote.values()]
        before, joined = self._past
        if len(before) == len(parts) and all(one is other for one, other in zip(before, parts, strict=True)):
            return joined
        joined = own + [qualified(each, name) for name, found in remote.items() for each in found]
        self._past = (parts, joined)
        return joined

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        marked = await self._local.mark_past([key for key in keys if not self._host_of_key(key)])
        for name, fleet in self._hosts().items():
            own = [plain_key(key) for key in keys if self._host_of_key(key) == name]
            if own:
                marked = marked + [
                    qualified(each, name) for each in await _unless_away(fleet.mark_past(own), [])
                ]
        return marked

    def _host_of_key(self, key: str) -> str:
        return self._host_of(key.partition(":")[0])

    async def view(self, ref: SessionRef) -> SessionView:
        fleet, own = self._of(ref)
        view = await fleet.view(own)
        host = self._host_of(ref.project)
        if not host:
            return view
        away = "" if self._link.is_online(host) else self._link.away(host)
        return qualified_view(view, host, away, self._projects.unique()[host])

    async def find(self, address: str) -> list[SessionRef]:
        project, colon, name = address.rpartition(":")
        host = self._host_of(project.strip())
        found = [] if host else await self._local.find(address)
        for each, fleet in self._hosts().items():
            if host in ("", each):
                plain = f"{project.strip().removesuffix(f'@{host}')}{colon}{name}"
                found = found + [qualified(ref, each) for ref in await fleet.find(plain)]
        return found

    async def nearest(self, name: str) -> str | None:
        close = [await self._local.nearest(name)]
        close += [await fleet.nearest(name) for fleet in self._hosts().values()]
        return nearest(name.rpartition(":")[2], sorted({each for each in close if each is not None}))

    async def free_name(self, project: str, name: str) -> str:
        _, fleet, own = await self._on_project(project)
        return await fleet.free_name(own, name)

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        _, fleet, own = await self._on_project(project)
        return await fleet.work(own, source, label)

    async def pull_request_diff(self, project: str, number: int) -> str:
        _, fleet, own = await self._on_project(project)
        return await fleet.pull_request_diff(own, number)

    async def archived(self) -> list[SessionRef]:
        found = await self._from_online(lambda fleet: fleet.archived(), qualified)
        return sorted(found, key=lambda ref: ref.folder, reverse=True)

    async def archived_view(self, ref: SessionRef) -> SessionView:
        fleet, own = self._of(ref)
        view = await fleet.archived_view(own)
        host = self._host_of(ref.project)
        return qualified_view(view, host, "", self._projects.unique()[host]) if host else view

    async def wait_for_change(self) -> bool:
        await self._own.wait_for_change(self._link.changed)
        return self._link.known.take_hint()

    async def poll(self) -> FleetPoll:
        own = await self._own.poll()
        self._link.note_own(own.sessions)
        await self._projects.note_own(own.sessions)
        events = [
            each if each.kind in DECISION_ENDS else qualified(each, each.host)
            for each in self._link.take_news()
        ]
        return FleetPoll(own.events + events, own.sessions + self._remote_views(), self._with_past(own.past))

    async def wait_for_starts(self) -> None:
        await asyncio.gather(
            self._local.wait_for_starts(),
            *(_unless_away(fleet.wait_for_starts(), None) for fleet in self._hosts().values()),
        )

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        host, fleet, project = await self._on_project(request.project)
        own = request.model_copy(update={"project": project})
        started = await fleet.start(own, by, request_id=request_id)
        return qualified(started, host) if host else started

    async def panic(self, by: Person) -> list[StopReport]:
        await self._link.panic.set(by.who, by.via, on=True)
        reports = await asyncio.gather(
            self._local.panic(by), *(fleet.confirm_panic(by) for fleet in self._hosts().values())
        )
        return [each for found in reports for each in found]

    async def emergency_stop(self) -> str | None:
        known = [await self._local.emergency_stop(), self._link.panic.who]
        known += [state.emergency for state in self._link.hosts.values()]
        return next((who for who in known if who is not None), None)

    async def refuse_in_panic(self) -> None:
        await self._local.refuse_in_panic()
        self._link.panic.refuse_start()

    async def lift_emergency_stop(self) -> bool:
        was_on = self._link.panic.who is not None
        await self._link.panic.set("", "", on=False)
        lifted = await asyncio.gather(
            self._local.lift_emergency_stop(),
            *(_unless_away(fleet.confirm_lifted(), False) for fleet in self._hosts().values()),
        )
        return was_on or any(lifted)

    async def costs(self, days: int) -> CostReport:
        hosts = self._hosts()
        own, *others = await asyncio.gather(
            self._local.costs(days), *(_unless_away(fleet.costs(days), None) for fleet in hosts.values())
        )
        found = {name: report for name, report in zip(hosts, others, strict=True) if report is not None}
        missing = [f"{self._link.away(name)} Its costs are missing." for name in hosts if name not in found]
        return CostReport(
            costs=merge_costs(own.costs, {name: report.costs for name, report in found.items()}),
            problems=(
                *own.problems,
                *(each for report in found.values() for each in report.problems),
                *missing,
            ),
            daily_budget_usd=own.daily_budget_usd,
        )

    async def leftovers(self) -> list[Leftover]:
        return await self._from_online(lambda fleet: fleet.leftovers(), qualified)

    async def close(self) -> None:
        await self._link.close()
        await self._own.close()
        await self._local.close()


async def _unless_away(call: Awaitable[_T], default: Any) -> _T:
    """Return what a call returns; the default if its host cannot be reached or fails: others are asked as well."""
    try:
        return await call
    except SamobotError as error:
        log.info("left out of an answer: %s", error.message)
        return default  # type: ignore[no-any-return]
