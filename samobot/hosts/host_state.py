"""What the hub knows of one host: its last beat, and the newest snapshot of each of its sessions. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from samobot.fleet.models import PastSession, SessionView
from samobot.hosts.host_clock import HostClock, corrected
from samobot.hosts.hub_messages import Beat, SessionSnapshot
from samobot.hosts.nats_streams import BEAT_SECONDS

AWAY_SECONDS = 2.5 * BEAT_SECONDS
"""A host whose last beat is older cannot be reached."""

_DOUBLED_SECONDS = 6 * BEAT_SECONDS
"""How long a name counts as used by two machines after both have sent beats."""


class HostState:
    """A host as the hub last heard of it.

    Args:
        name: Its name.

    Attributes:
        beat: Its last beat; None if there was none yet.
        heard: When that came, by the hub's clock.
        n: The newest change number that has arrived of its present run.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.beat: Beat | None = None
        self.heard: datetime | None = None
        self.n = 0
        self._heard_at: float | None = None
        self._boot_before = ""
        self._doubled_at: float | None = None
        self._clock = HostClock()
        self._views: dict[str, tuple[SessionSnapshot, SessionView]] = {}  # whose times had to be corrected
        self._known: dict[str, SessionSnapshot] = {}
        self._sessions: list[SessionView] | None = None
        self._past: list[PastSession] | None = None
        self._project_names: tuple[Beat | None, frozenset[str]] = (None, frozenset())
        self._dirty: set[str] = set()

    def is_online(self, monotonic: float) -> bool:
        """Whether its last beat is fresh, and no farewell; a beat read from disk never is."""
        if self._heard_at is None or self.beat is None or self.beat.is_last:
            return False
        return monotonic - self._heard_at <= AWAY_SECONDS

    def is_doubled(self, monotonic: float) -> bool:
        """Whether two machines send beats under this name, as after a copy of a disk: each would do all decisions."""
        return self._doubled_at is not None and monotonic - self._doubled_at <= _DOUBLED_SECONDS

    @property
    def ahead(self) -> timedelta:
        """How far its clock is ahead of the hub's, in whole minutes; negative if it is behind."""
        return self._clock.ahead

    def restore(
        self,
        beat: Beat,
        heard: datetime,
        snapshots: list[SessionSnapshot],
        ahead: timedelta | None = None,
    ) -> None:
        """Take over what was known before the hub's start."""
        self._clock = HostClock(ahead)
        self.beat, self.heard = beat, heard
        self._known = {each.key: each for each in snapshots}
        self._forget_lists()

    def note_beat(self, beat: Beat, monotonic: float, now: datetime) -> bool:
        """Take over a beat that has just come; whether the host's clock turned out to be another one."""
        if self.beat is None or self.beat.boot != beat.boot:
            if beat.boot == self._boot_before:  # a program that is started again has another name
                self._doubled_at = monotonic
            self._boot_before = self.beat.boot if self.beat is not None else ""
            self.n = max((each.n for each in self._known.values() if each.boot == beat.boot), default=0)
        self.beat, self.heard, self._heard_at = beat, now, monotonic
        if beat.is_whole:
            self._forget([key for key, each in self._known.items() if each.boot != beat.boot])
        has_changed = self._clock.note(beat.at, now, monotonic)
        if has_changed:
            self._views = {}
            self._forget_lists()
        return has_changed

    def forget_sessions(self) -> None:
        """Forget all of its sessions, until it sends them again."""
        self._forget(list(self._known))

    def _forget(self, keys: list[str]) -> None:
        for key in keys:
            del self._known[key]
            self._views.pop(key, None)
            self._dirty.add(key)
        if keys:
            self._forget_lists()

    def note(self, snapshot: SessionSnapshot, *, watched: bool) -> bool:
        """Take over a snapshot unless it is old; whether it is news.

        Args:
            snapshot: The snapshot.
            watched: Whether it came in the order in which the server has it; one that came otherwise, with a
                receipt, may be from an earlier run of the host.
        """
        known = self._known.get(snapshot.key)
        boot = self.beat.boot if self.beat is not None else None
        if known is not None and known.boot == snapshot.boot:
            if snapshot.n <= known.n:
                return False
        elif not watched and boot is not None and snapshot.boot != boot:
            return False
        if boot is None or snapshot.boot == boot:
            self.n = max(self.n, snapshot.n)
        self._known[snapshot.key] = snapshot
        self._dirty.add(snapshot.key)
        self._sessions = None
        if snapshot.past is not None or (known is not None and known.past is not None):
            self._past = None
        return True

    @property
    def emergency(self) -> str | None:
        """Who pulled the emergency stop that is in force there, as far as is known; None if there is none."""
        return self.beat.emergency if self.beat is not None else None

    @property
    def project_names(self) -> frozenset[str]:
        """The names of its projects, as it names them; the same object until it sends another beat."""
        beat, names = self._project_names
        if beat is not self.beat:
            names = (
                frozenset(each.name for each in self.beat.projects) if self.beat is not None else frozenset()
            )
            self._project_names = (self.beat, names)
        return names

    @property
    def is_whole(self) -> bool:
        """Whether everything that the host has published since its start has arrived."""
        return self.beat is not None and self.beat.is_whole and not self.is_behind

    @property
    def is_behind(self) -> bool:
        """Whether the host has published something that has not arrived."""
        return self.beat is not None and self.beat.n > self.n

    def sessions(self) -> list[SessionView]:
        """List its sessions that are not past; the same objects as before if nothing has changed."""
        if self._sessions is None:
            found = [self._view(each) for _, each in sorted(self._known.items())]
            self._sessions = [view for view in found if view is not None]
        return self._sessions

    def past(self) -> list[PastSession]:
        """List its past sessions; the same object as before if nothing has changed."""
        if self._past is None:
            found = [each.past for _, each in sorted(self._known.items()) if each.past is not None]
            self._past = corrected(found, self.ahead)
        return self._past

    def view(self, key: str) -> SessionView | None:
        """Return a session as it was last seen; None if it is past or unknown."""
        known = self._known.get(key)
        return self._view(known) if known is not None else None

    def _view(self, snapshot: SessionSnapshot) -> SessionView | None:
        """The session of a snapshot with its times by the hub's clock; the same object for the same snapshot."""
        if snapshot.view is None or not self.ahead:
            return snapshot.view
        known = self._views.get(snapshot.key)
        if known is None or known[0] is not snapshot:
            known = self._views[snapshot.key] = (snapshot, corrected(snapshot.view, self.ahead))
        return known[1]

    @property
    def has_changes(self) -> bool:
        """Whether `take_changes` has something to return."""
        return bool(self._dirty)

    def take_changes(self) -> tuple[list[SessionSnapshot], list[str]]:
        """Return the snapshots that have changed since the last call, and the keys of those that are gone."""
        keys, self._dirty = self._dirty, set()
        changed = [self._known[key] for key in sorted(keys) if key in self._known]
        kept = [each for each in changed if each.view is not None or each.past is not None]
        return kept, sorted(keys - {each.key for each in kept})

    def _forget_lists(self) -> None:
        self._sessions = self._past = None
