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

    async def take(self, last: int = 0) -> int:
        """Become the only hub, or stay it.

        Args:
            last: The lease's number so far; 0 if this hub has none.

        Returns:
            The lease's number.

        Raises:
            NotStoredError: Another hub has it.
        """
        expected = {"Nats-Expected-Last-Subject-Sequence": str(last)}
        try:
            return await self._connection.store(self._subject, self._identity.encode(), expected)
        except NotStoredError:
            found = await self._connection.request(
                f"$JS.API.DIRECT.GET.KV_{subjects.BEATS}.{self._subject}", b"", nats_streams.ACK_SECONDS
            )
            if found.data.decode() not in (self._identity, ""):
                raise NotStoredError("another hub is connected; only one bot can reach the hosts") from None
            return await self._connection.store(self._subject, self._identity.encode())

    async def renew(self, lease: int) -> None:
        """Stay the only hub until cancelled, or until another has the lease.

        Raises:
            NotStoredError: Another hub has it.
        """
        while True:
            await asyncio.sleep(nats_streams.BEAT_SECONDS)
            lease = await self.take(lease)

    async def release(self) -> None:
        """Let another hub begin at once; if the connection is lost, the lease runs out."""
        with contextlib.suppress(NotStoredError, HostAwayError):
            await self._connection.store(self._subject, b"", {"KV-Operation": "DEL"})
