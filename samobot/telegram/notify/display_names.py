"""Display names of sessions: the name, with its project in front if several projects have one of that name."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.fleet.models import PastSession, SessionView
from samobot.telegram.views.wording import project_of


class DisplayNames:
    """Sets unambiguous names in the views that messages are made from.

    Only the name that is shown becomes longer; project, folder and key stay.
    """

    def __init__(self) -> None:
        self._shared: frozenset[str] = frozenset()
        self._pairs: frozenset[tuple[str, str]] = frozenset()
        self._past: Sequence[PastSession] = ()
        self._displayed: dict[str, tuple[SessionView, SessionView]] = {}

    def update(self, views: Sequence[SessionView], past: Sequence[PastSession] = ()) -> frozenset[str]:
        """Update the names from all sessions.

        Returns:
            The names whose display has changed.
        """
        pairs = frozenset((view.ref.name, view.ref.project) for view in views)
        if pairs == self._pairs and past is self._past:
            return frozenset()
        self._pairs, self._past = pairs, past
        homes: dict[str, set[str]] = {}
        for name, project in pairs:
            homes.setdefault(name, set()).add(project)
        for session in past if homes else ():
            if (others := homes.get(session.name)) is not None:
                others.add(session.project)
        shared = {name for name, projects in homes.items() if len(projects) > 1}
        before, self._shared = self._shared, frozenset(shared)
        if before != self._shared:
            self._displayed.clear()
        return before ^ self._shared

    def displayed(self, view: SessionView) -> SessionView:
        """The view with its display name; the same object again for the same view."""
        if view.ref.name not in self._shared:
            return view
        known = self._displayed.get(view.ref.key)
        if known is None or known[0] is not view:
            longer = view.ref.model_copy(update={"name": f"{project_of(view)}:{view.ref.name}"})
            known = self._displayed[view.ref.key] = (view, view.model_copy(update={"ref": longer}))
        return known[1]
