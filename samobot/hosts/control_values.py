"""What holds for all machines, and what each of them reports for it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from samobot.hosts.message import Message


class ReachedLimit(Message):
    """A usage limit of an account that a session has reached.

    Attributes:
        until: When waiting sessions continue.
        kind: Which limit: `five_hour`, `seven_day`, …; may be empty.
        text: The same for display.
        confirmed: Whether two sessions have reached it.
    """

    until: AwareDatetime
    kind: str = ""
    text: str = ""
    confirmed: bool = False


class MachineReport(Message):
    """What a machine reports of its money and its account's usage limit.

    Attributes:
        day: Its local day, ISO.
        spent_usd: What its sessions have cost on it, in US dollars.
        allowed_usd: What the user has allowed there on top of the day's budget.
        account: Names its account; empty if it is unknown.
        known: Number of the shared limit that it has taken over last.
        reached: A limit that a session there has reached, and the hub has not shared yet.
        answered: Number of the shared limit in spite of which an iteration there was answered; 0 if none was.
        running: Its workers.
        parked: Those of them that wait for a usage limit.
    """

    day: str = ""
    spent_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    allowed_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,80}$")] = ""  # part of a subject
    known: int = 0
    reached: ReachedLimit | None = None
    answered: int = 0
    running: int = 0
    parked: int = 0


class Panic(Message):
    """The emergency stop of all hosts, as it should be.

    Attributes:
        n: Counts its changes; a host carries each out once.
        on: Whether it is pulled.
        who: Who changed it last.
        via: Where.
    """

    n: int
    on: bool
    who: str
    via: str


class DaySpending(Message):
    """What the sessions of all machines have cost on a day, in US dollars.

    Attributes:
        day: The day, ISO.
        cap: What they may cost together, without what was allowed on top; None is no limit.
        spent: What each machine has spent; the hub's own under `subjects.HUB`.
        allowed: What was allowed on top on each machine.
    """

    day: str
    cap: float | None = None
    spent: dict[str, float] = Field(default_factory=dict)
    allowed: dict[str, float] = Field(default_factory=dict)


class SharedLimit(Message):
    """The usage limit of an account, as all its machines should know it.

    Attributes:
        n: Counts its changes.
        limit: The limit; None if none is in force.
        by: The machine that has reached it.
        probe: The machine that tries whether it has reset; empty if any may.
    """

    n: int = 0
    limit: ReachedLimit | None = None
    by: str = ""
    probe: str = ""
