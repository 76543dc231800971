"""Display names of sessions: the name, with its project in front if several projects have one of that name."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.fleet.models import SessionView


class DisplayNames:
    """Sets unambiguous names in the views that messages are made from.

    Only the name that is shown becomes longer; project, folder and key stay.
    """

    def __init__(self) -> None:
        self._shared: frozenset[str] = frozenset()
        self._displayed: dict[str, tuple[SessionView, SessionView]] = {}

    def update(self, views: Sequence[SessionView]) -> frozenset[str]:
        """Update the names from all sessions.

        Returns:
            The names whose display has changed.
        """
        homes: dict[str, str] = {}
        shared: set[str] = set()
        for view in views:
            if homes.setdefault(view.ref.name, view.ref.project) != view.ref.project:
                shared.add(view.ref.name)
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
            longer = view.ref.model_copy(update={"name": f"{view.ref.project}:{view.ref.name}"})
            known = self._displayed[view.ref.key] = (view, view.model_copy(update={"ref": longer}))
        return known[1]
