"""Projects of other machines as the chat names them, `project@host`, in references and in what calls return. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from samobot.fleet.landing_models import Leftover
from samobot.fleet.models import PastSession, SessionRef, SessionView
from samobot.fleet.results import FleetEvent, ProjectView, StartResult

_T = TypeVar("_T", ProjectView, SessionRef, PastSession, FleetEvent, StartResult, Leftover)


def qualify(name: str, host: str) -> str:
    """Return a project's name with its host."""
    return f"{name}@{host}"


def host_of(project: str) -> str:
    """Return the host that a project's name ends with; empty for one of this machine."""
    return project.rpartition("@")[2] if "@" in project else ""


def plain_name(project: str, host: str) -> str:
    """Return a project's name as its host has it."""
    return project.removesuffix(f"@{host}")


def plain_ref(ref: SessionRef) -> SessionRef:
    """Return a reference as its own host has it."""
    return ref.in_project(ref.project.rpartition("@")[0] or ref.project)


def qualified_key(key: str, host: str) -> str:
    """Return a session's key with its host."""
    project, colon, folder = key.partition(":")
    return f"{qualify(project, host)}{colon}{folder}"


def plain_key(key: str) -> str:
    """Return a session's key as its own host has it."""
    project, colon, folder = key.partition(":")
    return f"{project.rpartition('@')[0] or project}{colon}{folder}"


def qualified(value: _T, host: str) -> _T:
    """Return a value of another machine with its projects' names as the chat has them."""
    if isinstance(value, ProjectView):
        return value.model_copy(update={"name": qualify(value.name, host), "host": host})
    if isinstance(value, SessionRef):
        return value.in_project(qualify(value.project, host))
    if isinstance(value, PastSession):
        return replace(value, key=qualified_key(value.key, host))
    if isinstance(value, Leftover):
        return value.model_copy(update={"session": qualified(value.session, host)})
    ref = qualified(value.ref, host) if value.ref is not None else None
    if isinstance(value, StartResult):
        return value.model_copy(update={"ref": ref, "project": qualify(value.project, host)})
    return value.model_copy(update={"ref": ref, "key": qualified_key(value.key, host)})


def qualified_view(view: SessionView, host: str, away: str, unique: Collection[str] = ()) -> SessionView:
    """Return a session of another machine as the chat has it.

    Args:
        view: The session.
        host: Its host.
        away: Why that cannot be reached, as a sentence; empty if it can.
        unique: Names of projects that no other machine has: they are shown without their host.
    """
    problems = (f"{away} This is what was last known.", *view.problems) if away else view.problems
    label = view.ref.project if view.ref.project in unique else ""
    return view.model_copy(
        update={"ref": qualified(view.ref, host), "problems": problems, "project_label": label}
    )


class QualifiedViews:
    """A host's sessions as the chat has them: the same objects for as long as nothing changes.

    Args:
        host: The host.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._own: list[SessionView] = []
        self._made_for: tuple[str, frozenset[str]] = ("", frozenset())
        self._shown: list[SessionView] = []

    def of(
        self, views: list[SessionView], away: str, unique: frozenset[str] = frozenset()
    ) -> list[SessionView]:
        """Return the sessions as the chat has them.

        Args:
            views: As the host has them; the same list as before if none has changed.
            away: As for `qualified_view`.
            unique: The same.
        """
        made_for = (away, unique)
        if views is not self._own or made_for != self._made_for:
            known = {}
            if made_for == self._made_for:
                known = {id(own): shown for own, shown in zip(self._own, self._shown, strict=True)}
            self._shown = [
                known.get(id(view)) or qualified_view(view, self._host, away, unique) for view in views
            ]
            self._own, self._made_for = views, made_for
        return self._shown
