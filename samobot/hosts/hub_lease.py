"""The hub's lease: two hubs would share the receipts."""

from __future__ import annotations

import asyncio
import contextlib

from samobot.errors import HostAwayError
from samobot.hosts import nats_streams, subjects
from samobot.hosts.connection import Connection, NotStoredError


class HubLease:
    """Lets one hub at a time use the hosts; it runs out if its hub is cut off.

    Args:
        connection: The connection to the server.
        identity: Names this hub.
    """

    def __init__(self, connection: Connection, identity: str) -> None:
        self._connection = connection
        self._identity = identity
        self._subject = subjects.beat(subjects.HUB)
        self._number = 0  # of the lease as this hub took it last; 0 if it has none

    async def take(self) -> None:
        """Become the only hub, or stay it.

        Raises:
            NotStoredError: Another hub has it.
        """
        try:
            self._number = await self._connection.store(
                self._subject, self._identity.encode(), self._expected()
            )
        except NotStoredError:
            found = await self._connection.request(
                f"$JS.API.DIRECT.GET.KV_{subjects.BEATS}.{self._subject}", b"", nats_streams.ACK_SECONDS
            )
            if found.data.decode() not in (self._identity, ""):
                raise NotStoredError("another hub is connected; only one bot can reach the hosts") from None
            # Only in the place of what was read: two hubs may find the lease free at the same time.
            self._number = int((found.headers or {}).get("Nats-Sequence", 0))
            self._number = await self._connection.store(
                self._subject, self._identity.encode(), self._expected()
            )

    async def renew(self) -> None:
        """Stay the only hub until cancelled, or until another has the lease.

        Raises:
            NotStoredError: Another hub has it.
        """
        while True:
            await asyncio.sleep(nats_streams.BEAT_SECONDS)
            await self.take()

    async def release(self) -> None:
        """Let another hub begin at once; if the connection is lost, the lease runs out.

        What another hub has taken meanwhile stays its own.
        """
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self._connection.store(self._subject, b"", {"KV-Operation": "DEL", **self._expected()})

    def _expected(self) -> dict[str, str]:
        """Header with which the server refuses a write if somebody else has written meanwhile."""
        return {"Nats-Expected-Last-Subject-Sequence": str(self._number)}
