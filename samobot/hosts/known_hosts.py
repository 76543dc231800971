"""What the hub knows of all hosts: from their beats and snapshots, and from its database for those that are away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from nats.aio.msg import Msg

from samobot.fleet.ask_models import AskView
from samobot.fleet.models import SessionView
from samobot.fleet.results import HostView
from samobot.hosts import subjects
from samobot.hosts.host_clock import clock_words
from samobot.hosts.host_state import HostState
from samobot.hosts.hub_messages import Beat, CallOutcome, SessionSnapshot, decode_snapshot
from samobot.hosts.hub_store import HeardHost, HubStore
from samobot.session.status import SessionState

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024 * 1024
"""Of snapshots that one host may have on the server: whoever has a stolen key cannot fill the disk with them."""

SESSION_BYTES = 2048
"""What a session counts beside its snapshot: in memory the smallest one takes a kilobyte, and one with a view seven."""

_MOST_OF_A_CALL = 16
"""Sessions that are taken from the outcome of one call, which is about one."""

_WATCH_SECONDS = 60.0
"""How often a host's missing changes make the hub watch all hosts again, at most."""

_ON_THE_WAY_SECONDS = 5.0
"""How long a change may come after a beat that counts it: a host that starts sends two beats at once."""

_LOOK_SECONDS = 1.0
"""How often it is looked whether a host that owes an answer can still be reached."""

_HEARD_SECONDS = 60.0
"""How often it is kept when a host was last heard of that has nothing else to report."""


