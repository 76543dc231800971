"""Which snapshots a host has to publish: those of sessions that have changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from samobot.fleet.models import PastSession, SessionView
from samobot.hosts.hub_messages import LARGEST, SessionSnapshot

ACTIVITY_SECONDS = 1.0
"""Shortest time between two snapshots of a session in which only the agent's activity has changed."""

_LONG = 4000
_MANY = 50


class SnapshotPublisher:
    """The sessions as they were published last.

    Args:
        boot: Names this run of the host's program.

    Attributes:
        n: The newest change number that was given out.
        published: The newest change number of what the server has.
    """

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.n = 0
        self.published = 0
        self._known: dict[str, SessionSnapshot] = {}
        self._given: dict[str, SessionView | PastSession | None] = {}
        self._due: dict[str, None] = {}
        self._sent_at: dict[str, float] = {}
        self._later: set[str] = set()

    def update(self, views: Iterable[SessionView], past: Iterable[PastSession], monotonic: float) -> None:
        """Take over a look at all sessions."""
        found: set[str] = set()
        for view in views:
            key = view.ref.key
            found.add(key)
            self._take(key, view, monotonic)
        for each in past:
            found.add(each.key)
            self.note(each.key, past=each)
        for key in self._known.keys() - found:
            self.note(key)

    def _take(self, key: str, view: SessionView, monotonic: float) -> None:
        known = self._given.get(key)
        if known is view:
            return
        recent = monotonic - self._sent_at.get(key, monotonic - ACTIVITY_SECONDS) < ACTIVITY_SECONDS
        if recent and isinstance(known, SessionView) and _differ_in_activity(known, view):
            self._later.add(key)
        elif self.note(key, view=view) is not None:
            self._sent_at[key] = monotonic

    def note(
        self, key: str, *, view: SessionView | None = None, past: PastSession | None = None
    ) -> SessionSnapshot | None:
        """Take over one session as it is now, neither if it is gone; return its snapshot if it has changed."""
        self._later.discard(key)
        given = view if view is not None else past
        if self._given.get(key) == given:
            return None
        self.n += 1
        snapshot = SessionSnapshot(boot=self.boot, n=self.n, key=key, view=bounded(view), past=past)
        self._known[key], self._given[key] = snapshot, given
        self._due[key] = None
        return snapshot

    def current(self, keys: Iterable[str]) -> tuple[SessionSnapshot, ...]:
        """Return the snapshots of these sessions as they were noted last."""
        return tuple(self._known[key] for key in keys if key in self._known)

    def due(self) -> list[SessionSnapshot]:
        """List what the server does not have yet, the oldest change first."""
        return sorted((self._known[key] for key in self._due), key=lambda each: each.n)

    def done(self, snapshot: SessionSnapshot) -> None:
        """Note that the server has a snapshot."""
        self.published = max(self.published, snapshot.n)
        if self._known.get(snapshot.key) is snapshot:
            self._due.pop(snapshot.key, None)
            if self._given[snapshot.key] is None:
                del self._known[snapshot.key], self._given[snapshot.key]

    def repeat_all(self) -> None:
        """Publish everything once more: the server may have lost it."""
        self._due.update(dict.fromkeys(self._known))

    @property
    def has_later(self) -> bool:
        """Whether a change of an agent's activity waits for the next look."""
        return bool(self._later)


def bounded(view: SessionView | None) -> SessionView | None:
    """Return a view that fits into a message: of one that is too large, without old and long texts."""
    if view is None or len(view.model_dump_json()) <= LARGEST:
        return view
    questions = [each for each in view.questions if each.answer is None] or list(view.questions)
    return view.model_copy(
        update={
            "reason": view.reason[:_LONG],
            "needs": view.needs[:_LONG],
            "summary": view.summary[:_LONG],
            "questions": tuple(questions[-_MANY:]),
            "guidance": tuple(
                each.model_copy(update={"text": each.text[: _LONG // 4]}) for each in view.guidance[-_MANY:]
            ),
            "remarks": tuple(
                each.model_copy(update={"text": each.text[: _LONG // 4]}) for each in view.remarks[-_MANY:]
            ),
            "problems": (*view.problems[:5], "It is too large to be shown as a whole from another machine."),
        }
    )


def _differ_in_activity(one: SessionView, other: SessionView) -> bool:
    """Whether nothing but the activity and the time of the change differ."""
    same = {"activity": None, "updated": None}
    return one != other and one.model_copy(update=same) == other.model_copy(update=same)
