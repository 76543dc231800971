"""The calls with which the bot reaches sessions, whichever machine they are on."""

from __future__ import annotations

from typing import Protocol

from samobot.fleet.fleet_decisions import FleetDecisions
from samobot.fleet.fleet_landing import FleetLanding
from samobot.fleet.fleet_reads import FleetReads
from samobot.fleet.fleet_runs import FleetRuns


class Fleet(FleetReads, FleetRuns, FleetDecisions, FleetLanding, Protocol):
    """The sessions of all configured projects.

    Arguments and results are values that survive a round trip through JSON: references and models, never paths,
    processes or open files. Every call that names a session raises `NotFoundError` if the session is gone, and
    `StorageError` if the disk refuses.

    Every call may be repeated after a crash. Those that would add something a second time take `request_id`, which
    names what the user sent: a repetition under the same name returns what the first attempt did, and completes
    one that was cut off. None acts each time.
    """

    async def close(self) -> None:
        """Release everything but the workers, which continue."""
