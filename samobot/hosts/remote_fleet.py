"""The fleet of another machine, as the hub reaches it."""

from __future__ import annotations

from samobot.errors import HostAwayError, NotFoundError, SamobotError
from samobot.fleet.fleet import Fleet
from samobot.fleet.forge import WorkSource
from samobot.fleet.landing_models import (
    Leftover,
    WorkReport,
)
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import (
    CostReport,
    FleetPoll,
    HostView,
    ProjectView,
    StartResult,
    StopReport,
)
from samobot.fleet.start_request import StartRequest
from samobot.hosts.fleet_calls import call_of
from samobot.hosts.host_clock import corrected
from samobot.hosts.hub_messages import decode_view
from samobot.hosts.remote_sessions import RemoteSessions
from samobot.session.gate import Person
from samobot.text import nearest

PANIC_SECONDS = 20.0
"""How long a host may take to stop everything before it counts as not confirmed."""


class RemoteFleet(RemoteSessions):
    """The sessions of one host.

    Lists come from its last snapshots, also while it is away. Reads ask it, and are refused at once if it is away;
    a decision is kept until it has carried it out. Close the link after it.

    Args:
        host: The host's name.
        link: The connection to all hosts.
        now: The clock, aware.
    """

    # Projects and sessions

    async def hosts(self) -> list[HostView]:
        return [each for each in self._link.views() if each.name == self._host]

    async def projects(self) -> list[ProjectView]:
        beat = self.state.beat
        return list(beat.projects) if beat is not None else []

    async def sessions(self) -> list[SessionView]:
        return self.state.sessions()

    async def past(self) -> list[PastSession]:
        return self.state.past()

    async def mark_past(self, keys: list[str]) -> list[PastSession]:
        if not self._link.is_online(self._host):
            return []
        return corrected(await self._read(Fleet.mark_past, keys), self.state.ahead)

    async def view(self, ref: SessionRef) -> SessionView:
        if self._link.is_online(self._host):
            call = call_of(Fleet.view)
            try:
                outcome = await self._link.read(self._host, call.name, call.encode(ref))
            except HostAwayError:
                pass  # it has just become so
            else:
                try:
                    found = decode_view(outcome.result) if not outcome.error else call.value(outcome)
                    return corrected(found, self.state.ahead)
                except (ValueError, TypeError, RecursionError):
                    raise SamobotError(f"What {self._host} has answered cannot be read.") from None
        known = self.state.view(ref.key)
        if known is not None:
            return known
        if any(each.key == ref.key for each in self.state.past()):
            raise HostAwayError(self._link.away(self._host))
        raise NotFoundError(f"There is no session {ref.name} on {self._host}.")

    async def find(self, address: str) -> list[SessionRef]:
        project, _, name = address.rpartition(":")
        return self._found(project.strip().casefold(), name.strip())

    def _found(self, project: str, name: str) -> list[SessionRef]:
        best: dict[str, SessionRef] = {}
        spoken = "-".join(name.casefold().split())
        for ref in self._refs():
            if project and ref.project.casefold() != project:
                continue
            if ref.folder != name and ref.name.casefold() != spoken:
                continue
            known = best.get(ref.project)
            if known is None or (ref.folder == name, ref.folder) > (known.folder == name, known.folder):
                best[ref.project] = ref
        return [best[each] for each in sorted(best)]

    async def nearest(self, name: str) -> str | None:
        return nearest(name.rpartition(":")[2], sorted({ref.name for ref in self._refs()}))

    def _refs(self) -> list[SessionRef]:
        return [view.ref for view in self.state.sessions()] + [each.ref for each in self.state.past()]

    async def free_name(self, project: str, name: str) -> str:
        try:
            return await self._read(Fleet.free_name, project, name)
        except HostAwayError as error:
            raise HostAwayError(f"{error.message} Nothing was started there.") from None

    async def archived(self) -> list[SessionRef]:
        return await self._read(Fleet.archived)

    async def archived_view(self, ref: SessionRef) -> SessionView:
        return corrected(await self._read(Fleet.archived_view, ref), self.state.ahead)

    async def wait_for_change(self) -> bool:
        await self._link.changed.wait()
        return self._link.known.take_hint()

    # Runs

    async def poll(self) -> FleetPoll:
        return FleetPoll(self._link.take_news(), self.state.sessions(), self.state.past())

    async def wait_for_starts(self) -> None:
        if self._link.is_online(self._host):
            await self._read(Fleet.wait_for_starts)

    async def start(self, request: StartRequest, by: Person, *, request_id: str | None = None) -> StartResult:
        self._link.panic.refuse_start()
        return await self._decide(Fleet.start, request, by, request_id=request_id)

    async def panic(self, by: Person) -> list[StopReport]:
        await self._link.panic.set(by.who, by.via, on=True)
        return await self.confirm_panic(by)

    async def confirm_panic(self, by: Person) -> list[StopReport]:
        """Ask the host what it has stopped; a report that is not clean if it does not answer."""
        call = call_of(Fleet.panic)
        try:
            outcome = await self._link.read(self._host, call.name, call.encode(by), seconds=PANIC_SECONDS)
            return call.value(outcome)
        except SamobotError as error:
            words = f"{self._host}: not confirmed. {error.message}"
            return [StopReport(words=words, clean=False, confirmed=False)]

    async def emergency_stop(self) -> str | None:
        return self._link.panic.who or self.state.emergency

    async def refuse_in_panic(self) -> None:
        self._link.panic.refuse_start()
        if self._link.is_online(self._host):
            await self._read(Fleet.refuse_in_panic)

    async def lift_emergency_stop(self) -> bool:
        was_on = self._link.panic.who is not None
        await self._link.panic.set("", "", on=False)
        return await self.confirm_lifted() or was_on

    async def confirm_lifted(self) -> bool:
        """Ask the host whether it had an emergency stop, which is lifted now; False if it is away."""
        return self._link.is_online(self._host) and await self._read(Fleet.lift_emergency_stop)

    # Money

    async def costs(self, days: int) -> CostReport:
        return await self._read(Fleet.costs, days)

    # Landing

    async def work(self, project: str, source: WorkSource, label: str = "") -> WorkReport:
        return await self._read(Fleet.work, project, source, label)

    async def pull_request_diff(self, project: str, number: int) -> str:
        return await self._read(Fleet.pull_request_diff, project, number)

    async def leftovers(self) -> list[Leftover]:
        return await self._read(Fleet.leftovers)

    async def close(self) -> None:
        """Release nothing: the link belongs to all hosts."""
