"""What hub and hosts send each other, as JSON.

Hub and host may be of different versions: unknown fields are ignored, new ones have defaults, and a value that this
version does not know costs that value, never the message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, ValidationError

from samobot.fleet.models import PastSession, SessionView
from samobot.fleet.results import FleetEvent, ProjectView
from samobot.hosts.control_values import MachineReport
from samobot.hosts.message import Message
from samobot.session.status import SessionState

OLDEST_PROTOCOL = 1
NEWEST_PROTOCOL = 1
"""Range of the protocol's versions that this program speaks."""

LARGEST = 384 * 1024
"""Bytes of a content; larger ones are cut into parts. Quoted once more it may double, and the server takes 1 MB."""

_NEWER = "This host runs a newer samobot; update the hub to see everything."


class SessionSnapshot(Message):
    """A session as its host last saw it.

    Attributes:
        boot: Names the run of the host's program; change numbers count within it.
        n: The host's change number; a larger one is newer.
        key: The session's key on its host.
        view: The session; None if it is past or gone.
        past: The session in one line; None if it is not past.
    """

    boot: str
    n: int
    key: str
    view: SessionView | None = None
    past: PastSession | None = None

    def is_about(self, key: str) -> bool:
        """Whether everything in it is about this session."""
        keys = {
            self.key,
            *(each.ref.key for each in (self.view,) if each),
            *(each.key for each in (self.past,) if each),
        }
        return keys == {key}


class Seen(Message):
    """What the user saw of a session when deciding: a late decision is not carried out on something else.

    Attributes:
        run: Names the last run.
        gate: Names the open gate.
    """

    run: str | None = None
    gate: str | None = None


class HostDecision(Message):
    """A call of the fleet that changes something, carried out once.

    Attributes:
        id: Hexadecimal; the same for a repetition after a crash.
        call: Name of the method.
        arguments: Its arguments, JSON; empty if they are sent in parts.
        parts: Number of these parts.
        about: What it is about: decisions about the same keep their order.
        at: When the user decided, by the hub's clock.
        seen: What the user saw; None if it is about no known session.
    """

    id: str
    call: str
    arguments: str = ""
    parts: int = 0
    about: str = ""
    at: AwareDatetime
    seen: Seen | None = None


class CallOutcome(Message):
    """How a call ended.

    Attributes:
        error: Name of the error's class; empty if there is none.
        text: The error's message.
        result: What the call returned, JSON; empty if it is sent in parts.
        parts: Number of these parts.
        snapshots: Sessions as the call left them.
    """

    error: str = ""
    text: str = ""
    result: str = ""
    parts: int = 0
    snapshots: tuple[SessionSnapshot, ...] = ()


class DecisionReceipt(Message):
    """A decision was carried out or refused, and that is on the host's disk.

    Attributes:
        id: The decision's.
        at: When, by the host's clock.
        outcome: How it ended.
    """

    id: str
    at: AwareDatetime
    outcome: CallOutcome


class Read(Message):
    """A call of the fleet that changes nothing.

    Attributes:
        call: Name of the method, empty for a part.
        arguments: Its arguments, JSON.
        ticket: Names the outcome whose part is wanted.
        part: Which, from 0.
    """

    call: str = ""
    arguments: str = "{}"
    ticket: str = ""
    part: int = 0


class Fetch(Message):
    """A host asks for a part of a decision's arguments; `part` counts from 0."""

    id: str
    part: int


