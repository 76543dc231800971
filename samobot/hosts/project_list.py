"""The projects of this machine and of all hosts, those first whose machine can be reached and has room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from samobot.errors import UsageError
from samobot.fleet.fleet import Fleet
from samobot.fleet.models import SessionView
from samobot.fleet.results import ProjectView
from samobot.hosts.hub_link import HubLink
from samobot.hosts.qualified import qualified, qualify


class ProjectList:
    """The projects, and which of their names belong to one machine alone.

    Args:
        local: This machine's fleet.
        link: The connection to the hosts.
        most: How many sessions may run on this machine at the same time; None counts none.
    """

    def __init__(self, local: Fleet, link: HubLink, most: int | None) -> None:
        self._local = local
        self._link = link
        self._most = most
        self._running = 0
        self._own: frozenset[str] | None = None
        self._unique: dict[str, frozenset[str]] = {}
        self._unique_of: object = None

    async def note_own(self, views: Iterable[SessionView]) -> None:
        """Take over a look at the sessions of this machine."""
        self._running = sum(1 for view in views if view.has_worker)
        if self._own is None:
            await self._read_own()

    async def all(self) -> list[ProjectView]:
        """List all projects; of machines that have room alike, this one first."""
        own = await self._read_own()
        if self._most is not None and self._running >= self._most:
            own = [each.model_copy(update={"is_full": True}) for each in own]
        found = [((False, each.is_full, False, 0), each) for each in own]
        for name in self._link.hosts:
            beat, is_online = self._link.host(name).beat, self._link.is_online(name)
            room = beat.most - beat.running if beat is not None else 0
            reach = {"is_away": not is_online, "is_full": is_online and room <= 0}
            for each in self._of(name):
                shown = qualified(each, name).model_copy(update=reach)
                found.append(((shown.is_away, shown.is_full, True, -room), shown))
        return [project for _, project in sorted(found, key=lambda each: (each[0], each[1].host))]

    def unique(self) -> dict[str, frozenset[str]]:
        """Return for each host the names of projects that no other machine has."""
        names = {host: state.project_names for host, state in self._link.hosts.items()}
        if (self._own, names) != self._unique_of:
            counts = Counter(self._own or ())
            for each in names.values():
                counts.update(each)
            self._unique = {
                host: frozenset(name for name in found if counts[name] == 1) for host, found in names.items()
            }
            self._unique_of = (self._own, names)
        return self._unique

    async def host_of(self, project: str) -> str:
        """Return the host that a project without one in its name is on; empty for this machine.

        Raises:
            UsageError: Several hosts have a project of this name.
        """
        own = await self._read_own()
        others = sorted(
            host for host in self._link.hosts if any(each.name == project for each in self._of(host))
        )
        if any(each.name == project for each in own) or not others:
            return ""
        if len(others) > 1:
            choices = ", ".join(qualify(project, each) for each in others)
            raise UsageError(f"Several machines have a project {project}: {choices}.")
        return others[0]

    async def _read_own(self) -> list[ProjectView]:
        own = await self._local.projects()
        self._own = frozenset(each.name for each in own)
        return own

    def _of(self, host: str) -> tuple[ProjectView, ...]:
        """The projects of a host, as it names them."""
        beat = self._link.host(host).beat
        return beat.projects if beat is not None else ()
