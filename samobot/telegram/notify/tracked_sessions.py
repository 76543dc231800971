"""What this process has sent about each session, and which sessions have to be rendered again; pure bookkeeping."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from samobot.fleet.models import SessionRef, SessionView
from samobot.session.status import SessionState
from samobot.telegram.notify.limit_notices import is_parked
from samobot.telegram.notify.state import NotifiedState

CARD_EVERY = timedelta(seconds=15)
"""How often a running card is rendered again without new activity, as it shows the elapsed minutes."""

PAST_AFTER = timedelta(hours=1)
"""How long nothing has happened to a session that is past."""


@dataclass(slots=True)
class TrackedSession:
    """What is known of a session in this process.

    Attributes:
        view: The view that was sent last.
        state: What was sent.
        card_at: When its card was rendered.
    """

    view: SessionView
    state: NotifiedState
    card_at: datetime


class TrackedSessions:
    """The sessions that this process has sent something about.

    Attributes:
        known: The sessions, by key.
        parked: The keys of those that wait for a limit.
    """

    def __init__(self) -> None:
        self.known: dict[str, TrackedSession] = {}
        self.parked: set[str] = set()
        self._due: dict[str, datetime] = {}  # when sessions have to be rendered again even without a change
        self._running: set[str] = set()

    def is_due(self, view: SessionView, now: datetime) -> bool:
        """Whether there may be something to send about a session."""
        known, due = self.known.get(view.ref.key), self._due.get(view.ref.key)
        if known is None or (due is not None and due <= now):
            return True
        return known.view is not view and known.view != view

    def is_past(self, view: SessionView, now: datetime) -> bool:
        """Whether all has been said of a session, and nothing is to be expected of it."""
        known = self.known.get(view.ref.key)
        if known is None or view.ref.key in self._due or (known.view is not view and known.view != view):
            return False
        quiet = view.updated is None or view.updated < self.quiet_since(now)
        return quiet and not view.wanted and known.state.need is None and known.state.auto_at is None

    def quiet_since(self, now: datetime) -> datetime:
        """Return the time after which nothing may have changed in a session that is past."""
        return now - PAST_AFTER

    def due_keys(self, now: datetime) -> set[str]:
        """Return the sessions that have to be rendered again even without a change."""
        return {key for key, due in self._due.items() if due <= now}

    def mark_due(self, names: Collection[str], now: datetime) -> None:
        """Render sessions of these names again with the next poll."""
        if not names:
            return
        self._due.update((key, now) for key in self.known if SessionRef.from_key(key).name in names)

    def mark_failed(self, key: str, now: datetime) -> None:
        """Render a session again with the next poll: what was to be sent about it may not have been accepted."""
        if key in self.known:
            self._due[key] = now

    def card_is_due(self, view: SessionView, now: datetime) -> bool:
        """Whether the card is rendered again; for activity alone not more often than the chat could show it."""
        known = self.known.get(view.ref.key)
        return known is None or self.has_moved(view) or now >= known.card_at + self._card_pause()

    def has_moved(self, view: SessionView) -> bool:
        """Whether more than activity has happened to a session since something was sent about it."""
        known = self.known.get(view.ref.key)
        return known is not None and _card_marks(known.view) != _card_marks(view)

    def note(self, view: SessionView, state: NotifiedState, now: datetime, *, card_shown: bool) -> None:
        """Note what was sent about a session.

        Args:
            view: The view that was sent.
            state: What was sent in all.
            now: The time.
            card_shown: Whether its card was rendered.
        """
        key, known = view.ref.key, self.known.get(view.ref.key)
        card_at = now if card_shown or known is None else known.card_at
        is_running = view.state is SessionState.RUNNING
        self.known[key] = TrackedSession(view, state, card_at)
        if is_running or not card_shown:
            self._due[key] = now + CARD_EVERY if card_shown else card_at + self._card_pause()
        else:
            self._due.pop(key, None)
        (self._running.add if is_running else self._running.discard)(key)
        (self.parked.add if is_parked(view) else self.parked.discard)(key)

    def forget(self, key: str) -> None:
        """Keep nothing more of a session."""
        self.known.pop(key, None)
        self._due.pop(key, None)
        self._running.discard(key)
        self.parked.discard(key)

    def _card_pause(self) -> timedelta:
        """A chat takes one edit a second, and all running cards share it."""
        return timedelta(seconds=len(self._running))


def _card_marks(view: SessionView) -> tuple[object, ...]:
    """The parts of a card that should be updated at once."""
    return (
        view.state,
        view.phase,
        view.iteration,
        view.gate,
        view.end,
        view.guidance,
        view.place,
        view.wanted,
        view.pausing,
        view.permissions,
    )