class Beat(Message):
    """A host lives.

    Attributes:
        host: Its name.
        boot: Names the run of its program.
        at: When, by its own clock.
        n: The newest change number it has published; a hub that knows less is missing something.
        is_whole: Whether everything was published since the start, so that what is older is gone.
        version: Its samobot's.
        oldest_protocol: Range of the protocol's versions that it speaks.
        newest_protocol: The same.
        running: Workers that run.
        most: Workers that may run.
        limits: What counts there for all machines.
        emergency: Who pulled the emergency stop that is in force there; None if there is none.
        panic: Number of the last change of the emergency stop that was carried out there.
        projects: Its projects.
        waits_alone: Whether its sessions wait while it is cut off.
        is_last: Whether the program ends now, in order: the host cannot be reached from then on.
    """

    host: str
    boot: str
    at: AwareDatetime
    n: int = 0
    is_whole: bool = False
    version: str = ""
    oldest_protocol: int = OLDEST_PROTOCOL
    newest_protocol: int = NEWEST_PROTOCOL
    running: int = 0
    most: int = 0
    limits: MachineReport = MachineReport()
    emergency: str | None = None
    panic: int = 0
    projects: tuple[ProjectView, ...] = ()
    waits_alone: bool = False
    is_last: bool = False

    @property
    def is_spoken_here(self) -> bool:
        """Whether this program speaks a version of the protocol that the host does."""
        return self.oldest_protocol <= NEWEST_PROTOCOL and self.newest_protocol >= OLDEST_PROTOCOL


class HostNews(Message):
    """What a host's fleet did automatically.

    Attributes:
        id: Names it; a repetition has the same.
        event: What it did.
    """

    id: Annotated[str, Field(max_length=64)]
    event: FleetEvent


def decode_snapshot(content: bytes) -> SessionSnapshot:
    """Read a snapshot, without the values that this version does not know.

    Raises:
        ValidationError: It is no snapshot.
    """
    try:
        return SessionSnapshot.model_validate_json(content)
    except ValidationError as error:
        data = json.loads(content)
        if not isinstance(data, dict) or not isinstance(data.get("view"), dict):
            raise
        view = _known_part(data["view"], error, ("view",))
        return SessionSnapshot.model_validate({**data, "view": view})


def decode_view(text: str) -> SessionView:
    """Read a session, without the values that this version does not know.

    Raises:
        ValidationError: It is no session.
    """
    try:
        return SessionView.model_validate_json(text)
    except ValidationError as error:
        return _known_part(json.loads(text), error, ())


def decode_outcome(data: dict[str, Any]) -> CallOutcome:
    """Read an outcome, without the snapshots that cannot be read."""
    snapshots = []
    for each in data.get("snapshots", ()):
        try:
            snapshots.append(decode_snapshot(json.dumps(each).encode()))
        except ValueError:
            continue
    return CallOutcome.model_validate({**data, "snapshots": snapshots})


def decode_receipt(content: bytes) -> DecisionReceipt:
    """Read a receipt, also one with a view that this version knows only in part.

    Raises:
        ValueError: It is no receipt.
    """
    data = json.loads(content)
    return DecisionReceipt.model_validate({**data, "outcome": decode_outcome(data["outcome"])})


def split(text: str) -> list[str]:
    """Cut a text into parts that a message can hold."""
    encoded = text.encode()
    parts = [encoded[start : start + LARGEST] for start in range(0, len(encoded), LARGEST)]
    return [part.decode("latin-1") for part in parts]


def join(parts: Sequence[str]) -> str:
    """Put the parts of a text together again."""
    return b"".join(part.encode("latin-1") for part in parts).decode()


def _known_part(view: dict[str, Any], error: ValidationError, prefix: tuple[str, ...]) -> SessionView:
    """Drop from a view what does not validate: the value itself, then what it is in."""
    for _ in range(len(SessionView.model_fields)):
        for each in error.errors():
            _drop(view, each["loc"][len(prefix) :])
        view["problems"] = [*dict.fromkeys([*(view.get("problems") or ()), _NEWER])]
        try:
            return SessionView.model_validate(view)
        except ValidationError as again:
            error, prefix = again, ()
    raise error


def _drop(view: dict[str, Any], place: tuple[int | str, ...]) -> None:
    if not place:
        return
    if place[0] == "state":
        view["state"] = SessionState.IDLE
        return
    parent: Any = view
    for step in place[:-1]:
        try:
            parent = parent[step]
        except (KeyError, IndexError, TypeError):
            return
    last = place[-1]
    if isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        del parent[last]
    elif isinstance(parent, dict) and parent.get(str(last)) is not None and not isinstance(last, int):
        parent[last] = None
    else:
        _drop(view, place[:-1])