class KnownHosts:
    """All hosts that were ever heard of.

    Args:
        store: The hub's database.
        is_connected: Whether the server can be reached now.
        now: The clock, aware.
        monotonic: Seconds that only grow; the age of beats is judged by it.

    Attributes:
        hosts: Each host's state, by name.
        changed: Set with each change.
        limits_changed: Set with each change of what a host reports for all machines.
    """

    def __init__(
        self,
        store: HubStore,
        is_connected: Callable[[], bool],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._is_connected = is_connected
        self._now = now
        self._monotonic = monotonic
        self.changed = asyncio.Event()
        self.limits_changed = asyncio.Event()
        self.hosts: dict[str, HostState] = {}
        self._saved: dict[str, float] = {}
        self._sizes: dict[str, dict[str, int]] = {}  # by host and session; the sum under an empty key
        self._flooding: set[str] = set()
        self._has_need = False
        self._behind: dict[str, float] = {}  # since when changes of a host are missing
        self._missed: dict[str, float] = {}
        for each in store.heard():
            ahead = store.clock_of(each.beat.host)
            self.host(each.beat.host).restore(each.beat, each.at, each.snapshots, ahead)

    def host(self, name: str) -> HostState:
        """Return what is known of a host."""
        state = self.hosts.get(name)
        if state is None:
            state = self.hosts[name] = HostState(name)
        return state

    def is_online(self, name: str) -> bool:
        """Whether a host can be reached now, as far as its beats show."""
        return self._is_connected() and self._reaches(self.host(name))

    def online(self) -> frozenset[str]:
        """Return all hosts that can be reached now."""
        if not self._is_connected():
            return frozenset()
        return frozenset(name for name, state in self.hosts.items() if self._reaches(state))

    def _reaches(self, state: HostState) -> bool:
        now = self._monotonic()
        fits = state.beat is not None and state.beat.is_spoken_here
        return fits and state.is_online(now) and not state.is_doubled(now)

    async def has_answered(self, name: str, answer: asyncio.Future[Any], seconds: float) -> bool:
        """Wait for the answer of a host while it can be reached, for at most so many seconds; whether it has come."""
        deadline = self._monotonic() + seconds
        while not answer.done() and self.is_online(name) and self._monotonic() < deadline:
            await asyncio.wait((answer,), timeout=_LOOK_SECONDS)
        return answer.done()

    def ahead(self, name: str) -> timedelta:
        """Return how far the clock of a host is ahead; zero for one that was removed."""
        state = self.hosts.get(name)
        return state.ahead if state is not None else timedelta()

    def is_doubled(self, name: str) -> bool:
        """Whether two machines use the name of this host."""
        return self.host(name).is_doubled(self._monotonic())

    def away(self, name: str) -> str:
        """Return why a host cannot be asked, as a sentence."""
        state = self.host(name)
        if state.beat is not None and not state.beat.is_spoken_here:
            return f"{name} runs samobot {state.beat.version}, which this one does not understand; update the older one."
        if self.is_doubled(name):
            return (
                f"Two machines run as {name}, so nothing is sent there. On the hub, run “samobot host remove {name}”, "
                "and let each join under a name of its own."
            )
        if state.heard is None:
            return f"{name} has never been reachable."
        heard = state.heard.astimezone()
        is_today = heard.date() == self._now().astimezone().date()
        waits = " Its sessions wait until it is." if state.beat is not None and state.beat.waits_alone else ""
        return f"{name} not reachable since {heard:{'%H:%M' if is_today else '%d %b %H:%M'}}.{waits}"

    def views(self) -> list[HostView]:
        """Return all hosts as users see them, by name."""
        pending = self._store.pending()
        return [self._view(name, pending.get(name, 0)) for name in sorted(self.hosts)]

    def _view(self, name: str, pending: int) -> HostView:
        state, is_online = self.host(name), self.is_online(name)
        beat = state.beat
        return HostView(
            name=name,
            is_online=is_online,
            away="" if is_online else self.away(name),
            running=beat.running if beat is not None else 0,
            most=beat.most if beat is not None else 0,
            sessions=len(state.sessions()),
            pending=pending,
            version=beat.version if beat is not None else "",
            clock=f"Its clock is {words}." if (words := clock_words(state.ahead)) else "",
        )

    def note_beat(self, message: Msg) -> tuple[str, bool]:
        """Take over a beat that has just come.

        Returns:
            The host, empty if the message is no beat of a host; and whether changes of it do not arrive, so that the hub has to watch again.
        """
        host = message.subject.rpartition(".")[2]
        if host == subjects.HUB or not message.data:
            return "", False
        try:
            beat = Beat.model_validate_json(message.data)
        except ValueError as error:
            log.error("a beat of %s cannot be read: %s", host, error)
            return "", False
        if beat.host != host:
            log.error("a beat of %s claims to be one of %s, and is left out", host, beat.host)
            return "", False
        state = self.host(host)
        was_online = self.is_online(host)
        if state.beat is None or state.beat.limits != beat.limits or not was_online:
            self.limits_changed.set()
        if state.note_beat(beat, self._monotonic(), self._now()):
            log.warning("the clock of %s is %s", host, clock_words(state.ahead) or "right again")
            self._store.set_clock(host, state.ahead)
            self.changed.set()
        if not was_online:
            self._save([state])  # before anybody decides about it: a hub that dies then must know it again
        if not was_online or beat.is_last:
            self.changed.set()
        if not state.is_behind:
            self._behind.pop(host, None)
        return host, state.is_behind and self._has_lost_changes(host)

    def _has_lost_changes(self, host: str) -> bool:
        """Whether changes are missing for so long that they will not come, and a new watch may bring them."""
        now = self._monotonic()
        last = self._missed.get(host)
        if now - self._behind.setdefault(host, now) < _ON_THE_WAY_SECONDS:
            return False
        if last is not None and now - last < _WATCH_SECONDS:
            return False  # a host may count what it never sent
        self._missed[host] = now
        return True

    async def on_snapshot(self, message: Msg) -> None:
        """Take over a snapshot that the server has sent."""
        try:
            host, key = subjects.split_snapshot(message.subject.removeprefix(f"$KV.{subjects.SESSIONS}."))
        except ValueError:
            log.error("%s names no session, and is left out", message.subject)
            return
        if not self._has_room(host, key, len(message.data)):
            return
        try:
            snapshot = decode_snapshot(message.data)
        except Exception as error:  # whatever a host sends
            log.error("a session of %s cannot be read: %s", host, error)
            return
        if not snapshot.is_about(key):
            log.error("a session of %s claims to be another one, and is left out: %s", host, key)
            return
        self._note(host, snapshot, watched=True)

    def _has_room(self, host: str, key: str, size: int) -> bool:
        """Count a session of a host; whether the hub takes so much of it."""
        sizes = self._sizes.setdefault(host, {"": 0})
        size += SESSION_BYTES
        sizes[""] += size - sizes.get(key, 0)
        sizes[key] = size
        if sizes[""] > MOST_BYTES:
            self._flooding.add(host)
        return host not in self._flooding

    def _note(self, host: str, snapshot: SessionSnapshot, *, watched: bool) -> None:
        state = self.host(host)
        before = state.view(snapshot.key)
        if state.note(snapshot, watched=watched):
            self._has_need |= _need_of(before) != _need_of(snapshot.view)
            self.changed.set()

    def take_hint(self) -> bool:
        """Note that `changed` is known; return whether a session has begun or ceased to need the user since."""
        self.changed.clear()
        has_need, self._has_need = self._has_need, False
        return has_need

    def note_outcome(self, host: str, outcome: CallOutcome) -> None:
        """Take over the snapshots that came with the outcome of a call."""
        for snapshot in outcome.snapshots[:_MOST_OF_A_CALL]:
            key = snapshot.key
            if snapshot.is_about(key) and self._has_room(host, key, len(snapshot.encode())):
                self._note(host, snapshot, watched=False)

    def take_flooding(self) -> set[str]:
        """Return the hosts that have sent more than they may since the last call; their sessions are forgotten."""
        flooding, self._flooding = self._flooding, set()
        for name in flooding:
            self._sizes.pop(name, None)
            self.host(name).forget_sessions()
            self.changed.set()
        return flooding

    def forget(self, name: str) -> None:
        """Forget a host that was removed."""
        self.hosts.pop(name, None)
        self._saved.pop(name, None)
        self._sizes.pop(name, None)
        self._behind.pop(name, None)
        self.limits_changed.set()
        self.changed.set()

    def save(self, *, at_once: bool = False) -> None:
        """Keep on disk what has changed.

        Args:
            at_once: Keep also when each host was last heard of, whenever that was kept last.

        Raises:
            StorageError: The disk refused.
        """
        oldest = self._monotonic() - _HEARD_SECONDS
        self._save(
            state
            for state in self.hosts.values()
            if at_once or state.has_changes or self._saved.get(state.name, oldest) <= oldest
        )

    def _save(self, states: Iterable[HostState]) -> None:
        heard = [
            HeardHost(state.beat, state.heard, *state.take_changes())
            for state in states
            if state.beat is not None and state.heard is not None
        ]
        if heard:
            self._store.save_heard(heard)
        self._saved.update((each.beat.host, self._monotonic()) for each in heard)


def _need_of(view: SessionView | None) -> tuple[SessionState, str | None, tuple[AskView, ...]] | None:
    """What differs between two snapshots of a session if the user should hear of the change at once."""
    return (view.state, view.gate, view.asks) if view is not None else None
